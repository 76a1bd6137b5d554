# SPDX-License-Identifier: GPL-3.0-or-later
"""Canary recipes: git repositories made from tests/canaries/<name>, and what each must come out as.

    made = canary.make_repo("green", "/tmp/x/green")      # a repository on branch main, HEAD at the pull request's head
    made.head, made.tags, made.main                       # commits; {tag: commit}; the newest released commit
    expect = canary.load("green")["expect"]

A canary may have a suite: suite.yml, and whatever else lies in its folder beside canary.yml, head/ and versions/.

canary.yml of a canary:

    history:                what is committed, oldest first. The files of versions/<version>/ are laid over those of
                            the commit before; the one without a tag is the head and its files are in head/.
      - {version, tag: annotated|lightweight}
    values: {NAME: text}    what stands for @NAME@ in the files unless make_repo() is told another one. @VERSION@ is
                            the version, @APP_VERSION@ its part behind the plus sign.
    needs: registry         @REGISTRY@ is the address of tests/standin/registry
    registry: word          what that is switched to
    images: [name]          the images of tests/lib/images.py that it needs; all by default
    switches: [name]        faults of the abra stand-in that are on
    arguments: [word]       of ccci-run besides
    recipe_tests_allow: list    the setting of that name, for this canary
    expect:                 what ccci-run must say
      verdict, exit, level  words and numbers of docs/contracts.md, sections 4 and 7
      stages: {name: outcome}
      head, base            versions; base: "" when there is none
      tests: {stage: {name: outcome}}   some of what a stage tested one by one
      allowed               words of the suite's allow that let something through
      says, says_not        texts that must, must not appear in the reasons and the evidence
      within_s              how long after the start of the stage that fails its verdict may take

Branch main ends at the newest tag, branch `pull` one commit later, at the head. Dates and names are fixed, so the same
canary makes the same commits everywhere.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field

import yaml

DIRECTORY = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "canaries")
FIRST_DATE = 1_700_000_000


@dataclass
class Repository:
    path: str
    head: str = ""
    main: str = ""
    tags: dict = field(default_factory=dict)


def names():
    return sorted(name for name in os.listdir(DIRECTORY) if os.path.exists(os.path.join(DIRECTORY, name, "canary.yml")))


def load(name, below=DIRECTORY):
    with open(os.path.join(below, name, "canary.yml"), encoding="utf-8") as file:
        return yaml.safe_load(file)


def suite(name):
    """The directory of the canary's own suite.yml; None when it needs none."""
    path = os.path.join(DIRECTORY, name, "suite.yml")
    return os.path.dirname(path) if os.path.exists(path) else None


def needs(name, below=DIRECTORY):
    """The canaries that are deployed beside it. below: where other suites are."""
    with open(os.path.join(below, name, "suite.yml"), encoding="utf-8") as file:
        return (yaml.safe_load(file) or {}).get("needs", [])


def suite_files(name):
    """The paths of its suite below that directory: all but the recipe's files and what is expected."""
    for base, _, names in os.walk(suite(name)):
        for file in names:
            path = os.path.relpath(os.path.join(base, file), suite(name))
            if path != "canary.yml" and path.split(os.sep)[0] not in ("head", "versions"):
                yield path


def copy_suite(name, directory):
    for path in suite_files(name):
        os.makedirs(os.path.dirname(os.path.join(directory, path)), exist_ok=True)
        shutil.copy(os.path.join(suite(name), path), os.path.join(directory, path))


def make_repo(name, destination, below=DIRECTORY, **values):
    """Makes the canary's repository with its work tree at the head, in a directory that does not exist yet. below: where
    other recipes of the same form are."""
    spec = load(name, below)
    values = {**spec.get("values", {}), **values}
    os.makedirs(destination)
    git = _Git(destination)
    git("init", "--quiet", "--initial-branch=main")
    made = Repository(destination)
    templates = {}
    for number, commit in enumerate(spec["history"]):
        version, tag = commit["version"], commit.get("tag")
        directory = os.path.join(below, name, *(("versions", version) if tag else ("head",)))
        templates.update(_read_tree(directory))
        _write_tree(destination, templates, {**values, "VERSION": version, "APP_VERSION": version.partition("+")[2]})
        git.date = FIRST_DATE + 86400 * number
        if not tag:
            made.main = _head(git) if number else ""
            git("checkout", "--quiet", "-b", "pull")
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "-m", f"chore: publish {version} release" if tag else f"feat: {version}")
        made.head = _head(git)
        if tag == "annotated":
            git("tag", "--annotate", version, "-m", f"chore: publish {version} release")
        elif tag:
            git("tag", version)
        if tag:
            made.tags[version] = made.head
    if not made.main:  # a recipe that was never released: main is its first commit
        git("branch", "--quiet", "--force", "main", "pull")
        made.main = made.head
    return made


class _Git:
    def __init__(self, directory):
        self.directory, self.date = directory, FIRST_DATE

    def __call__(self, *args):
        person = {"NAME": "Canary Maker", "EMAIL": "canary@example.org", "DATE": f"{self.date} +0000"}
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LC_ALL": "C.UTF-8",
                       "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
        for role in ("AUTHOR", "COMMITTER"):
            environment.update({f"GIT_{role}_{key}": value for key, value in person.items()})
        return subprocess.run(["git", "-C", self.directory, *args], env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def _head(git):
    return git("rev-parse", "HEAD")


def _read_tree(directory):
    """{relative path: (bytes, is executable)}; a file named *.removed takes that file away."""
    found = {}
    for base, _, files in os.walk(directory):
        for file in files:
            path = os.path.join(base, file)
            with open(path, "rb") as opened:
                found[os.path.relpath(path, directory)] = (opened.read(), os.access(path, os.X_OK))
    return found


def _write_tree(destination, templates, values):
    for name in [name for name in templates if name.endswith(".removed")]:
        templates.pop(name.removesuffix(".removed"), None)
        templates.pop(name)
    for entry in os.listdir(destination):
        if entry != ".git":
            path = os.path.join(destination, entry)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
    for name, (data, is_executable) in templates.items():
        for key, value in values.items():
            data = data.replace(f"@{key}@".encode(), str(value).encode())
        path = os.path.join(destination, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o755 if is_executable else 0o644)
