# SPDX-License-Identifier: GPL-3.0-or-later
"""
What ccci relies on in Woodpecker and an agent with the local backend, as one body of tests that runs against the stand-in
(tests/flow) and against the real server (tests/lab). See lib/server_contract.py.

    class TestServers(WoodpeckerContract, unittest.TestCase): make_world = WoodpeckerStandinWorld
"""
import base64
import os
import time

from lib.server_contract import Contract
from lib.world import CI_REPO, wait_for

PIPELINE = """\
when:
  - event: manual

concurrency: {limit: 1}

skip_clone: true

steps:
  - name: one
    image: bash
    commands:
      - eval "$ONE"
  - name: two
    image: bash
    commands:
      - eval "$TWO"
  - name: always
    image: bash
    commands:
      - eval "$ALWAYS"
    when: [{status: [success, failure]}]
"""

PIPELINE_KEYS = "id number author parent event event_reason status errors created updated started finished deploy_to " \
    "deploy_task commit branch rerun_count ref refspec author_avatar forge_url reviewed_by reviewed workflows variables " \
    "version title message timestamp sender author_email"
ENDED = ("success", "failure", "killed")


class WoodpeckerContract(Contract):
    @classmethod
    def fill(cls):
        world = cls.world
        world.put_files(CI_REPO, {".woodpecker.yml": PIPELINE})
        world.put_files(CI_REPO, {".woodpecker.yml": PIPELINE.replace("event: manual", "event: tag")}, branch="nomatch")
        world.put_files(CI_REPO, {".woodpecker.yml": "steps: [a\n"}, branch="broken")

    def call(self, user, method, path, wanted, body=None):
        status, value, _ = self.world.woodpecker_api(user, method, path, body)
        self.assertEqual(status, wanted, f"{method} {path} as {user}: {value!r}")
        return value

    def create(self, user="user", wanted=200, branch="main", **variables):
        return self.call(user, "POST", self.world.pipelines, wanted, {"branch": branch, "variables": variables})

    def get(self, number):
        return self.call("user", "GET", f"{self.world.pipelines}/{number}", 200)

    def wait_flow(self, number, states=ENDED, seconds=30):
        """The pipeline once its workflow is in one of these: its own status runs ahead of that at a cancel, and after it at the
        end."""
        def look():
            value = self.get(number)
            is_late = states == ENDED and value["status"] in ("pending", "running")
            return value["workflows"][0]["state"] in states and not is_late and value
        return wait_for(look, seconds, f"workflow of pipeline {number} in {states}")

    @staticmethod
    def states(pipeline):
        return {step["name"]: step["state"] for step in pipeline["workflows"][0]["children"]}

    def lines(self, number, name):
        step = next(row for row in self.get(number)["workflows"][0]["children"] if row["name"] == name)
        rows = wait_for(lambda: self.call("user", "GET", f"/repos/{self.world.repo_id}/logs/{number}/{step['id']}", 200), 10,
            "log")
        return [base64.b64decode(row["data"] or "") for row in rows]

    # ----------------------------------------------------------------

    def test_repository_and_tokens(self):
        self.assertEqual(self.call("user", "GET", f"/repos/lookup/{CI_REPO}", 200)["id"], self.world.repo_id)
        self.call("user", "GET", f"/repos/lookup/{CI_REPO}x", 404)
        self.call("user", "GET", "/user", 200)
        self.call("bad", "GET", "/user", 401)
        self.call("bad", "GET", f"/repos/{self.world.repo_id}", 200)
        repo = f"/repos/{self.world.repo_id}"
        self.assertEqual(self.call("admin", "PATCH", repo, 200, {"timeout": 45})["timeout"], 45)
        self.assertEqual(self.call("reader", "GET", repo, 200)["timeout"], 45)
        self.call("user", "PATCH", repo, 403, {"timeout": 46})
        self.call("admin", "PATCH", repo, 400, {"timeout": 0})

    def test_create(self):
        made = self.create(RECIPE="custom-html", PR="7")
        self.keys(made, PIPELINE_KEYS)
        self.assertEqual((made["status"], made["event"], made["author"], made["started"], made["errors"]),
            ("pending", "manual", "member", 0, None))
        self.assertEqual(made["variables"], {"RECIPE": "custom-html", "PR": "7"})
        self.assertEqual(self.states(made), {"one": "pending", "two": "pending", "always": "pending"})
        done = self.wait_flow(made["number"])
        self.assertEqual((done["status"], done["number"]), ("success", made["number"]))
        self.assertGreaterEqual(done["finished"], done["started"])
        rows = self.call("user", "GET", f"{self.world.pipelines}?page=1&perPage=50", 200)
        self.assertNotIn("workflows", rows[0])
        self.assertEqual(rows[0]["variables"], made["variables"])
        self.assertEqual(self.call("user", "GET", f"{self.world.pipelines}?page=99&perPage=50", 200) or [], [])

    def test_create_is_refused(self):
        self.create(user="bad", wanted=401)
        self.create(user="reader", wanted=404)
        self.create(branch="nomatch", wanted=204)
        self.create(branch="no-such-branch", wanted=500)
        self.call("user", "POST", self.world.pipelines, 400, {"branch": "main", "variables": {"A": 1}})
        self.call("user", "POST", "/repos/4711/pipelines", 404, {"branch": "main"})
        self.call("user", "GET", f"{self.world.pipelines}/4711", 404)
        broken = self.create(branch="broken")
        self.assertEqual((broken["status"], broken["errors"][0]["is_warning"], broken.get("workflows")), ("error", False, None))

    def test_environment_and_log(self):
        """What a step is told, whatever the variables are called; its log says each byte."""
        number = self.create(ONE="printf 'a\\n\\n\\377\\n'; echo $CI $CI_PIPELINE_NUMBER $CI_REPO; echo $CI_PIPELINE_URL; "
            "echo $CI_SYSTEM_URL; [ $CI_WORKSPACE = $PWD ] && echo here; [ $CI_PIPELINE_STARTED -gt 1700000000 ] && echo then; "
            "echo $DRONE_BUILD_NUMBER$HOME", CI="x", CI_PIPELINE_NUMBER="99", HOME="/nowhere", DRONE_BUILD_NUMBER="7")["number"]
        self.assertEqual(self.wait_flow(number)["status"], "success")
        lines = self.lines(number, "one")
        self.assertTrue(lines[0].startswith(b"+ "), lines[0])
        self.assertEqual(lines[1:9], [b"a", b"", b"\xff", f"woodpecker {number} {CI_REPO}".encode(),
            f"{self.world.woodpecker_url}/repos/{self.world.repo_id}/pipeline/{number}".encode(),
            self.world.woodpecker_url.encode(), b"here", b"then"])
        self.assertTrue(lines[9].startswith(b"7/") and b"nowhere" not in lines[9], lines[9])

    def test_log_comes_late(self):
        number = self.create(ONE="for i in 1 2 3 4; do echo $i; sleep 0.4; done")["number"]
        wait_for(lambda: self.states(self.get(number))["one"] == "running", 10, "running step")
        step = self.get(number)["workflows"][0]["children"][0]["id"]
        path = f"/repos/{self.world.repo_id}/logs/{number}/{step}"
        time.sleep(0.3)
        self.assertIsNone(self.call("user", "GET", path, 200))
        self.wait_flow(number)
        self.assertEqual(self.lines(number, "one")[1:], [b"1", b"2", b"3", b"4"])
        self.call("user", "GET", f"/repos/{self.world.repo_id}/logs/{number}/471100", 404)

    def test_red(self):
        done = self.wait_flow(self.create(ONE="exit 3", ALWAYS="echo $CI_PIPELINE_STATUS")["number"])
        self.assertEqual(done["status"], "failure")
        self.assertEqual(self.states(done), {"one": "failure", "two": "skipped", "always": "success"})
        self.assertEqual(done["workflows"][0]["children"][0]["exit_code"], 3)
        self.assertEqual(self.lines(done["number"], "always")[-1], b"failure")

    def test_while_later_steps_run_the_pipeline_runs(self):
        """A red step before them is no end yet."""
        number = self.create(ONE="exit 1", ALWAYS="sleep 4")["number"]
        wait_for(lambda: self.states(self.get(number))["always"] == "running", 10, "running step")
        self.assertEqual(self.get(number)["status"], "running")
        self.wait_flow(number)

    # ---- the end of a step

    def start_long(self):
        """(number, file of pids: shell, child, child in a session of its own) of a step that does not end."""
        note = os.path.join(self.world.directory, f"pids-{time.time_ns()}")
        number = self.create(ONE=f"sleep 300 & echo $$ $! > {note}; setsid sleep 300 > /dev/null 2>&1 & echo $! >> {note}; "
            f"touch {note}.done; wait", ALWAYS="echo ran")["number"]
        wait_for(lambda: os.path.exists(f"{note}.done"), 15, "running step")
        with open(note, encoding="ascii") as file:
            pids = [int(word) for word in file.read().split()[:3]]
        self.addCleanup(lambda: [os.kill(pid, 9) for pid in pids if self.is_alive(pid)])
        return number, pids

    @staticmethod
    def is_alive(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                return file.read().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def test_cancel(self):
        """The process group dies at once, no later step runs; who waited comes next."""
        number, (shell, child, other) = self.start_long()
        waiting = self.create(ONE="true")["number"]
        self.assertEqual(self.get(waiting)["status"], "pending")
        cancel = f"{self.world.pipelines}/{number}/cancel"
        self.call("reader", "POST", cancel, 404)
        self.call("user", "POST", cancel, 204)
        self.assertEqual(self.get(number)["status"], "killed")
        wait_for(lambda: not self.is_alive(shell) and not self.is_alive(child), 5, "dead group")
        self.assertTrue(self.is_alive(other))
        done = self.wait_flow(number)
        self.assertEqual((done["status"], done["cancel_info"]), ("killed", {"canceled_by_user": "member"}))
        self.assertEqual(self.states(done), {"one": "killed", "two": "canceled", "always": "canceled"})
        self.assertEqual(done["workflows"][0]["children"][0]["exit_code"], 0)
        self.call("user", "POST", cancel, 400)
        self.call("user", "POST", f"{self.world.pipelines}/4711/cancel", 404)
        self.assertEqual(self.wait_flow(waiting)["status"], "success")

    def test_cancel_of_one_that_waits(self):
        number, _ = self.start_long()
        waiting = self.create(ONE="true")["number"]
        self.call("user", "POST", f"{self.world.pipelines}/{waiting}/cancel", 204)
        done = self.get(waiting)
        self.assertEqual((done["status"], done["started"], done["workflows"][0]["state"]), ("canceled", 0, "skipped"))
        self.assertEqual(self.states(done), {"one": "canceled", "two": "canceled", "always": "canceled"})
        self.call("user", "POST", f"{self.world.pipelines}/{number}/cancel", 204)
        self.wait_flow(number)

    def test_one_that_the_server_forgot(self):
        """Younger ones run, it never does; a cancel reaches it."""
        note = os.path.join(self.world.directory, f"go-on-{time.time_ns()}")
        first = self.create(ONE=f"until [ -e {note} ]; do sleep 0.05; done")["number"]
        wait_for(lambda: self.states(self.get(first))["one"] == "running", 10, "running step")
        forgotten = self.create(ONE="true")["number"]
        self.world.forget(forgotten)
        younger = self.create(ONE="true")["number"]
        with open(note, "w", encoding="ascii"):
            pass
        self.assertEqual(self.wait_flow(younger, seconds=60)["status"], "success")
        time.sleep(0.5)
        now = self.get(forgotten)
        self.assertEqual((now["status"], now["started"], now["workflows"][0]["state"]), ("pending", 0, "pending"))
        self.call("user", "POST", f"{self.world.pipelines}/{forgotten}/cancel", 204)
        done = self.get(forgotten)
        self.assertEqual((done["status"], done["started"], done["workflows"][0]["state"]), ("canceled", 0, "skipped"))

    def test_cancel_after_a_restart_of_the_server_is_lost(self):
        note = os.path.join(self.world.directory, f"go-on-{time.time_ns()}")
        number = self.create(ONE=f"until [ -e {note} ]; do sleep 0.05; done")["number"]
        wait_for(lambda: self.states(self.get(number))["one"] == "running", 10, "running step")
        self.world.server("woodpecker-server", "kill")
        self.world.server("woodpecker-server", "start")
        self.call("user", "POST", f"{self.world.pipelines}/{number}/cancel", 204)
        time.sleep(0.5)
        now = self.get(number)
        self.assertEqual((now["status"], self.states(now)["one"]), ("killed", "running"))
        self.assertIn("cancel_info", now)
        with open(note, "w", encoding="ascii"):
            pass
        done = self.wait_flow(number, seconds=60)
        self.assertEqual(self.states(done)["one"], "success")
        self.assertIn("cancel_info", done)
