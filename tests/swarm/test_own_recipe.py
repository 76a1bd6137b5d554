#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ccci as a recipe (recipe/) is tested by ccci, with its suite in tests/recipes/ccci: `ccci-run run recipe/`. The image is what
recipe/Dockerfile would make, put together without a registry from the program that was built and Debian's packages."""

import os
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import images, runs  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
RECIPE = os.path.join(ROOT, "recipe")
IMAGE = "ccci/ccci:0.1.0"


def bring_suite(host):
    shutil.copytree(os.path.join(ROOT, "tests/recipes/ccci"), os.path.join(host.directory, "tests/recipes/ccci"))


def read(name):
    with open(os.path.join(RECIPE, name), encoding="utf-8") as file:
        return file.read()


class OwnRecipe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        bridge = {"usr/bin/ccci-bridge": os.path.join(os.environ["CCCI_BUILD"], "ccci-bridge")}
        image = images.Packed("curl", "usr/bin/curl", {}, 'CMD ["ccci-bridge"]', bridge)
        cls.addClassCleanup(images.remove, images.make([IMAGE], {IMAGE: image}))

    def run_recipe(self, path=RECIPE, **more):
        outcome = runs.run(path, change=bring_suite, **more)
        self.assertEqual((outcome.results.get("teardown", {}).get("outcome"), outcome.left), ("clean", []), outcome)
        return outcome

    def test_green(self):
        outcome = self.run_recipe()
        self.assertEqual((outcome.results["verdict"], outcome.code, outcome.results["run"]["recipe"]), ("passed", 0, "ccci"), outcome)
        self.assertEqual(outcome.outcomes("install", "recreate", "backup", "lint"),
                         dict.fromkeys(("install", "recreate", "backup", "lint"), "pass"), outcome)
        self.assertEqual(outcome.results["level"], 5, outcome)

    def test_a_restore_that_does_nothing(self):
        """One that leaves the store as it is is found out by the suite: the row is not back."""
        with tempfile.TemporaryDirectory(prefix="ccci-own-") as directory:
            path = os.path.join(directory, "recipe")
            shutil.copytree(RECIPE, path)
            # The seed and the wipe go by a restore as well: the third one is ccci's.
            with open(os.path.join(path, "backup.sh"), "w", encoding="utf-8") as file:
                file.write(read("backup.sh").replace(
                    "\ttouch restore-wanted\n", "\techo >>restores\n\t[ \"$(wc -l <restores)\" -lt 3 ] || exit 0\n\ttouch restore-wanted\n"))
            outcome = self.run_recipe(path, arguments=["--stages=install,backup"])
        self.assertEqual((outcome.results["verdict"], outcome.stage("backup")["outcome"]), ("recipe_failed", "fail"), outcome)
        self.assertIn("is not in the store any more", outcome.reasons(), outcome)

    def test_overlays(self):
        """Every set of them that README.md names is read as it should be, and what would let a test at this host is refused."""
        tests = (("woodpecker",), ("drone", "hook"), ("drone", "runner", "ssh"), ("woodpecker", "runner", "tls"), ("drone", "runner", "socket"))
        for overlays in tests:
            files = ":".join(["compose.yml", *(f"compose.{name}.yml" for name in overlays)])
            with self.subTest(overlays), tempfile.TemporaryDirectory(prefix="ccci-own-") as directory, RunnerHost(directory) as host:
                bring_suite(host)
                with open(os.path.join(directory, "tests/recipes/ccci/suite.yml"), "w", encoding="utf-8") as file:
                    file.write(f'env: {{COMPOSE_FILE: "{files}"}}\n')
                done = host.ccci_run("plan", RECIPE)
                if "socket" in overlays:
                    self.assertEqual(done.returncode, 1, done.stdout)
                    self.assertIn("docker-socket", done.stdout)
                else:
                    self.assertEqual(done.returncode, 0, done.stdout)

    def test_image_is_what_the_recipe_names(self):
        self.assertEqual(re.findall(r"image: (\S+)", read("compose.yml")), [IMAGE])
        self.assertIn(f"-t {IMAGE} ", read("Dockerfile"))


if __name__ == "__main__":
    unittest.main()
