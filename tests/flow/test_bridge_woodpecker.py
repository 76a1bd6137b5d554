#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the bridge must do in any world, with Woodpecker for a CI server: what its own answers are part of, and with CCCI_ALL=1
all of it. Then what only Woodpecker does.
"""
import sqlite3
import time
import unittest

from lib import wanted
from lib.bridge_cases import PIPELINES, BridgeCases
from lib.world import PUBLIC, WoodpeckerStandinWorld, wait_for

# A build is made with what was asked, watched, waited for, cancelled, read to its end, and its token hidden.
THEIRS = ("member_gets_a_verdict_on_the_private_repository", "parameters_are_those_of_the_command",
    "suites_of_a_pull_request_judge_a_trial", "one_comment_is_edited_while_the_build_goes_on", "an_error_of_ours_is_tried_again_once",
    "two_comments_at_once_queue_and_both_get_verdicts", "who_asks_for_many_leaves_room_for_others", "killed_in_mid_run_the_verdict_arrives",
    "a_build_cancelled_in_its_server", "cancel_by_comment", "zz_no_secret_is_in_the_log")


class OnWoodpecker(BridgeCases, unittest.TestCase):
    make_world = staticmethod(WoodpeckerStandinWorld)

    @classmethod
    def tearDownClass(cls):
        cls.world.check()

    # ---- its own

    def pipeline(self):
        return PIPELINES["Woodpecker"].format(hold=self.hold_dir)

    def change_pipeline(self, old, new):
        self.assertIn(old, self.pipeline())
        self.world.set_ci_yml(self.pipeline().replace(old, new))
        self.addCleanup(self.world.set_ci_yml, self.pipeline())

    def test_woodpecker_link_and_timeout(self):
        """The number by which people find the repository is asked for; the timeout is set and read back."""
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        body = self.wait_verdict(PUBLIC, number, comment)
        build = self.builds_of(comment)[0]["number"]
        self.assertIn(f"[#{build}]({self.world.woodpecker_url}/repos/{self.world.repo_id}/pipeline/{build})", body)
        self.assertIn("Woodpecker ends builds of recipe-maintainers/cc-ci after 60 min", self.bridge.stderr())

    def test_woodpecker_timeout(self):
        """It says itself that it was one."""
        number = self.open_pr()
        self.hold()
        self.world.woodpecker.seconds_per_minute = 1 / 60
        try:
            comment = self.world.comment(PUBLIC, number, "member", "!testme")
            body = self.wait_verdict(PUBLIC, number, comment, "timed_out")
        finally:
            self.world.woodpecker.seconds_per_minute = 60.0
        self.assertIn("Woodpecker ended the build after its limit of 1 h 0 min, in step hold.", body)

    def test_woodpecker_lost_cancel(self):
        """Started again since the build began it cancels by name alone: the job ends, and its build by itself."""
        number = self.open_pr()
        comment, build = self.start_run(number)
        self.world.server("woodpecker-server", "stop")
        self.world.server("woodpecker-server", "start")
        self.world.comment(PUBLIC, number, "member", "!testme cancel")
        self.wait_verdict(PUBLIC, number, comment, "cancelled")
        self.assertEqual(self.world.steps(build)["hold"]["status"], "running")
        self.release()
        wait_for(lambda: self.world.steps(build)["hold"]["status"] == "success", 10, "end of the step")
        self.assertEqual(self.world.build(build)["status"], "killed")

    def test_woodpecker_yaml_that_is_none(self):
        self.change_pipeline(self.pipeline(), "a: [b\n")
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.assertIn("Woodpecker could not run the build: yaml", self.wait_verdict(PUBLIC, number, comment, "ci_error"))

    def test_woodpecker_dies_while_it_makes_a_build(self):
        """Its row stays for ever what it was: another one is made a minute later, for which the store is set back. Nobody
        waits behind such a row."""
        self.world.woodpecker.dies_making_the_next = True
        self.world.woodpecker.fault("cut", "POST", "/pipelines$")
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state="queued")
        other = self.open_pr()
        self.wait_verdict(PUBLIC, other, self.world.comment(PUBLIC, other, "member", "!testme"))
        self.bridge.stop()
        with sqlite3.connect(f"{self.bridge.settings['state_dir']}/bridge.db") as store:
            store.execute("UPDATE job SET moved_s = moved_s - 100 WHERE comment=?", (comment,))
        store.close()
        self.bridge.start()
        body = self.wait_verdict(PUBLIC, number, comment)
        unmade, made = sorted(build["number"] for build in self.builds_of(comment))
        self.assertEqual([self.world.build(build)["status"] for build in (unmade, made)], ["created", "success"])
        self.assertIn(f"/pipeline/{unmade}) was a CI error and was tried again, once: Woodpecker could not run the build: it was "
                      "stopped while it was making it.", body)

    def test_woodpecker_forgets_a_build(self):
        """It waits for ever, younger ones have run, and for minutes nothing does, for which their times are set back."""
        first = self.open_pr()
        comment, build = self.start_run(first)
        number = self.open_pr()
        forgotten = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, forgotten, state="queued")
        lost = self.builds_of(forgotten)[0]["number"]
        self.world.forget(lost)
        self.release()
        self.wait_verdict(PUBLIC, first, comment)
        last = self.open_pr()
        self.wait_verdict(PUBLIC, last, self.world.comment(PUBLIC, last, "member", "!testme"))
        self.assertEqual(self.world.build(lost)["status"], "pending")
        with self.world.woodpecker.lock:
            for pipeline in self.world.woodpecker.pipelines.values():
                if pipeline.finished:
                    pipeline.started, pipeline.finished = pipeline.started - 300, pipeline.finished - 300
        body = self.wait_verdict(PUBLIC, number, forgotten, "ci_error")
        self.assertIn("Woodpecker ran later builds and then nothing, and forgot that this one waits", body)
        wait_for(lambda: self.world.build(lost)["status"] == "killed", 10, "deleted build")

    def test_woodpecker_report_that_never_comes(self):
        """Its log may come late, so that it is looked for some seconds longer, and then not any more."""
        self.change_pipeline("--- end ccci results ---", "--- end ---")
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        began = time.monotonic()
        body = self.wait_verdict(PUBLIC, number, comment, "ci_error", 60)
        self.assertIn("without a report", body)
        self.assertGreater(time.monotonic() - began, 5)

    def test_woodpecker_no_workflow_for_the_event(self):
        """A plain no is believed after a minute; the store's clock is set forward instead of waiting."""
        self.change_pipeline("event: manual", "event: push")
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.wait_answer(PUBLIC, number, comment, state="asked")
        self.bridge.stop()
        with sqlite3.connect(f"{self.bridge.settings['state_dir']}/bridge.db") as store:
            store.execute("UPDATE effect SET tried_s = tried_s - 100 WHERE comment=? AND effect='build'", (comment,))
        store.close()
        self.bridge.start()
        body = self.wait_verdict(PUBLIC, number, comment, "ci_error")
        self.assertIn("Woodpecker makes no build", body)
        self.assertEqual(self.builds_of(comment), [])


def load_tests(loader, _, __):
    tests = loader.loadTestsFromTestCase(OnWoodpecker)
    names = [f"test_{name}" for name in THEIRS]
    return unittest.TestSuite(test for test in tests
        if wanted.everything() or test._testMethodName in names or "woodpecker" in test._testMethodName)


if __name__ == "__main__":
    unittest.main()
