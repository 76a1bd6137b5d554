# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that somebody of it is killed in: what is under way, who dies, and what has to be true afterwards.

    attempt = killing.Attempt(host, recipe.path, ["--stages=install"])   under way, in a session of its own
    attempt.wait_stage("install")                       until it has begun, or the run is over
    stage, dead = attempt.kill("abra")                  what was under way; how many died: 0, the run was over before
    results, output = attempt.settle(patience_s)        over, undone, nothing left; else an AssertionError that says what

Stages are those of the journal's marks, "start" before the first of them; names are VICTIMS.
"""

import collections
import glob
import json
import os
import re
import signal
import subprocess
import time
import uuid
from urllib.parse import unquote

from lib import docker
from lib.world import wait_for

# both: front and keeper, so that only reap is left
VICTIMS = ("front", "worker", "keeper", "both", "abra")
NEED_REAP = ("keeper", "both")
STAGES = ("start", "prepare", "install", "recreate", "recipe", "extra", "backup", "upgrade", "rollback", "lint", "teardown")
POLL_S = 0.005  # some stages take no longer
_MARK = re.compile(r"^\d+ mark text=(?:begin%20([a-z]+)|(teardown)) ", re.M)
_DIRECTORY = re.compile(r"^\d+ dir path=(\S+) ", re.M)


def _look(pid, name):
    """A file of /proc; empty when the process is gone."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _find_processes(is_meant):
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_meant(pid)]


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


class Attempt:
    def __init__(self, host, path, arguments=(), **environment):
        self.host = host
        self._tag = uuid.uuid4().hex
        self._before, self._run = set(self._runs()), None
        self.process = host.start("run", path, *arguments, start_new_session=True,
                                  environment={"CCCI_TEST_TAG": self._tag, **environment})

    # --- what is under way ---

    def _runs(self):
        try:
            return os.listdir(os.path.join(self.host.state_dir, "runs"))
        except FileNotFoundError:
            return []

    @property
    def run(self):
        """The run's directory; None when it has none yet. Another run may be begun on its host once it is known."""
        if not self._run:
            found = set(self._runs()) - self._before
            self._run = os.path.join(self.host.state_dir, "runs", found.pop()) if found else None
        return self._run

    def journal(self):
        try:
            with open(os.path.join(self.run or "/nonexistent", "journal"), encoding="ascii") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def _begun(self):
        return ["start", *(begun or teardown for begun, teardown in _MARK.findall(self.journal()))]

    def stage(self):
        return self._begun()[-1]

    def is_over(self):
        return self.process.poll() is not None

    def wait_stage(self, stage):
        while stage not in self._begun() and not self.is_over():
            time.sleep(POLL_S)

    def watch(self):
        """To its end: {stage: seconds}, and the stages in which abra was called."""
        seconds, calls_abra = collections.Counter(), set()
        while not self.is_over():
            stage, since = self.stage(), time.monotonic()
            if self.victims("abra"):
                calls_abra.add(stage)
            time.sleep(10 * POLL_S)
            seconds[stage] += time.monotonic() - since
        return seconds, calls_abra

    # --- who dies ---

    def _is_ours(self, pid):
        return f"CCCI_TEST_TAG={self._tag}".encode() in _look(pid, "environ").split(b"\0")

    def victims(self, who):
        if who == "abra":  # its environment is made from a list, but its path is the host's own
            return _find_processes(lambda pid: self.host.abra.path.encode() in _look(pid, "cmdline").split(b"\0")[:4])
        front = [] if self.is_over() else [self.process.pid]
        if who == "front":
            return front
        name = "ccci-worker" if who == "worker" else "ccci-keeper"
        found = _find_processes(lambda pid: _look(pid, "comm").decode().strip() == name and self._is_ours(pid))
        return found if who != "both" else front + found if front and found else []

    def kill(self, who):
        """As soon as they are there: no worker runs between two stages, and abra runs seldom."""
        while True:
            stage = self.stage()
            dead = sum(map(_kill, self.victims(who)))
            if dead or self.is_over():
                return stage, dead
            time.sleep(POLL_S)

    # --- what has to be true ---

    def settle(self, patience_s, reap=False):
        """Ends in a world without the run; its results (None: it had not begun) and its front's output. reap: nobody of it
        may be left to undo it."""
        try:
            output, _ = self.process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the front did not end within {patience_s} s\n{self.explain()}") from None
        wait_for(lambda: not self.host.live_runs(), patience_s, f"end of the keeper\n{self.host.logs()}", every=0.1)
        if reap:
            output += self.host.ccci_run("reap", timeout=patience_s, check=True).stdout
        left = self.left()
        assert not left, f"left behind: {left}\n{output}\n{self.explain()}"
        return self._results(), output

    def explain(self):
        return f"{self.journal()}\n{self.host.logs()}"

    def _results(self):
        if not self.journal():
            return None
        with open(os.path.join(self.run, "results.json"), encoding="utf-8") as file:
            return json.load(file)

    @staticmethod
    def _describe(is_meant):
        return [f"process {pid}: {_look(pid, 'cmdline')}" for pid in _find_processes(is_meant)]

    def left(self):
        """Whatever of the run is still there: in the engine, on disk, among the processes; or a journal that is not closed."""
        found = []
        run_id = os.path.basename(self.run or "")
        if run_id:
            wanted = f"CCCI_RUN={run_id}".encode()
            found += [name for name in self.host.leftovers() if f"-{run_id[-6:]}." in name]
            found += [*docker.of_run(run_id), *glob.glob(f"/sys/fs/cgroup/**/ccci-*{run_id}", recursive=True)]
            found += self._describe(lambda pid: wanted in _look(pid, "environ").split(b"\0"))
        found += self._describe(self._is_ours)
        journal = self.journal()
        found += [path for path in map(unquote, _DIRECTORY.findall(journal)) if os.path.exists(path)]
        if journal and not re.fullmatch(r"\d+ closed \w+", journal.splitlines()[-1]):
            found.append("an open journal")
        return found
