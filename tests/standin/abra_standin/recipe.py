# SPDX-License-Identifier: GPL-3.0-or-later
"""A recipe's checkout: what abra does to it with git before nearly every command (H7 to H9), its versions and
its lint (H13). No lock is taken: two calls on one ABRA_DIR race, the last checkout wins (H31). The list of habits is in
tests/standin/README.md."""

import functools
import json
import os
import re
import shutil
import subprocess

from . import home, terminal
from .terminal import Fatal

_VERSION = re.compile(r"^v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?\+(.+)$")
_EXPORT = re.compile(r"^\s*export\s+([A-Za-z_][A-Za-z0-9_]*)=(.*)$")
_FUNCTION = re.compile(r"^(?:function\s+)?([A-Za-z_][A-Za-z0-9_-]*)\s*\(\)", re.MULTILINE)


class Recipe:
    def __init__(self, name):
        self.name = name
        self.path = os.path.join(home.directory(), "recipes", home.escape_recipe_name(name))

    def file(self, name):
        return os.path.join(self.path, name)

    def read(self, name):
        try:
            with open(self.file(name), encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def git(self, *args, check=True):
        """What git printed; None when it failed and that was allowed."""
        environment = dict(os.environ, GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", LC_ALL="C.UTF-8")
        result = subprocess.run([_git(), "-C", self.path, "-c", "safe.directory=*", *args], env=environment,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return result.stdout.strip()
        if check:
            lines = [line for line in result.stderr.splitlines() if line.startswith(("fatal:", "error:"))]
            raise Fatal(f"git {args[0]} in {self.path}: {(lines or [f'exit code {result.returncode}'])[0]}")
        return None

    def head(self):
        return self.git("rev-parse", "HEAD")

    def is_dirty(self):
        """Untracked files count (H7)."""
        return bool(self.git("status", "--porcelain"))

    def chaos_version(self):
        return self.head()[:8] + ("+U" if self.is_dirty() else "")

    def versions(self):
        """Tags that are versions, oldest first."""
        tags = self.git("tag", "--list").splitlines()
        return sorted((tag for tag in tags if _VERSION.match(tag)), key=version_key)

    def has_version(self, version):
        return self.git("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}", check=False) is not None

    def default_branch(self):
        for name in ("main", "master"):
            if self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{name}", check=False):
                return name
        raise Fatal(f"failed to select default branch in {self.path}")

    def ensure_exists(self):
        if not os.path.isdir(self.path):
            clone(self)

    def ensure(self, context, pin=""):
        """What stands in front of nearly every command. With chaos nothing is looked at and nothing touched (H8)."""
        self.ensure_exists()
        if context.chaos:
            return
        if self.is_dirty():
            raise Fatal(f"{self.name} ({self.path}) has locally unstaged changes? please commit/remove your changes "
                        "before proceeding")
        if not context.offline:
            self.update()
        if pin.endswith("+U"):
            raise Fatal(f"can not redeploy chaos version {pin} without --chaos")
        if pin and not self.has_version(pin):
            raise Fatal(f"unable to check out {pin}: no such version of {self.name}")
        self.checkout(pin or self.default_branch())

    def checkout(self, what):
        terminal.debug(f"checking out {what} in {self.path}")
        self.git("checkout", "--quiet", what)

    def update(self):
        """git fetch and a fast-forward of the default branch (H9)."""
        self.git("fetch", "--quiet", "--tags", "origin")
        branch = self.default_branch()
        if self.git("rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{branch}", check=False):
            self.git("checkout", "--quiet", branch)
            self.git("merge", "--quiet", "--ff-only", f"origin/{branch}")

    def sample_env(self):
        text = self.read(".env.sample")
        if text is None:
            raise Fatal(f"{self.name} has no .env.sample")
        return home.parse_env(text)

    def abra_sh_exports(self):
        """`export NAME=value` lines of abra.sh: read, not executed (B.8)."""
        exports = {}
        for line in (self.read("abra.sh") or "").splitlines():
            match = _EXPORT.match(line)
            if match:
                exports[match[1]] = match[2].split(" #")[0].strip().strip("\"'")
        return exports

    def abra_sh_functions(self):
        return _FUNCTION.findall(self.read("abra.sh") or "")


@functools.cache
def _git():
    path = shutil.which("git", path=os.environ.get("PATH", "") + ":/usr/bin:/bin")
    if not path:
        raise Fatal("git is not installed")
    return path


def version_key(version):
    """Ascending order: the maintainer's semver first, then the app's version, numbers as numbers."""
    match = _VERSION.match(version)
    left = (int(match[1]), int(match[2]), int(match[3]), match[4] is None, match[4] or "")
    right = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|[^\d.]+", match[5])]
    return left, right


def is_version(version):
    return bool(_VERSION.match(version))


def catalogue():
    try:
        with open(os.path.join(home.directory(), "catalogue", "recipes.json"), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise Fatal(f"unable to read the catalogue: {error}") from None


def clone(recipe):
    """The real one clones from the Internet. Here the catalogue must name a repository on this machine."""
    repository = catalogue().get(recipe.name, {}).get("repository", "")
    if not repository.startswith(("file://", "/")):
        raise Fatal(f"unable to clone {recipe.name}: the stand-in's catalogue names no repository on this machine")
    result = subprocess.run([_git(), "clone", "--quiet", repository, recipe.path], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, check=False)
    if result.returncode:
        raise Fatal(f"unable to clone {recipe.name}: {result.stderr.strip()}")
