#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What the stand-ins of forge and Drone offer to tests beyond the contract with the real servers:
surprises are remembered, faults do what their names say, clocks and deafness can be set.
"""
import http.client
import json
import os
import time
import unittest

from lib.server_contract import PIPELINE
from lib.world import CI_REPO, ORG, PUBLIC, Receiver, StandinWorld, exchange, wait_for
from standin.git import BareRepo

COMMENTS = f"/repos/{ORG}/{PUBLIC}/issues/comments"


class StandinCase(unittest.TestCase):
    def setUp(self):
        self.world = StandinWorld(runner=False)
        self.addCleanup(self.world.down)
        self.forge, self.drone = self.world.forge, self.world.drone

    def get(self, path=COMMENTS, user="bot"):
        return self.world.forge_api(user, "GET", path)[0]


class Surprises(StandinCase):
    def test_an_unknown_path_is_remembered(self):
        self.assertEqual(self.get("/repos/x/y/nosuch"), 599)
        with self.assertRaisesRegex(AssertionError, "GET /api/v1/repos/x/y/nosuch: no route"):
            self.world.check()

    def test_an_unknown_query_name(self):
        self.assertEqual(self.get(f"{COMMENTS}?sort=asc"), 599)
        self.assertIn("sort", self.forge.surprises[0])

    def test_an_unknown_body_member(self):
        number = self.world.open_pr(PUBLIC, "x")
        status, _, _ = self.world.forge_api("bot", "POST", f"/repos/{ORG}/{PUBLIC}/issues/{number}/comments",
            {"body": "x", "extra": 1})
        self.assertEqual(status, 599)
        self.assertEqual(self.world.bot_comments(PUBLIC, number), [])

    def test_a_mistake_of_the_standin(self):
        self.forge.repos[f"{ORG}/{PUBLIC}"].issues = None
        self.assertEqual(self.get(), 599)

    def test_of_drone(self):
        self.assertEqual(self.world.drone_api("user", "GET", "/queue")[0], 599)
        self.world.put_files(CI_REPO, {".drone.yml": PIPELINE + "\ndepends_on: [x]\n"})
        self.assertEqual(self.world.drone_api("user", "POST", f"/repos/{CI_REPO}/builds")[0], 599)
        self.assertEqual(len(self.drone.surprises), 2)

    def test_the_log_counts(self):
        mark = self.forge.mark()
        self.get()
        self.get("/user")
        self.assertEqual(self.forge.count(since=mark), 2)
        self.assertEqual(self.forge.count("GET", "issues/comments", since=mark), 1)
        self.assertEqual(self.forge.count("POST"), 0)
        self.world.open_pr(PUBLIC, "x")
        self.assertEqual(self.forge.count(since=mark), 2, "what tests do is not in the log")
        self.world.check()


class Faults(StandinCase):
    def setUp(self):
        super().setUp()
        self.number = self.world.open_pr(PUBLIC, "x")
        self.post = ("bot", "POST", f"/repos/{ORG}/{PUBLIC}/issues/{self.number}/comments", {"body": "hello"})

    def said(self):
        return [row["body"] for row in self.world.bot_comments(PUBLIC, self.number)]

    def test_status(self):
        fault = self.forge.fault("status", "GET", "issues/comments", times=2, after=1, status=429,
            headers={"Retry-After": "1"})
        self.assertEqual([self.get() for _ in range(4)], [200, 429, 429, 200])
        self.assertEqual(fault.hits, 2)
        self.assertEqual(self.get("/user"), 200)

    def test_cut_takes_effect(self):
        self.forge.fault("cut", "POST", "/comments$")
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.world.forge_api(*self.post)
        self.assertEqual(self.said(), ["hello"])
        self.assertEqual(self.world.forge_api(*self.post)[0], 201)

    def test_late_takes_effect_later(self):
        self.forge.fault("late", "POST", "/comments$", seconds=0.5)
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.world.forge_api(*self.post)
        self.assertEqual(self.said(), [])
        wait_for(self.said, 5, "comment that comes late")

    def test_reset_takes_none(self):
        self.forge.fault("reset", "POST", "/comments$")
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.world.forge_api(*self.post)
        self.assertEqual(self.said(), [])

    def test_drop_sends_so_many_bytes(self):
        self.world.comment(PUBLIC, self.number, "member", "x")
        self.forge.fault("drop", "GET", "issues/comments", size=400)
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.get()
        self.assertEqual(self.get(), 200)

    def test_slow_and_hang(self):
        self.forge.fault("slow", "GET", "issues/comments", seconds=0.3)
        started = time.monotonic()
        self.assertEqual(self.get(), 200)
        self.assertGreaterEqual(time.monotonic() - started, 0.3)
        self.forge.fault("hang", "GET", "issues/comments", seconds=0.2)
        with self.assertRaises((OSError, http.client.HTTPException)):
            self.get()

    def test_raw(self):
        self.forge.fault("raw", "GET", "issues/comments", body=b'{"not": "a list"}')
        self.assertEqual(self.world.forge_api("bot", "GET", COMMENTS)[:2], (200, {"not": "a list"}))

    def test_refuse_and_accept(self):
        port = self.forge.port
        held = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        held.request("GET", "/api/v1/version")
        held.getresponse().read()
        self.forge.refuse()
        with self.assertRaises(ConnectionRefusedError):
            self.get()
        with self.assertRaises((OSError, http.client.HTTPException)):     # kept connections die as well
            held.request("GET", "/api/v1/version")
            held.getresponse()
        held.close()
        self.forge.accept()
        self.assertEqual((self.forge.port, self.get(), self.said()), (port, 200, []))


class ForgeExtras(StandinCase):
    def test_the_window_after_a_push(self):
        """The head moves at once, its event comes later and has a higher id than a comment in between."""
        number = self.world.open_pr(PUBLIC, "x")
        self.forge.push_event_delay_s = 0.3
        new = self.world.push(PUBLIC, number)
        comment = self.world.comment(PUBLIC, number, "member", "in the window")
        self.assertEqual(self.world.head(PUBLIC, number), new)
        path = f"/repos/{ORG}/{PUBLIC}/issues/{number}/timeline"
        self.assertEqual([row["type"] for row in self.world.forge_api("bot", "GET", path)[1]], ["pull_push", "comment"])
        rows = wait_for(lambda: len(rows := self.world.forge_api("bot", "GET", path)[1]) == 3 and rows, 3, "the event")
        self.assertGreater(rows[2]["id"], comment)

    def test_an_old_comment(self):
        number = self.world.open_pr(PUBLIC, "x")
        comment = self.forge.comment(f"{ORG}/{PUBLIC}", number, "member", "old", age_s=7200)
        created = self.world.forge_api("bot", "GET", f"{COMMENTS}/{comment}")[1]["created_at"]
        self.assertLess(created, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 7000)))

    def test_an_imported_repository(self):
        source = os.path.join(self.world.directory, "source")
        BareRepo(source).create().commit("main", {"compose.yml": "x: 1", "run": "#!/bin/sh\n"}, "first")
        BareRepo(source).tag("1.0.0+1.0.0", "main")
        self.world.import_repo("imported", source, private=True)
        git = self.forge.repo(f"{ORG}/imported").git
        self.assertEqual([(row[0], row[2]) for row in git.tree("main")], [("compose.yml", "100644"), ("run", "100755")])
        self.assertEqual(git.tip("refs/tags/1.0.0+1.0.0"), git.tip("refs/heads/main"))
        self.assertEqual(self.get(f"/repos/{ORG}/imported", "outsider"), 404)

    def test_a_deleted_fork(self):
        number = self.world.open_pr(PUBLIC, "x", user="outsider")
        self.forge.delete_repo(f"outsider/{PUBLIC}")
        head = self.world.forge_api("bot", "GET", f"/repos/{ORG}/{PUBLIC}/pulls/{number}")[1]["head"]
        self.assertEqual((head["repo"], head["repo_id"], head["ref"]), (None, -1, f"refs/pull/{number}/head"))

    def test_a_locked_pull(self):
        number = self.world.open_pr(PUBLIC, "x")
        self.forge.lock_pr(f"{ORG}/{PUBLIC}", number)
        self.assertEqual(self.world.forge_api("bot", "POST", f"/repos/{ORG}/{PUBLIC}/issues/{number}/comments",
            {"body": "x"})[0], 403)

    def test_hooks_are_serial_and_can_be_replayed(self):
        receiver = Receiver()
        self.addCleanup(receiver.close)
        number = self.world.open_pr(PUBLIC, "x")
        self.forge.add_hook(ORG, receiver.url(), "secret")
        self.world.comment(PUBLIC, number, "member", "one")
        self.world.comment(PUBLIC, number, "member", "two")
        done = self.forge.deliveries_done()
        self.assertEqual([json.loads(body)["comment"]["body"] for _, _, body in receiver.got], ["one", "two"])
        self.assertEqual([delivery.status for delivery in done], [204, 204])
        self.forge.deliver(done[0])
        self.assertEqual(receiver.got[2][2], receiver.got[0][2])
        self.assertEqual(receiver.got[0][1]["X-Gitea-Hook-Installation-Target-Type"], "organization")


class DroneExtras(StandinCase):
    def setUp(self):
        super().setUp()
        self.world.set_ci_yml(PIPELINE)
        self.drone.start_runner()

    def test_a_deaf_runner_and_the_timeout_that_ends_its_step(self):
        self.drone.deaf, self.drone.seconds_per_minute, self.drone.timeout = True, 5.0, 1
        number = self.drone.create(ONE="sleep 60")
        self.world.wait_step(number, "one")
        self.drone.cancel(number)
        self.assertEqual(self.drone.build(number)["status"], "killed")
        following = self.drone.create()
        time.sleep(0.3)
        self.assertEqual(self.drone.build(following)["status"], "pending")
        self.assertEqual(self.drone.wait(following)["status"], "success")
        self.assertEqual(self.world.steps(number)["one"]["exit_code"], 130)

    def test_a_timeout(self):
        self.drone.seconds_per_minute, self.drone.timeout = 0.5, 1
        number = self.drone.create(ONE="sleep 60", ALWAYS="echo ran")
        build = self.drone.wait(number)
        self.assertEqual((build["status"], build["stages"][0]["status"]), ("killed", "killed"))
        steps = self.world.steps(number)
        self.assertEqual((steps["one"]["status"], steps["one"]["exit_code"]), ("killed", 137))
        self.assertEqual(steps["always"]["status"], "skipped")
        self.assertEqual(os.listdir(self.drone.root), [])

    def test_a_server_that_is_away_hears_later(self):
        number = self.drone.create(ONE="sleep 1")
        self.world.wait_step(number, "one")
        self.drone.refuse()
        with self.assertRaises(OSError):
            exchange("GET", f"{self.drone.url}/healthz")
        time.sleep(1.5)
        self.assertEqual(self.drone.build(number)["status"], "running")
        self.drone.accept()
        self.assertEqual(self.drone.wait(number)["status"], "success")

    def test_a_runner_asked_to_leave_finishes_first(self):
        number = self.drone.create(ONE="sleep 2")
        self.world.wait_step(number, "one")
        waiting = self.drone.create()
        self.drone.stop_runner()
        self.assertEqual(self.drone.wait(number)["status"], "success")
        self.assertEqual(self.drone.build(waiting)["status"], "pending")
        self.drone.start_runner()
        self.assertEqual(self.drone.wait(waiting)["status"], "success")

    def test_a_late_start(self):
        self.drone.start_delay_s = 2.0
        number = self.drone.create()
        self.assertEqual(self.drone.build(number)["status"], "pending")
        self.assertEqual(self.drone.wait(number)["status"], "success")

    def test_a_log_of_a_build_cancelled_before_it_was_taken(self):
        """The server does not know its steps; it goes on hearing of others."""
        self.drone.stop_runner()
        number = self.drone.create()
        self.drone.cancel(number)
        stage, = self.drone.builds[number].stages
        stage.is_closed = True           # as of one that was on its way to the runner
        self.drone._heard({"op": "step", "stage": stage.id, "number": 1, "status": "killed", "exit_code": 137, "log": []})
        self.drone.start_runner()
        self.assertEqual(self.drone.wait(self.drone.create())["status"], "success")

    def test_two_slots(self):
        self.drone.stop_runner()
        self.drone.capacity = 2
        self.world.set_ci_yml(PIPELINE.replace("concurrency: {limit: 1}\n", ""))
        self.drone.start_runner()
        one, two, three = (self.drone.create(ONE="sleep 60") for _ in range(3))
        self.world.wait_step(two, "one")
        self.assertEqual([self.drone.build(number)["status"] for number in (one, two, three)],
            ["running", "running", "pending"])
        self.drone.cancel(one)
        self.world.wait_step(three, "one")

    def test_no_drone_yml(self):
        self.world.put_files(CI_REPO, {".drone.yml": None})
        self.drone.missing_config_s = 0.1
        self.assertEqual(self.world.drone_api("user", "POST", f"/repos/{CI_REPO}/builds")[0], 500)

    def test_a_pipeline_the_runner_refuses(self):
        self.world.set_ci_yml(PIPELINE.replace("  - name: one\n", "  - name: one\n    image: alpine\n"))
        build = self.drone.wait(self.drone.create())
        self.assertEqual((build["status"], build["stages"][0]["error"][:7]), ("error", "Linter:"))

    def test_nothing_is_left(self):
        self.drone.create(ONE="setsid sleep 61 & sleep 62")
        wait_for(lambda: len(self.drone.step_processes()) >= 3, 5, "the step's processes")
        self.drone.close()
        self.assertEqual(self.drone.step_processes(), [])


if __name__ == "__main__":
    unittest.main()
