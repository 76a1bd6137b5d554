# SPDX-License-Identifier: GPL-3.0-or-later
"""app secret generate, insert, remove, list (H14 of tests/standin/README.md)."""

import base64
import secrets
import string
import sys

from lib import docker

from . import home, stack, terminal
from .compose import MAX_NAME, Compose
from .recipe import Recipe
from .terminal import Fatal

WORDS = ("amber basil cedar delta ember fjord grove heron inlet jetty knoll lotus maple north ocean pearl quartz river "
         "stone tulip umbra vivid willow xenon yarrow zephyr").split()
CHARSETS = {
    "default": string.ascii_letters + string.digits,
    "special": "!@#$%^&*_-+=",
    "safespecial": "!@#%^&*_-+=",
    "hex": "0123456789abcdef",
}


def _open(context):
    app = home.find(context.arg(0))
    recipe = Recipe(app.recipe_name)
    recipe.ensure(context, app.pin)
    return app, Compose(recipe, app.env, app.stack)


def _existing():
    return {s["Spec"]["Name"]: s["ID"] for s in stack.call(docker.get, "/secrets")}


def _version(app, key, name):
    return name.removeprefix(f"{app.stack}_{key}_")


def _store(name, value):
    if len(name) > MAX_NAME:
        raise Fatal(f"secret {name} is > {MAX_NAME} chars")
    body = {"Name": name, "Labels": {}, "Data": base64.b64encode(value).decode()}
    stack.call(docker.request, "POST", "/secrets/create", None, body)


def _modifiers(app, key):
    return app.modifiers.get(f"SECRET_{key.upper()}_VERSION", {})


def _make_value(modifiers):
    """With a length a password, without one a phrase."""
    if not modifiers.get("length"):
        return "-".join(secrets.choice(WORDS) for _ in range(5))
    alphabet = "".join(CHARSETS.get(word, "") for word in modifiers.get("charset", "default").split(","))
    return "".join(secrets.choice(alphabet or CHARSETS["default"]) for _ in range(int(modifiers["length"])))


def generate(context):
    app, compose = _open(context)
    wanted, version = context.arg(1), context.arg(2)
    if context.flag("all") == bool(wanted):
        raise Fatal("missing arguments [secret]/[version] or '--all'")
    if context.flag("all"):
        generate_all(app, compose, context.machine)
        return
    found = compose.secrets()
    if wanted not in found:
        raise Fatal(f"{wanted} doesn't exist in the env config?")
    name = f"{app.stack}_{wanted}_{version}" if version else found[wanted]
    _generate(app, {wanted: name}, context.machine)


def generate_all(app, compose, is_machine=False):
    _generate(app, compose.secrets(), is_machine)


def _generate(app, wanted, is_machine):
    there, made = _existing(), []
    for key, name in wanted.items():
        modifiers = _modifiers(app, key)
        if modifiers.get("generate") == "false":
            terminal.warn(f"{key} is not generated (generate=false)")
        elif name in there:
            terminal.warn(f"{name} already exists, moving on...")
        else:
            value = _make_value(modifiers)
            _store(name, value.encode())
            made.append((key, value))
    if is_machine:
        terminal.print_json([{"name": key, "value": value} for key, value in made])
    elif made:
        terminal.table(("NAME", "VALUE"), made)
        terminal.warn("generated secrets are not shown again, please take note of them NOW")
    else:
        terminal.warn("no secrets generated")


def insert(context):
    app, _ = _open(context)
    key, version = context.arg(1), context.arg(2)
    if len(context.args) > 3:
        data = context.arg(3).encode()
        if context.flag("file"):
            try:
                with open(context.arg(3), "rb") as file:
                    data = file.read()
            except OSError as error:
                raise Fatal(f"unable to read {context.arg(3)}: {error.strerror}") from None
    else:
        data = sys.stdin.buffer.read()
    if context.flag("trim"):
        data = data.rstrip(b"\r\n")
    if not data:
        raise Fatal("no data to insert")
    _store(f"{app.stack}_{key}_{version}", data)
    terminal.info(f"{app.stack}_{key}_{version} successfully stored on server")


def remove(context):
    app, compose = _open(context)
    wanted = context.arg(1)
    if context.flag("all") == bool(wanted):
        raise Fatal("missing arguments [secret] or '--all'")
    there, found = _existing(), compose.secrets()
    if wanted and wanted not in found:
        raise Fatal(f"{wanted} doesn't exist in the env config?")
    names = [found[wanted]] if wanted else _of_stack(app, there)
    names = [name for name in names if name in there]
    if not names:
        raise Fatal(f"{wanted} doesn't exist on server?" if wanted else "no secrets to remove?")
    terminal.confirm(context, f"remove {', '.join(names)}?")
    for name in names:
        _remove(name, there)


def remove_all(app):
    there = _existing()
    for name in _of_stack(app, there):
        _remove(name, there)


def _of_stack(app, there):
    return sorted(name for name in there if name.startswith(f"{app.stack}_"))


def _remove(name, there):
    stack.call(docker.raw, "DELETE", f"/secrets/{there[name]}")
    terminal.info(f"deleted {name} successfully from server")


def show(context):
    app, compose = _open(context)
    there = _existing()
    rows = [(key, _version(app, key, name), name, "true" if name in there else "false")
            for key, name in sorted(compose.secrets().items())]
    names = ("name", "version", "generated-name", "created-on-server")
    if context.machine:
        terminal.print_json([dict(zip(names, row)) for row in rows])
    elif rows:
        terminal.table(("NAME", "VERSION", "GENERATED NAME", "CREATED ON SERVER"), rows)
    else:
        terminal.warn(f"no secrets stored for {app.name}")
