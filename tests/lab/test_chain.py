#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a comment to a verdict on real Gitea, Drone, exec runner, Swarm and Traefik, on a public and a private recipe."""
import sys
import unittest

from lib.chain import trailer
from lib.lab_chain import LabChain
from lib.trial import TrialCases
from lib.world import wait_for

VERDICT_SECONDS = 180


class ChainOnTheLab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.chain = LabChain()
        cls.addClassCleanup(cls.chain.close)
        cls.public = cls.chain.add_canary("green")
        cls.private = cls.chain.add_canary("two-services", private=True)
        cls.red = cls.chain.add_canary("data-loss")
        cls.chain.start()

    def tearDown(self):
        self.chain.host.wait_idle()
        self.assertEqual([], self.chain.host.left_in_docker() + self.chain.host.leftovers())

    def verdict(self, recipe, number):
        try:
            return self.chain.wait_verdict(recipe, number, VERDICT_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.chain.explain()}") from None

    def test_two_comments_at_once_queue_and_both_get_verdicts(self):
        """The public recipe and the private one, commented in the same second on a host with one slot."""
        world = self.chain.world
        first = world.comment("green", self.public, "member", "!testme")
        second = world.comment("two-services", self.private, "member", "please\n\n!testme\n")
        queued = wait_for(lambda: [body for recipe, number in (("green", self.public), ("two-services", self.private))
                                   for body in [row["body"] for row in world.bot_comments(recipe, number)]
                                   if "queued** behind build" in body], 30, "an answer that names the build it waits for")
        self.assertIn("ccci:", queued[0])
        for recipe, number, comment in (("green", self.public, first), ("two-services", self.private, second)):
            body = self.verdict(recipe, number)
            self.assertEqual("passed", trailer(body)["verdict"], body + self.chain.explain())
            self.assertEqual(comment, trailer(body)["comment"])
            self.assertEqual(1, len(world.bot_comments(recipe, number)))
            self.assertIn(("bot", "eyes"), world.reactions(recipe, comment))
        builds = [build.get("params", {}).get("COMMENT") for build in world.builds()]
        self.assertEqual(1, builds.count(str(first)))
        self.assertEqual(1, builds.count(str(second)))

    def test_lost_data_is_red_and_says_which_mount_moved(self):
        world = self.chain.world
        world.comment("data-loss", self.red, "member", "!testme")
        body = self.verdict("data-loss", self.red)
        self.assertEqual("recipe_failed", trailer(body)["verdict"], body)
        self.assertIn("/srv", body)
        self.assertIn("failed at upgrade", body)


class SuitesOfAPullRequest(TrialCases, unittest.TestCase):
    make_chain = LabChain


if __name__ == "__main__":
    sys.exit(unittest.main())
