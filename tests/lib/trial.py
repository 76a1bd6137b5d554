# SPDX-License-Identifier: GPL-3.0-or-later
"""
A change of a suite, tried with a recipe before either is merged: from a comment with --with-tests to a verdict, in any world
that lib.chain runs in.

    class OnTheStandins(TrialCases, unittest.TestCase):
        make_chain = Chain
"""
import glob
import json
import os

from lib.chain import trailer
from lib.world import wait_for

CI = "cc-ci"
RECIPE = "green"
VERDICT_SECONDS = 180


class TrialCases:
    make_chain = None

    @classmethod
    def setUpClass(cls):
        cls.chain = cls.make_chain(bridge={"with_tests_allow": "member"})
        cls.addClassCleanup(cls.chain.close)
        cls.number = cls.chain.add_canary(RECIPE)
        cls.suites = cls.chain.world.open_pr(CI, "suites", cls.suite("status: [200]"))
        cls.chain.start()

    def tearDown(self):
        self.chain.host.wait_idle()
        self.assertEqual([], self.chain.host.left_in_docker() + self.chain.host.leftovers())

    @staticmethod
    def suite(what):
        return {f"tests/recipes/{RECIPE}/suite.yml": f"checks:\n  - http: /\n    {what}\n"}

    def ask(self, words):
        """The answer to a command, and the results of its run as the host has them."""
        world = self.chain.world
        comment = world.comment(RECIPE, self.number, "member", f"!testme {words}")

        def look():
            bodies = [row["body"] for row in world.bot_comments(RECIPE, self.number)]
            return next((body for body in bodies if trailer(body).get("comment") == comment and trailer(body).get("verdict")), None)
        try:
            body = wait_for(look, VERDICT_SECONDS, f"verdict of {words}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.chain.explain()}") from None
        path, = glob.glob(os.path.join(self.chain.host.state_dir, "runs", f"{trailer(body)['build']}-*", "results.json"))
        with open(path, encoding="utf-8") as file:
            return body, json.load(file)

    def test_it_judges_and_counts_for_nothing_else(self):
        head = self.chain.world.head(CI, self.suites)
        body, results = self.ask(f"--with-tests={self.suites}")
        self.assertEqual("passed", trailer(body)["verdict"], body + self.chain.explain())
        self.assertIn(f"A trial: judged by the suites of `{self.chain.world.full(CI)}#{self.suites}` at `{head[:8]}`", body)
        self.assertEqual(head, results["run"]["suite_ref"])
        install = next(stage for stage in results["stages"] if stage["name"] == "install")
        self.assertIn("GET /", [test["name"] for test in install["tests"]])
        self.assertFalse(os.path.exists(os.path.join(self.chain.host.state_dir, "green", f"{RECIPE}.json")),
                         "a trial is remembered as what was green last")
        plain, in_force = self.ask("--stages=install")
        self.assertEqual("passed", trailer(plain)["verdict"], plain)
        self.assertEqual("", in_force["run"]["suite_ref"])
        self.assertNotEqual(in_force["provenance"]["suite"], results["provenance"]["suite"])

    def test_what_it_finds_is_red(self):
        world = self.chain.world
        before = len(world.pushes(CI, self.suites))
        world.push(CI, self.suites, self.suite("status: [418]"))
        wait_for(lambda: len(world.pushes(CI, self.suites)) > before, 20, "event of the push")
        body, _ = self.ask(f"--stages=install --with-tests={self.suites}")
        self.assertEqual("recipe_failed", trailer(body)["verdict"], body)
        self.assertIn("failed at install", body)
        self.assertIn("GET /: status 200", body)
