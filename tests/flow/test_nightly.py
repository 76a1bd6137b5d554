#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Runs by night, with both CI servers: each recipe's default branch once, behind every person, caught up with, once more when
it turns red. The bridge's clock on the wall shows what a test wants (lib.night).
"""
import json
import os
import sqlite3
import time
import unittest

from lib.bridge_cases import results
from lib.night import Wall
from lib.schema import check_schema
from lib.standin_case import Case
from lib.world import ORG, PRIVATE, PUBLIC, WoodpeckerStandinWorld, wait_for

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
RED = results("recipe_failed", 0, "the app answers 502", "fail")


class OnDrone(Case):
    bridge_settings = {"nightly": "03:00"}

    # ---- what tests do and see

    def setUp(self):
        super().setUp()
        self.wall = Wall()

    def start(self, shown, days=0):
        self.bridge.environment["TZ"] = self.wall.zone(shown, days)
        self.bridge.start()

    def again(self, shown, days=0):
        self.bridge.stop()
        self.start(shown, days)

    def logged(self, words, times=1, seconds=20):
        wait_for(lambda: self.bridge.stderr().count(words) >= times, seconds, f"\"{words}\" in the log")

    def builds(self):
        """Oldest first."""
        return self.world.builds()[::-1]

    def ended(self, count):
        """That many builds are over, the oldest first; and the bridge has done with each of its own."""
        wait_for(lambda: len(self.builds()) >= count, 30, f"{count} builds")
        self.logged("judged -> answered", count, 40)
        self.assertEqual(len(self.builds()), count, f"{self.builds()}\n{self.bridge.stderr()[-6000:]}")
        return self.builds()

    def nothing_more(self, count):
        """Though the queue is empty: the bridge has looked for somebody and found nobody."""
        time.sleep(1.5)
        self.assertEqual(len(self.builds()), count)

    def main(self, repo):
        return self.world.forge_must("lab-admin", "GET", f"/repos/{ORG}/{repo}/branches/main")["commit"]["id"]

    def document(self, path):
        return json.loads(self.page(path))

    # ---- the tests

    def test_each_recipe_once_in_a_night_and_one_at_a_time(self):
        self.hold()
        self.start("02:59:57")
        first = wait_for(self.builds, 20, "first build")[0]
        name = first["params"]["RECIPE"]
        self.assertIn(name, (PUBLIC, PRIVATE))
        self.assertEqual(first["params"], {"RECIPE": name, "SRC": f"{ORG}/{name}", "REF": self.main(name),
            "COMMENT": first["params"]["COMMENT"]})
        self.logged("queued -> running")
        self.nothing_more(1)
        queue = self.document("/api/v1/queue")["queue"]
        self.assertEqual([(row["build"], row["nightly"], row["pr"]) for row in queue if row["recipe"] == PUBLIC],
            [(1, True, 0)] if name == PUBLIC else [])
        self.release()
        both = self.ended(2)
        self.assertEqual(sorted(build["params"]["RECIPE"] for build in both), sorted((PUBLIC, PRIVATE)))
        self.assertEqual(len({build["params"]["COMMENT"] for build in both}), 2)
        self.nothing_more(2)
        self.bridge.kill()
        self.start("05:00:00")
        self.nothing_more(2)
        # The next night comes, and what was green is looked at again.
        self.again("02:59:59", days=1)
        later = self.ended(4)
        self.assertEqual([build["params"]["REF"] for build in later[2:] if build["params"]["RECIPE"] == PUBLIC],
            [self.main(PUBLIC)])
        self.world.check()

    def test_what_people_see(self):
        self.start("02:59:58")
        self.ended(2)
        build = next(row["number"] for row in self.builds() if row["params"]["RECIPE"] == PUBLIC)
        runs = self.document("/api/v1/runs")
        with open(os.path.join(SOURCE, "docs", "api.schema.json"), encoding="utf-8") as file:
            schema = json.load(file)
        check_schema(runs, schema["$defs"]["runs"], schema)
        self.assertEqual([(row["build"], row["nightly"], row["pr"], row["state"]) for row in runs["runs"]], [(build, True, 0, "passed")])
        for path in ("/", f"/recipes/{PUBLIC}", f"/runs/{build}"):
            text = self.page(path)
            self.assertIn("nightly", text)
            self.assertNotIn("pulls/0", text)
            self.assertNotIn("#0<", text)
        self.assertNotIn("As a comment in", self.page(f"/runs/{build}"))
        for repo in (PUBLIC, PRIVATE):
            self.assertEqual(self.world.forge_must("lab-admin", "GET", f"/repos/{ORG}/{repo}/issues/comments?limit=50"), [])

    def test_a_persons_run_comes_first(self):
        number = self.world.open_pr(PUBLIC, "a-branch")
        self.hold()
        self.start("02:59:00")
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.bridge.environment["TZ"] = self.wall.zone("02:59:59")
        self.bridge.stop()
        self.bridge.start()
        self.nothing_more(1)
        self.release()
        self.wait_verdict(PUBLIC, number, comment)
        self.ended(3)
        # Both again, and somebody comes while the first of them runs: nobody stands in front but that one.
        self.hold()
        self.again("02:59:59", days=1)
        wait_for(lambda: len(self.builds()) == 4, 20, "fourth build")
        other = self.world.comment(PUBLIC, number, "member", "!testme")
        wait_for(lambda: self.builds_of(other), 20, "build of the comment")
        self.release()
        self.wait_verdict(PUBLIC, number, other)
        self.ended(6)
        self.assertEqual(["PR" in build["params"] for build in self.builds()], [True, False, False, False, True, False])

    def test_a_night_that_was_missed_is_caught_up_with_once(self):
        self.start("02:30:00")
        self.logged("NIGHTLY is 03:00")
        self.again("08:00:00")
        self.ended(2)
        self.again("20:00:00")
        self.nothing_more(2)

    def test_the_first_night_is_the_next_one(self):
        """Nobody who writes NIGHTLY into the settings by day wants all of it now; nor who writes another time."""
        self.start("15:00:00")
        self.nothing_more(0)
        self.bridge.settings["nightly"] = "01:00"
        self.bridge.rewrite()
        self.again("15:00:00")
        self.nothing_more(0)
        self.again("00:59:58", days=1)
        self.ended(2)

    def test_what_turns_red_is_tried_once_more(self):
        self.bridge.settings["poll_repos"] = f"{ORG}/{PUBLIC}"
        self.bridge.rewrite()
        self.set_results(RED)
        self.start("02:59:58")
        both = self.ended(2)
        self.assertEqual({build["params"]["REF"] for build in both}, {self.main(PUBLIC)})
        self.assertEqual(len({build["params"]["COMMENT"] for build in both}), 2)
        self.nothing_more(2)
        self.assertEqual([row["state"] for row in self.document("/api/v1/runs")["runs"]], ["recipe_failed"] * 2)
        # Red in the night after: everybody knows, once is enough.
        self.again("02:59:59", days=1)
        self.ended(3)
        self.nothing_more(3)

    def test_red_by_chance(self):
        self.bridge.settings["poll_repos"] = f"{ORG}/{PUBLIC}"
        self.bridge.rewrite()
        self.set_results(RED, build=1)
        self.start("02:59:58")
        self.ended(2)
        self.nothing_more(2)
        self.assertEqual([row["state"] for row in self.document("/api/v1/runs")["runs"]], ["passed", "recipe_failed"])
        self.assertTrue(self.document("/api/v1/recipes")["recipes"][0]["flaky"])

    def test_an_error_of_ours_is_tried_once_more(self):
        self.bridge.settings["poll_repos"] = f"{ORG}/{PUBLIC}"
        self.bridge.rewrite()
        self.set_results(results("ci_error", 0, "the engine is away", "error"))
        self.start("02:59:58")
        wait_for(lambda: len(self.builds()) == 2, 30, "second build")
        self.logged("judged -> answered")
        self.assertEqual(len({build["params"]["COMMENT"] for build in self.builds()}), 1)
        self.nothing_more(2)

    def test_a_recipe_that_is_gone_is_left_out(self):
        self.bridge.settings["poll_repos"] = f"{ORG}/{PUBLIC},{ORG}/{PRIVATE},{ORG}/nobodys"
        self.bridge.rewrite()
        self.world.rename_repo(PRIVATE, "renamed")
        self.start("02:59:58")
        self.assertEqual([build["params"]["RECIPE"] for build in self.ended(1)], [PUBLIC])
        self.nothing_more(1)

    def test_one_without_a_head_is_left_out_for_the_night(self):
        self.world.forge.fault("status", "GET", f"/{PRIVATE}/commits", status=409, body=b'{"message":"Git Repository is empty."}',
            times=None)
        self.start("02:59:58")
        self.assertEqual([build["params"]["RECIPE"] for build in self.ended(1)], [PUBLIC])
        self.nothing_more(1)
        self.assertEqual(self.bridge.stderr().count(f"no run of {ORG}/{PRIVATE} this night"), 1)

    def test_a_report_of_something_else_is_no_verdict(self):
        self.bridge.settings["poll_repos"] = f"{ORG}/{PUBLIC}"
        self.bridge.rewrite()
        self.set_results(results(ref="f" * 40))
        self.start("02:59:58")
        self.logged("judged -> answered")
        self.bridge.stop()
        with sqlite3.connect(f"{self.bridge.settings['state_dir']}/bridge.db") as store:
            reason, = store.execute("SELECT reason FROM job").fetchone()
        store.close()
        self.assertIn("what it says is not about this run", reason)


class OnWoodpecker(OnDrone):
    make_world = staticmethod(WoodpeckerStandinWorld)


if __name__ == "__main__":
    unittest.main()
