# SPDX-License-Identifier: GPL-3.0-or-later
"""ABRA_DIR and the env files in it (H1, H6, H11 of tests/standin/README.md)."""

import os
import re

from lib import docker

from .terminal import Fatal

MAX_STACK_NAME = 45

_ASSIGNMENT = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.]*)\s*=[ \t]*(.*)$")
_TYPE_LINE = re.compile(r"^(\s*(?:export\s+)?(?:TYPE|RECIPE)=)([\"']?)([^\"'#\s]*)(.*)$", re.MULTILINE)
_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")


def directory():
    if os.environ.get("ABRA_DIR"):
        return os.path.abspath(os.environ["ABRA_DIR"])
    if os.environ.get("HOME"):
        return os.path.join(os.path.abspath(os.environ["HOME"]), ".abra")
    raise Fatal("unable to find a home: neither ABRA_DIR nor HOME is set")


def servers():
    """Names of the servers; a server is a directory."""
    path = os.path.join(directory(), "servers")
    try:
        return sorted(name for name in os.listdir(path) if os.path.isdir(os.path.join(path, name)))
    except FileNotFoundError:
        return []


def server_directory(server):
    return os.path.join(directory(), "servers", server)


def connect(server):
    """From now on the engine is the server's (H6): this machine's own for `default`, else a docker context of its name."""
    config = os.environ.get("DOCKER_CONFIG") or os.path.join(os.environ.get("HOME", "/"), ".docker")
    if server == "default":
        docker.use()
    elif not docker.use_context(server, config):
        raise Fatal(f"unable to get context for {server}")


def parse_env(text):
    """(values, modifiers) of an env file. Modifiers are the `# key=value key=value` behind a value."""
    values, modifiers = {}, {}
    for line in text.splitlines():
        match = _ASSIGNMENT.match(line)
        if not match:
            if line.strip() and not line.lstrip().startswith("#"):
                raise Fatal(f"unexpected line in the env file: {line.strip()[:60]!r}")
            continue
        name, rest = match.groups()
        if rest[:1] in ("'", '"'):
            end = rest.find(rest[0], 1)
            if end < 0:
                raise Fatal(f"unterminated quote of {name} in the env file")
            value, comment = rest[1:end], rest[end + 1:]
            values[name] = value if rest[0] == "'" else _expand(value, values)
        else:
            value, hash_sign, comment = _cut_comment(rest)
            values[name] = _expand(value.rstrip(), values)
            comment = hash_sign + comment
        comment = comment.partition("#")[2]
        modifiers[name] = dict(word.split("=", 1) for word in comment.split() if "=" in word)
    return values, modifiers


def _cut_comment(rest):
    if rest.startswith("#"):
        return "", "#", rest[1:]
    match = re.search(r"\s#", rest)
    return (rest[:match.start()], "#", rest[match.end():]) if match else (rest, "", "")


def _expand(value, earlier):
    return _REFERENCE.sub(lambda match: earlier.get(match[1] or match[2], ""), value)


def escape_recipe_name(name):
    return re.sub(r"[/.]", "_", name) if "/" in name else name


class App:
    """One app: its env file, read at construction."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.path = os.path.join(server_directory(server), f"{name}.env")
        with open(self.path, encoding="utf-8") as file:
            self.env, self.modifiers = parse_env(file.read())
        pinned = self.env.get("RECIPE") or self.env.get("TYPE") or ""
        self.recipe_name, self.pin = split_version(pinned)
        if not self.recipe_name:
            raise Fatal(f"{name} has no TYPE or RECIPE in its env file")

    @property
    def domain(self):
        return self.env.get("DOMAIN", "")

    @property
    def stack(self):
        name = self.env.get("STACK_NAME") or self.name.replace(".", "_")
        return name[:MAX_STACK_NAME]

    def write_pin(self, version):
        """Writes the version behind the recipe's name; every other byte of the file stays."""
        with open(self.path, encoding="utf-8", newline="") as file:
            text = file.read()
        text = _TYPE_LINE.sub(lambda m: f"{m[1]}{m[2]}{split_version(m[3])[0]}:{version}{m[4]}", text)
        temporary = f"{self.path}.new"
        with open(temporary, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.replace(temporary, self.path)
        self.pin = version


def split_version(pinned):
    """`name[:version]` at the last colon; a colon before a slash belongs to the name."""
    name, colon, version = pinned.rpartition(":")
    return (name, version) if colon and "/" not in version else (pinned, "")


def find(name):
    if not name or "/" in name:
        raise Fatal(f"unable to find an app named {name!r}")
    for server in servers():
        if os.path.isfile(os.path.join(server_directory(server), f"{name}.env")):
            connect(server)
            return App(server, name)
    raise Fatal(f"cannot find app with name {name}")


def apps():
    found = []
    for server in servers():
        for file in sorted(os.listdir(server_directory(server))):
            if file.endswith(".env"):
                found.append(App(server, file.removesuffix(".env")))
    return found
