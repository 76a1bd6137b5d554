#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A night on real Gitea, Drone, exec runner, Swarm and Traefik: the default branch is tested without anybody asking, becomes a
base for upgrades, and nobody is answered.
"""
import sys
import unittest

from lib.lab_chain import LabChain
from lib.night import Wall
from lib.world import ORG, wait_for

VERDICT_SECONDS = 180


class NightOnTheLab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chain = LabChain(bridge={"nightly": "03:00"})
        cls.addClassCleanup(cls.chain.close)
        cls.chain.add_canary("green", private=True)
        cls.chain.start()
        cls.chain.bridge.stop()

    def test_a_green_night_makes_a_canonical(self):
        chain, world, wall = self.chain, self.chain.world, Wall()
        # By the zone that start() had, another night goes on: the first of ours is the next by this one.
        chain.bridge.environment["TZ"] = wall.zone("02:30:00", days=1)
        chain.bridge.settings["nightly"] = "02:31"
        chain.bridge.rewrite()
        chain.bridge.start()
        chain.bridge.stop()
        chain.bridge.environment["TZ"] = wall.zone("02:31:00", days=1)
        chain.bridge.start()
        try:
            wait_for(lambda: "judged -> answered, passed" in chain.bridge.stderr(), VERDICT_SECONDS, "green nightly")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{chain.explain()}") from None
        builds = world.builds()
        head = world.forge_must("lab-admin", "GET", f"/repos/{ORG}/green/branches/main")["commit"]["id"]
        self.assertEqual([(build["params"]["RECIPE"], build["params"]["REF"], build["params"].get("PR")) for build in builds],
            [("green", head, None)])
        done = chain.host.ccci_run("canonical", "green", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(head, done.stdout)
        self.assertEqual(world.forge_must("lab-admin", "GET", f"/repos/{ORG}/green/issues/comments?limit=50"), [])
        chain.host.wait_idle()
        self.assertEqual([], chain.host.left_in_docker() + chain.host.leftovers())


if __name__ == "__main__":
    sys.exit(unittest.main())
