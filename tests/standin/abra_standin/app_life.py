# SPDX-License-Identifier: GPL-3.0-or-later
"""app new, deploy, upgrade, rollback, undeploy, remove, restart (tests/standin/README.md: H6, H10 to H20)."""

import os
import socket
import time

from lib import docker

from . import home, lint, stack, switches, terminal
from .compose import Compose
from .recipe import Recipe, is_version, version_key
from .terminal import Fatal


def new(context):
    name = context.arg(0) or terminal.ask(context, "which recipe?", "no recipe name provided")
    recipe = Recipe(name)
    recipe.ensure(context)
    server = context.text("server") or _only_server(context)
    if server not in home.servers():
        raise Fatal(f"{server} doesn't exist?")
    home.connect(server)
    domain = context.text("domain") or terminal.ask(context, "which domain?", "no domain provided")
    path = os.path.join(home.server_directory(server), f"{domain}.env")
    if os.path.exists(path):
        raise Fatal(f"{path} already exists?")
    versions = recipe.versions()
    version = context.arg(1) or (versions[-1] if versions else recipe.head()[:8])
    if not context.chaos and (versions or context.arg(1)):
        recipe.checkout(version)  # and it stays there (H6)
    sample = recipe.read(".env.sample")
    if sample is None:
        raise Fatal(f"{recipe.name} has no .env.sample")
    with open(path, "x", encoding="utf-8") as file:
        file.write(sample.replace(f"{name}.example.com", domain))
    app = home.App(server, domain)
    app.write_pin(version)
    terminal.table(("SERVER", "RECIPE", "DOMAIN", "VERSION"), [(server, name, domain, version)])
    if context.flag("secrets"):
        from . import app_secret
        app_secret.generate_all(app, Compose(recipe, app.env, app.stack))
    terminal.say(f'configure with "abra app config {domain}", deploy with "abra app deploy {domain}"')


def _only_server(context):
    servers = home.servers()
    if len(servers) == 1:
        return servers[0]
    return terminal.ask(context, "which server?", "no server provided")


def deploy(context):
    app = home.find(context.arg(0))
    wanted = context.arg(1)
    if wanted and context.chaos:
        raise Fatal("cannot use [version] and --chaos together")
    recipe = Recipe(app.recipe_name)
    recipe.ensure(context, "" if wanted or context.flag("latest") else app.pin)
    if wanted and not is_version(wanted):
        if not recipe.has_version(wanted):
            raise Fatal(f"unable to check out {wanted}: no such version of {recipe.name}")
        recipe.checkout(wanted)
        context.chaos = True  # a commit is deployed as chaos
    elif not context.chaos:
        lint.require_no_errors(recipe)
    meta = stack.Meta(app.stack)
    if meta.is_deployed and not (context.flag("force") or context.chaos):
        raise Fatal(f"{app.name} is already deployed")
    version = _choose_version(context, app, recipe, meta, wanted)
    if not context.chaos and is_version(version):
        if not recipe.has_version(version):
            raise Fatal(f"unable to check out {version}: no such version of {recipe.name}")
        recipe.checkout(version)
        lint.require_no_errors(recipe)
    _deploy(context, app, recipe, version, "deploy")


def _choose_version(context, app, recipe, meta, wanted):
    """chaos > argument > env > deployed > newest tag > commit (H11)."""
    if context.chaos:
        return recipe.chaos_version()
    versions = recipe.versions()
    newest = versions[-1] if versions else ""
    if context.flag("latest"):
        return newest or recipe.head()[:8]
    return wanted or app.pin or meta.version or newest or recipe.head()[:8]


def _deploy(context, app, recipe, version, what):
    compose = Compose(recipe, app.env, app.stack)
    _require_secrets(app, compose)
    _warn_about_env(app, recipe)
    if not context.flag("no-domain-checks"):
        _check_domain(app)
    labels = {f"coop-cloud.{app.stack}.recipe": app.recipe_name,
              f"coop-cloud.{app.stack}.chaos": "true" if context.chaos else "false"}
    if context.chaos:
        labels[f"coop-cloud.{app.stack}.chaos-version"] = version
    else:
        labels[f"coop-cloud.{app.stack}.version"] = version
    compose.env["RECIPE"] = f"{app.recipe_name}:{version}"
    timeout_s = compose.timeout(stack.DEFAULT_TIMEOUT_S)
    compose.write_labels(labels)
    terminal.say(f"{what} overview")
    terminal.table(("DOMAIN", "RECIPE", "SERVER", "VERSION", "CHAOS"),
                   [(app.name, app.recipe_name, app.server, version, "true" if context.chaos else "false")])
    terminal.confirm(context)
    began = time.time() - 1
    stack.deploy(app.stack, compose)
    if context.flag("no-converge-checks"):
        terminal.warn("skipping converge logic checks")
    else:
        try:
            stack.converge(app.stack, timeout_s, int(began))
        except Fatal as error:
            _save_logs(app)
            if isinstance(error, stack.TimedOut) and switches.is_on("k19-pin"):
                app.write_pin(version)
            raise
        _post_commands(app, recipe, compose, f"POST_{what.upper()}_CMDS")
    app.write_pin(version)
    terminal.info(f"{app.name} deployed, version {version}")


def _require_secrets(app, compose):
    there = {s["Spec"]["Name"] for s in stack.call(docker.get, "/secrets")}
    for key, name in compose.secrets().items():
        if name in there:
            continue
        modifiers = app.modifiers.get(f"SECRET_{key.upper()}_VERSION", {})
        if modifiers.get("generate") == "false":
            raise Fatal(f"secret not inserted (#generate=false): {key}")
        raise Fatal(f"secret not generated: {key}")


def _warn_about_env(app, recipe):
    for key in recipe.sample_env()[0] if recipe.read(".env.sample") is not None else ():
        if key not in app.env and key not in ("TYPE", "RECIPE"):
            terminal.warn(f"{key} missing from {app.name}.env")


def _check_domain(app):
    if not app.domain:
        terminal.warn("skipping domain checks as no DOMAIN=... configured for app")
        return
    try:
        address = socket.gethostbyname(app.domain)
        own = socket.gethostbyname(socket.gethostname())
    except OSError:
        raise Fatal(f"unable to retrieve ipv4 address for {app.domain}") from None
    if address not in (own, "127.0.0.1"):
        raise Fatal(f"app domain {app.domain} ({address}) does not appear to resolve to app server ({own})")


def _save_logs(app):
    """abra keeps recent logs of a failed deploy."""
    directory = os.path.join(home.directory(), "logs", app.server)
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, f"{app.name}_{int(time.time())}"), "w", encoding="utf-8") as file:
        for task in stack.call(docker.tasks, app.stack):
            status = task["Status"]
            file.write(f"{task['ID']} {status['State']} {status.get('Message', '')} {status.get('Err', '')}\n")


def _post_commands(app, recipe, compose, key):
    from . import app_inside
    for command in filter(None, (part.strip() for part in app.env.get(key, "").split("|"))):
        words = command.split()
        if len(words) < 2:
            raise Fatal(f"malformed {key}: {command}")
        code = app_inside.run_function(app, recipe, compose, words[0], words[1], words[2:])
        if code:
            raise Fatal(f"{key}: {command}: exit code {code}")


def upgrade(context):
    _move(context, newer=True)


def rollback(context):
    _move(context, newer=False)


def _move(context, newer):
    what, word = ("upgrade", "upgrades") if newer else ("rollback", "downgrades")
    app = home.find(context.arg(0))
    recipe = Recipe(app.recipe_name)
    recipe.ensure(context, app.pin)
    meta = stack.require_deployed(app)
    versions = recipe.versions()
    if is_version(meta.version):
        now = version_key(meta.version)
        versions = [v for v in versions if (version_key(v) > now if newer else version_key(v) < now)]
    if newer and context.flag("releasenotes"):
        for version in versions:
            terminal.say(f"{version}: {recipe.read(os.path.join('release', version)) or 'no release notes'}")
        return
    wanted = context.arg(1)
    if wanted and wanted not in versions:
        raise Fatal(f"{wanted} is not among the available {word} of {app.name}")
    if not versions:
        terminal.info(f"no available {word}, you're on latest ({meta.version})")
        return
    version = wanted or versions[-1]
    recipe.checkout(version)
    lint.require_no_errors(recipe)
    _deploy(context, app, recipe, version, what)


def undeploy(context):
    app = home.find(context.arg(0))
    recipe = Recipe(app.recipe_name)
    recipe.ensure(context, app.pin)
    meta = stack.require_deployed(app)
    terminal.confirm(context)
    stack.remove(app.stack)
    if switches.is_on("k24"):
        with open(switches.state_file(f"undeployed-{app.stack}"), "w", encoding="utf-8"):
            pass
    if context.flag("prune"):
        terminal.warn("the stand-in prunes nothing")
    if meta.shown_version:
        app.write_pin(meta.shown_version)
    terminal.info(f"{app.name} undeployed")


def remove(context):
    from . import app_secret, app_volume
    app = home.find(context.arg(0))
    if stack.Meta(app.stack).is_deployed:
        raise Fatal(f'{app.name} is still deployed. Run "abra app undeploy {app.name}"')
    if not context.flag("force"):
        terminal.confirm(context, f"remove all data of {app.name}?")
    app_secret.remove_all(app)
    app_volume.remove_all(app)
    os.unlink(app.path)
    terminal.info(f"file: {app.path} removed")


def restart(context):
    app = home.find(context.arg(0))
    Recipe(app.recipe_name).ensure(context, app.pin)
    meta = stack.require_deployed(app)
    service = context.arg(1)
    if bool(service) == context.flag("all-services"):
        raise Fatal("either a service or --all-services")
    if service and f"{app.stack}_{service}" not in meta.services:
        raise Fatal(f"{app.name} has no service {service}")
    for name in [f"{app.stack}_{service}"] if service else sorted(meta.services):
        replicas = meta.services[name]["Spec"]["Mode"].get("Replicated", {}).get("Replicas", 1)
        _scale(name, 0)
        stack.wait_stopped(app.stack, meta.services[name]["ID"])
        _scale(name, replicas)
        stack.converge(app.stack, stack.DEFAULT_TIMEOUT_S, time.time() + 1)
        terminal.info(f"{name} restarted")


def _scale(name, replicas):
    service = stack.call(docker.get, f"/services/{name}")
    spec = service["Spec"]
    spec["Mode"]["Replicated"]["Replicas"] = replicas
    stack.call(docker.request, "POST", f"/services/{name}/update", {"version": service["Version"]["Index"]}, spec)
