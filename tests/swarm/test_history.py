#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host remembers of a recipe, on the real Swarm: a green run of the default branch is the base of the next upgrade,
and a red run names what changed since. The recipe is fetched, from a server of files."""

import functools
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, runs  # noqa: E402
from lib.host import RunnerHost  # noqa: E402

SUITE = """stages:
  recreate: {not_run: "this test is about the history"}
  upgrade: {not_run: "this test is about the history"}
"""


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class History(unittest.TestCase):
    def setUp(self):
        directory = self.enterContext(tempfile.TemporaryDirectory(prefix="history-"))
        runs.need_images(canary.load("green")["images"])
        self.made = canary.make_repo("green", os.path.join(directory, "green"))
        self.bare = os.path.join(directory, "forge/org/green.git")
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Files, directory=os.path.join(directory, "forge")))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.publish()
        self.host = self.enterContext(RunnerHost(
            os.path.join(directory, "host"), gitea_url=f"http://127.0.0.1:{server.server_port}", recipe_org="org"))
        os.makedirs(os.path.join(self.host.directory, "tests/recipes/green"))
        self.host.write("tests/recipes/green/suite.yml", SUITE, 0o644)

    def git(self, *arguments):
        subprocess.run(["git", *arguments], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env={**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@a",
                            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@a"})

    def publish(self):
        """Pull request 1 is the canary's head, 2 one whose image cannot be named; main the version before them."""
        path = os.path.join(self.made.path, "compose.yml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("ccci-canary/web:", "ccci-canary/WEB:"))
        self.git("-C", self.made.path, "checkout", "--quiet", "-b", "red")
        self.git("-C", self.made.path, "commit", "--quiet", "--all", "--message", "feat: a mistake")
        self.git("clone", "--quiet", "--bare", self.made.path, self.bare)
        self.git("-C", self.bare, "update-ref", "refs/pull/1/head", self.made.head)
        self.git("-C", self.bare, "update-ref", "refs/pull/2/head", "refs/heads/red")
        self.git("-C", self.bare, "symbolic-ref", "HEAD", "refs/heads/main")
        self.git("-C", self.bare, "update-server-info")

    def bases(self):
        done = self.host.ccci_run("plan", "green", "--pr", "1", "--json", check=True)
        return [(base["version"], base["why"]) for base in json.loads(done.stdout.splitlines()[-1])["bases"]]

    def run_results(self, *arguments):
        path = os.path.join(self.host.directory, "results.json")
        done = self.host.ccci_run("run", "green", "--json", path, *arguments)
        with open(path, encoding="utf-8") as file:
            return done, json.load(file)

    def history(self):
        return json.loads(self.host.ccci_run("canonical", "--json", check=True).stdout)

    def test_what_was_green(self):
        older = [("0.2.0+1.1", "newest published version older than 0.3.0+1.2"),
                 ("0.1.0+1.0", "next newest published version older than 0.3.0+1.2")]
        self.assertEqual(self.bases(), older)
        self.assertEqual(self.history(), {})
        done, results = self.run_results()
        self.assertEqual((done.returncode, results["verdict"]), (0, "passed"), done.stdout + self.host.logs())
        self.assertEqual(self.history(), {"green": [
            {"version": "0.2.0+1.1", "commit": self.made.main, "build": 0, "when": results["run"]["started"]}]})
        first, second = self.bases()
        self.assertEqual(first[0], "0.2.0+1.1")
        self.assertRegex(first[1], r"^newest green run of the default branch: (just now|\d+ min ago)$")
        self.assertEqual(second, older[1])

        done, red = self.run_results("--pr", "2")
        self.assertEqual((done.returncode, red["verdict"]), (1, "recipe_failed"), done.stdout)
        self.assertEqual(red["last_green"], {"when": results["run"]["started"], "commit": self.made.main})
        self.assertEqual(red["changed"][0], {"what": "recipe", "was": self.made.main, "is": red["run"]["ref"]})
        self.assertRegex(done.stdout, rf"Since the last green \(.*\): recipe {self.made.main[:8]} → {red['run']['ref'][:8]}")
        self.assertEqual(len(self.history()["green"]), 1)
        self.assertEqual(self.host.left_in_docker(), [])


if __name__ == "__main__":
    unittest.main()
