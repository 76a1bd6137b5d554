# SPDX-License-Identifier: GPL-3.0-or-later
"""app volume list and remove (H24 of tests/standin/README.md)."""

import os
import time

from lib import docker

from . import home, stack, switches, terminal
from .recipe import Recipe
from .terminal import Fatal


def _volumes(app):
    found = stack.call(docker.get, "/volumes", filters=docker.stack_filter(app.stack))["Volumes"] or []
    return sorted(found, key=lambda volume: volume["Name"])


def show(context):
    app = home.find(context.arg(0))
    Recipe(app.recipe_name).ensure(context, app.pin)
    rows = [(volume["Name"], volume["Mountpoint"]) for volume in _volumes(app)]
    if rows:
        terminal.table(("NAME", "ON SERVER"), rows)
    else:
        terminal.warn(f"no volumes created for {app.name}")


def remove(context):
    app = home.find(context.arg(0))
    Recipe(app.recipe_name).ensure(context, app.pin)
    if stack.Meta(app.stack).is_deployed:
        raise Fatal(f'{app.name} is still deployed. Run "abra app undeploy {app.name}"')
    names = [volume["Name"] for volume in _volumes(app)]
    wanted = context.arg(1)
    if wanted:
        if f"{app.stack}_{wanted}" not in names:
            raise Fatal(f"no volumes with name: {wanted}")
        names = [f"{app.stack}_{wanted}"]
    if not names:
        terminal.warn("no volumes removed")
        return
    if not context.flag("force"):
        terminal.confirm(context, f"remove {', '.join(names)}?")
    _remove(app, names)


def remove_all(app):
    _remove(app, [volume["Name"] for volume in _volumes(app)])


def _remove(app, names):
    for name in names:
        if _is_held(app):
            raise Fatal(f"Error response from daemon: remove {name}: volume is in use")
        stack.call(docker.raw, "DELETE", f"/volumes/{name}")
    terminal.info(f"{len(names)} volumes removed successfully")


def _is_held(app):
    """H24's fault: what undeploy left goes on using the volumes."""
    if not switches.is_on("k24"):
        return False
    try:
        since = time.time() - os.stat(switches.state_file(f"undeployed-{app.stack}")).st_mtime
    except FileNotFoundError:
        return False
    return since < switches.seconds("k24")
