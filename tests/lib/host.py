# SPDX-License-Identifier: GPL-3.0-or-later
"""
A host on which Drone's exec runner would run, below one directory: ccci-run with its settings, the abra stand-in, an abra
home, a proxy to the Swarm.

    with RunnerHost(directory, gitea_url=world.forge_url, recipe_org=ORG) as host:
        drone.runner_path = host.path           steps find ccci-run and abra there
        done = host.ccci_run("reap")            ccci-run as a person on that host calls it
        host.abra.switch("k24=8")               faults of the abra stand-in (tests/standin/README.md)

The PATH's `ccci-run` is a line of shell that adds --config, so that .drone.yml needs no other words than a real host's.
"""
import fcntl
import glob
import os
import signal
import subprocess
import tempfile
import textwrap
import time

from lib import docker, patience, standins

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class RunnerHost:
    def __init__(self, directory=None, program=None, proxy=None, **settings):
        """proxy: {ZONE, PROBE_CONNECT, CA_FILE} of one that runs; the stand-in by default. settings: as for configure()."""
        self.directory = directory or tempfile.mkdtemp(prefix="ccci-host-")
        self.bin, self.abra_dir, self.state_dir = (self._make(name) for name in ("bin", "abra", "state"))
        self._make("abra/servers/default")
        self.program = program or os.path.join(os.environ["CCCI_BUILD"], "ccci-run")
        self.config = os.path.join(self.directory, "run.yml")
        self.path = f"{self.bin}:{SYSTEM_PATH}"
        self.abra = standins.Abra(self.bin)
        self.write("bin/ccci-run", f"#!/bin/sh\nexec '{self.program}' --config '{self.config}' \"$@\"\n", 0o755)
        self._proxy = None if proxy else standins.Proxy(self._make("proxy"))
        proxy = proxy or self._proxy.env
        self.zone, self.probe_connect, self.ca_file = proxy["ZONE"], proxy["PROBE_CONNECT"], proxy["CA_FILE"]
        self.configure(**settings)

    def configure(self, **settings):
        """Writes run.yml: what a test host needs, and these keys; None leaves one away."""
        # It would take what the tests beside this one deploy, in a zone that all of them share.
        assert self.zone != standins.Proxy.ZONE or settings.get("ccci_janitor_max_age") != "0s", "wants a zone of its own"
        values = {"zone": self.zone, "abra": self.abra.path, "abra_dir": self.abra_dir,
                  "state_dir": self.state_dir, "probe_connect": self.probe_connect, "probe_ca_file": self.ca_file,
                  **settings}
        self.write("run.yml", "".join(f'{key}: "{value}"\n' for key, value in values.items() if value is not None), 0o600)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _make(self, name):
        path = os.path.join(self.directory, name)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, name, text, mode):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(text)

    def environment(self, **more):
        return {"PATH": self.path, "HOME": self.directory, "LANG": "C.UTF-8", **more}

    def start(self, *arguments, environment=None, **more):
        """ccci-run as a child of the caller; its output is a pipe unless told otherwise."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True,
                   "cwd": self.directory, **more}
        return subprocess.Popen([os.path.join(self.bin, "ccci-run"), *arguments],
                                env=self.environment(**(environment or {})), **options)

    def ccci_run(self, *arguments, environment=None, timeout=300, check=False, **more):
        """ccci-run to its end: a CompletedProcess with stdout and stderr in one text."""
        process = self.start(*arguments, environment=environment, **more)
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=60)
            raise AssertionError(f"ccci-run {' '.join(arguments)} ran longer than {timeout} s:\n{output}") from None
        done = subprocess.CompletedProcess(arguments, process.returncode, output)
        if check and done.returncode:
            raise AssertionError(f"ccci-run {' '.join(arguments)} ended with {done.returncode}:\n{output}")
        return done

    def leftovers(self):
        """Env files of apps that are still in the abra home: none when nothing was left behind."""
        return sorted(name for _, _, names in os.walk(os.path.join(self.abra_dir, "servers")) for name in names)

    def left_in_docker(self, build="*"):
        """What Docker holds of this host's runs, or of one build's."""
        runs = glob.glob(os.path.join(self.state_dir, "runs", f"{build}-*"))
        return sorted(name for run in runs for name in docker.of_run(run))

    def logs(self):
        """What the runs on this host logged, for a failing test's message."""
        found = []
        for base, _, names in os.walk(self.state_dir):
            for name in sorted(names):
                if os.path.basename(base) == "log" or name.endswith((".log", "journal")):
                    with open(os.path.join(base, name), encoding="utf-8", errors="replace") as file:
                        found.append(f"{os.path.relpath(os.path.join(base, name), self.state_dir)}:\n"
                                     + textwrap.indent(file.read()[-4000:], "    "))
        return "\n".join(found)

    def live_runs(self):
        """Runs whose keeper holds its lease."""
        found = []
        for path in glob.glob(os.path.join(self.state_dir, "runs", "*", "lease")):
            with open(path, "rb") as lease:
                try:
                    fcntl.flock(lease, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    found.append(os.path.basename(os.path.dirname(path)))
        return found

    def slot_holders(self):
        """{id of a run that has some: how many slots}"""
        found = {}
        slots = os.path.join(self.state_dir, "slots")
        if not os.path.exists(slots):
            return found  # the first run has not come yet
        with open(os.path.join(slots, "turn"), "a", encoding="ascii") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            for path in glob.glob(os.path.join(slots, "[0-9]*")):
                with open(path, encoding="ascii") as slot:
                    try:
                        fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        run = slot.read().partition("(run ")[2].partition(")")[0]  # "": it is being let go
                        found[run] = found.get(run, 0) + 1
        return found

    def wait_idle(self, seconds=90):
        """Until no keeper is left, then reap what a dead one left."""
        deadline = patience.deadline(seconds)
        while self.live_runs():
            if time.monotonic() > deadline:
                raise AssertionError(f"runs still alive after {patience.seconds(seconds):g} s: {self.live_runs()}\n{self.logs()}")
            time.sleep(0.05)
        self.ccci_run("reap", check=True)

    def close(self):
        if self._proxy is not None:
            self._proxy.close()
