#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the bridge must do in any world, on the real Gitea and Drone; and both of them, and the bridge, killed in mid-run.
CCCI_SEED chooses the moments.
"""
import os
import random
import time
import unittest

from lib.bridge_cases import BridgeCases
from lib.world import PUBLIC, LabWorld, need_lab

KILLS = 20


class OnTheLab(BridgeCases, unittest.TestCase):
    make_world = staticmethod(LabWorld)

    def held_run(self):
        """A run that waits in its middle: its pull request and comment."""
        number = self.open_pr()
        self.hold()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, 40, state="running")
        return number, comment

    def check_one(self, number, comment, seconds=60):
        self.wait_verdict(PUBLIC, number, comment, seconds=seconds)
        self.assertEqual(len(self.builds_of(comment)), 1)
        self.assertEqual(len(self.answers_to(PUBLIC, number, comment)), 1)

    def test_gitea_killed_and_started_in_mid_run(self):
        number, comment = self.held_run()
        self.world.server("gitea", "kill")
        self.release()
        time.sleep(3)
        self.world.server("gitea", "start")
        self.check_one(number, comment)

    def test_drone_killed_and_started_in_mid_run(self):
        number, comment = self.held_run()
        self.world.server("drone", "kill")
        time.sleep(2)
        self.world.server("drone", "start")
        self.release()
        self.check_one(number, comment, 90)

    def test_both_killed_when_a_command_is_written(self):
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.world.server("drone", "kill")
        self.world.server("gitea", "kill")
        time.sleep(2)
        self.world.server("gitea", "start")
        self.world.server("drone", "start")
        self.check_one(number, comment, 90)

    def test_killed_at_random_moments(self):
        seed = int(os.environ.get("CCCI_SEED", time.time()))
        moments = random.Random(seed)
        print(f"  seed {seed}", flush=True)
        asked = []
        for kill in range(KILLS):
            if kill % 3 == 0:
                number = self.open_pr()
                asked.append((number, self.world.comment(PUBLIC, number, "member", "!testme")))
            time.sleep(moments.uniform(0.02, 2.0))
            self.bridge.kill()
            self.bridge.start(wait=False)
        for number, comment in asked:
            with self.subTest(comment=comment, seed=seed):
                self.check_one(number, comment, 120)


if __name__ == "__main__":
    need_lab()
    unittest.main()
