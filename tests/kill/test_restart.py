#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The engine dies in the middle of a run, as if somebody had killed dockerd: that is ours, never the recipe's, and once the engine
is back a reap leaves nothing. It comes back after the run has ended without it, or at once.

On an engine of the test's own (lib/second_engine.py): this machine's serves other tests. With CCCI_ALL=1 alone (./dev test
kill --all): each stage, both ways.
"""
import os
import shutil
import sys
import tempfile
import time
import unittest

from lib import canary, images, killing, second_engine, wanted
from lib.host import RunnerHost
from lib.world import wait_for

PATIENCE = 240  # each call of a teardown that has no engine has a time of its own


class Restart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = "" if wanted.everything() else "CCCI_ALL=1 runs it"
        reason = reason or second_engine.missing()
        if reason:
            raise unittest.SkipTest(reason)
        cls.directory = tempfile.mkdtemp(prefix="ccci-restart-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        needed = canary.load("green")["images"]
        made = images.make(needed)
        cls.addClassCleanup(images.remove, made)
        swarm = cls.enterClassContext(second_engine.Swarm(os.path.join(cls.directory, "swarm")))
        swarm.load(needed)
        cls.machine = swarm.manager
        cls.host = RunnerHost(os.path.join(cls.directory, "host"), proxy=swarm.proxy, docker_host=cls.machine.tcp,
                              docker_cert_path=swarm.certificates, abra_server=second_engine.SERVER)
        cls.addClassCleanup(cls.host.close)
        swarm.prepare_host(cls.host, cls.machine.tcp)
        cls.recipe = canary.make_repo("green", os.path.join(cls.directory, "green")).path
        cls.seconds = cls.learn()
        cls.chance = wanted.chance()

    @classmethod
    def learn(cls):
        attempt = killing.Attempt(cls.host, cls.recipe)
        seconds, _ = attempt.watch()
        with cls.machine.used():
            results, output = attempt.settle(PATIENCE)
        if results["verdict"] != "passed":
            raise AssertionError(f"the green canary is not green:\n{output}\n{attempt.explain()}")
        return seconds

    def test_in_every_stage(self):
        for stage in self.seconds:
            for is_back in (False, True):
                with self.subTest(stage=stage, is_back_at_once=is_back):
                    self.check(stage, is_back)

    def check(self, stage, is_back):
        since = time.monotonic()
        attempt = killing.Attempt(self.host, self.recipe)
        attempt.wait_stage(stage)
        time.sleep(self.chance.random() * self.seconds[stage])  # a moment of the stage, not a wait for something
        at = attempt.stage()
        self.machine.stop_engine()
        if not is_back:
            wait_for(attempt.is_over, PATIENCE, "end of the run", every=0.1)
        self.machine.start_engine()
        with self.machine.used():
            results, output = attempt.settle(PATIENCE, reap=True)
        print(f"the engine died in {at}, back {'at once' if is_back else 'later'}: {results['verdict']}, "
              f"{results['reason'] or 'no reason'} ({time.monotonic() - since:.0f} s)", flush=True)
        self.assertIn(results["verdict"], ("ci_error", "passed"), output)
        if not is_back and at != "teardown":  # that may have been done
            # Whatever had passed before stays so; that nobody could look is told.
            self.assertTrue(results["verdict"] == "ci_error" or "left behind: " in output, output)
            self.assertEqual(attempt.process.returncode, 3 if results["verdict"] == "ci_error" else 4, output)


if __name__ == "__main__":
    sys.exit(unittest.main())
