# SPDX-License-Identifier: GPL-3.0-or-later
"""app backup and restore: whatever a deployed backup bot does (H25 of tests/standin/README.md).

The bot is the service with the label coop-cloud.backupbot.enabled=true. abra executes its `backup` or `restore` and hands
on what came; it looks at nothing itself. What the bot does with the engine's socket, reading labels and running hooks, is
done here for it; a hook that fails is a line of its log and nothing else.
"""

from lib import docker

from . import home, stack, switches, terminal
from .recipe import Recipe
from .terminal import Fatal

BOT_LABEL = "coop-cloud.backupbot.enabled=true"
VOLUMES = "backupbot.backup.volumes."


def _open(context):
    app = home.find(context.arg(0))
    Recipe(app.recipe_name).ensure(context, app.pin)
    label = switches.value("k25-bot") or BOT_LABEL
    for service in stack.call(docker.get, "/services", filters={"label": [label]}):
        filters = {"label": [f"com.docker.swarm.service.id={service['ID']}"]}
        running = stack.call(docker.get, "/containers/json", filters=filters)
        if running:
            return app, running[0]["Id"]
    raise Fatal("no backupbot discovered, is it deployed?")


def _execute(app, bot, argv, **variables):
    env = [f"SERVICE={app.stack}", *(f"{name.upper()}={value}" for name, value in variables.items() if value)]
    code, output = stack.call(docker.execute, bot, argv, env=env, timeout=3600)
    print(output, end="", flush=True)
    if code:
        raise Fatal(f"{' '.join(argv)}: exit code {code}")


def _labels(app):
    return {name: docker.service_labels(service) for name, service in stack.services(app.stack).items()}


def _run_hooks(app, hook):
    for name, labels in _labels(app).items():
        command = labels.get(f"backupbot.{hook}")
        for container in docker.containers(app.stack, name.removeprefix(f"{app.stack}_"))[:1] if command else ():
            code, output = stack.call(docker.execute, container, ["sh", "-c", command], timeout=3600)
            if code:
                terminal.say(f"ERROR Failed to run command {command}: {output}")


def _paths(app):
    """What is taken of the stack's volumes, below the engine's directory of volumes."""
    said = {key: value for labels in _labels(app).values() for key, value in labels.items() if key.startswith(VOLUMES)}
    paths = []
    for volume in stack.call(docker.get, "/volumes", filters=docker.stack_filter(app.stack))["Volumes"] or ():
        key = VOLUMES + volume["Name"].removeprefix(f"{app.stack}_")
        below = said.get(f"{key}.path", ".").split(",")
        if said.get(key) != "false":
            paths += [f"{volume['Name']}/_data/{path}" for path in below]
    return " ".join(sorted(paths))


def create(context):
    app, bot = _open(context)
    if switches.is_on("k25", "conflict"):
        for service in stack.services(app.stack).values():
            if (service.get("UpdateStatus") or {}).get("State") == "updating":
                raise Fatal("409 Client Error: Conflict: container is not running")
    if switches.is_on("k25", "empty"):
        terminal.say("backup finished")  # as restic does when a hook's dump never came
        return
    _run_hooks(app, "backup.pre-hook")
    _execute(app, bot, ["backup", "create"], retries=context.text("retries"), paths=_paths(app))
    _run_hooks(app, "backup.post-hook")


def show(context):
    app, bot = _open(context)
    _execute(app, bot, ["backup", "ls"], snapshot=context.text("snapshot"), include_path=context.text("path"))


def snapshots(context):
    app, bot = _open(context)
    _execute(app, bot, ["backup", "snapshots"])


def download(context):
    app, bot = _open(context)
    _execute(app, bot, ["backup", "download"], snapshot=context.text("snapshot"), include_path=context.text("path"),
             volumes=context.flag("volumes") and "true", secrets=context.flag("secrets") and "true")


def restore(context):
    """Hooks run only when asked for."""
    app, bot = _open(context)
    terminal.confirm(context)
    hooks = context.flag("hooks") and not switches.is_on("k25", "no-hooks")
    if hooks:
        _run_hooks(app, "restore.pre-hook")
    _execute(app, bot, ["restore"], snapshot=context.text("snapshot"), target=context.text("target"),
             volumes=context.flag("volumes") and "true", container=context.flag("container") and "true",
             no_commands="" if hooks else "true")
    if hooks:
        _run_hooks(app, "restore.post-hook")
