#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
NOTIFY_COMMAND: told when a recipe's level changes and when its nightly turns red or green again, once, with a document that
its schema knows; and what happens when it fails, hangs, or the bridge dies around it.
"""
import json
import os
import signal
import subprocess
import time
import unittest

from lib import patience
from lib.bridge_cases import HOOK_SECRET, results
from lib.night import Wall
from lib.schema import check_schema
from lib.standin_case import Case
from lib.world import ORG, PRIVATE, PUBLIC, WoodpeckerStandinWorld, wait_for

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "api.schema.json"), encoding="utf-8") as _file:
    SCHEMA = json.load(_file)

GREEN = results()
CHANGED = [{"what": "image app", "was": "sha256:aa", "is": "sha256:bb"}]
LAST_GREEN = {"build": 1, "when": "2026-11-22T03:10:00Z", "commit": "f" * 40}
RED = results("recipe_failed", 1, "the app answers 502", "fail").replace('"deploys"',
    f'"last_green":{json.dumps(LAST_GREEN)},"changed":{json.dumps(CHANGED)},"deploys"')

# Each document is a line of "told". What else is to be done stands in "then".
TELL = """#!/bin/sh
env >'{dir}/environment'
cat >>'{dir}/told'
echo >>'{dir}/told'
. '{dir}/then'
"""


class Told(Case):
    def setUp(self):
        super().setUp()
        self.dir = os.path.join(self.world.directory, "notify")
        os.mkdir(self.dir)
        self.command = self.write("tell", TELL.format(dir=self.dir), 0o755)
        self.write("told", "")
        self.then(":")
        self.bridge.settings.update(notify_command=self.command, public_url="https://ci.example.org", poll_repos=f"{ORG}/{PUBLIC}")
        self.bridge.rewrite()

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        return path

    def then(self, commands):
        self.write("then", commands + "\n")

    def told(self):
        with open(os.path.join(self.dir, "told"), encoding="utf-8") as file:
            documents = [json.loads(line) for line in file if line.strip()]
        for document in documents:
            check_schema(document, SCHEMA["$defs"]["notice"], SCHEMA)
        return documents

    def wait_told(self, count, seconds=20):
        return wait_for(lambda: len(self.told()) == count and self.told(), seconds, f"{count} documents")

    def run_with(self, text, verdict, repo=PUBLIC):
        """A person's run of the newest pull request, to its end; its build."""
        self.set_results(text)
        number, comment = self.ask(repo=repo)
        self.wait_verdict(repo, number, comment, verdict)
        self.logged(f"job={comment} judged -> answered")
        return number, self.builds_of(comment)[0]["number"]

    # ---- people's runs

    def test_a_level_that_changes(self):
        self.bridge.start()
        self.run_with(GREEN, "passed")
        number, build = self.run_with(RED, "recipe_failed")
        document = self.wait_told(1)[0]
        self.assertEqual((document["events"], document["recipe"], document["repo"], document["pr"], document["nightly"]),
            (["level"], PUBLIC, f"{ORG}/{PUBLIC}", number, False))
        self.assertEqual((document["level"], document["verdict"], document["reason"], document["build"], document["url"]),
            ({"before": 4, "after": 1}, "recipe_failed", "the app answers 502", build, f"https://ci.example.org/runs/{build}"))
        self.assertEqual((document["changed"], document["last_green"], document["first_red"]), (CHANGED, LAST_GREEN, None))
        self.assertEqual((document["results"]["verdict"], document["results"]["run"]["build"]), ("recipe_failed", build))
        self.run_with(RED, "recipe_failed")
        self.run_with(GREEN, "passed")
        documents = self.wait_told(2)
        self.assertEqual(documents[1]["level"], {"before": 1, "after": 4})
        self.assertEqual(len({document["id"] for document in documents}), 2)
        self.assertIn('ccci_notify_tries_total{result="told"} 2\n', self.metrics())
        self.assertIn('ccci_notify_tries_total{result="failed"} 0\n', self.metrics())

    def test_no_secret_goes_along(self):
        self.bridge.environment.update(CREDENTIALS_DIRECTORY="/run/credentials", LANG="C.UTF-8", CCCI_TEST_TRACE="/dev/null",
            GITEA_TOKEN=self.world.tokens["bot"])
        self.bridge.start()
        self.run_with(GREEN, "passed")
        self.run_with(RED, "recipe_failed")
        self.wait_told(1)
        with open(os.path.join(self.dir, "environment"), encoding="utf-8") as file:
            names = {line.split("=")[0] for line in file}
        self.assertEqual(names - {"PWD", "_", "SHLVL", "OLDPWD"}, {"PATH", "HOME", "LANG"})
        with open(os.path.join(self.dir, "told"), encoding="utf-8") as file:
            told = file.read()
        for secret in (self.world.tokens["bot"], *self.world.ci_secrets(), HOOK_SECRET):
            self.assertNotIn(secret, told)

    def test_a_private_recipe_has_no_page(self):
        self.bridge.settings["poll_repos"] = f"{ORG}/{PRIVATE}"
        self.bridge.rewrite()
        self.bridge.start()
        self.run_with(GREEN, "passed", PRIVATE)
        self.run_with(RED, "recipe_failed", PRIVATE)
        self.assertIsNone(self.wait_told(1)[0]["url"])

    # ---- by night

    def begin_by_day(self):
        self.wall = Wall()
        self.bridge.settings["nightly"] = "03:00"
        self.bridge.rewrite()
        self.bridge.environment["TZ"] = self.wall.zone("02:30:00")
        self.bridge.start()
        self.run_with(GREEN, "passed")
        self.bridge.stop()

    def night(self, text, days=0):
        self.set_results(text)
        self.bridge.environment["TZ"] = self.wall.zone("02:59:58", days)
        self.bridge.start()

    def test_a_nightly_turns_red_and_green_again(self):
        self.begin_by_day()
        self.night(RED)
        document = self.wait_told(1, 40)[0]
        self.assertEqual((document["events"], document["level"], document["nightly"], document["pr"]),
            (["level", "nightly_red"], {"before": 4, "after": 1}, True, 0))
        # The second try tells, and names the first.
        self.assertEqual((document["build"], document["first_red"]["build"]), (3, 2))
        self.assertEqual(document["first_red"]["url"], "https://ci.example.org/runs/2")
        self.assertEqual(document["first_red"]["commit"], document["commit"])
        page = self.page(f"/recipes/{PUBLIC}")
        self.assertIn('Red since <a href="../runs/2">build 2</a>', page)
        self.assertIn("image app sha256:aa → sha256:bb under the same name; nothing of the recipe", page)
        self.bridge.stop()
        self.night(GREEN, days=1)
        document = self.wait_told(2, 40)[1]
        self.assertEqual((document["events"], document["level"], document["first_red"], document["verdict"]),
            (["level", "nightly_green"], {"before": 1, "after": 4}, None, "passed"))
        self.assertNotIn("Red since", self.page(f"/recipes/{PUBLIC}"))

    def test_red_by_chance_is_told_nobody(self):
        self.begin_by_day()
        self.set_results(RED, build=2)
        self.night(GREEN)
        wait_for(lambda: self.bridge.stderr().count("judged -> answered") == 3, 40, "third run")
        self.assertEqual(self.told(), [])

    # ---- when it goes wrong

    def later(self, seconds):
        """As if so much time had gone by since the last try."""
        self.bridge.stop()
        self.assertEqual(self.change_store("UPDATE notice SET tried_s = tried_s - ?", seconds), 1)
        self.bridge.start()

    def fails(self, count):
        wait_for(lambda: self.bridge.stderr().count("error: ") >= count, 20, f"{count} failures")

    def test_a_command_that_fails_is_run_a_few_times(self):
        self.then("echo first; echo 'no route to host' >&2; exit 3")
        self.bridge.start()
        self.run_with(GREEN, "passed")
        self.run_with(RED, "recipe_failed")
        self.logged("NOTIFY_COMMAND (try 1 of 3): exit status 3: no route to host")
        self.assertIn('ccci_notify_tries_total{result="failed"} 1\n', self.metrics())
        time.sleep(1.5)
        self.assertEqual(len(self.told()), 1)
        self.later(61)
        self.logged("NOTIFY_COMMAND (try 2 of 3): exit status 3")
        self.later(61)
        time.sleep(1)
        self.assertEqual(len(self.told()), 2)
        self.later(600)
        self.logged("NOTIFY_COMMAND (try 3 of 3): exit status 3: no route to host; this news is lost")
        self.assertIn("ccci_notify_lost_total 1\n", self.metrics())
        self.assertEqual(len({document["id"] for document in self.wait_told(3)}), 1)
        self.bridge.stop()
        self.assertEqual(self.change_store("DELETE FROM notice"), 0)

    def test_a_command_that_fails_once(self):
        self.then("exit 1")
        self.bridge.start()
        self.run_with(GREEN, "passed")
        self.run_with(RED, "recipe_failed")
        self.logged("NOTIFY_COMMAND (try 1 of 3)")
        self.then(":")
        self.later(61)
        self.logged("NOTIFY_COMMAND was told")
        self.wait_told(2)
        self.bridge.stop()
        self.assertEqual(self.change_store("DELETE FROM notice"), 0)

    def test_a_command_that_hangs_holds_nobody_up(self):
        self.then("exec sleep 1000")
        self.bridge.start()
        self.run_with(GREEN, "passed")
        self.run_with(RED, "recipe_failed")
        self.wait_told(1)
        self.run_with(RED, "recipe_failed")
        self.assertEqual(self.health()[0], 200)
        began = time.monotonic()
        self.assertEqual(self.bridge.stop(), 0)
        self.assertLess(time.monotonic() - began, patience.seconds(5))
        self.assertNotIn("NOTIFY_COMMAND (try", self.bridge.stderr())
        children = subprocess.run(["pgrep", "-f", "^sleep 1000$"], stdout=subprocess.PIPE, text=True, check=False)
        self.assertEqual(children.stdout, "")

    def test_a_command_that_is_not_there(self):
        self.bridge.settings["notify_command"] = f"{self.dir}/gone"
        self.bridge.rewrite()
        done = subprocess.run([self.bridge.program, "--config", self.bridge.config, "--check"], env=self.bridge.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stdout),
            (2, f"NOTIFY_COMMAND: {self.dir}/gone cannot be run: No such file or directory\n"))

    def test_a_command_that_goes_away_while_we_run(self):
        self.bridge.start()
        self.run_with(GREEN, "passed")
        os.remove(self.command)
        self.run_with(RED, "recipe_failed")
        self.logged("NOTIFY_COMMAND (try 1 of 3): cannot start: No such file or directory")

    # ---- the bridge dies

    def killed_at(self, point):
        self.bridge.start()
        self.run_with(GREEN, "passed")
        self.bridge.stop()
        usual = dict(self.bridge.environment)
        self.bridge.environment = {**usual, "CCCI_TEST_KILL": f"{point}@1"}
        self.set_results(RED)
        self.bridge.start()
        number, comment = self.ask()
        wait_for(lambda: not self.bridge.is_running(), 30, f"death at {point}")
        self.assertEqual(self.bridge.process.returncode, -signal.SIGKILL)
        self.bridge.environment = usual
        self.bridge.start()
        self.wait_verdict(PUBLIC, number, comment, "recipe_failed")

    def ids(self):
        return [document["id"] for document in self.told()]

    def test_killed_before_it_is_told(self):
        """The verdict is saved, and the news with it."""
        self.killed_at("job.judged")
        self.wait_told(1)
        time.sleep(1)
        self.assertEqual(len(self.ids()), 1)

    def test_killed_when_the_try_is_noted(self):
        self.killed_at("notify.before")
        self.assertEqual(self.ids(), [])
        self.later(61)
        self.wait_told(1)

    def test_killed_when_it_was_told(self):
        """Nobody knows whether it was: it is told again, by the same name."""
        self.killed_at("notify.sent")
        self.later(61)
        ids = [document["id"] for document in self.wait_told(2)]
        self.assertEqual(len(set(ids)), 1)
        self.logged("NOTIFY_COMMAND was told")

    def test_killed_when_it_is_done(self):
        self.killed_at("notify.done")
        time.sleep(1)
        self.assertEqual(len(self.ids()), 1)
        self.bridge.stop()
        self.assertEqual(self.change_store("DELETE FROM notice"), 0)


class OnWoodpecker(Told):
    """With the other CI server: the same news."""

    make_world = staticmethod(WoodpeckerStandinWorld)


def load_tests(loader, tests, _):
    chosen = unittest.TestSuite([loader.loadTestsFromTestCase(Told)])
    chosen.addTest(OnWoodpecker("test_a_nightly_turns_red_and_green_again"))
    return chosen


if __name__ == "__main__":
    unittest.main()
