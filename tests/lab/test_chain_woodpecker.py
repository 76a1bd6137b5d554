#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
From a comment to a verdict on real Gitea, Woodpecker and its agent with the local backend, Swarm and Traefik; and a run that
somebody cancels in Woodpecker, by an agent that kills its step's whole process group.
"""
import sys
import unittest

from lib.chain import trailer
from lib.lab_chain import LabChain
from lib.world import WoodpeckerLabWorld, wait_for

VERDICT_SECONDS = 180


class WoodpeckerChain(LabChain):
    def make_world(self, capacity):
        return WoodpeckerLabWorld(capacity, self.host.path)


class ChainOnWoodpecker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chain = WoodpeckerChain()
        cls.addClassCleanup(cls.chain.close)
        cls.number = cls.chain.add_canary("green")
        cls.chain.start()

    def tearDown(self):
        self.chain.host.wait_idle()
        self.assertEqual([], self.chain.host.left_in_docker() + self.chain.host.leftovers())

    def verdict(self, comment):
        def look():
            bodies = [row["body"] for row in self.chain.world.bot_comments("green", self.number)]
            return next((body for body in bodies if trailer(body).get("comment") == comment and trailer(body).get("verdict")),
                None)
        try:
            return wait_for(look, VERDICT_SECONDS, "verdict")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.chain.explain()}") from None

    def test_a_comment_gets_its_verdict(self):
        world = self.chain.world
        comment = world.comment("green", self.number, "member", "!testme")
        body = self.verdict(comment)
        self.assertEqual("passed", trailer(body)["verdict"], body + self.chain.explain())
        build = trailer(body)["build"]
        self.assertIn(f"{world.woodpecker_url}/repos/{world.repo_id}/pipeline/{build}", body)
        steps = world.steps(build)
        self.assertEqual({"success"}, {step["status"] for step in steps.values()}, steps)
        self.assertIn("install", steps)

    def test_cancelled_in_woodpecker_nothing_is_left(self):
        world = self.chain.world
        comment = world.comment("green", self.number, "member", "!testme")
        build = wait_for(lambda: [row for row in world.builds() if row["params"].get("COMMENT") == str(comment)], 30,
            "build")[0]["number"]
        world.wait_step(build, "install", seconds=60)
        wait_for(self.chain.host.left_in_docker, 30, "something of the run in Docker")
        world.cancel(build)
        body = self.verdict(comment)
        self.assertEqual("cancelled", trailer(body)["verdict"], body)
        self.assertIn("cancelled in Woodpecker, in step install", body)


if __name__ == "__main__":
    sys.exit(unittest.main())
