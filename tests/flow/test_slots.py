#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Several runs at once on a host with MAX_TESTS slots: never more than that live, first come first served whatever a run
weighs, and nobody waits for the dead. No Swarm is needed: an engine that does not answer keeps a run in prepare.
"""
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from lib.engine import EmptyEngine
from lib.host import RunnerHost
from lib.world import wait_for

NO_PROXY = {"ZONE": "ci.test", "PROBE_CONNECT": "127.0.0.1:1", "CA_FILE": None}
WEIGHTS = {"light": 1, "heavy": 2, "huge": 9}


class Slots(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-slots-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.engine = EmptyEngine(os.path.join(self.directory, "engine.sock"))
        self.addCleanup(self.engine.close)
        self.engine.gate.clear()
        self.host = RunnerHost(os.path.join(self.directory, "host"), proxy=NO_PROXY, docker_host=self.engine.url,
                               recipe_org="org", max_tests="2")
        self.addCleanup(self.host.close)
        self.workspace = os.path.join(self.directory, "workspace")
        for recipe, weight in WEIGHTS.items():
            suite = os.path.join(self.workspace, "tests", "recipes", recipe)
            os.makedirs(suite)
            with open(os.path.join(suite, "suite.yml"), "w", encoding="ascii") as file:
                file.write(f"weight: {weight}\n")

    def start(self, build, recipe):
        process = self.host.start("prepare", cwd=self.workspace, environment={
            "DRONE_BUILD_NUMBER": str(build), "DRONE_REPO": "org/cc-ci", "DRONE_SYSTEM_PROTO": "http",
            "DRONE_SYSTEM_HOST": "127.0.0.1:1", "DRONE_WORKSPACE": self.workspace,
            "DRONE_BUILD_STARTED": str(int(time.time())), "RECIPE": recipe})
        self.addCleanup(self.end, process)
        return process

    def line(self, process, word):
        """The next line with that word."""
        while True:
            line = process.stdout.readline()
            self.assertTrue(line, f"no line with \"{word}\"\n{self.host.logs()}")
            if word in line:
                return line

    def end(self, process):
        """As a person would; its keeper has ended with it."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.fail(f"a run did not end\n{self.host.logs()}")

    def holders(self):
        """Build and number of slots of each run that has some."""
        return {int(run.partition("-")[0] or 0): count for run, count in self.host.slot_holders().items()}

    def wait_holders(self, expected):
        wait_for(lambda: self.holders() == expected, 20, f"{expected} with the slots\n{self.host.logs()}")

    def keeper(self, build):
        lease = glob.glob(os.path.join(self.host.state_dir, "runs", f"{build}-*", "lease"))[0]
        with open(lease, encoding="ascii") as file:
            return int(file.read())

    def test_two_at_once_and_one_that_weighs_more_than_the_host(self):
        first = self.start(1, "light")
        self.wait_holders({1: 1})  # it has the first slot, and is named first
        second = self.start(2, "light")
        self.wait_holders({1: 1, 2: 1})
        huge = self.start(3, "huge")
        self.assertIn("weight 9 is more than this host has (MAX_TESTS is 2): it takes all slots", self.line(huge, "weight"))
        line = self.line(huge, "waiting")
        self.assertRegex(line, r"waiting for 2 of 2 slots: light \(run 1-\w+\) has one, for .* s; light \(run 2-\w+\) has one")
        self.assertIn("1st in line", line)
        self.end(first)
        self.assertIn("2 of 2 slots: light (run 2-", self.line(huge, "waiting for 2 of 2 slots: light (run 2-"))
        self.assertEqual(self.holders(), {2: 1})
        self.end(second)
        self.wait_holders({3: 2})

    def test_four_at_once_in_their_order(self):
        """A light one must not pass a heavy one, or light ones would pass it for ever."""
        first = self.start(1, "light")
        self.wait_holders({1: 1})
        heavy = self.start(2, "heavy")
        self.assertIn("1st in line", self.line(heavy, "waiting"))
        dead = self.start(3, "light")
        self.assertRegex(self.line(dead, "waiting"), r"then heavy \(run 2-\w+\); 2nd in line")
        last = self.start(4, "light")
        self.assertRegex(self.line(last, "waiting"), r"then heavy \(run 2-\w+\), light \(run 3-\w+\); 3rd in line")
        self.assertEqual(self.holders(), {1: 1})

        os.kill(self.keeper(3), signal.SIGKILL)
        self.end(dead)
        self.line(last, "2nd in line")
        self.end(first)
        self.wait_holders({2: 2})
        self.assertIn("heavy (run 2-", self.line(last, "1st in line"))
        os.kill(self.keeper(2), signal.SIGKILL)
        self.wait_holders({4: 1})
        self.assertEqual(len(os.listdir(os.path.join(self.host.state_dir, "slots", "waiting"))), 0)


if __name__ == "__main__":
    unittest.main()
