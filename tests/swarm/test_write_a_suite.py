#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/write-a-suite.md, done word by word: each file that it shows is written, each command that it shows is run, in their
order. What needs the internet stands there as an indented line, and is not run."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, docker, images, standin_recipes  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

DOCUMENT = os.path.join(os.path.dirname(standin_recipes.TESTS), "docs/write-a-suite.md")
BLOCK = re.compile(r"^```(sh|yaml|python)\n(.*?)^```$", re.M | re.S)
FILE = re.compile(r"^# (tests/recipes/\S+)$", re.M)


class WriteASuite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(images.remove, standin_recipes.make_images(["ccci-standin/app:1.0", "ccci-standin/app:1.1"]))

    def test_word_by_word(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            blocks = BLOCK.findall(file.read())
        directory = tempfile.mkdtemp(prefix="ccci-write-")
        self.addCleanup(shutil.rmtree, directory)
        with RunnerHost(os.path.join(directory, "host")) as host:
            canary.make_repo("custom-html", os.path.join(host.directory, "custom-html"), standin_recipes.DIRECTORY)
            shutil.copytree(os.path.join(standin_recipes.SUITES, "keycloak"), os.path.join(host.directory, "tests/recipes/keycloak"))
            for kind, text in blocks:
                if kind == "sh":
                    self.run_block(host, text)
                else:
                    self.write_block(host, text)
            ended = os.listdir(os.path.join(host.state_dir, "runs"))
            self.assertEqual({run: docker.of_run(run) for run in ended}, {run: [] for run in ended})
        self.assertGreater(len(ended), 1)
        self.assertEqual([kind for kind, _ in blocks].count("sh"), 6)

    def run_block(self, host, text):
        done = subprocess.run(["sh", "-ec", text], cwd=host.directory, env=host.environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}\n{host.logs()}")
        if "recreate" in text:
            self.assertIn("what was seeded says 'lost' now", done.stdout)

    def write_block(self, host, text):
        path = os.path.join(host.directory, FILE.search(text)[1])
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    unittest.main()
