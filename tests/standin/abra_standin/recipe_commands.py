# SPDX-License-Identifier: GPL-3.0-or-later
"""recipe fetch, lint, versions, list, reset, diff (H26 of tests/standin/README.md)."""

import os
import shutil

from . import home, switches, terminal
from . import lint as rules
from .recipe import Recipe, catalogue, clone
from .terminal import Fatal


def fetch(context):
    wanted = context.arg(0)
    if context.flag("all") == bool(wanted):
        raise Fatal("missing argument: [recipe] or --all")
    for name in sorted(catalogue()) if context.flag("all") else [wanted]:
        recipe = Recipe(name)
        if os.path.isdir(recipe.path) and context.flag("force"):
            shutil.rmtree(recipe.path)
        if not os.path.isdir(recipe.path):
            os.makedirs(os.path.join(home.directory(), "recipes"), exist_ok=True)
            clone(recipe)
            continue
        if recipe.is_dirty():
            raise Fatal(f"{name} ({recipe.path}) has locally unstaged changes? please commit/remove your changes before "
                        "proceeding")
        if not context.offline:
            recipe.update()


def _open(context):
    recipe = Recipe(context.arg(0))
    recipe.ensure(context)
    return recipe


def lint(context):
    """The table says what is wrong; the exit code does not (H26), and without a terminal there is none (H33)."""
    recipe = _open(context)
    if recipe.read(".env.sample") is None:
        raise Fatal("unable to validate recipe: .env.sample does not exist?")
    terminal.require_terminal()
    rows, has_error = [], False
    for ref, text, level, is_satisfied, is_skipped, resolve in rules.results(recipe):
        if context.flag("error") and level != "error":
            continue
        has_error = has_error or (level == "error" and not is_satisfied and not is_skipped)
        rows.append((ref, text, level, "-" if is_skipped else "✅" if is_satisfied else "❌",
                     "✅" if is_skipped else "-", resolve))
    if switches.is_on("k26"):
        rows = []
    terminal.box(("REF", "RULE", "SEVERITY", "SATISFIED", "SKIPPED", "RESOLVE"), rows)
    if has_error:
        terminal.warn(f"critical errors present in {recipe.name} config")


def versions(context):
    entry = catalogue().get(context.arg(0))
    if entry is None:
        raise Fatal(f"{context.arg(0)} is not in the catalogue")
    rows = []
    for version in entry.get("versions") or ():
        for tag, services in version.items():
            rows += [{"version": tag, "service": name, "image": about.get("image", ""), "tag": about.get("tag", "")}
                     for name, about in services.items()]
    if context.machine:
        terminal.print_json(rows)
    else:
        terminal.table(("VERSION", "SERVICE", "IMAGE", "TAG"), [list(row.values()) for row in rows])


def show(context):
    rows = [{"name": name, "category": entry.get("category", ""), "description": entry.get("description", "")}
            for name, entry in sorted(catalogue().items()) if context.text("pattern") in name]
    if context.machine:
        terminal.print_json(rows)
    else:
        terminal.table(("NAME", "CATEGORY", "DESCRIPTION"), [list(row.values()) for row in rows])


def reset(context):
    recipe = Recipe(context.arg(0))
    recipe.ensure_exists()
    recipe.git("reset", "--hard", "--quiet")


def diff(context):
    recipe = Recipe(context.arg(0))
    recipe.ensure_exists()
    print(recipe.git("diff"))
