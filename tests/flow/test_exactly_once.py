#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Exactly once, whatever happens: comments arrive by hook and poll, deliveries come twice, late, in another order or never,
one request in ten to forge and CI server fails, and the bridge is killed again and again. In the end each comment has one
build and one answer, with its verdict.

A sample by default; 1,000 comments and 200 kills at least with CCCI_ALL=1 (./dev test flow --all). Chance is CCCI_SEED's,
which is printed, but for what threads and processes make of it. What no server here does is to act on a request more than
three seconds after whoever sent it is gone (WORK_SETTLE_S of bridge/work.h).
"""
import os
import sys
import time
import unittest

from lib.bridge_cases import check_end, results
from lib.exactly_once import PIPELINES, SECRET, Chaos, Once
from lib.standin_case import Case
from lib.wanted import chance, everything
from lib.world import ORG, PUBLIC, StandinWorld, make_bridge, wait_for
from standin.forge_state import BOT_SCOPES
from standin.server import Fault

COMMENTS, KILLS = (1000, 200) if everything() else (12, 4)
AT_ONCE = 40                     # comments that have no answer yet
WITHIN_S = 1500 if everything() else 120
LATE_S = 2.5                     # what is on its way without its sender; the bridge counts on 3
FAILING = 0.1                    # of all requests
# What becomes of one that fails; a real timeout of the bridge's takes 30 s and is rare.
FAULTS = ([("reset", {})] * 6 + [("status", {"status": 500})] * 4 + [("status", {"status": 502})] * 2 + [("cut", {})] * 6 +
          [("drop", {"size": 40})] * 2 + [("slow", {"seconds": 1.0})] * 3 + [("hang", {"seconds": 2.0})] * 2)
TIMEOUTS = 0.002                 # of those that fail


class FailingRequests(Chaos):
    """It takes the place of a server's own faults."""

    def spoil(self, server, name):
        dice = self.chance_for(name)

        def take_fault(request):
            with self.lock:
                is_hit = self.is_on and dice.random() < FAILING
                kind, options = dice.choice(FAULTS)
                if dice.random() < TIMEOUTS:
                    kind, options = "hang", {"seconds": 35.0}
            self.count("requests")
            if not is_hit:
                return None
            self.count(kind)
            request.fault = kind
            return Fault(kind, None, "", None, 0, options)
        server._take_fault = take_fault


class ExactlyOnce(Once, unittest.TestCase):
    def setUp(self):
        seed = os.environ.get("CCCI_SEED") or str(chance().randrange(10**9))
        print(f"seed {seed}: {COMMENTS} comments, {KILLS} kills", file=sys.stderr, flush=True)
        self.world = StandinWorld(capacity=4)
        self.addCleanup(self.world.down)
        super().setUp()
        hold = os.path.join(self.world.directory, "hold")
        os.mkdir(hold)
        with open(os.path.join(hold, "results"), "w", encoding="utf-8") as file:
            file.write(results())
        self.world.set_ci_yml(PIPELINES["Drone"].format(hold=hold))
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/{PUBLIC}", webhook_secret=SECRET, log_level="info")
        self.addCleanup(check_end, self.bridge)
        self.bridge.start()
        wait_for(lambda: "first poll" in self.bridge.stderr(), 15, "first poll")
        self.world.add_hook(PUBLIC, self.bridge.hook_url, SECRET)
        self.chaos = FailingRequests(seed)

    def ask_all(self):
        deadline = time.monotonic() + WITHIN_S
        while len(self.asked) < COMMENTS:
            self.ask(self.world.open_pr(PUBLIC, f"once-{len(self.asked)}"))
            while self.unanswered() >= AT_ONCE:
                self.assertLess(time.monotonic(), deadline, "no answers")
                time.sleep(0.2)
            if len(self.asked) % 100 == 0:
                print(f"  {len(self.asked)} asked, {dict(self.chaos.counts)}", file=sys.stderr, flush=True)
        self.wait_answers(max(deadline - time.monotonic(), 1), lambda: self.chaos.counts["kills"] >= KILLS)

    def test_all(self):
        self.chaos.spoil(self.world.forge, "forge")
        self.chaos.spoil(self.world.drone, "drone")
        self.world.forge.deliver = self.chaos.stutter(self.world.forge.deliver)
        with self.chaos.going_on(self.chaos.kill_often, self.bridge, None if everything() else KILLS):
            self.ask_all()
        self.judge()


class LateTexts(Case):
    """Comment and commit status, of which the last one counts: one that has no answer arrives before the next is sent."""

    def setUp(self):
        super().setUp()
        self.world.forge.set_role(ORG, "bot", "write")
        token = self.world.new_token("bot", (*BOT_SCOPES, "write:repository"))
        self.bridge.change_settings(gitea_token=token, commit_status="1")
        self.bridge.start()
        self.logged("first poll")

    def late(self, method, path, after=0):
        return self.world.forge.fault("late", method, path, seconds=LATE_S, after=after)

    def statuses(self, number):
        head = self.world.head(PUBLIC, number)
        return [(row["status"], row["description"]) for _, sha, row in self.world.forge.statuses if sha == head]

    def check_last(self, number, comment, verdict="passed", state="success"):
        self.wait_verdict(PUBLIC, number, comment, verdict)
        self.logged(f"job={comment} judged -> answered")
        time.sleep(LATE_S + 0.5)     # what comes late comes then
        self.wait_verdict(PUBLIC, number, comment, verdict)
        self.assertEqual(self.statuses(number)[-1][0], state)

    def test_a_late_edit_is_not_the_last_word(self):
        late = self.late("PATCH", "/issues/comments")
        number, comment = self.ask()
        self.check_last(number, comment)
        self.assertEqual(late.hits, 1)

    def test_a_late_status_is_not_the_last_word(self):
        late = self.late("POST", "/statuses/")
        number, comment = self.ask()
        self.check_last(number, comment)
        self.assertEqual(late.hits, 1)

    def test_a_late_status_of_an_older_run_is_not_the_last_word(self):
        """Of the older one none is set any more, and the newer one's first still waits for the last of it."""
        self.hold()
        number, older = self.ask()
        wait_for(lambda: self.statuses(number)[-1] == ("pending", "running"), 20, "status of the run")
        late = self.late("POST", "/statuses/")
        self.world.cancel(self.builds_of(older)[0]["number"])
        self.assertTrue(late.met.wait(20))
        newer = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, newer, state="running")
        time.sleep(LATE_S + 0.5)
        self.assertEqual(self.statuses(number)[-1], ("pending", "running"))
        self.release()
        self.check_last(number, newer)

    def check_crash(self, *which):
        """Sent by a bridge that died, it arrives when the next one has the verdict already."""
        self.hold()
        late = self.late(*which)
        number, comment = self.ask()
        self.assertTrue(late.met.wait(20))
        self.bridge.kill()
        self.world.cancel(self.builds_of(comment)[0]["number"])
        self.bridge.start()
        self.check_last(number, comment, "cancelled", "error")

    def test_a_late_edit_after_a_crash(self):
        self.check_crash("PATCH", "/issues/comments")

    def test_a_late_status_after_a_crash(self):
        self.check_crash("POST", "/statuses/", 1)


class AfterACrash(unittest.TestCase):
    def test_build_and_comment_are_looked_for_at_once(self):
        """Both were made, of neither is it known, and the builds have several pages: each look keeps what is its own."""
        world = StandinWorld(runner=False)
        self.addCleanup(world.down)
        for _ in range(110):
            world.create_build()
        bridge = make_bridge(world, poll_repos=f"{ORG}/{PUBLIC}", environment={"CCCI_TEST_KILL": "effect.reply.sent@1"})
        self.addCleanup(bridge.kill)
        bridge.start()
        wait_for(lambda: "first poll" in bridge.stderr(), 15, "first poll")
        world.drone.fault("slow", "POST", "/builds", seconds=1.0)
        number = world.open_pr(PUBLIC, "looks")
        comment = world.comment(PUBLIC, number, "member", "!testme")
        wait_for(lambda: not bridge.is_running(), 20, "dead bridge")

        def builds():
            return [build["number"] for build in world.builds() if build.get("params", {}).get("COMMENT") == str(comment)]
        wait_for(builds, 20, "build that nobody knows of")
        # The comments are read while the second page of builds is.
        world.forge.fault("slow", "GET", "/issues/comments", times=None, seconds=0.5)
        world.drone.fault("slow", "GET", "page=2", times=None, seconds=1.5)
        del bridge.environment["CCCI_TEST_KILL"]
        bridge.start()
        wait_for(lambda: f"job={comment} asked -> queued" in bridge.stderr(), 20, "build")
        wait_for(lambda: "the comment was " in bridge.stderr(), 20, "end of the other look")
        answer = world.bot_comments(PUBLIC, number)[0]["id"]
        self.assertIn(f"job={comment} the comment was made: {answer}\n", bridge.stderr())
        self.assertIn(f"job={comment} the build was made: {builds()[0]}\n", bridge.stderr())
        self.assertEqual((len(builds()), len(world.bot_comments(PUBLIC, number))), (1, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
