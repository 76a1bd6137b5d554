# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployed app in the Swarm: what is there, deploying, converging, taking away.

Habits H16 to H21 and H24 of tests/standin/README.md."""

import datetime
import os
import shutil
import signal
import subprocess
import time

from lib import docker

from . import switches, terminal
from .terminal import Fatal

DEFAULT_TIMEOUT_S = 50
POLL_S = 0.25
# What a newer docker program says on stderr whatever happens; the library in abra does not.
NOTICES = ("Since --detach=false was not specified, tasks will be created in the background.",
           "In a future release, --detach=false will become the default.")
BROKEN_UPDATES = ("paused", "rollback_started", "rollback_paused", "rollback_completed")


class Meta:
    """What the service labels say about a stack: {IsDeployed, Version, IsChaos, ChaosVersion}."""

    def __init__(self, stack):
        self.services = services(stack)
        self.is_deployed = bool(self.services)
        labels = {}
        for service in self.services.values():
            labels.update(docker.service_labels(service))
        self.version = labels.get(f"coop-cloud.{stack}.version", "")
        self.is_chaos = labels.get(f"coop-cloud.{stack}.chaos") == "true"
        self.chaos_version = labels.get(f"coop-cloud.{stack}.chaos-version", "")

    @property
    def shown_version(self):
        return self.chaos_version if self.is_chaos else self.version


def call(function, *args, **keywords):
    """A call of the engine whose refusal ends abra."""
    try:
        return function(*args, **keywords)
    except docker.EngineError as error:
        text = f"Error response from daemon: {error}" if error.status else f"Cannot connect to the Docker daemon: {error}"
        if "This node is not a swarm manager" in text:
            text = "swarm mode not enabled on local server?"
        raise Fatal(text) from None


def services(stack):
    return call(docker.services, stack)


def require_deployed(app):
    meta = Meta(app.stack)
    if not meta.is_deployed:
        raise Fatal(f"{app.name} is not deployed?")
    return meta


def docker_program():
    path = shutil.which("docker", path=os.environ.get("PATH", "") + ":/usr/local/bin:/usr/bin:/bin")
    if not path:
        raise Fatal("docker is not installed")
    return [path, *docker.options()]


def docker_environment():
    kept = ("PATH", "HOME", "DOCKER_CONFIG", "TMPDIR", "TERM")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _stack_deploy(stack, texts):
    files, argv = [], [*docker_program(), "stack", "deploy", "--resolve-image", "never"]
    try:
        for text in texts:
            file = os.memfd_create("compose")
            files.append(file)
            with open(file, "w", encoding="utf-8", closefd=False) as out:
                out.write(text)
            os.lseek(file, 0, os.SEEK_SET)
            argv += ["-c", f"/dev/fd/{file}"]
        result = subprocess.run([*argv, stack], env=docker_environment(), stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, pass_fds=files, check=False)
    finally:
        for file in files:
            os.close(file)
    for line in (result.stdout + result.stderr).splitlines():
        terminal.debug(line)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line not in NOTICES]
        raise Fatal("\n".join(lines).strip() or f"exit code {result.returncode}")


def deploy(stack, compose):
    """The calls of `docker stack deploy`; services that vanished from the files stay (Prune: false)."""
    if switches.is_on("k30"):
        _stack_deploy(stack, compose.rendered(only=compose.service_names()[0]))
        if switches.is_on("k30", "self"):
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(switches.seconds("k30"))
    _stack_deploy(stack, compose.rendered())


def converge(stack, timeout_s, began):
    """Waits until every service runs as it should. H21: exit 0 is no proof of health, and a service without a
    healthcheck only has to run for a moment."""
    deadline = time.monotonic() + timeout_s
    ready_at = None
    while True:
        found = services(stack)
        tasks = call(docker.tasks, stack)
        broken = [name for name, service in found.items() if _is_broken(service, began)]
        if broken:
            raise Fatal(f"deploy failed: {', '.join(sorted(broken))}: update was rolled back or paused")
        waiting = [name for name, service in found.items() if not _is_converged(service, tasks)]
        if not waiting:
            ready_at = ready_at or time.monotonic()
            if time.monotonic() - ready_at >= switches.seconds("k19"):
                return
        if time.monotonic() > deadline:
            raise TimedOut(f"deploy timed out after {timeout_s} s: {', '.join(sorted(waiting)) or 'still converging'}")
        time.sleep(POLL_S)


def wait_stopped(stack, service):
    """Until no task of the service runs any more."""
    deadline = time.monotonic() + DEFAULT_TIMEOUT_S
    while any(task["ServiceID"] == service and task["Status"]["State"] in ("starting", "running")
              for task in call(docker.tasks, stack)):
        if time.monotonic() > deadline:
            raise TimedOut(f"service did not stop within {DEFAULT_TIMEOUT_S} s")
        time.sleep(POLL_S)


class TimedOut(Fatal):
    """The stack stays as it is (H19)."""


def _is_converged(service, tasks):
    mode = service["Spec"].get("Mode") or {}
    wanted = (mode.get("Replicated") or {}).get("Replicas", 1)
    mine = [task for task in tasks if task["ServiceID"] == service["ID"]]
    if "ReplicatedJob" in mode or "GlobalJob" in mode:
        return _is_complete(service, mine)
    condition = (service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}).get("Condition")
    good = ("running", "complete") if condition == "none" else ("running",)
    count = 0
    for task in mine:
        is_counted = task["Status"]["State"] in good and (condition == "none" or task["DesiredState"] == "running")
        if is_counted and (switches.is_on("k21") or docker.is_current(task, service)):
            count += 1
    return count >= wanted or (switches.is_on("k21") and bool(mine))


def _is_complete(job, tasks):
    """As docker's own progress of a job: every task of the iteration that is now has completed."""
    iteration = job["JobStatus"]["JobIteration"]
    states = [task["Status"]["State"] for task in tasks if task["JobIteration"] == iteration]
    wanted = (job["Spec"]["Mode"].get("ReplicatedJob") or {}).get("TotalCompletions", 1)
    return states.count("complete") >= wanted


def _is_broken(service, began):
    update = service.get("UpdateStatus") or {}
    return update.get("State") in BROKEN_UPDATES and parse_time(update.get("StartedAt")) >= began


def parse_time(text):
    """Seconds since the epoch of an engine's instant; it has more digits than Python reads."""
    if not text:
        return 0.0
    return datetime.datetime.fromisoformat(text[:19] + "+00:00").timestamp()


def remove(stack):
    """Services, configs and networks; volumes and secrets stay (H24)."""
    result = subprocess.run([*docker_program(), "stack", "rm", stack], env=docker_environment(),
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    for line in (result.stdout + result.stderr).splitlines():
        terminal.debug(line)
    if result.returncode:
        raise Fatal((result.stderr.strip().splitlines() or ["docker stack rm failed"])[-1])
    if switches.is_on("k23-network"):
        call(docker.request, "POST", "/networks/create", None, {
            "Name": f"{stack}_left", "Driver": "overlay", "Labels": {docker.STACK_LABEL: stack}})


def container(app, service):
    """Id of a running container of a service."""
    found = call(docker.containers, app.stack, service)
    if not found:
        raise Fatal(f"no containers matching {app.stack}_{service} found?")
    return found[0]
