# SPDX-License-Identifier: GPL-3.0-or-later
"""The compose files of an app: which they are, read, interpolated, with the labels abra adds (H15 to H17).

Files are not merged here: the docker program merges what `docker stack deploy` gets as several -c, as the library
inside abra does. `docker stack config` does not exist in Docker 20.10, so nothing relies on it.
"""

import json
import os
import re

import yaml

from . import terminal
from .terminal import Fatal

MAX_NAME = 64

_NAME = r"[_a-zA-Z][_a-zA-Z0-9]*"
_VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|(?P<named>" + _NAME + r")|\{(?P<braced>" + _NAME
                       + r")(?:(?P<operator>:?[-?+])(?P<word>[^}]*))?\}|(?P<invalid>))")


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):
    """Go reads YAML 1.2's plain words: `yes`, `1:30` and dates are text; but 0555 is octal."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
        ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
        ("int", r"^[-+]?(?:0|[1-9][0-9]*|0x[0-9a-fA-F]+|0[0-7]+)$", "-+0123456789"),
        ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("merge", r"^(?:<<)$", "<")):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def interpolate(text, env, unset):
    """$V, ${V}, ${V:-d}, ${V-d}, ${V:?e}, ${V?e}, ${V:+w}, $$; names without a value are added to unset."""
    def replace(match):
        if match["escaped"]:
            return "$"
        name = match["named"] or match["braced"]
        if not name:
            raise Fatal(f"invalid interpolation format: {text!r}")
        operator, word = match["operator"] or "", match["word"] or ""
        value = env.get(name)
        is_there = value is not None and (value != "" or not operator.startswith(":"))
        if operator.endswith("+"):
            return word if is_there else ""
        if is_there:
            return value
        if operator.endswith("?"):
            raise Fatal(f"required variable {name} is missing a value: {word}")
        if operator.endswith("-"):
            return word
        unset.add(name)
        return ""
    return _VARIABLE.sub(replace, text)


def _map_text(node, function):
    if isinstance(node, str):
        return function(node)
    if isinstance(node, list):
        return [_map_text(item, function) for item in node]
    if isinstance(node, dict):
        return {key: _map_text(value, function) for key, value in node.items()}
    return node


def file_names(env):
    return [name for name in (env.get("COMPOSE_FILE") or "compose.yml").split(":") if name]


class Compose:
    """The chosen compose files of a recipe, interpolated."""

    def __init__(self, recipe, env, stack):
        self.recipe, self.stack = recipe, stack
        self.env = {**env, **{k: v for k, v in recipe.abra_sh_exports().items() if k not in env}, "STACK_NAME": stack}
        self.documents, self.unset = [], set()
        for name in file_names(env):
            text = recipe.read(name)
            if text is None:
                raise Fatal(f"{recipe.file(name)} does not exist?")
            self.documents.append(self._load(name, text))
        for name in sorted(self.unset):
            terminal.debug(f"variable {name} is not set")

    def _load(self, name, text):
        try:
            document = yaml.load(text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise Fatal(f"unable to read {name}: {error}") from None
        if not isinstance(document, dict):
            raise Fatal(f"{name}: top-level object must be a mapping")
        return _map_text(document, lambda value: interpolate(value, self.env, self.unset))

    def _top(self, key):
        for document in self.documents:
            yield from (document.get(key) or {}).items()

    def service_names(self):
        return sorted({name for name, _ in self._top("services")})

    def service_parts(self, service):
        return [part or {} for name, part in self._top("services") if name == service]

    def image(self, service):
        images = [part["image"] for part in self.service_parts(service) if part.get("image")]
        return images[-1] if images else ""

    def labels(self, service):
        """deploy.labels of a service, of all files, either form."""
        labels = {}
        for part in self.service_parts(service):
            labels.update(as_map((part.get("deploy") or {}).get("labels")))
        return labels

    def timeout(self, otherwise):
        text = self.labels("app").get(f"coop-cloud.{self.stack}.timeout", "")
        return int(text) if str(text).isdigit() else otherwise

    def version(self):
        return self.labels("app").get(f"coop-cloud.{self.stack}.version", "")

    def configs(self):
        return [(key, (value or {}).get("name", key)) for key, value in self._top("configs")]

    def secrets(self):
        """{key: name in Swarm} of the secrets that are external and that a service uses."""
        used = set()
        for _, part in self._top("services"):
            for item in (part or {}).get("secrets") or ():
                used.add(item["source"] if isinstance(item, dict) else item)
        found = {}
        for key, value in self._top("secrets"):
            value = value or {}
            if not value.get("external"):
                continue
            name = value.get("name") or (value["external"].get("name") if isinstance(value["external"], dict) else key)
            if key not in used:
                terminal.debug(f"{key} not enabled in recipe config, skipping...")
                continue
            if len(name) > MAX_NAME:
                raise Fatal(f"secret {name} is > {MAX_NAME} chars when combined with {self.stack}")
            found[key] = name
        return found

    def write_labels(self, labels):
        """Adds labels and the whole env to service app (B.11, B.12); a service's own environment wins. In the last file
        that has the service: docker merges what stands in a file more, and of two mounts at one target that leaves one."""
        own = {}
        for part in self.service_parts("app"):
            own.update(self._environment(part))
        exposed = {name: value for name, value in self.env.items() if name not in own}
        for document in reversed(self.documents):
            services = document.get("services") or {}
            if "app" not in services:
                continue
            part = dict(services["app"] or {})
            deploy = dict(part.get("deploy") or {})
            deploy["labels"] = {**as_map(deploy.get("labels")), **labels}
            part.update(environment={**self._environment(part), **exposed}, deploy=deploy)
            document["services"] = {**services, "app": part}
            return

    def rendered(self, only=None):
        """Each document as text for `docker stack deploy -c`; with `only` no other service is in it. JSON is YAML
        without surprises. What docker would interpolate again is escaped; paths are absolute, because the text is
        read from a pipe."""
        for document in self.documents:
            document = dict(document)
            document["services"] = {
                name: self._prepared(dict(part or {}))
                for name, part in (document.get("services") or {}).items() if only is None or name == only}
            for key in ("configs", "secrets"):
                document[key] = {name: {**thing, "file": self._absolute(thing["file"])} if thing and "file" in thing
                                 else thing for name, thing in (document.get(key) or {}).items()}
            yield json.dumps(_map_text(document, lambda value: value.replace("$", "$$")))

    def _environment(self, part):
        """A name alone means the app's value of it."""
        node = part.get("environment")
        if isinstance(node, dict):
            return {name: self.env.get(name, "") if value is None else _as_text(value) for name, value in node.items()}
        pairs = {}
        for item in node or ():
            name, equals, value = str(item).partition("=")
            pairs[name] = value if equals else self.env.get(name, "")
        return pairs

    def _absolute(self, path):
        return os.path.normpath(os.path.join(self.recipe.path, path))

    def _prepared(self, part):
        if part.get("environment"):
            part["environment"] = self._environment(part)
        env_file = part.get("env_file")
        if env_file:
            part["env_file"] = [self._absolute(p) for p in ([env_file] if isinstance(env_file, str) else env_file)]
        volumes = []
        for volume in part.get("volumes") or ():
            if isinstance(volume, dict) and volume.get("type") == "bind" and volume.get("source", "").startswith("."):
                volume = {**volume, "source": self._absolute(volume["source"])}
            elif isinstance(volume, str) and volume.startswith("."):
                source, colon, rest = volume.partition(":")
                volume = self._absolute(source) + colon + rest
            volumes.append(volume)
        if volumes:
            part["volumes"] = volumes
        return part


def as_map(node):
    """Labels or environment, written as a list of k=v or as a map."""
    if isinstance(node, dict):
        return {key: _as_text(value) for key, value in node.items()}
    pairs = {}
    for item in node or ():
        name, _, value = str(item).partition("=")
        pairs[name] = value
    return pairs


def _as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
