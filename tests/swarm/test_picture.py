#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the app, on the real Swarm and by the real Chromium: it is of the page, it stands in the results, and
whatever comes between, the verdict is what it was."""

import base64
import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, chromium, png, runs  # noqa: E402
from lib.chain import Chain  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

STAGES = "--stages=install"


class Picture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        runs.need_images(canary.load("green")["images"])

    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="picture-"))
        self.recipe = canary.make_repo("green", os.path.join(directory, "green")).path
        self.host = self.enterContext(RunnerHost(os.path.join(directory, "host"), picture="1"))
        self.results = os.path.join(directory, "results.json")

    def run_it(self, *words):
        done = self.host.ccci_run("run", self.recipe, STAGES, "--json", self.results, *words)
        with open(self.results, encoding="utf-8") as file:
            results = json.load(file)
        self.assertEqual((done.returncode, results["verdict"]), (0, "passed"), done.stdout)
        return results, done.stdout

    def test_it_is_of_the_page(self):
        chromium.need()
        results, output = self.run_it()
        told = results["picture"]
        self.assertEqual((told["type"], told["why_not"], told["width"], told["height"]), ("image/png", "", 1280, 800))
        path = re.search(r"^/.*/picture\.png$", output, re.MULTILINE)[0]
        with open(path, "rb") as file:
            data = file.read()
        self.assertEqual(len(data), told["bytes"])
        self.assertIn(f"install: picture: 1280 x 800, {-(-len(data) // 1024)} KiB\n", output)
        image = png.read(data)
        self.assertEqual((image.width, image.height), (1280, 800))
        self.assertGreater(len(image.colours()), 10, "letters have shades")
        self.assertEqual((self.host.leftovers(), self.host.left_in_docker()), ([], []), output)

    def test_without_a_browser(self):
        self.host.path = chromium.path_without(self.host.directory, self.host.bin)
        results, output = self.run_it()
        why = "there is no Chromium on this host (apt-get install chromium-headless-shell)"
        self.assertEqual(results["picture"], {"type": "", "why_not": why})
        self.assertEqual(output.count(f"no picture: {why}\n"), 2, output)

    def test_nobody_wants_one(self):
        self.host.configure()
        results, output = self.run_it()
        self.assertNotIn("picture", results)
        self.assertNotIn("picture", output)

    def test_with_little_time_left(self):
        self.host.configure(picture="1", run_timeout="4m")
        results, _ = self.run_it()
        self.assertEqual(results["picture"]["why_not"], "less than 5 minutes are left of the run")


class InDrone(unittest.TestCase):
    def test_it_follows_the_results_in_the_report(self):
        chromium.need()
        with Chain(run={"picture": "1"}) as chain:
            chain.add_canary("green")
            build = chain.world.create_build(RECIPE="green", STAGES="install")
            self.assertEqual(chain.world.wait_build(build)["status"], "success", chain.explain())
            log = chain.world.log(build, "report")
            results = json.loads(re.search(r"--- ccci results 1 ---\n(.*)\n--- end ccci results ---", log)[1])
            sent = re.search(r"--- end ccci results ---\n--- ccci picture ---\n(.*)\n--- end ccci picture ---\n", log)[1]
            data = base64.b64decode(sent, validate=True)
            self.assertEqual(len(data), results["picture"]["bytes"])
            image = png.read(data)
            self.assertEqual((image.width, image.height), (results["picture"]["width"], results["picture"]["height"]))


if __name__ == "__main__":
    unittest.main()
