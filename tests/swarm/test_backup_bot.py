#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stage backup on a host with a backup-bot-two: asked through abra, and not believed."""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import docker, patience, runs  # noqa: E402

STACK = f"bot-{os.getpid()}"
MARK = f"ccci.test.bot={STACK}"  # others run beside this test, and must not find it
COMPOSE = f"""version: "3.8"
services:
  app:
    image: ccci-canary/bot:1.0
    init: true
    volumes: ["{{volumes}}:/volumes"]
    deploy: {{{{endpoint_mode: dnsrr, labels: ["{MARK}"]}}}}
"""
RUNS = {
    "database": ("backup-database", ["k32=app restore:--chaos"]),
    "no-hooks": ("backup-database", ["k25=no-hooks"]),
    "no-snapshot": ("backup-files", ["k25=empty"]),
    "dead-hook": ("failing-hook", []),
}


class BackupBot(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        runs.need_images()
        volumes = os.path.join(docker.get("/info")["DockerRootDir"], "volumes")
        cls.addClassCleanup(docker.remove_stack, STACK)
        subprocess.run(["docker", "stack", "deploy", "--resolve-image", "never", "-c", "-", STACK], check=True,
                       input=COMPOSE.format(volumes=volumes), text=True, capture_output=True)
        deadline = patience.deadline(30)
        while not docker.containers(STACK, "app"):
            if time.monotonic() > deadline:
                raise AssertionError("the bot does not start")
            time.sleep(0.2)
        cls.started = {name: runs.start(recipe, switches=[f"k25-bot={MARK}", *switches], backup_bot=MARK)
                       for name, (recipe, switches) in RUNS.items()}

    def backup(self, name, outcome):
        """The stage as it came out, and abra's calls for it without their --help."""
        result = self.started[name].result()
        self.assertEqual(result.left, [], result)
        self.assertEqual(result.stage("backup")["outcome"], outcome, result)
        calls = [" ".join(word for word in call["argv"] if "." not in word) for call in result.calls
                 if "--help" not in call["argv"] and ("backup" in call["argv"] or "restore" in call["argv"])]
        return result.stage("backup"), calls

    def test_a_database(self):
        """A flag that this abra has not is not said."""
        stage, calls = self.backup("database", "pass")
        self.assertEqual(calls, ["app backup snapshots --offline --no-input",
                                 "app backup create --chaos --offline --no-input",
                                 "app backup snapshots --offline --no-input",
                                 "app restore --hooks --offline --no-input"])
        self.assertIn("data of db (postgres)", [test["name"] for test in stage["tests"]])

    def test_a_restore_without_hooks(self):
        stage, _ = self.backup("no-hooks", "fail")
        self.assertIn("data of db (postgres): its hook dumps it, and the restore did not bring it back", stage["reason"])

    def test_exit_0_without_a_snapshot(self):
        stage, calls = self.backup("no-snapshot", "error")
        self.assertIn("there is no new snapshot", stage["reason"])
        self.assertNotIn("restore", " ".join(calls))

    def test_a_hook_that_dies(self):
        """The bot ends with 0 all the same."""
        stage, _ = self.backup("dead-hook", "fail")
        self.assertIn("the labels back it up, and it is not there", stage["reason"])


if __name__ == "__main__":
    unittest.main()
