#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only stand-ins can make happen to the bridge: faults, clocks, ages, broken builds, a full disk, many repositories."""
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import time
import unittest

from lib import patience
from lib.bridge_cases import HOOK_SECRET, PIPELINE, results, trailer
from lib.standin_case import Case
from lib.world import CI_REPO, ORG, PRIVATE, PUBLIC, make_bridge, wait_for

BUILDS = f"/repos/{CI_REPO}/builds"


class Answers(Case):
    """An answer that is lost, late, or no: the thing happens once."""

    def check_fault(self, server, kind, method, path, **options):
        self.bridge.start()
        fault = server.fault(kind, method, path, **options)
        number, comment = self.ask()
        body = self.check_one(number, comment)
        self.assertGreater(fault.hits, 0, "the fault was never met")
        self.world.check()
        return body

    def test_build_made_and_the_answer_cut(self):
        self.check_fault(self.world.drone, "cut", "POST", "/builds")
        self.logged("the build was made")

    def test_build_made_and_half_an_answer(self):
        self.check_fault(self.world.drone, "drop", "POST", "/builds", size=40)

    def test_build_refused_for_now(self):
        self.check_fault(self.world.drone, "status", "POST", "/builds", status=502, body=b"bad gateway", times=2)
        self.logged("the build was not made")

    def test_build_not_found_for_now(self):
        self.check_fault(self.world.drone, "status", "POST", "/builds", status=404, body=b'{"message":"Not Found"}', times=2)

    def test_connection_reset_before_the_build(self):
        self.check_fault(self.world.drone, "reset", "POST", "/builds")

    def test_comment_made_and_the_answer_cut(self):
        self.check_fault(self.world.forge, "cut", "POST", r"/issues/\d+/comments")
        self.logged("the comment was made")

    def test_comment_refused_for_now(self):
        self.check_fault(self.world.forge, "status", "POST", r"/issues/\d+/comments", status=500, body=b"{}", times=2)

    def test_too_many_requests(self):
        self.check_fault(self.world.forge, "status", "GET", "/pulls/", status=429, body=b"{}", headers={"Retry-After": "1"})

    def test_edit_refused_for_now(self):
        self.check_fault(self.world.forge, "status", "PATCH", "/comments/", status=502, body=b"", times=3)

    def test_nonsense_from_drone(self):
        self.check_fault(self.world.drone, "raw", "GET", "/builds", body=b"<html>", times=2)

    def test_report_cut_off_in_its_head(self):
        """Reads as an answer of no bytes: no report, and no reason to run the build again."""
        body = self.check_fault(self.world.drone, "raw", "GET", "/logs/", body=b"", times=2)
        self.assertNotIn("tried again", body)

    def test_nonsense_from_the_forge(self):
        self.check_fault(self.world.forge, "raw", "GET", "/pulls/", body=b'{"number":"one"}', times=2)

    def test_membership_does_not_answer_at_first(self):
        self.check_fault(self.world.forge, "status", "GET", "/members/member", status=500, body=b"{}", times=2)

    def test_drone_does_not_know_the_build(self):
        self.bridge.start()
        self.hold()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="running")
        build = self.builds_of(comment)[0]["number"]
        self.world.drone.fault("raw", "GET", r"/builds\?", body=b"[]", times=None)
        self.world.drone.fault("status", "GET", rf"/builds/{build}$", status=404, body=b"{}", times=None)
        self.assertIn("does not know the build", self.wait_verdict(PUBLIC, number, comment, "ci_error"))

    def test_our_comment_is_deleted(self):
        """Somebody does not want it: no second one."""
        self.bridge.start()
        self.hold()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.world.delete_comment(PUBLIC, self.world.bot_comments(PUBLIC, number)[0]["id"], "lab-admin")
        self.release()
        self.logged(f"job={comment} judged -> answered", 20)
        self.assertEqual(self.answers(PUBLIC, number), [])

    def test_a_locked_pull_request_is_tested_all_the_same(self):
        self.bridge.start()
        number = self.open_pr()
        comment = self.world.comment(PUBLIC, number, "member", "!testme")
        self.world.forge.lock_pr(f"{ORG}/{PUBLIC}", number)
        self.logged("judged -> answered", 20)
        self.assertEqual(len(self.builds_of(comment)), 1)


class Peers(Case):
    """The forge and Drone go away and come back in the middle of things."""

    def test_the_forge_is_down_in_mid_run(self):
        self.bridge.start()
        self.hold()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.world.forge.refuse()
        self.release()
        self.world.wait_build(self.builds_of(comment)[0]["number"])
        self.logged("the forge does not answer")
        self.world.forge.accept()
        self.check_one(number, comment)
        self.logged("the forge answers again")

    def test_drone_is_down_when_it_is_asked_and_later(self):
        self.bridge.start()
        self.world.drone.refuse()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="asked")
        time.sleep(1)
        self.hold()
        self.world.drone.accept()
        self.wait_answer(PUBLIC, number, comment, 40, state="running")
        self.world.drone.refuse()
        self.release()
        time.sleep(1.5)
        self.world.drone.accept()
        self.check_one(number, comment)

    def test_the_forge_is_down_at_start(self):
        self.world.forge.refuse()
        self.bridge.start(wait=False)
        self.logged("the forge does not answer")
        self.world.forge.accept()
        wait_for(self.bridge.is_ready, 30, "ready bridge")
        number, comment = self.ask()
        self.check_one(number, comment)


class Ages(Case):
    def test_the_first_poll_marks_what_is_there_as_seen(self):
        """And a delivery from before it, replayed, is no way around that."""
        self.world.forge.add_hook(f"{ORG}/{PUBLIC}", "http://127.0.0.1:1/hook", HOOK_SECRET)   # nobody listens there
        number, comment = self.ask()
        delivery = self.world.forge.deliveries_done()[0]
        self.assertIsNone(delivery.status)
        self.bridge.start()
        delivery.hook.url = self.bridge.hook_url
        self.world.forge.deliver(delivery)
        self.assertEqual(delivery.status, 202)
        later, witness = self.ask()
        self.wait_verdict(PUBLIC, later, witness)
        self.assertEqual((self.builds_of(comment), self.answers(PUBLIC, number)), ([], []))

    def test_too_old_is_answered_not_run(self):
        self.bridge.start()
        self.bridge.stop()
        self.change_store("UPDATE position SET since_s = since_s - 90000, first_s = 0, first_id = 0")
        number = self.open_pr()
        comment = self.world.forge.comment(f"{ORG}/{PUBLIC}", number, "member", "!testme", age_s=2 * 3600)
        comment = getattr(comment, "id", comment)
        self.bridge.start()
        self.assertIn("too late", self.wait_answer(PUBLIC, number, comment, verdict="not_run"))
        self.assertEqual(self.builds_of(comment), [])

    def test_many_comments_in_one_second(self):
        self.bridge.start()
        self.hold()
        numbers = [self.open_pr() for _ in range(6)]
        asked = [[self.world.comment(PUBLIC, number, "member", "!testme") for _ in range(2)] for number in numbers]
        for number, (older, _) in zip(numbers, asked):
            self.wait_verdict(PUBLIC, number, older, "superseded", seconds=90)
        self.release()
        for number, (_, newer) in zip(numbers, asked):
            self.wait_verdict(PUBLIC, number, newer, seconds=90)
        self.assertEqual([len(self.builds_of(newer)) for _, newer in asked], [1] * len(asked))
        # Of those that were superseded most never had their turn.
        built = [len(self.builds_of(older)) for older, _ in asked]
        self.assertTrue(max(built) <= 1 and 0 in built, built)
        self.assertEqual(len(self.world.builds()), len(asked) + sum(built))

    def check_refusals(self, author, texts, wanted):
        """So many answers to these comments of one author in one pull request; they are returned."""
        number = self.open_pr()
        comments = [self.world.comment(PUBLIC, number, author, text) for text in texts]
        self.logged(f"job={comments[-1]} heard -> ", 20)
        wait_for(lambda: len(self.answers(PUBLIC, number)) == wanted, 20, f"{wanted} answers")
        other = self.open_pr()
        witness = self.world.comment(PUBLIC, other, "member", "!testme")
        self.wait_verdict(PUBLIC, other, witness)
        bodies = self.answers(PUBLIC, number)
        self.assertEqual(len(bodies), wanted)
        self.assertEqual(len(self.world.builds()), 1)
        return bodies

    def test_who_may_not_hears_it_once(self):
        self.bridge.start()
        self.check_refusals("outsider", ["!testme"] * 8, 1)

    def test_a_flood_of_refusals_ends(self):
        self.bridge.start()
        bodies = self.check_refusals("member", [f"!testme --{letter * 6}" for letter in "abcdefgh"], 3)
        self.assertEqual(sum("stay without an answer" in body for body in bodies), 1)

    def test_comments_that_arrive_with_a_migration(self):
        """The repository is there, empty, before its comments are: only its own age tells them from new ones."""
        self.world.new_recipe("elsewhere")
        number = self.open_pr("elsewhere")
        self.world.forge.comment(f"{ORG}/elsewhere", number, "member", "!testme", age_s=5)
        self.world.new_recipe("moved-in")
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/moved-in")
        self.bridge.start()
        self.world.migrate("elsewhere", "moved-in")
        comment = self.world.comments("moved-in", number)[0]["id"]
        other, witness = self.ask(repo="moved-in")
        self.wait_answer("moved-in", other, witness)
        self.assertNotIn(f"heard member in {ORG}/moved-in #{number}\n", self.bridge.stderr())
        self.assertEqual((self.builds_of(comment), self.answers("moved-in", number)), ([], []))

    def test_an_item_that_makes_no_sense(self):
        """It is left out of the list, said once and counted; the command behind it is heard."""
        self.bridge.start()
        number, comment = self.ask()
        good = self.world.comments(PUBLIC, number, "member")
        for odd in (None, {}, [7], {**good[0], "user": None}, {**good[0], "pull_request_url": ""}):
            self.world.forge.fault("raw", "GET", "/issues/comments", body=json.dumps([odd, *good]).encode())
        self.check_one(number, comment)
        wait_for(lambda: 'ccci_odd_items_total{peer="forge"} 0' not in self.metrics(), 15, "a count of the odd item")
        self.assertEqual(self.bridge.stderr().count("make no sense"), 1)

    def test_a_comment_of_ten_megabytes(self):
        self.bridge.start()
        number = self.open_pr()
        self.world.comment(PUBLIC, number, "member", "!testme\n" + "x" * (10 << 20))
        other, comment = self.ask()
        self.check_one(other, comment)
        self.assertEqual(len(self.world.builds()), 1)


class Ends(Case):
    """Builds that end without a report."""

    def verdict_of(self, verdict, **values):
        number, comment = self.ask()
        return self.check_one(number, comment, verdict, **values)

    def test_drones_timeout(self):
        """Killed after an hour, by Drone's own times: nothing else tells a timeout from a cancel."""
        self.bridge.start()
        self.hold()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="running")
        self.bridge.stop()
        build = self.builds_of(comment)[0]["number"]
        self.world.cancel(build)
        with self.world.drone.lock:
            self.world.drone.builds[build].started -= 3600
        self.bridge.start()
        body = self.wait_verdict(PUBLIC, number, comment, "timed_out")
        self.assertIn("its limit of 1 h 0 min, in step hold", body)

    def test_yaml_that_is_none(self):
        self.bridge.start()
        self.world.set_ci_yml("a: b: c\n")
        number, comment = self.ask()
        body = self.wait_verdict(PUBLIC, number, comment, "ci_error")
        self.assertIn("Drone could not run the build: yaml", body)
        self.assertEqual(len(self.world.builds()), 1)  # Drone keeps no parameters of such a build

    def test_no_report_step(self):
        self.bridge.start()
        self.world.set_ci_yml(PIPELINE.format(hold=self.hold_dir).replace("name: report", "name: other"))
        self.assertIn("without a report", self.verdict_of("ci_error"))

    def test_a_report_that_is_none(self):
        self.bridge.start()
        for text in ("", "{}\n", '{"schema":2}\n', "\0\xff\n", results().replace("passed", "wonderful")):
            self.set_results(text)
            self.assertIn("without a report", self.verdict_of("ci_error"))

    def test_a_report_about_another_comment(self):
        self.bridge.start()
        self.set_results(results(comment=7))
        self.assertIn("about comment `7`", self.verdict_of("ci_error"))

    def test_a_failed_step_before_the_report(self):
        self.bridge.start()
        self.set_results("")
        self.world.set_ci_yml(PIPELINE.format(hold=self.hold_dir).replace("      - env |", "      - exit 1; env |"))
        self.assertIn("step prepare failed", self.verdict_of("ci_error"))

    def test_a_pipeline_the_runner_refuses(self):
        self.bridge.start()
        self.world.set_ci_yml(PIPELINE.format(hold=self.hold_dir).replace("  - name: prepare\n",
            "  - name: prepare\n    image: alpine\n"))
        self.assertIn("Linter", self.verdict_of("ci_error"))

    def test_no_pipeline_for_the_event(self):
        """A plain no of Drone's is believed after a minute; the store's clock is set forward instead of waiting."""
        self.bridge.start()
        self.world.set_ci_yml(PIPELINE.format(hold=self.hold_dir).replace("[custom]", "[push]"))
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="asked")
        self.bridge.stop()
        self.assertEqual(self.change_store("UPDATE effect SET tried_s = tried_s - 100 WHERE comment=? AND effect='build'", comment), 1)
        self.bridge.start()
        self.assertIn("Drone makes no build", self.wait_verdict(PUBLIC, number, comment, "ci_error"))
        self.assertEqual(self.builds_of(comment), [])

    def test_a_build_that_its_runner_dropped(self):
        """Pending for ever with a machine and without steps: deleted in Drone, answered as lost."""
        self.bridge.start()
        self.world.drone.stop_runner()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="queued")
        build = self.builds_of(comment)[0]["number"]
        with self.world.drone.lock:
            made = self.world.drone.builds[build]
            made.created -= 3600
            made.stages[0].machine = "gone"
        body = self.wait_verdict(PUBLIC, number, comment, "ci_error", 60)
        self.assertIn("never began", body)
        wait_for(lambda: self.world.build(build)["status"] == "killed", 10, "deleted build")


class Setup(Case):
    """What the bridge says about the world it is put into."""

    def test_the_timeout_is_set_and_read_back(self):
        self.world.drone.timeout = 17
        self.bridge = make_bridge(self.world, build_timeout="45m")
        self.bridge.start()
        wait_for(lambda: self.world.drone.timeout == 45, 10, "timeout set")
        self.logged("after 45 min")
        self.assertNotIn("warning", self.bridge.stderr())

    def test_a_token_that_may_not_set_the_timeout(self):
        self.world.drone.timeout = 17
        self.bridge = make_bridge(self.world, drone_token=self.world.drone_tokens["user"])
        self.bridge.start()
        self.logged("after 17 min, not after the 60 min of BUILD_TIMEOUT")
        self.assertEqual(self.world.drone.timeout, 17)
        number, comment = self.ask()
        self.check_one(number, comment)

    def test_a_bot_outside_the_organisation(self):
        self.world.forge.set_role(ORG, "bot", None)
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/{PUBLIC}", auth_allowlist="outsider")
        self.bridge.start()
        self.logged("bot is not in the organisation")
        number, comment = self.ask()
        self.assertIn("not in this repository", self.wait_answer(PUBLIC, number, comment, verdict="not_run"))
        number, comment = self.ask(user="outsider")
        self.check_one(number, comment)

    def test_a_wildcard_takes_the_repositories_with_a_suite(self):
        self.world.put_suite(PUBLIC)
        self.world.put_suite("nowhere")
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/*")
        self.bridge.start()
        number, comment = self.ask()
        self.check_one(number, comment)
        self.assertEqual(self.health(), (200, "ok\n"))
        private, other = self.ask(repo=PRIVATE)
        number, comment = self.ask()
        self.check_one(number, comment)
        self.assertEqual((self.builds_of(other), self.answers(PRIVATE, private)), ([], []))

    def test_a_repository_that_is_not_there(self):
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/nosuch,{ORG}/{PUBLIC}")
        self.bridge.start()
        self.logged(f"{ORG}/nosuch is not there")
        self.assertIn(f"{ORG}/nosuch is not there", self.health()[1])
        self.assertIn("ccci_repositories_unheard 1", self.metrics())
        number, comment = self.ask()
        self.check_one(number, comment)

    def test_a_repository_that_is_closed_and_opened_again(self):
        """Closed to the bot it looks like a deleted one; a deleted one of a wildcard's is said when it was read before."""
        self.world.put_suite(PRIVATE)
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/*")
        self.bridge.start()
        self.world.forge.set_role(ORG, "bot", None)
        self.bridge.stop()
        self.bridge.start()
        self.assertIn(f"{ORG}/{PRIVATE} is not there: it was deleted, or closed", self.health()[1])
        self.world.forge.set_role(ORG, "bot", "read")
        self.logged(f"{ORG}/{PRIVATE} is there again")
        self.assertEqual(self.health(), (200, "ok\n"))

    def test_an_owner_renamed(self):
        """A move to another owner is told with both names."""
        self.world.forge.rename_repo(f"{ORG}/{PUBLIC}", f"member/{PUBLIC}")
        self.bridge.start()
        self.assertIn(f"{ORG}/{PUBLIC} is member/{PUBLIC} now; no command in it is heard until POLL_REPOS names it so",
            self.health()[1])
        self.assertEqual(self.bridge.stderr().count("warning"), 1)

    def test_outbound_only(self):
        self.bridge = make_bridge(self.world, listen="none")
        self.bridge.start(wait=False)
        self.logged("listens nowhere")
        self.logged(f"{ORG}/{PUBLIC}: first poll")
        number, comment = self.ask()
        self.check_one(number, comment)

    def test_the_hook_alone(self):
        """Between two polls a minute apart the hook is heard at once; its replay and a false key change nothing."""
        self.bridge = make_bridge(self.world, poll_interval="60s", webhook_secret=f"another-key-of-16-bytes,{HOOK_SECRET}")
        self.bridge.start()
        repo = f"{ORG}/{PUBLIC}"
        self.world.forge.add_hook(repo, self.bridge.hook_url, HOOK_SECRET)
        number, comment = self.ask()
        started = time.monotonic()
        wait_for(lambda: self.builds_of(comment), 5, "build by the hook")
        self.assertLess(time.monotonic() - started, patience.seconds(2))
        for delivery in self.world.forge.deliveries_done():
            self.assertEqual(delivery.status, 202)
            self.world.forge.deliver(delivery)
            self.assertEqual(delivery.status, 202)
        self.check_one(number, comment)
        with self.world.forge.lock:
            self.world.forge.hooks.clear()
        self.world.forge.add_hook(repo, self.bridge.hook_url, "a-wrong-key-of-16-bytes")
        other, silent = self.ask()
        self.assertEqual(self.world.forge.deliveries_done()[-1].status, 403)
        time.sleep(1)
        self.assertEqual((self.builds_of(silent), self.answers(PUBLIC, other)), ([], []))


class Program(Case):
    """Its command line, its ends, its store."""

    def run_once(self, *arguments, timeout=60):
        return subprocess.run([self.bridge.program, "--config", self.bridge.config, *arguments], env=self.bridge.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout, check=False)

    def test_check_and_print(self):
        done = self.run_once("--check")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        done = self.run_once("--print-config", "--poll-interval", "7s")
        self.assertEqual(done.returncode, 0)
        self.assertIn("poll_interval: 7s", done.stdout)
        self.assertNotIn(self.world.tokens["bot"], done.stdout + done.stderr)
        self.assertFalse(os.listdir(os.path.join(os.path.dirname(self.bridge.config), "state")))
        self.bridge.start()
        done = self.run_once("--check")      # beside one that runs
        self.assertRegex(done.stdout, rf"\Astore: {self.bridge.settings['state_dir']}/bridge.db, 0\.\d MiB\n\Z")

    def test_check_looks_at_the_repositories(self):
        done = self.run_once("--check", "--poll-repos", f"{ORG}/nosuch,{ORG}/{PUBLIC},{ORG}/*")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr,
            rf"\A{CI_REPO} has no tests/recipes: .*\n{ORG}/nosuch is not there: .*\n\Z")
        self.world.put_suite("nowhere")
        self.world.put_suite(PRIVATE)
        self.world.forge.rename_repo(f"{ORG}/{PRIVATE}", f"{ORG}/other")
        done = self.run_once("--check", "--poll-repos", f"{ORG}/*")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr,
            rf"\A{ORG}/{PRIVATE} is {ORG}/other now; .* until its suite is named so, or it is named as before\n\Z")
        self.world.forge.refuse()
        done = self.run_once("--check")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot look at the enrolled repositories", done.stderr)

    def test_check_tells_that_the_forge_does_not_say_who_is_a_member(self):
        self.world.forge.set_role(ORG, "bot", None)
        done = self.run_once("--check", "--poll-repos", f"{ORG}/{PUBLIC},{ORG}/{PUBLIC}")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertRegex(done.stderr, rf"\Awarning: bot is not in the organisation {ORG}, .* add bot to a team with read access\n\Z")

    def test_check_asks_for_the_webhook(self):
        arguments = ("--check", "--webhook-autoregister", "1", "--public-url", "https://ci.example.org")
        done = self.run_once(*arguments)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, rf"\A{ORG}/{PUBLIC} has no webhook of ours, .*write:repository.*\n{ORG}/{PRIVATE} has .*\n\Z")
        self.bridge.change_settings(gitea_token=self.world.tokens["lab-admin"])
        done = self.run_once(*arguments)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertEqual(self.world.forge.hooks, {})

    def test_check_tells_who_may_write_the_suites(self):
        """Warnings, of which none is wrong for certain."""
        done = self.run_once("--check", "--auto-test", "member:update/,outsider")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertRegex(done.stderr, rf"\Awarning: member of AUTO_TEST is a member of {ORG}, which owns the CI repository {CI_REPO}: .*\n\Z")
        done = self.run_once("--check", "--poll-repos", CI_REPO)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertRegex(done.stderr, rf"\Awarning: {CI_REPO} is the CI repository and enrolled as well: .*\n\Z")

    def test_wrong_words(self):
        for arguments in (["--chekc"], ["word"], ["--poll-interval"], ["--poll-interval=soon"], ["--gitea-token=x"],
                          ["--config", "/nonexistent"], ["--"], [""], ["--poll-interval", "7s", "--pol-interval=1s"]):
            done = self.run_once(*arguments)
            self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
            self.assertTrue(done.stderr.strip(), arguments)
            self.assertEqual(done.stdout, "")
        self.assertEqual(self.run_once("--help").returncode, 0)
        self.assertRegex(self.run_once("--version").stdout, r"^ccci-bridge \d+\.\d+\.\d+\n$")

    def test_once_is_a_poll_and_what_it_makes_due(self):
        self.assertEqual(self.run_once("--once").returncode, 0)
        number, comment = self.ask()
        done = self.run_once("--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        build = self.builds_of(comment)[0]["number"]
        self.assertEqual(len(self.answers(PUBLIC, number)), 1)
        self.world.wait_build(build)
        for _ in range(5):
            self.assertEqual(self.run_once("--once").returncode, 0)
            if trailer(self.answers(PUBLIC, number)[0]).get("verdict"):
                break
        self.check_one(number, comment)

    def test_once_without_a_forge(self):
        self.world.forge.refuse()
        done = self.run_once("--once")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not answer", done.stderr)

    def test_stops_within_a_second(self):
        self.bridge.start()
        self.hold()
        number, comment = self.ask()
        self.wait_answer(PUBLIC, number, comment, state="running")
        started = time.monotonic()
        self.assertEqual(self.bridge.stop(), 0)
        self.assertLess(time.monotonic() - started, patience.seconds(1.2))
        self.release()
        self.bridge.start()
        self.check_one(number, comment)

    def test_stops_while_the_forge_hangs(self):
        self.bridge.start()
        self.world.forge.fault("hang", "GET", "/issues/search", times=None, seconds=5)
        time.sleep(1.5)
        started = time.monotonic()
        self.assertEqual(self.bridge.stop(), 0)
        self.assertLess(time.monotonic() - started, patience.seconds(1.2))

    def test_a_second_bridge_on_the_same_store(self):
        self.bridge.start()
        done = self.run_once("--listen=none")
        self.assertEqual(done.returncode, 2)
        self.assertIn("another process has", done.stderr)

    def test_a_full_disk(self):
        """What cannot be recorded is not begun; when there is room again, the same comment goes on."""
        directory = tempfile.mkdtemp(prefix="small-", dir=self.world.directory)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small tmpfs")
        self.addCleanup(lambda: subprocess.run(["umount", directory], check=False))
        self.bridge = make_bridge(self.world, state_dir=directory)
        self.bridge.start()
        filler = os.path.join(directory, "filler")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        number, comment = self.ask()
        self.logged("nothing new is ", 20)
        time.sleep(1)
        self.assertEqual((self.builds_of(comment), self.answers(PUBLIC, number)), ([], []))
        self.assertTrue(self.bridge.is_running())
        os.remove(filler)
        self.check_one(number, comment, seconds=60)
        self.bridge.stop()


class Scale(Case):
    def resident_kib(self):
        with open(f"/proc/{self.bridge.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def idle_requests(self, seconds=4):
        mark = self.world.forge.mark()
        time.sleep(seconds)
        return self.world.forge.count(since=mark)

    def test_an_idle_poll_is_one_request_whatever_is_enrolled(self):
        self.bridge = make_bridge(self.world, poll_repos=f"{ORG}/{PUBLIC}")
        self.bridge.start()
        time.sleep(3)
        few = self.idle_requests()
        self.bridge.stop()
        for index in range(100):
            self.world.new_recipe(f"recipe-{index}", files={"compose.yml": "x\n"}, tags=())
        names = ",".join(f"{ORG}/recipe-{index}" for index in range(100))
        self.bridge = make_bridge(self.world, poll_repos=names)
        self.bridge.start(seconds=60)
        time.sleep(3)
        many = self.idle_requests()
        self.assertIn(few, (3, 4, 5))
        self.assertIn(many, (3, 4, 5))

    def test_ten_thousand_jobs_stay_out_of_memory(self):
        self.bridge.start()
        number, comment = self.ask()
        self.check_one(number, comment)
        self.logged("judged -> answered")
        before = self.resident_kib()
        self.bridge.stop()
        store = sqlite3.connect(os.path.join(os.path.dirname(self.bridge.config), "state", "bridge.db"))
        with store:
            columns = [row[1] for row in store.execute("PRAGMA table_info(job)")]
            row = store.execute("SELECT * FROM job").fetchone()
            rows = ([10 ** 6 + index] + list(row[1:]) for index in range(10000))
            store.executemany(f"INSERT INTO job VALUES({','.join('?' * len(columns))})", rows)
        store.close()
        self.bridge.start()
        number, comment = self.ask()
        self.check_one(number, comment)
        self.assertLess(self.resident_kib() - before, 2048)
        with open(self.bridge.program, "rb") as program:
            if b"__asan_init" in program.read():
                return  # the sanitizer's own memory counts too
        self.assertLess(self.resident_kib(), 16 * 1024)


if __name__ == "__main__":
    unittest.main()
