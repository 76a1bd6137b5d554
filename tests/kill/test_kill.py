#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The central promise, place by place: SIGKILL of front, worker or keeper at any record of a run's journal leaves nothing behind.

A full run of the green canary on the real Swarm, with front, worker, keeper and both front and keeper each killed at every
record. Afterwards (for the keeper: after its front took over, or after `ccci-run reap`) no service, volume, secret, config,
network, container, env file and process of the run is there. Other canaries, and random moments: test_matrix.py.

A few cases by default, other ones for each commit; all with CCCI_ALL=1 (./dev test kill --all).
"""
import os
import shutil
import tempfile
import time
import unittest

from lib import canary, images, killing, wanted
from lib.host import RunnerHost

SAMPLE = 4
# Beyond what the run itself may take: abra's and the engine's own time to take a web service down is about 10 s here.
PATIENCE = 60
WHO = ("front", "worker", "keeper", "both")  # both: front and keeper, so that only reap is left


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
        cls.chosen = wanted.chance()

    @classmethod
    def learn(cls):
        """A run that nobody disturbs: how long it takes, how many records its journal gets."""
        since = time.monotonic()
        attempt = killing.Attempt(cls.host, cls.repository.path)
        results, output = attempt.settle(300)
        if results["verdict"] != "passed":
            raise AssertionError(f"the green canary is not green:\n{output}\n{attempt.explain()}")
        return time.monotonic() - since, len(attempt.journal().splitlines())

    def cases(self):
        every = [(who, k) for k in range(1, self.records + 1) for who in WHO]
        return every if wanted.everything() else self.chosen.sample(every, SAMPLE)

    def test_undisturbed_run_has_places_to_die(self):
        self.assertGreater(self.records, 10)

    def test_at_every_record(self):
        for who, k in self.cases():
            with self.subTest(who=who, record=k):
                attempt = killing.Attempt(self.host, self.repository.path, CCCI_TEST_KILL=f"journal@{k}",
                                          CCCI_TEST_KILL_WHO=who)
                results, output = attempt.settle(self.seconds + PATIENCE, reap=who in killing.NEED_REAP)
                # While no worker runs there is none to kill; a front that dies at the end has its verdict.
                expected = {"front": ("cancelled", "passed"), "worker": ("ci_error", "passed"),
                            "keeper": ("ci_error",), "both": ("ci_error",)}
                self.assertIn(results["verdict"], expected[who], f"{results}\n{output}")
                if who == "keeper":
                    self.assertEqual(attempt.process.returncode, 3, output)


if __name__ == "__main__":
    unittest.main()
