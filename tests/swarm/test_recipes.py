#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The suites of tests/recipes, each on a small recipe of the real one's shape: green as it should be, red with each fault, and
then with words that say which. All of them with CCCI_ALL=1; else a light one and a fault, others for each commit."""

import glob
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, images, standin_recipes, wanted  # noqa: E402
from lib.host import RunnerHost  # noqa: E402
from lib.world import wait_for  # noqa: E402

LIGHT = ("bluesky-pds", "cryptpad", "custom-html")  # for a whole run of which there is time at each commit


def spec(name):
    return canary.load(name, standin_recipes.DIRECTORY)


def wanted_runs():
    """Pairs of a recipe and a fault, or None."""
    names = standin_recipes.names()
    faults = [(name, fault) for name in names for fault in spec(name)["faults"]]
    if wanted.everything():
        return [*((name, None) for name in names), *faults]
    chance = wanted.chance()
    return [(chance.choice(LIGHT), None), chance.choice(faults)]


class Recipes(unittest.TestCase):
    maxDiff = None
    at_once = ()

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="ccci-recipes-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.addClassCleanup(images.remove, standin_recipes.make_images())
        cls.started = {(name, fault): standin_recipes.start(name, cls.directory, fault) for name, fault in cls.at_once}

    def outcome(self, name, fault=None):
        run = self.started.get((name, fault)) or standin_recipes.start(name, self.directory, fault)
        return run.result()

    def check_good(self, name):
        outcome = self.outcome(name)
        self.assertEqual((outcome.results.get("verdict"), outcome.code), ("passed", 0), outcome)
        self.assertEqual(outcome.outcomes("install", "recreate", "backup", "upgrade"),
                         dict.fromkeys(("install", "recreate", "backup", "upgrade"), "pass"), outcome)
        self.assertEqual((outcome.results["level"], outcome.results["teardown"]["outcome"], outcome.left), (5, "clean", []), outcome)
        if "extra" in spec(name):
            tests = {test["name"]: test["outcome"] for test in outcome.stage("extra")["tests"]}
            self.assertEqual({test: tests.get(test) for test in spec(name)["extra"]}, spec(name)["extra"], outcome)

    def check_fault(self, name, fault):
        expect, outcome = spec(name)["faults"][fault], self.outcome(name, fault)
        self.assertEqual((outcome.results.get("verdict"), outcome.code), ("recipe_failed", 1), outcome)
        self.assertEqual(outcome.stage(expect["stage"])["outcome"], "fail", outcome)
        self.assertIn(expect["says"], outcome.reasons(), outcome)
        self.assertEqual((outcome.results["teardown"]["outcome"], outcome.left), ("clean", []), outcome)

    @unittest.skipUnless(wanted.everything(), "with CCCI_ALL=1")
    def test_a_shared_keycloak(self):
        """A realm is made in it for one run, and is gone after it: else it would be given to nobody any more."""
        directory = os.path.join(self.directory, "shared")
        path = standin_recipes.make_repos("lasuite-docs", directory)
        with RunnerHost(os.path.join(directory, "host"), shared_needs="keycloak", shared_idle="1s") as host:
            standin_recipes.bring_suites("lasuite-docs", host)
            done = host.ccci_run("run", path, "--stages=install")
            wait_for(lambda: not host.live_runs(), 120, "the end of the shared app")
            host.ccci_run("reap", check=True)
            self.assertEqual(done.returncode, 0, done.stdout + host.logs())
            (log,) = glob.glob(os.path.join(host.state_dir, "runs/shared-*/log/keeper.log"))
            with open(log, encoding="utf-8") as file:
                self.assertNotIn("given to nobody", file.read())
            self.assertEqual((host.left_in_docker("local"), host.left_in_docker("shared"), host.leftovers()), ([], [], []))


def add_test(name, fault):
    def test(self):
        if fault:
            self.check_fault(name, fault)
        else:
            self.check_good(name)
    setattr(Recipes, f"test_{name}{'_' + fault if fault else ''}".replace("-", "_"), test)


for recipe_name, which in wanted_runs():
    add_test(recipe_name, which)


def load_tests(_loader, tests, _pattern):
    """The whole file: its runs go on side by side. Who names a test wants that alone."""
    Recipes.at_once = wanted_runs()
    return tests

if __name__ == "__main__":
    unittest.main()
