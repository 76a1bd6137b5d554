# SPDX-License-Identifier: GPL-3.0-or-later
"""app config, run, command, cp (H27 of tests/standin/README.md)."""

import os
import signal
import subprocess
import sys

from . import home, stack, switches, terminal
from .compose import Compose
from .recipe import Recipe
from .terminal import Fatal

REMOTE_SCRIPT = "/tmp/abra.sh"


def _open(context):
    app = home.find(context.arg(0))
    recipe = Recipe(app.recipe_name)
    recipe.ensure(context, app.pin)
    return app, recipe


def _want_terminal():
    """H27: some versions want one."""
    if sys.stdin.isatty() or not switches.is_on("k27"):
        return
    if switches.is_on("k27", "hang"):
        signal.pause()
    raise Fatal("the input device is not a TTY")


def config(context):
    app = home.find(context.arg(0))
    editor = os.environ.get("EDITOR")
    if not editor:
        raise Fatal("no EDITOR is set")
    return subprocess.run([editor, app.path], check=False).returncode


def run(context):
    app, _ = _open(context)
    stack.require_deployed(app)
    container = stack.container(app, context.arg(1))
    argv = ["exec", "-i"]
    if not context.flag("no-tty"):
        _want_terminal()
        if sys.stdin.isatty():
            argv.append("-t")
    if context.text("user"):
        argv += ["-u", context.text("user")]
    return subprocess.run([*stack.docker_program(), *argv, container, *context.args[2:]],
                          env=stack.docker_environment(), check=False).returncode and 1


def command(context):
    app, recipe = _open(context)
    compose = Compose(recipe, app.env, app.stack)
    before = context.args if context.dash is None else context.args[:context.dash]
    arguments = [] if context.dash is None else context.args[context.dash:]
    if context.flag("local"):
        if len(before) != 2:
            raise Fatal("--local takes a function and no service")
        return _run_local(app, recipe, compose, before[1], arguments)
    if len(before) < 3:
        raise Fatal("missing <service>/<cmd> arguments? did you mean to pass --local?")
    if not context.flag("tty"):
        _want_terminal()
    return run_function(app, recipe, compose, before[1], before[2], [*before[3:], *arguments], context.text("user"))


def _variables(app, compose):
    return {**compose.env, "APP_NAME": app.name, "STACK_NAME": app.stack, "DOMAIN": app.domain}


def _require_function(recipe, name):
    if name not in recipe.abra_sh_functions():
        raise Fatal(f"{recipe.name} doesn't have a {name} function in its abra.sh")


def _run_local(app, recipe, compose, name, arguments):
    _require_function(recipe, name)
    environment = {**os.environ, **_variables(app, compose), "TARGET": "local"}
    script = f'. "{recipe.file("abra.sh")}"; "$@"'
    return subprocess.run(["bash", "-c", script, "bash", name, *arguments], env=environment,
                          stdin=subprocess.DEVNULL, check=False).returncode and 1


def run_function(app, recipe, compose, service, name, arguments, user=""):
    """Copies abra.sh into the service's container and calls its function there."""
    _require_function(recipe, name)
    stack.require_deployed(app)
    container = stack.container(app, service)
    docker, environment = stack.docker_program(), stack.docker_environment()
    copied = subprocess.run([*docker, "cp", recipe.file("abra.sh"), f"{container}:{REMOTE_SCRIPT}"], env=environment,
                            stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if copied.returncode:
        raise Fatal(f"unable to copy abra.sh into {service}")
    argv = ["exec"]
    for key, value in {**_variables(app, compose), "TARGET": service}.items():
        argv += ["-e", f"{key}={value}"]
    if user:
        argv += ["-u", user]
    argv += [container, "sh", "-c", f'. {REMOTE_SCRIPT}; "$@"', "sh", name, *arguments]
    return subprocess.run([*docker, *argv], env=environment, stdin=subprocess.DEVNULL, check=False).returncode and 1


def command_list(context):
    _, recipe = _open(context)
    for name in sorted(recipe.abra_sh_functions()):
        print(name)


def copy(context):
    app, _ = _open(context)
    stack.require_deployed(app)
    source, destination = context.arg(1), context.arg(2)
    if (":" in source) == (":" in destination):
        raise Fatal("either <src> or <dst> has to be service:path")

    def in_container(path):
        service, colon, inner = path.partition(":")
        return f"{stack.container(app, service)}:{inner}" if colon else path

    result = subprocess.run([*stack.docker_program(), "cp", in_container(source), in_container(destination)],
                            env=stack.docker_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            check=False)
    if result.returncode:
        raise Fatal(result.stderr.strip() or "unable to copy")
    terminal.info(f"copied {source} to {destination}")
