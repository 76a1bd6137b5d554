#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The central promise: SIGKILL of front, worker or keeper at any moment of a run leaves nothing behind.

A full run of the green canary on the real Swarm, with front, worker, keeper and both front and keeper each killed at every
record of its undo journal, and at 50 random moments. Afterwards (for the keeper: after its front took over, or after `ccci-run reap`) no
service, volume, secret, config, network, container, env file and process of the run is there.

A few cases by default, other ones for each commit; all with CCCI_ALL=1 (./dev test kill --all).
"""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from lib import canary, docker, images, wanted
from lib.host import RunnerHost
from lib.world import wait_for

SAMPLE = 4  # of the places, and half as many random moments
RANDOM_MOMENTS = 50
# Beyond what the run itself may take: abra's and the engine's own time to take a web service down is about 10 s here.
PATIENCE = 60
WHO = ("front", "worker", "keeper", "both")  # both: front and keeper, so that only reap is left
KINDS = ("services", "networks", "secrets", "configs", "volumes")


def names_in_swarm(stack):
    """Everything the engine still has of a stack, whatever its labels say."""
    found = []
    for kind in KINDS:
        listed = docker.get(f"/{kind}")
        for thing in (listed["Volumes"] or []) if kind == "volumes" else listed:
            name = thing.get("Name") or thing["Spec"]["Name"]
            if name.startswith(stack + "_") or name == stack:
                found.append(f"{kind}: {name}")
    for container in docker.get("/containers/json", all=1):
        if any(name.lstrip("/").startswith(stack + "_") for name in container["Names"] or []):
            found.append(f"container: {container['Names']}")
    return found


def processes(run_id, tag):
    """Whoever has the run's name in its environment, and its front, keeper and workers, which have our tag."""
    wanted = (f"CCCI_RUN={run_id}".encode(), f"CCCI_TEST_TAG={tag}".encode())
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if any(row in wanted for row in file.read().split(b"\0")):
                    with open(f"/proc/{pid}/cmdline", "rb") as command:
                        found.append(f"{pid}: {command.read().decode(errors='replace')}")
        except OSError:
            continue
    return found


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="ccci-kill-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        made = images.make(canary.load("green").get("images"))
        cls.addClassCleanup(images.remove, made)
        cls.repository = canary.make_repo("green", os.path.join(cls.directory, "green"))
        cls.host = RunnerHost(os.path.join(cls.directory, "host"))
        cls.addClassCleanup(cls.host.close)
        cls.seconds, cls.records = cls.learn()
        cls.chosen = random.Random(os.environ.get("CCCI_SEED") or subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=os.path.dirname(os.path.realpath(__file__)), stdout=subprocess.PIPE,
            text=True, check=False).stdout)

    @classmethod
    def learn(cls):
        """A run that nobody disturbs: how long it takes, how many records its journal gets."""
        since = time.monotonic()
        done = cls.host.ccci_run("run", cls.repository.path, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"the green canary is not green:\n{done.stdout}\n{cls.host.logs()}")
        seconds = time.monotonic() - since
        run = cls.newest_run()
        left = cls.left_of(run, "none")
        if left:
            raise AssertionError(f"an undisturbed run left {left}")
        with open(os.path.join(run, "journal"), encoding="ascii") as file:
            return seconds, len(file.readlines())

    @classmethod
    def newest_run(cls):
        return max(glob.glob(os.path.join(cls.host.state_dir, "runs", "*")), key=os.path.getctime)

    @classmethod
    def left_of(cls, run, tag):
        with open(os.path.join(run, "run.json"), encoding="utf-8") as file:
            known = json.load(file)
        return [*names_in_swarm(known["domain"].replace(".", "_")[:45]), *cls.host.leftovers(),
                *processes(known["id"], tag),
                *(name for name in ("abra", "tests", "suite", "secrets", "needs") if os.path.exists(os.path.join(run, name)))]

    def cases(self, every, count):
        every = list(every)
        if wanted.everything():
            return every
        return self.chosen.sample(every, min(count, len(every)))

    def start(self, tag, **more):
        """A run in a session of its own, as a terminal's would be."""
        return self.host.start("run", self.repository.path, start_new_session=True,
                               environment={"CCCI_TEST_TAG": tag, **more})

    def settle(self, process, tag, who):
        """Ends in a world without the run; what it took, and what its author was told."""
        output, _ = process.communicate(timeout=self.seconds + PATIENCE)
        run = self.newest_run()
        wait_for(lambda: not self.host.live_runs(), PATIENCE, f"end of the keeper\n{self.host.logs()}", every=0.1)
        if who in ("keeper", "both"):  # the front has taken over, or is dead as well
            self.host.ccci_run("reap", check=True)
        left = self.left_of(run, tag)
        with open(os.path.join(run, "journal"), encoding="ascii") as file:
            journal = file.read()
        self.assertEqual(left, [], f"left behind\n{journal}\n{output}\n{self.host.logs()}")
        self.assertRegex(journal.splitlines()[-1], r"^\d+ closed ", journal)
        with open(os.path.join(run, "results.json"), encoding="utf-8") as file:
            return json.load(file), output

    def test_undisturbed_run_has_places_to_die(self):
        self.assertGreater(self.records, 10)

    def test_at_every_record(self):
        every = ((who, k) for k in range(1, self.records + 1) for who in WHO)
        for who, k in self.cases(every, SAMPLE):
            with self.subTest(who=who, record=k):
                tag = f"{who}-{k}"
                process = self.start(tag, CCCI_TEST_KILL=f"journal@{k}", CCCI_TEST_KILL_WHO=who)
                results, output = self.settle(process, tag, who)
                # While no worker runs there is none to kill; a front that dies at the end has its verdict.
                expected = {"front": ("cancelled", "passed"), "worker": ("ci_error", "passed"),
                            "keeper": ("ci_error",), "both": ("ci_error",)}
                self.assertIn(results["verdict"], expected[who], f"{results}\n{output}")
                if who == "keeper":
                    self.assertEqual(process.returncode, 3, output)

    def test_at_random_moments(self):
        every = [(self.chosen.choice(WHO), self.chosen.random())
                 for _ in range(RANDOM_MOMENTS)]
        for who, part in self.cases(every, SAMPLE // 2):
            with self.subTest(who=who, part=round(part, 3)):
                tag = f"{who}-{part}"
                process = self.start(tag)
                time.sleep(part * self.seconds)  # a moment of the run, not a wait for something
                self.kill(process, who)
                results, output = self.settle(process, tag, who)
                self.assertIn(results["verdict"], ("cancelled", "ci_error", "passed"), output)

    def kill(self, process, who):
        """Whoever is there at this moment: before its birth and after its death there is nobody to kill."""
        victims = [process.pid] if who in ("front", "both") else []
        if who != "front":
            name = "ccci-worker" if who == "worker" else "ccci-keeper"
            victims += [pid for pid in self.below_tag(process) if self.name_of(pid) == name]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def below_tag(self, process):
        """Keeper and worker are not children of the front: they are known by its environment."""
        try:
            with open(f"/proc/{process.pid}/environ", "rb") as file:
                tag = next(row for row in file.read().split(b"\0") if row.startswith(b"CCCI_TEST_TAG="))
        except (OSError, StopIteration):
            return []
        return [int(line.partition(":")[0]) for line in processes("", tag.decode().partition("=")[2])]

    @staticmethod
    def name_of(pid):
        try:
            with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
                return file.read().strip()
        except OSError:
            return ""


if __name__ == "__main__":
    unittest.main()
