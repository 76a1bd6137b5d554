#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A build that Drone cancels or times out, in the middle of prepare, deploy and upgrade: nothing of the run is left some
seconds later, the slot is free, the next build waits for the lease, says for what, and passes. The same when the runner
itself is killed.

Drone's runner does not hear a cancel that comes 33 s after a build's start: its API says `killed` and the step runs on.

One case of each kind by default, chosen by the commit; all with CCCI_LAB_ALL=1, one with CCCI_LAB_CASE=cancel-5s-in-install.
"""
import itertools
import os
import random
import subprocess
import sys
import time
import unittest

from lib.lab_chain import LabChain
from lib.world import wait_for

# What abra and the engine need to take down a two-service app on a busy machine, on top of our own ten seconds.
GONE_SECONDS = 10 + 15
KINDS = ("cancel-5s", "cancel-33s", "timeout")
PLACES = ("prepare", "install", "upgrade")


def cases():
    every = list(itertools.product(KINDS, PLACES))
    if os.environ.get("CCCI_LAB_ALL"):
        return every
    if os.environ.get("CCCI_LAB_CASE"):
        return [case for case in every if "-in-".join(case) == os.environ["CCCI_LAB_CASE"]]
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=os.path.dirname(os.path.realpath(__file__)),
                            stdout=subprocess.PIPE, text=True, check=False).stdout
    chosen = random.Random(commit)
    return [(kind, chosen.choice(PLACES)) for kind in KINDS]


def run_processes(build):
    """Processes that carry the run's name in their environment, and its keeper."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                rows = file.read().split(b"\0")
        except OSError:
            continue
        if any(row.startswith(f"CCCI_RUN={build}-".encode()) for row in rows):
            found.append(int(pid))
    return found


class BuildsThatEndEarly(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chain = LabChain(hook=False)
        cls.addClassCleanup(cls.chain.close)
        cls.chain.add_canary("slow-start", DELAY="90")
        cls.chain.add_canary("green")

    def end_all_builds(self):
        """What a case that failed may have left running."""
        for build in self.chain.world.builds():
            if build["status"] in ("pending", "running"):
                self.chain.world.cancel(build["number"])
        self.chain.host.wait_idle()

    def left(self, build):
        """What is still there of the build's run: Docker's things, env files, processes, a held lease."""
        host = self.chain.host
        live = [run for run in host.live_runs() if run.startswith(f"{build}-")]
        domains = [f"-{run.split('-')[1]}." for run in os.listdir(os.path.join(host.state_dir, "runs"))
                   if run.startswith(f"{build}-")]
        files = [name for name in host.leftovers() if any(domain in name for domain in domains)]
        return [*host.left_in_docker(build), *files, *run_processes(build), *live]

    def start_build(self, place):
        world = self.chain.world
        self.chain.slow_git(place == "prepare")
        build = world.create_build(RECIPE="slow-start", STAGES="upgrade" if place == "upgrade" else "install,upgrade")
        started = wait_for(lambda: world.build(build)["started"], 30, f"start of build {build}")
        world.wait_step(build, place, seconds=30)
        return build, started

    def wait_nothing_left(self, build):
        since = time.monotonic()
        try:
            wait_for(lambda: not self.left(build), GONE_SECONDS, "end of everything of the run", every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}\nleft: {self.left(build)}\n{self.chain.host.logs()}") from None
        return time.monotonic() - since

    def check_next_passes(self, build, must_wait=False):
        """A build that was queued behind gets the slot, after it said what it waits for, and passes."""
        done = self.chain.world.wait_build(build, seconds=180)
        self.assertEqual("success", done["status"], self.chain.explain())
        if must_wait:
            self.assertIn("waiting for a slot: slow-start (run ", self.chain.world.log(build, "prepare"))

    def end_early(self, kind, place):
        world = self.chain.world
        self.end_all_builds()
        world.set_timeout(1 if kind == "timeout" else 60)
        build, started = self.start_build(place)
        self.chain.slow_git(False)
        behind = world.create_build(RECIPE="green")
        if kind == "timeout":
            world.wait_build(build, seconds=90)
            world.set_timeout(60)
        else:
            time.sleep(max(0, started + (5 if kind == "cancel-5s" else 33) - time.time()))
            world.cancel(build)
        seconds = self.wait_nothing_left(build)
        print(f"{kind} in {place}: nothing left after {seconds:.1f} s", flush=True)
        # Only after a cancel that it hears does Drone start the next build at once, while the run is still taken down;
        # in prepare nothing is there yet.
        self.check_next_passes(behind, must_wait=kind == "cancel-5s" and place != "prepare")

    def test_cancelled_and_timed_out(self):
        for kind, place in cases():
            with self.subTest(kind=kind, place=place):
                self.end_early(kind, place)

    def test_runner_killed(self):
        world = self.chain.world
        self.end_all_builds()
        build, _ = self.start_build("install")
        behind = world.create_build(RECIPE="green")
        world.server("runner", "kill")
        seconds = self.wait_nothing_left(build)
        print(f"runner killed: nothing left after {seconds:.1f} s", flush=True)
        world.server("runner", "start")
        self.assertEqual("running", world.build(build)["status"])
        world.cancel(build)
        self.check_next_passes(behind)


if __name__ == "__main__":
    sys.exit(unittest.main())
