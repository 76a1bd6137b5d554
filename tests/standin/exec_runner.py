#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The exec runner of the Drone stand-in: a process of its own, so that a test can kill it by SIGKILL.

Takes stages from standin/drone.py as JSON lines over an inherited socket and runs their steps for
real, each as `/bin/sh -e SCRIPT` in a fresh workspace and HOME. What it does NOT do is the point:
a cancel or a timeout sends SIGKILL to the step's shell alone, starts no later step, removes
workspace and HOME at once and frees the slot, whatever the shell has left running.

    exec_runner.py FD ROOT CAPACITY MACHINE
"""
import json
import os
import re
import shutil
import signal
import socket
import string
import subprocess
import sys
import threading
import time

import random
import yaml

LOG_LINE_BYTES = 32768
LOG_TOTAL_BYTES = 5 * 1024 * 1024
EXIT_SKIP_REST = 78
PIPELINE_KEYS = {"kind", "type", "name", "platform", "trigger", "clone", "concurrency", "environment", "steps"}
STEP_KEYS = {"name", "commands", "when", "environment", "failure"}


class Refused(Exception):
    """A pipeline that the runner does not take."""


def substitute(document, values):
    """${NAME} is replaced in the text of the file, before any shell: never write it."""
    def value_of(match):
        if match.group(0) == "$$":
            return "$"
        if match.group(1) is None or not re.fullmatch(r"\w+", match.group(1)):
            raise Refused(f"the stand-in does not model {match.group(0)!r} in .drone.yml")
        return values.get(match.group(1), "")
    return re.sub(r"\$\$|\$\{([^}]*)\}", value_of, document)


def script_of(commands):
    """The step's script: each command is echoed, then run; the shell gets -e."""
    parts = []
    for command in commands:
        shown = command.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("$", "\\$")
        parts.append(f'\necho + "{shown}"\n{command}\n')
    return "".join(parts)


def as_list(value):
    return value if isinstance(value, list) else [value]


class Log:
    """The output of a step as the server keeps it: entries by line, the front dropped above 5 MiB."""

    def __init__(self):
        self.started = time.monotonic()
        self.rows, self.rest, self.size = [], b"", 0
        self.lock = threading.Lock()

    def feed(self, data):
        with self.lock:
            self.rest += data
            while True:
                end = self.rest.find(b"\n") + 1
                if end == 0 and len(self.rest) < LOG_LINE_BYTES:
                    return
                end = min(end or LOG_LINE_BYTES, LOG_LINE_BYTES)
                self._add(self.rest[:end])
                self.rest = self.rest[end:]

    def _add(self, line):
        self.rows.append((line, int(time.monotonic() - self.started)))

    def entries(self):
        with self.lock:
            rows = self.rows + ([(self.rest, int(time.monotonic() - self.started))] if self.rest else [])
        total, first = 0, len(rows)
        while first > 0 and total + len(rows[first - 1][0]) <= LOG_TOTAL_BYTES:
            first -= 1
            total += len(rows[first][0])
        return [{"pos": first + index, "out": line.decode("utf-8", "replace"), "time": seconds}
            for index, (line, seconds) in enumerate(rows[first:])]


class Stage(threading.Thread):
    """One pipeline: workspace, steps in order, report."""

    def __init__(self, runner, job):
        super().__init__(daemon=True)
        self.runner, self.job, self.id = runner, job, job["stage"]
        self.stop = threading.Event()        # a heard cancel, or the timeout
        self.failed, self.skip_rest = [], False
        self.shell = None
        name = "".join(random.choices(string.ascii_letters + string.digits, k=16))
        self.top = os.path.join(runner.root, f"drone-{name}")
        self.workspace = os.path.join(self.top, "drone", "src")
        self.home = os.path.join(self.top, "home", "drone")

    def send(self, **message):
        self.runner.send(stage=self.id, **message)

    def run(self):
        try:
            steps = self.plan()
        except Refused as refused:
            self.send(op="stage", status="error", exit_code=255, error=str(refused))
            return
        timer = threading.Timer(self.job["timeout_s"], self.stop.set)
        timer.daemon = True
        timer.start()
        os.mkdir(self.top, 0o755)
        for path in ("drone", "drone/src", "home", "home/drone", "opt"):
            os.mkdir(os.path.join(self.top, path), 0o700)
        self.send(op="taken", machine=self.runner.machine,
            steps=[{"name": step["name"], "errignore": step.get("failure") == "ignore"} for step in steps])
        if self.job["timeout_s"] == 0:
            self.stop.set()
        was_killed = False
        for number, step in enumerate(steps, 1):
            was_killed = self.step(number, step) or was_killed
        shutil.rmtree(self.top, ignore_errors=True)
        timer.cancel()
        is_killed = was_killed or self.stop.is_set()
        status = "failure" if self.failed else "killed" if is_killed else "success"
        self.send(op="stage", status=status, exit_code=0, error="")

    def plan(self):
        document = substitute(self.job["yaml"], {**self.job["params"], **self.job["env"]})
        for pipeline in yaml.safe_load_all(document):
            if pipeline.get("kind") == "pipeline" and pipeline.get("name", "default") == self.job["pipeline"]:
                break
        unknown = set(pipeline) - PIPELINE_KEYS
        if unknown:
            raise Refused(f"the stand-in does not model {sorted(unknown)} in a pipeline")
        self.environment = pipeline.get("environment") or {}
        steps = list(pipeline.get("steps") or [])
        for step in steps:
            if "image" in step:
                raise Refused("Linter: cannot configure image for exec pipelines")
            if set(step) - STEP_KEYS:
                raise Refused(f"the stand-in does not model {sorted(set(step) - STEP_KEYS)} in a step")
        if not (pipeline.get("clone") or {}).get("disable"):
            steps.insert(0, {"name": "clone", "commands": self.clone_commands()})
        return steps

    def clone_commands(self):
        job = self.job
        return ["git init", f"git remote add origin {job['clone_url']}",
            f"git fetch origin +refs/heads/{job['branch']}:", f"git checkout {job['commit']} -b {job['branch']}"]

    def is_due(self, step):
        if self.stop.is_set() or self.skip_rest:
            return False
        wanted = as_list((step.get("when") or {}).get("status", ["success"]))
        return ("failure" if self.failed else "success") in wanted

    def step(self, number, step):
        """Runs one step or skips it; true when it was killed."""
        if not self.is_due(step):
            self.send(op="step", number=number, status="skipped", exit_code=0)
            return False
        self.send(op="step", number=number, status="running")
        log = Log()
        code = self.execute(number, step, log)
        if code is None:
            self.send(op="step", number=number, status="killed", exit_code=137, log=log.entries())
            return True
        status = "success" if code in (0, EXIT_SKIP_REST) else "failure"
        if code == EXIT_SKIP_REST:
            self.skip_rest = True
        elif code != 0 and step.get("failure") != "ignore":
            self.failed.append(step["name"])
        self.send(op="step", number=number, status=status, exit_code=code, log=log.entries())
        return False

    def execute(self, number, step, log):
        """Exit code of the step's shell, or None when it was killed from here."""
        script = os.path.join(self.top, "opt", step["name"])
        with open(script, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o700)) as file:
            file.write(script_of(as_list(step.get("commands") or [])))
        ended = threading.Event()
        try:
            process = subprocess.Popen(["/bin/sh", "-e", script], cwd=self.workspace, env=self.step_environment(number, step), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except OSError as error:
            log.feed(f"{error}\n".encode())
            return 255
        self.shell = process

        def read():
            while True:
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    break
                log.feed(data)
            process.wait()
            ended.set()            # the shell is gone AND everybody closed its stdout
        threading.Thread(target=read, daemon=True).start()
        while not ended.wait(0.02):
            if self.stop.is_set():
                os.kill(process.pid, signal.SIGKILL)          # the shell alone
                process.wait()
                return None
        return process.returncode if process.returncode >= 0 else -1

    def step_environment(self, number, step):
        job = self.job
        status = "failure" if self.failed else "success"
        now = str(int(time.time()))
        own = {**job["env"], "CI": "true", "DRONE": "true", "DRONE_BUILD_STATUS": status, "DRONE_STAGE_STATUS": status,
            "DRONE_BUILD_STARTED": str(job["started"]), "DRONE_STAGE_STARTED": str(job["started"]),
            "DRONE_BUILD_FINISHED": now, "DRONE_STAGE_FINISHED": now, "DRONE_STAGE_MACHINE": self.runner.machine,
            "DRONE_STEP_NAME": step["name"], "DRONE_STEP_NUMBER": str(number), "DRONE_HOME": self.workspace,
            "DRONE_WORKSPACE": self.workspace, "HOME": self.home, "HOMEPATH": self.home, "USERPROFILE": self.home,
            "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "drone", "GIT_COMMITTER_NAME": "drone",
            "GIT_AUTHOR_EMAIL": "drone@localhost", "GIT_COMMITTER_EMAIL": "drone@localhost"}
        if self.failed:
            own["DRONE_FAILED_STEPS"] = ",".join(self.failed)
        base = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "USER": os.environ.get("USER", "root")}
        texts = {key: str(value) for key, value in {**self.environment, **(step.get("environment") or {})}.items()}
        return {**base, **job["params"], **own, **texts, "PWD": self.workspace}


class Runner:
    def __init__(self, connection, root, machine):
        self.connection, self.root, self.machine = connection, root, machine
        self.stages, self.lock = {}, threading.Lock()
        self.is_draining = False

    def send(self, **message):
        with self.lock:
            try:
                self.connection.sendall(json.dumps(message).encode() + b"\n")
            except OSError:
                pass
            if message["op"] == "stage":
                self.stages.pop(message["stage"], None)
                self.leave_when_drained()

    def leave_when_drained(self):
        if self.is_draining and not self.stages:
            self.connection.shutdown(socket.SHUT_RDWR)

    def drain(self, *_):
        self.is_draining = True
        threading.Thread(target=self.drained, daemon=True).start()

    def drained(self):
        with self.lock:
            self.leave_when_drained()

    def serve(self):
        signal.signal(signal.SIGTERM, self.drain)
        reader = self.connection.makefile("rb")
        for line in reader:
            message = json.loads(line)
            if message["op"] == "run":
                stage = Stage(self, message)
                with self.lock:
                    self.stages[stage.id] = stage
                stage.start()
            elif message["op"] == "cancel":
                stage = self.stages.get(message["stage"])
                if stage is not None:
                    stage.stop.set()
        if not self.is_draining:              # the test is over: leave no shell behind
            for stage in list(self.stages.values()):
                if stage.shell is not None and stage.shell.poll() is None:
                    stage.shell.kill()


def main():
    descriptor, root, _, machine = sys.argv[1:5]
    os.umask(0o022)
    Runner(socket.socket(fileno=int(descriptor)), root, machine).serve()


if __name__ == "__main__":
    main()
