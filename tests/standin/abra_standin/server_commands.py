# SPDX-License-Identifier: GPL-3.0-or-later
"""server add and list (H22 of tests/standin/README.md)."""

import os

from . import home, terminal
from .terminal import Fatal


def add(context):
    if context.flag("local") == bool(context.arg(0)):
        raise Fatal("either a server's name or --local")
    if context.arg(0):
        raise Fatal(f"{context.arg(0)}: the stand-in adds the local server, default, alone")
    path = home.server_directory("default")
    if os.path.exists(path):
        raise Fatal("server default already exists")
    os.makedirs(path)
    terminal.info("local server successfully added")


def show(context):
    rows = [{"name": name, "host": "local" if name == "default" else name} for name in home.servers()]
    if context.machine:
        terminal.print_json(rows)
    else:
        terminal.table(("NAME", "HOST"), [list(row.values()) for row in rows])
