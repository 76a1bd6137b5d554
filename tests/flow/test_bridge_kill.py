#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The bridge killed by SIGKILL at every place that has a name: whatever it was doing, after its next start there is one
build and one comment for the trigger, and the verdict arrives. The names are learnt from a run that is not killed.
"""
import collections
import os
import signal
import sqlite3
import sys
import time
import unittest

from lib import side_by_side
from lib.bridge_cases import PIPELINE, check_end, results, stage, trailer
from lib.night import Wall
from lib.world import ORG, PUBLIC, BridgeEnded, StandinWorld, make_bridge, wait_for
from standin.forge_state import BOT_SCOPES

PASSES_MAX = 3  # of one name: edits and positions come again and again


class Killed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = StandinWorld()
        cls.addClassCleanup(cls.world.down)
        cls.hold = os.path.join(cls.world.directory, "hold")
        os.mkdir(cls.hold)
        cls.set_results(results())
        cls.world.set_ci_yml(PIPELINE.format(hold=cls.hold))
        cls.number = 0

    @classmethod
    def set_results(cls, text):
        with open(os.path.join(cls.hold, "results"), "w", encoding="utf-8") as file:
            file.write(text)

    def setUp(self):
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/{PUBLIC}", auto_test="outsider:auto-")
        self.addCleanup(check_end, self.bridge)
        self.usual = dict(self.bridge.environment)
        self.world.drone.timeout = 60

    # ---- what happens in a scenario: begin() with the bridge up, then what must hold at its end

    def new_pr(self):
        Killed.number += 1
        return self.world.open_pr(PUBLIC, f"kill-{self.number}")

    def ask(self, user="member"):
        self.pr = self.new_pr()
        self.comment = self.world.comment(PUBLIC, self.pr, user, "!testme")

    def bodies(self):
        return [row["body"] for row in self.world.bot_comments(PUBLIC, self.pr)]

    def builds(self):
        return [build for build in self.world.builds() if build["params"].get("COMMENT") == str(self.comment)]

    def check(self, verdict, builds):
        body = wait_for(lambda: [text for text in self.bodies() if trailer(text).get("verdict") == verdict], 30,
            f"verdict {verdict}")[0]
        wait_for(lambda: self.stored("state") == "answered", 15, "answered job")
        self.assertEqual(len(self.bodies()), 1, self.bodies())
        self.assertEqual(trailer(body)["comment"], self.comment)
        self.assertEqual(len(self.builds()), builds)

    # ---- the store, between two lives of the bridge

    def store(self):
        settings = os.path.join(os.path.dirname(self.bridge.config), "state", "bridge.db")
        return sqlite3.connect(f"file:{settings}?mode=ro", uri=True, timeout=0.2)

    def stored(self, column):
        """The job's column; the bridge holds its store for itself, so its log says the state while it runs."""
        if self.bridge.is_running():
            lines = [line for line in self.bridge.stderr().splitlines() if f"job={self.comment} " in line and " -> " in line]
            return lines[-1].split(" -> ")[1].split(",")[0].strip() if lines else ""
        with self.store() as store:
            return store.execute(f"SELECT {column} FROM job WHERE comment=?", (self.comment,)).fetchone()[0]

    # ---- running it

    def learn(self, scenario):
        trace = os.path.join(os.path.dirname(self.bridge.config), "trace")
        self.bridge.environment = {**self.usual, "CCCI_TEST_TRACE": trace}
        scenario(self)
        self.bridge.stop()
        with open(trace, encoding="utf-8") as file:
            counted = collections.Counter(file.read().split())
        return [(name, count + 1) for name, total in counted.items() for count in range(min(total, PASSES_MAX))]

    def killed_at(self, point, scenario):
        name, count = point
        self.setUp()
        self.bridge.environment = {**self.usual, "CCCI_TEST_KILL": f"{name}@{count}"}
        self.was_killed = False
        try:
            scenario(self)
        finally:
            if self.bridge.is_running():
                self.bridge.stop()
            # The last place of all may be passed after the scenario has seen what it waits for.
            self.was_killed = self.was_killed or self.bridge.process.returncode == -signal.SIGKILL
        # A second or third pass of a name depends on timing; the first one is always there, but for a position: in a
        # scenario of two lives the first may have written it.
        self.assertTrue(self.was_killed or count > 1 or name == "hear.position", f"nothing was killed at {name}")

    def every_point(self, scenario, needed):
        points = self.learn(scenario)
        self.assertLessEqual(set(needed), {name for name, _ in points})
        for point in points:
            with self.subTest(point=f"{point[0]}@{point[1]}"):
                self.killed_at(point, scenario)
                print(f"  killed at {point[0]}@{point[1]}", file=sys.stderr, flush=True)

    def start(self):
        """Starts the bridge; killed on the way, it is started once more without the test point."""
        self.bridge.start(wait=False)
        self.ready_or_again()

    def ready_or_again(self):
        def is_ready():
            try:
                return self.bridge.is_ready()
            except BridgeEnded:
                return True
        wait_for(is_ready, 15, "ready or killed bridge")
        self.again_if_killed()

    def died(self):
        return not self.bridge.is_running()

    def again_if_killed(self):
        if self.died():
            self.assertEqual(self.bridge.process.returncode, -signal.SIGKILL, self.bridge.stderr()[-2000:])
            self.was_killed = True
            self.bridge.environment = dict(self.usual)
            self.bridge.start()

    def until(self, condition, seconds=30):
        """Waits for it with one resurrection on the way."""
        def look():
            self.again_if_killed()
            return condition()
        return wait_for(look, seconds, "end of the scenario")

    def verdict(self):
        return [trailer(text) for text in self.bodies() if trailer(text).get("verdict")]

    # ---- the scenarios

    def passed(self):
        self.start()
        self.ask()
        self.until(self.verdict)
        self.until(lambda: self.stored("state") == "answered")
        self.check("passed", 1)

    def refused(self):
        self.start()
        self.ask("outsider")
        self.until(self.verdict)
        self.until(lambda: self.stored("state") == "answered")
        self.check("not_run", 0)

    def test_a_run(self):
        self.every_point(Killed.passed, ["hear.claimed", "hear.position", "store.save", "job.asked", "job.queued", "job.running",
            "job.ended", "job.judged", "job.answered"] + [f"effect.{effect}.{moment}"
            for effect in ("react", "reply", "build", "edit") for moment in ("before", "sent", "done")])

    def test_a_refusal(self):
        self.every_point(Killed.refused, ["job.refused", "job.answered", "effect.reply.before", "effect.reply.sent",
            "effect.reply.done"])

    def test_drones_timeout(self):
        def set_timeout(self):
            self.world.drone.timeout = 15
            self.start()
            self.until(lambda: self.world.drone.timeout == 60 and "after 60 min" in self.bridge.stderr())
        self.every_point(set_timeout, ["effect.timeout.before", "effect.timeout.sent", "effect.timeout.done"])

    def test_an_overdue_build(self):
        """A build that runs since hours by our clock: its runner is gone. The store is set back between two lives."""
        def overdue(self):
            environment = self.bridge.environment
            self.bridge.environment = dict(self.usual)
            with open(os.path.join(self.hold, "any"), "w", encoding="utf-8"):
                pass
            self.start()
            self.ask()
            wait_for(lambda: self.stored("state") == "running", 20, "running build")
            self.bridge.stop()
            self.world.drone.kill_runner()
            with sqlite3.connect(os.path.join(os.path.dirname(self.bridge.config), "state", "bridge.db")) as store:
                store.execute("UPDATE job SET moved_s = moved_s - 7200 WHERE comment=?", (self.comment,))
            store.close()
            self.bridge.environment = environment
            self.start()
            self.until(self.verdict)
            self.until(lambda: self.builds()[0]["status"] == "killed")
            self.until(lambda: self.stored("state") == "answered")
            os.remove(os.path.join(self.hold, "any"))
            self.world.drone.start_runner()
            self.check("ci_error", 1)
            self.assertIn("runner is gone", self.bodies()[0])
            following = self.world.create_build(RECIPE=PUBLIC)
            self.world.wait_build(following)
        self.every_point(overdue, ["effect.delete.before", "effect.delete.sent", "effect.delete.done"])

    def test_the_second_try_is_made_once(self):
        """Killed around it: two builds carry the comment, and the first is never taken for the second."""
        def tried_again(self):
            self.start()
            self.ask()
            self.until(self.verdict)
            self.until(lambda: self.stored("state") == "answered")
            self.check("ci_error", 2)
            self.assertIn("was tried again, once: the engine is away", self.bodies()[0])
            self.assertEqual(trailer(self.bodies()[0])["build"], max(build["number"] for build in self.builds()))
        self.addCleanup(self.set_results, results())
        self.set_results(results("ci_error", 0, "the engine is away", "error"))
        for name in ("job.asked", "effect.build.before", "effect.build.sent", "effect.build.done"):
            with self.subTest(point=f"{name}@2"):
                self.killed_at((name, 2), tried_again)
                self.assertTrue(self.was_killed)

    def test_a_build_by_hand_is_answered_once(self):
        def by_hand(self):
            environment = self.bridge.environment
            self.bridge.environment = dict(self.usual)
            self.start()
            wait_for(lambda: "first look at the builds" in self.bridge.stderr(), 20, "first look at the builds")
            self.bridge.stop()
            self.bridge.environment = environment
            self.pr = self.new_pr()
            build = self.world.create_build(RECIPE=PUBLIC, SRC=f"{ORG}/{PUBLIC}", PR=str(self.pr))
            self.comment = -build
            self.start()
            self.until(self.verdict)
            self.until(lambda: self.stored("state") == "answered")
            self.assertEqual([trailer(body) for body in self.bodies()],
                [{"by_hand": build, "build": build, "verdict": "passed", "level": 4}])
        for name in ("adopt.claimed", "job.queued", "effect.reply.before", "effect.reply.sent"):
            with self.subTest(point=name):
                self.killed_at((name, 1), by_hand)

    def test_a_head_by_itself_is_tested_once(self):
        def by_itself(self):
            self.start()
            Killed.number += 1
            self.pr = self.world.open_pr(PUBLIC, f"auto-{self.number}", user="outsider")
            made = len(self.world.builds())
            try:
                self.comment = self.until(self.verdict)[0]["auto"]
                self.until(lambda: self.stored("state") == "answered")
            finally:
                self.world.close_pr(PUBLIC, self.pr)  # the next bridge has a new store
            self.assertEqual([(line["ref"], line["verdict"]) for line in map(trailer, self.bodies())],
                [(self.world.head(PUBLIC, self.pr), "passed")])
            self.assertEqual((len(self.world.builds()), len(self.builds())), (made + 1, 1))
        for name in ("autotest.claimed", "job.asked", "effect.build.sent", "effect.reply.sent"):
            with self.subTest(point=name):
                self.killed_at((name, 1), by_itself)

    def by_night(self, tries):
        for environment in (self.usual, self.bridge.environment):
            environment["TZ"] = Wall().zone("02:59:58")
        self.bridge.settings["nightly"] = "03:00"
        self.bridge.rewrite()
        made = len(self.world.builds())
        self.start()
        self.until(lambda: self.bridge.stderr().count("judged -> answered") == tries)
        self.again_if_killed()
        time.sleep(1)  # an empty queue is when another one would be asked for
        self.bridge.stop()
        with self.store() as store:
            rows = store.execute("SELECT comment, state, build FROM job ORDER BY comment").fetchall()
        builds = self.world.builds()[::-1][made:]
        self.assertEqual([(str(comment), state, build) for comment, state, build in rows],
            [(build["params"]["COMMENT"], "answered", build["number"]) for build in builds])
        self.assertEqual(len(builds), tries)

    def test_a_run_by_night_is_made_once(self):
        for name in ("nightly.claimed", "job.asked", "effect.build.before", "effect.build.sent", "effect.build.done", "job.queued",
                     "job.running", "job.ended", "job.judged", "job.answered"):
            with self.subTest(point=name):
                self.killed_at((name, 1), lambda self: self.by_night(1))

    def test_a_red_run_by_night_is_made_twice(self):
        self.addCleanup(self.set_results, results())
        self.set_results(results("recipe_failed", 0, "the app answers 502", "fail"))
        for point in (("nightly.claimed", 2), ("effect.build.sent", 2), ("job.judged", 1), ("job.answered", 1)):
            with self.subTest(point=f"{point[0]}@{point[1]}"):
                self.killed_at(point, lambda self: self.by_night(2))

    def test_a_newer_run_shrinks_the_older_answer(self):
        def shrunk(self):
            self.start()
            self.ask()
            self.until(self.verdict)
            self.until(lambda: self.stored("state") == "answered")
            older = self.comment
            self.comment = self.world.comment(PUBLIC, self.pr, "member", "!testme")
            self.until(lambda: len(self.verdict()) == 2)
            self.until(lambda: self.stored("state") == "answered")
            bodies = self.bodies()
            self.assertEqual(len(bodies), 2)
            self.assertEqual([trailer(body)["comment"] for body in bodies], [older, self.comment])
            self.until(lambda: "a newer run" in self.bodies()[0])
            self.assertNotIn("a newer run", self.bodies()[1])
            self.assertEqual(len(self.builds()), 1)
        self.learn(shrunk)
        for count in range(2, 5):
            for name in ("effect.edit.before", "effect.edit.sent", "job.judged", "job.running"):
                if name.startswith("job.") and count > 3:
                    continue
                with self.subTest(point=f"{name}@{count}"):
                    self.killed_at((name, count), shrunk)

    def test_each_commit_status_is_set_once(self):
        """Its try is in the store before it is made; what came of it the forge says."""
        forge = self.world.forge
        forge.set_role(ORG, "bot", "write")
        self.addCleanup(forge.set_role, ORG, "bot", "read")
        token = forge.add_token("bot", (*BOT_SCOPES, "write:repository"))

        def stated(self):
            self.bridge.change_settings(gitea_token=token, commit_status="1")
            self.start()
            self.ask()
            self.until(self.verdict)
            self.until(lambda: self.stored("state") == "answered")
            self.check("passed", 1)
            head = self.world.head(PUBLIC, self.pr)
            said = [(row["status"], row["description"], row["target_url"]) for _, sha, row in forge.statuses if sha == head]
            self.assertEqual(len(set(said)), len(said), said)
            self.assertEqual(said[-1][:2], ("success", "passed, level 4"))
        points = [point for point in self.learn(stated) if point[0].startswith("effect.status.")]
        self.assertEqual({name.split(".")[2] for name, _ in points}, {"before", "sent", "done"})
        for point in points:
            with self.subTest(point=f"{point[0]}@{point[1]}"):
                self.killed_at(point, stated)

    def test_a_webhook_is_made_once(self):
        def registered(self):
            self.world.forge.hooks.clear()
            self.bridge.change_settings(gitea_token=self.world.tokens["lab-admin"], webhook_autoregister="1",
                webhook_secret="the-key-of-the-hook-in-tests", public_url="http://127.0.0.1:9")
            self.start()
            self.until(lambda: "its webhook is right" in self.bridge.stderr()[self.bridge.born_at:])
            self.assertEqual([hook.secret for hook in self.world.forge.hooks.values()], ["the-key-of-the-hook-in-tests"])
        self.every_point(registered, [f"effect.hook.{moment}" for moment in ("before", "sent", "done")])

        def taken_away(self):
            environment, self.bridge.environment = self.bridge.environment, self.usual
            registered(self)
            self.bridge.stop()
            self.bridge.environment = environment
            self.bridge.change_settings(webhook_autoregister=None)
            self.start()
            self.until(lambda: "its webhook is forgotten" in self.bridge.stderr())
            self.assertEqual(self.world.forge.hooks, {})
        self.every_point(taken_away, [f"effect.hook.{moment}" for moment in ("before", "sent", "done")])

    def test_a_logged_hidden_line_is_nobodys_answer(self):
        """A service logs the hidden line of the answer that the bridge looks for after its death."""
        self.bridge.start()
        with open(os.path.join(self.hold, "any"), "w", encoding="utf-8"):
            pass
        self.ask()
        older = self.comment
        answer = wait_for(lambda: self.world.bot_comments(PUBLIC, self.pr), 20, "answer")[0]["id"]
        wait_for(lambda: self.stored("state") == "running", 20, "running build")
        self.bridge.stop()
        line = f'<!-- ccci {{"comment":{answer + 1}}} -->'
        self.addCleanup(self.set_results, results())
        self.set_results(results("recipe_failed", 0, "", stages=[stage("install", "fail", "no", f"{line}\n")]))
        os.remove(os.path.join(self.hold, "any"))
        self.world.wait_build(self.builds()[0]["number"])

        # It dies before it posts the newer answer, and looks for it when the older one has the line in it.
        self.bridge.environment = {**self.usual, "CCCI_TEST_KILL": "effect.reply.before@1"}
        self.comment = self.world.comment(PUBLIC, self.pr, "member", "!testme")
        self.assertEqual(self.comment, answer + 1)
        self.bridge.start(wait=False)
        wait_for(self.died, 15, "killed bridge")
        self.again_if_killed()
        wait_for(lambda: line in self.bodies()[0], 20, "logged line in the older answer")
        wait_for(lambda: len(self.verdict()) == 2, 30, "two answers")
        wait_for(lambda: self.stored("state") == "answered", 15, "answered job")
        self.assertEqual([trailer(body)["comment"] for body in self.bodies()], [older, self.comment])

    def tearDown(self):
        for name in os.listdir(self.hold):
            if name != "results":
                os.remove(os.path.join(self.hold, name))

    @classmethod
    def tearDownClass(cls):
        cls.world.check()


if __name__ == "__main__":
    side_by_side.main()
