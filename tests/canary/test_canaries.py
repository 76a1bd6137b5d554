#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each canary of tests/canaries comes out as its canary.yml declares, on the real Swarm with the stand-ins for abra and the
proxy: verdict, level, exit code, stages, versions, reasons; and leaves nothing."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, runs, standins, wanted  # noqa: E402

# Measured against the clock: others beside them would be measured too.
ALONE = ("crash-loop",)


def stage_that_failed(outcome):
    return next(stage for stage in outcome.results["stages"] if stage["outcome"] == "fail")


class Canaries(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.outcomes = {name: runs.run(name) for name in canary.names() if name in ALONE}
        cls.started = {name: runs.start(name) for name in canary.names()
                       if name not in ALONE and not canary.load(name).get("needs")}

    def outcome(self, name):
        if name in self.outcomes:
            return self.outcomes[name]
        if canary.load(name).get("needs") == "registry":
            return self.with_registry(name)
        return self.started[name].result()

    def with_registry(self, name):
        with tempfile.TemporaryDirectory(prefix="canary-") as directory, \
                standins.Registry(os.path.join(directory, "registry")) as registry:
            registry.switch(canary.load(name).get("registry", ""))
            made = canary.make_repo(name, os.path.join(directory, name), REGISTRY=registry.address)
            return runs.run(made.path)

    def check(self, name):
        expect, outcome = canary.load(name)["expect"], self.outcome(name)
        results = outcome.results
        self.assertEqual((results.get("verdict"), outcome.code), (expect["verdict"], expect["exit"]), outcome)
        seen = outcome.outcomes()
        self.assertEqual({stage: seen.get(stage) for stage in expect["stages"]}, expect["stages"], outcome)
        self.assertEqual(results["versions"]["head"], expect["head"], outcome)
        self.assertEqual(results["teardown"]["outcome"], "clean", outcome)
        self.assertEqual(outcome.left, [])
        for key, value in (("level", results["level"]), ("deploys", results["deploys"])):
            if key in expect:
                self.assertEqual(value, expect[key], outcome)
        if "base" in expect:
            self.assertEqual(results["versions"]["base"], expect["base"], outcome)
        for text in expect["says"]:
            self.assertIn(text, outcome.reasons(), outcome)
        for text in expect["says_not"]:
            self.assertNotIn(text, outcome.reasons(), outcome)
        if "allowed" in expect:
            self.assertEqual([entry["word"] for entry in results.get("allowed", [])], expect["allowed"], outcome)
        if "service" in expect:
            self.assertEqual(stage_that_failed(outcome)["service"], expect["service"], outcome)
        for stage, expected in expect.get("tests", {}).items():
            tests = {test["name"]: test["outcome"] for test in outcome.stage(stage)["tests"]}
            self.assertEqual({test: tests.get(test) for test in expected}, expected, outcome)
        if "within_s" in expect:
            self.check_time(outcome, expect["within_s"])

    def check_time(self, outcome, seconds):
        """From the deploy's beginning to the verdict; without one, from the run's. Other tests run beside this one: there
        it may take three times as long, which is still far from every timeout."""
        seconds *= 1 if wanted.everything() else 3
        stage = stage_that_failed(outcome)
        phases = [phase["seconds"] for phase in stage["phases"] if phase["name"].startswith(("deploy", "converge"))]
        took = sum(phases) if phases else stage["seconds"]
        print(f"red {took:.1f} s after the {'deploy' if phases else 'run'} began; allowed are {seconds} s")
        self.assertLessEqual(took, seconds, outcome)

    def test_nothing_deployed(self):
        """A missing image is found before anything is deployed: abra is not even asked for an app."""
        outcome = self.with_registry("bad-image")
        self.assertEqual([call["argv"] for call in outcome.calls if call["argv"] != ["--version"]], [])


def add_test(name):
    def test(self):
        self.check(name)
    setattr(Canaries, f"test_{name.replace('-', '_')}", test)


for canary_name in canary.names():
    add_test(canary_name)

if __name__ == "__main__":
    unittest.main()
