# SPDX-License-Identifier: GPL-3.0-or-later
"""app list, ps, services, logs, check, env, labels (H22, H23, H28 of tests/standin/README.md)."""

import subprocess
import time

from lib import docker

from . import home, stack, terminal
from .compose import Compose
from .recipe import Recipe, is_version, version_key
from .terminal import Fatal

UNKNOWN = "unknown"


def _open(context):
    app = home.find(context.arg(0))
    recipe = Recipe(app.recipe_name)
    recipe.ensure(context, app.pin)
    return app, recipe


def show(context):
    """Every value of an app is a string; the status fields are empty unless asked for."""
    servers = {}
    for app in home.apps():
        if context.text("server") not in ("", app.server) or context.text("recipe") not in ("", app.recipe_name):
            continue
        server = servers.setdefault(app.server, {"apps": [], "appCount": 0, "versionCount": 0, "unversionedCount": 0,
                                                 "latestCount": 0, "upgradeCount": 0})
        row = {"server": app.server, "recipe": app.recipe_name, "appName": app.name, "domain": app.domain,
               "status": "", "chaos": "", "chaosVersion": "", "version": "", "upgrade": ""}
        if context.flag("status"):
            row.update(_status(app))
        _count(server, row)
        server["apps"].append(row)
    if context.machine:
        terminal.print_json(servers)
        return
    for server in servers.values():
        names = ("recipe", "domain", "server", "status", "chaos", "version", "upgrade")
        terminal.table([name.upper() for name in names],
                       [[row[name].replace("\n", ", ") for name in names] for row in server["apps"]])


def _status(app):
    meta = stack.Meta(app.stack)
    if not meta.is_deployed:
        return dict.fromkeys(("status", "chaos", "chaosVersion", "version", "upgrade"), UNKNOWN)
    recipe = Recipe(app.recipe_name)
    recipe.ensure_exists()
    upgrade = UNKNOWN
    if is_version(meta.version):
        newer = [v for v in recipe.versions() if version_key(v) > version_key(meta.version)]
        upgrade = "\n".join(newer) or "latest"
    return {"status": "deployed", "chaos": "true" if meta.is_chaos else "false",
            "chaosVersion": meta.chaos_version or UNKNOWN, "version": meta.version or UNKNOWN, "upgrade": upgrade}


def _count(server, row):
    server["appCount"] += 1
    if row["version"] in ("", UNKNOWN):
        server["unversionedCount"] += 1
    else:
        server["versionCount"] += 1
        server["latestCount" if row["upgrade"] == "latest" else "upgradeCount"] += 1


def ps(context):
    app, _ = _open(context)
    meta = stack.require_deployed(app)
    found = {}
    for container in stack.call(docker.get, "/containers/json", all=1, filters=docker.stack_filter(app.stack)):
        full = container["Labels"].get("com.docker.swarm.service.name", "")
        name = full.removeprefix(f"{app.stack}_")
        if name in found and found[name]["state"] == "running":
            continue
        created = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(container["Created"]))
        found[name] = {"service": name, "image": container["Image"], "created": created, "status": container["Status"],
                       "state": container["State"], "ports": "", "chaos": "true" if meta.is_chaos else "false",
                       "version": meta.shown_version or UNKNOWN}
    if context.machine:
        terminal.print_json(found)
        return
    names = ("service", "image", "created", "status", "chaos", "version")
    terminal.table([name.upper() for name in names], [[row[name] for name in names] for row in found.values()])


def services(context):
    app, recipe = _open(context)
    compose = Compose(recipe, app.env, app.stack)
    terminal.table(("SERVICE (SHORT)", "SERVICE (LONG)", "IMAGE"),
                   [(name, f"{app.stack}_{name}", compose.image(name)) for name in compose.service_names()])


def logs(context):
    """Follows until it is killed."""
    app, _ = _open(context)
    meta = stack.require_deployed(app)
    wanted = context.arg(1)
    if wanted and f"{app.stack}_{wanted}" not in meta.services:
        raise Fatal(f"{app.name} has no service {wanted}")
    followers = []
    for name in [f"{app.stack}_{wanted}"] if wanted else sorted(meta.services):
        argv = [*stack.docker_program(), "service", "logs", "--follow", "--no-trunc"]
        if context.text("since"):
            argv += ["--since", context.text("since")]
        errors = subprocess.DEVNULL if context.flag("stdout") else None
        followers.append(subprocess.Popen([*argv, name], env=stack.docker_environment(), stdin=subprocess.DEVNULL,
                                          stderr=errors))
    while True:
        time.sleep(3600)


def check(context):
    app, recipe = _open(context)
    terminal.table((".env.sample", f"{app.name}.env"),
                   [(key, "✅" if key in app.env or key in ("TYPE", "RECIPE") else "❌")
                    for key in recipe.sample_env()[0]])


def env(context):
    app, recipe = _open(context)
    merged = Compose(recipe, app.env, app.stack).env
    terminal.table(("KEY", "VALUE"), sorted(merged.items()))


def env_pull(context):
    app, _ = _open(context)
    meta = stack.require_deployed(app)
    for name, service in meta.services.items():
        if name == f"{app.stack}_app":
            print("\n".join(service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or ()))


def labels(context):
    app, recipe = _open(context)
    found = {}
    for service in stack.Meta(app.stack).services.values():
        found.update(docker.service_labels(service))
    recipe_labels = Compose(recipe, app.env, app.stack).labels("app")
    terminal.table(("LABEL", "VALUE"), sorted({**recipe_labels, **found}.items()))

