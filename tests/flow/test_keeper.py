#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What may end a run, and what its author is told then: front, shell, worker, keeper, runner, workspace, build and deadline,
each ended while a run waits for its slot. Nothing of it exists then, so no Swarm is needed: the engine is an empty one.
"""
import fcntl
import glob
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from lib import patience
from lib.engine import EmptyEngine
from lib.host import RunnerHost
from lib.world import wait_for

BEGIN, END = "--- ccci results 1 ---", "--- end ccci results ---"
NO_PROXY = {"ZONE": "ci.test", "PROBE_CONNECT": "127.0.0.1:1", "CA_FILE": None}
REF = "0123456789abcdef0123456789abcdef01234567"


class FakeDrone:
    """Answers GET of one build, or pipeline, with a status (and a cancel) that the test sets."""

    def __init__(self):
        self.status, self.code, self.asked, self.token, self.cancel = "running", 200, [], None, {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                outer.asked.append(self.path)
                outer.token = self.headers.get("Authorization")
                body = json.dumps({"number": 41, "status": outer.status, **outer.cancel}).encode()
                try:
                    self.send_response(outer.code)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except BrokenPipeError:
                    pass  # the keeper has ended meanwhile

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Keeper(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-keeper-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.drone = FakeDrone()
        self.addCleanup(self.drone.close)
        self.engine = EmptyEngine(os.path.join(self.directory, "engine.sock"))
        self.addCleanup(self.engine.close)
        self.host = RunnerHost(os.path.join(self.directory, "host"), proxy=NO_PROXY, docker_host=self.engine.url,
                               recipe_org="org", run_timeout="60s")
        self.addCleanup(self.host.close)
        self.workspace = os.path.join(self.directory, "workspace")
        os.makedirs(os.path.join(self.workspace, "tests", "recipes", "custom-html"))
        self.slot = None
        self.hold_slot()
        self.addCleanup(self.let_go)

    def hold_slot(self):
        """Another run's slot, as its keeper would hold it."""
        os.makedirs(os.path.join(self.host.state_dir, "slots"), exist_ok=True)
        self.slot = open(os.path.join(self.host.state_dir, "slots", "1"), "w+", encoding="ascii")
        fcntl.flock(self.slot, fcntl.LOCK_EX)
        self.slot.write(f"wiki #7 (run 40-aaaaaa)\n{int(time.time()) - 120}")
        self.slot.flush()

    def let_go(self):
        if self.slot:
            self.slot.close()
            self.slot = None

    # --- a step of Drone ---

    def environment(self, build=41, **more):
        return {"DRONE_BUILD_NUMBER": str(build), "DRONE_REPO": "org/cc-ci", "DRONE_SYSTEM_PROTO": "http",
                "DRONE_SYSTEM_HOST": self.drone.host, "DRONE_WORKSPACE": self.workspace,
                "DRONE_BUILD_STARTED": str(int(time.time())), "RECIPE": "custom-html", "PR": "3", "REF": REF,
                "COMMENT": "812", **more}

    def in_woodpecker(self):
        """What makes a step one of Woodpecker's local backend; Drone's variables are nobody's then."""
        return {"CI": "woodpecker", "CI_PIPELINE_NUMBER": "41", "CI_REPO": "org/cc-ci", "CI_WORKSPACE": self.workspace,
                "CI_SYSTEM_URL": f"http://{self.drone.host}", "CI_PIPELINE_STARTED": str(int(time.time())),
                "CI_PIPELINE_URL": f"http://{self.drone.host}/repos/17/pipeline/41"}

    def step(self, word, build=41, runner=None, **more):
        """A step as the exec runner starts it: /bin/sh -e on a file, in the workspace, in a session of its own."""
        script = os.path.join(self.directory, f"step-{word}")
        with open(script, "w", encoding="ascii") as file:
            file.write(f"set -e\nccci-run {word}\n: end\n")
        return subprocess.Popen([*(runner or ()), "/bin/sh", "-e", script], cwd=self.workspace, text=True,
                                env=self.host.environment(**self.environment(build, **more)), start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self, process, seconds=30):
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail(f"it did not end within {seconds} s\n{self.host.logs()}")
        return process.returncode, output

    def start_waiting(self, build=41, **more):
        """A prepare that waits for the slot; (process, run directory)."""
        process = self.step("prepare", build, **more)
        self.addCleanup(self.end, process)
        line = ""
        while "waiting for a slot" not in line:
            line = process.stdout.readline()
            self.assertTrue(line, "prepare ended")
        self.waited = line
        wait_for(self.janitor_is_over, 10, "end of the janitor, which would take down what a test is about to leave")
        return process, glob.glob(os.path.join(self.host.state_dir, "runs", f"{build}-*"))[0]

    def janitor_is_over(self):
        """The one that a prepare has started beside itself holds its log."""
        with open(os.path.join(self.host.state_dir, "reap.log"), "rb") as log:
            try:
                fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def front_of(self, process):
        """ccci-run below the step's shell."""
        with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def keeper_of(self, run):
        with open(os.path.join(run, "lease"), encoding="ascii") as file:
            return int(file.read())

    def wait_over(self, run, seconds=10):
        """Until the keeper is gone; the results it left."""
        keeper = self.keeper_of(run)
        wait_for(lambda: not is_alive(keeper), seconds, f"end of the keeper\n{self.host.logs()}")
        with open(os.path.join(run, "results.json"), encoding="utf-8") as file:
            results = json.load(file)
        with open(os.path.join(run, "journal"), encoding="ascii") as file:
            self.assertRegex(file.read().splitlines()[-1], r"^\d+ closed ")
        with open(os.path.join(run, "log", "keeper.log"), encoding="utf-8") as file:
            self.assertNotIn("Sanitizer", file.read())
        self.assertEqual(self.engine.surprises, [])
        return results

    def report(self, build=41):
        code, output = self.finish(self.step("report", build))
        lines = output.splitlines()
        document = json.loads(lines[lines.index(BEGIN) + 1])
        self.assertEqual(lines[lines.index(BEGIN) + 2], END)
        return code, document, output

    # --- waiting ---

    def test_says_for_what_it_waits(self):
        process, run = self.start_waiting()
        self.assertIn("waiting for a slot: wiki #7 (run 40-aaaaaa) has one, for 2 min", self.waited)
        os.kill(self.front_of(process), signal.SIGTERM)
        code, output = self.finish(process)
        self.assertEqual(code, 6, output)
        results = self.wait_over(run)
        self.assertEqual(results["verdict"], "cancelled")
        self.assertRegex(results["reason"], r"^cancelled, after \d+ s, in the wait for a slot$")
        self.assertEqual(results["teardown"]["outcome"], "clean")
        self.assertEqual((results["run"]["recipe"], results["run"]["pr"], results["run"]["comment"]), ("custom-html", 3, 812))

    def test_the_next_one_gets_the_slot_in_its_turn(self):
        first, first_run = self.start_waiting(build=41)
        second, second_run = self.start_waiting(build=42)
        self.assertRegex(self.waited, r"has one, for .*; then custom-html #3 \(run 41-\w+\); 2nd in line")
        self.let_go()
        # No Swarm here: each fails at once, and gives the slot to the next.
        for process, run in ((first, first_run), (second, second_run)):
            code, output = self.finish(process)
            self.assertEqual(code, 3, output)
            self.assertEqual(self.wait_over(run)["verdict"], "ci_error")

    def test_report_says_why_prepare_failed(self):
        self.let_go()
        code, output = self.finish(self.step("prepare"))
        self.assertEqual(code, 3, output)
        code, output = self.finish(self.step("install"))
        self.assertEqual(code, 0, output)
        self.assertIn("not run: ", output)
        code, output = self.finish(self.step("teardown"))
        self.assertEqual(code, 0, output)
        code, document, output = self.report()
        self.assertEqual((code, document["verdict"]), (3, "ci_error"), output)
        self.assertTrue(document["reason"])

    # --- what ends a run ---

    def test_front_killed(self):
        process, run = self.start_waiting()
        os.kill(self.front_of(process), signal.SIGKILL)
        results = self.wait_over(run)
        self.assertEqual(results["verdict"], "cancelled")
        code, document, _ = self.report()
        self.assertEqual((code, document), (6, results))

    def test_shell_killed(self):
        """Drone's cancel: SIGKILL to the shell alone. The front must not hold the step's output open."""
        process, run = self.start_waiting()
        front = self.front_of(process)
        process.kill()
        process.communicate(timeout=5)
        wait_for(lambda: not is_alive(front), 5, "end of the front")
        self.assertEqual(self.wait_over(run)["verdict"], "cancelled")

    def test_workspace_removed(self):
        process, run = self.start_waiting()
        os.rename(self.workspace, self.workspace + ".gone")
        self.addCleanup(os.rename, self.workspace + ".gone", self.workspace)
        self.assertEqual(self.finish(process)[0], 6)
        results = self.wait_over(run)
        self.assertEqual(results["verdict"], "cancelled")
        self.assertIn("workspace", results["reason"])

    def test_build_killed_in_drone(self):
        """A cancel that the runner does not hear: only the API says it."""
        process, run = self.start_waiting()
        wait_for(lambda: self.drone.asked, 5, "a question to Drone")
        self.assertEqual(self.drone.asked[0], "/api/repos/org/cc-ci/builds/41")
        self.assertIsNone(self.drone.token)
        self.drone.status = "killed"
        since = time.monotonic()
        self.assertEqual(self.finish(process)[0], 6)
        self.assertLess(time.monotonic() - since, patience.seconds(5))
        results = self.wait_over(run)
        self.assertEqual(results["verdict"], "cancelled")
        self.assertIn("cancelled: build 41 is killed in Drone, after ", results["reason"])

    def test_pipeline_cancelled_in_woodpecker(self):
        """A cancel that was lost: the status may say anything, that somebody cancelled is all that is left of it."""
        process, run = self.start_waiting(**self.in_woodpecker())
        wait_for(lambda: self.drone.asked, 5, "a question to Woodpecker")
        self.assertEqual(self.drone.asked[0], "/api/repos/17/pipelines/41")
        self.drone.cancel = {"cancel_info": None}
        wait_for(lambda: len(self.drone.asked) > 2, 10, "more questions to Woodpecker")
        self.assertIsNone(process.poll())
        self.drone.cancel = {"cancel_info": {"canceled_by_user": "member"}}
        self.assertEqual(self.finish(process)[0], 6)
        results = self.wait_over(run)
        self.assertEqual((results["verdict"], results["run"]["build"]), ("cancelled", 41))
        self.assertIn("cancelled: build 41 is killed in Woodpecker, after ", results["reason"])

    def test_group_killed(self):
        """Woodpecker's cancel: SIGKILL to the step's process group, the front with it. The keeper is in none of it."""
        process, run = self.start_waiting(**self.in_woodpecker())
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=5)
        self.assertEqual(self.wait_over(run)["verdict"], "cancelled")

    def test_a_drone_that_cannot_be_asked_cancels_nothing(self):
        process, run = self.start_waiting()
        for code in (401, 404, 500):
            self.drone.code, self.drone.asked = code, []
            wait_for(lambda: len(self.drone.asked) > 1, 10, "two questions to Drone")
            self.assertIsNone(process.poll())
        os.kill(self.front_of(process), signal.SIGINT)
        self.assertEqual(self.finish(process)[0], 6)
        self.wait_over(run)

    def test_runner_killed(self):
        """The runner dies, its step's shell lives on, as an exec runner's does."""
        clean = ["/usr/bin/env", "-u", "DRONE_WORKSPACE", "/usr/bin/python3", "-c",
                 "import os, subprocess, sys; "
                 "sys.exit(subprocess.call(sys.argv[2:], env={**os.environ, 'DRONE_WORKSPACE': sys.argv[1]}))",
                 self.workspace]
        process, run = self.start_waiting(runner=clean)
        os.kill(process.pid, signal.SIGKILL)
        results = self.wait_over(run)
        self.assertEqual(results["verdict"], "ci_error")
        self.assertIn("Drone's runner died, after ", results["reason"])

    def test_deadline_counts_from_the_builds_start(self):
        started = int(time.time()) - 57
        process, run = self.start_waiting(DRONE_BUILD_STARTED=str(started))
        code, output = self.finish(process)
        self.assertEqual(code, 5, output)
        self.assertLess(time.time() - started, 65)
        results = self.wait_over(run)
        self.assertEqual(results["verdict"], "timed_out")
        self.assertRegex(results["reason"], r"^timed out \(RUN_TIMEOUT is 1 min 0 s\), after .*, in the wait for a slot$")

    def test_teardown_in_the_middle(self):
        process, run = self.start_waiting()
        code, output = self.finish(self.step("teardown"))
        self.assertEqual(code, 0, output)
        self.assertEqual(self.finish(process)[0], 6)
        self.assertEqual(self.wait_over(run)["verdict"], "cancelled")

    def test_second_signal_leaves_at_once(self):
        process, run = self.start_waiting()
        front, keeper = self.front_of(process), self.keeper_of(run)
        os.kill(keeper, signal.SIGSTOP)
        self.addCleanup(lambda: is_alive(keeper) and os.kill(keeper, signal.SIGCONT))
        os.kill(front, signal.SIGTERM)
        while "second signal" not in process.stdout.readline():
            pass
        os.kill(front, signal.SIGTERM)
        self.assertEqual(process.wait(5), 6)
        os.kill(keeper, signal.SIGCONT)
        self.assertEqual(self.wait_over(run)["verdict"], "cancelled")

    # --- the keeper itself ---

    def test_keeper_killed(self):
        process, run = self.start_waiting()
        os.kill(self.keeper_of(run), signal.SIGKILL)
        code, output = self.finish(process)
        self.assertEqual(code, 3, output)
        self.assertIn("taking down in its place", output)
        results = self.wait_over(run)
        self.assertEqual((results["verdict"], results["reason"]), ("ci_error", "the run's keeper died"))
        code, document, _ = self.report()
        self.assertEqual((code, document), (3, results))

    def test_keeper_and_front_killed_then_reap(self):
        process, run = self.start_waiting()
        front, keeper = self.front_of(process), self.keeper_of(run)
        os.kill(keeper, signal.SIGSTOP)  # so that it does not see the front go
        os.kill(front, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: not is_alive(keeper), 5, "death of the keeper")
        wait_for(lambda: not self.host.live_runs(), 5, "end of the worker, which has the lease too")
        done = self.host.ccci_run("reap", "--dry-run", check=True)
        self.assertIn("would take down what custom-html #3", done.stdout)
        self.assertFalse(os.path.exists(os.path.join(run, "results.json")))
        done = self.host.ccci_run("reap", check=True)
        self.assertIn("0 live, 1 taken down", done.stdout)
        self.assertEqual(self.wait_over(run)["verdict"], "ci_error")
        self.assertIn("0 live, 0 taken down", self.host.ccci_run("reap", check=True).stdout)

    def test_reap_lets_a_live_run_alone(self):
        process, run = self.start_waiting()
        self.assertIn("1 live, 0 taken down", self.host.ccci_run("reap", check=True).stdout)
        self.assertIsNone(process.poll())
        os.kill(self.front_of(process), signal.SIGINT)
        self.assertEqual(self.finish(process)[0], 6)
        self.wait_over(run)

    def test_report_of_a_dead_keeper(self):
        """Front and keeper are gone and nobody reaped: report takes down and says so."""
        process, run = self.start_waiting()
        front, keeper = self.front_of(process), self.keeper_of(run)
        os.kill(keeper, signal.SIGSTOP)
        os.kill(front, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: not is_alive(keeper), 5, "death of the keeper")
        code, document, _ = self.report()
        self.assertEqual((code, document["verdict"]), (3, "ci_error"))
        self.assertEqual(self.wait_over(run), document)

    def test_more_runs_than_the_host_keeps(self):
        self.host.configure(docker_host=self.engine.url, recipe_org="org", run_timeout="60s", history_runs="2")
        runs = []
        for build in (41, 42, 43):
            process, run = self.start_waiting(build)
            os.kill(self.front_of(process), signal.SIGINT)
            self.finish(process)
            self.wait_over(run)
            runs.append(run)
        self.assertIn("0 expired", self.host.ccci_run("reap", check=True).stdout)  # their reports may still have to come
        for age, run in ((7200, runs[0]), (7100, runs[1]), (7000, runs[2])):
            when = time.time() - age
            os.utime(os.path.join(run, "results.json"), (when, when))
        done = self.host.ccci_run("reap", "--dry-run", check=True)
        self.assertIn(f"would remove {runs[0]}\n", done.stdout)
        self.assertIn("1 expired", self.host.ccci_run("reap", check=True).stdout)
        left = [os.path.basename(run) for run in runs[1:]]
        self.assertEqual(sorted(os.listdir(os.path.join(self.host.state_dir, "runs"))), sorted(left))
        self.assertEqual(len(os.listdir(os.path.join(self.host.state_dir, "builds"))), 2)

        for run in runs[1:]:  # a sparse file: its size counts, as it may be copied
            with open(os.path.join(run, "log", "keeper.log"), "r+b") as file:
                file.truncate(3 * 1024 * 1024)
            when = time.time() - 7000
            os.utime(os.path.join(run, "results.json"), (when, when))
        self.host.configure(docker_host=self.engine.url, recipe_org="org", history_bytes="4m")
        self.assertIn("1 expired", self.host.ccci_run("reap", check=True).stdout)

    # --- who tries to outlive a run ---

    def start_survivor(self):
        """A prepare whose abra leaves somebody behind: without an environment, in a session of its own, no child of ours."""
        pids = os.path.join(self.directory, "pids")
        child = os.path.join(os.environ["CCCI_BUILD"], "tests", "child_lingers")
        self.host.write("bin/fake-abra", f"#!/bin/sh\nexec '{child}' '{pids}' escape stay\n", 0o755)
        self.host.configure(docker_host=self.engine.url, recipe_org="org", abra=os.path.join(self.host.bin, "fake-abra"))
        self.engine.is_swarm = True
        process, run = self.start_waiting()
        self.let_go()

        def found():
            with open(pids, encoding="ascii") as file:
                lines = file.read().split()
            with open(os.path.join(run, "log", "abra.log"), encoding="utf-8") as file:
                is_ready = file.read().count("ready") == 2  # the survivor's is the second: it writes no more
            return int(lines[1]) if is_ready and is_alone(int(lines[1])) else None

        def is_alone(pid):
            with open(f"/proc/{pid}/environ", "rb") as file:
                return not file.read() and os.getsid(pid) not in (os.getsid(0), os.getsid(process.pid))

        return process, run, wait_for(found, 20, f"a survivor\n{self.host.logs()}")

    @staticmethod
    def kill_group(group):
        """What a test that fails would leave behind."""
        try:
            with open(os.path.join(group, "cgroup.procs"), encoding="ascii") as file:
                for pid in file.read().split():
                    os.kill(int(pid), signal.SIGKILL)
            wait_for(lambda: os.rmdir(group) is None, 5, "end of the control group")
        except FileNotFoundError:
            pass  # as it should be

    def test_survivor_ends_with_its_run(self):
        process, run, survivor = self.start_survivor()
        os.kill(self.front_of(process), signal.SIGTERM)
        self.finish(process)
        self.wait_over(run)
        self.assertFalse(is_alive(survivor))

    def test_survivor_of_a_killed_keeper(self):
        """Only the control group knows it: a host that allows none cannot promise this, and doctor says so."""
        process, run, survivor = self.start_survivor()
        if not os.path.exists(os.path.join(run, "cgroup")):
            self.skipTest("no control groups for us on this host")
        with open(os.path.join(run, "cgroup"), encoding="utf-8") as file:
            group = file.read()
        self.addCleanup(self.kill_group, group)
        front, keeper = self.front_of(process), self.keeper_of(run)
        os.kill(keeper, signal.SIGSTOP)
        os.kill(front, signal.SIGKILL)
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: not self.host.live_runs(), 5, "end of the keeper")
        self.assertTrue(is_alive(survivor))
        done = self.host.ccci_run("reap", check=True)
        self.assertRegex(done.stdout, r"ended \d+ processes that were left")
        self.assertFalse(is_alive(survivor))
        self.assertFalse(os.path.exists(group))
        self.assertEqual(self.wait_over(run)["verdict"], "ci_error")

    # --- an engine that is down ---

    def test_engine_down(self):
        """Nobody can say that nothing is left: the journal stays open until reap could ask."""
        process, run = self.start_waiting()
        self.engine.close()
        os.kill(self.front_of(process), signal.SIGINT)
        self.assertEqual(self.finish(process, 90)[0], 6)
        keeper = self.keeper_of(run)
        wait_for(lambda: not is_alive(keeper), 10, "end of the keeper")
        code, document, _ = self.report()
        self.assertEqual((code, document["teardown"]["outcome"] == "clean"), (6, False))
        self.assertEqual(self.host.ccci_run("reap").returncode, 4)
        self.engine = EmptyEngine(self.engine.path)
        self.assertIn("1 taken down", self.host.ccci_run("reap", check=True).stdout)
        self.wait_over(run)

    # --- without a run ---

    def test_steps_without_a_run(self):
        code, output = self.finish(self.step("prepare", RECIPE="../x"))
        self.assertEqual(code, 2, output)
        self.assertFalse(os.path.exists(os.path.join(self.host.state_dir, "runs")))
        code, output = self.finish(self.step("install", RECIPE="../x"))
        self.assertEqual(code, 0, output)
        self.assertIn("not run: ", output)
        self.assertEqual(self.finish(self.step("teardown", RECIPE="../x"))[0], 0)
        code, output = self.finish(self.step("report", RECIPE="../x"))
        lines = output.splitlines()
        document = json.loads(lines[lines.index(BEGIN) + 1])
        self.assertEqual((code, document["verdict"]), (3, "ci_error"))
        self.assertIn("RECIPE", document["reason"])

    def test_prepare_runs_once(self):
        process, run = self.start_waiting()
        code, output = self.finish(self.step("prepare"))
        self.assertEqual(code, 3, output)
        self.assertIn("once", output)
        self.assertIsNone(process.poll())
        self.assertEqual(len(os.listdir(os.path.join(self.host.state_dir, "runs"))), 1)
        os.kill(self.front_of(process), signal.SIGINT)
        self.finish(process)
        self.wait_over(run)

    def test_steps_outside_drone(self):
        for word in ("prepare", "install", "teardown", "report"):
            done = self.host.ccci_run(word, environment={"RECIPE": "custom-html"})
            self.assertEqual(done.returncode, 2, word)
            self.assertIn("DRONE_BUILD_NUMBER", done.stdout)

    # --- what a keeper holds ---

    def test_keeper_holds_nothing_of_the_step(self):
        """A held stdout keeps Drone's step open; a held working directory keeps its disk."""
        process, run = self.start_waiting()
        keeper = self.keeper_of(run)
        self.assertEqual(os.readlink(f"/proc/{keeper}/cwd"), "/")
        self.assertNotEqual(os.getsid(keeper), os.getsid(process.pid))
        targets = [os.readlink(f"/proc/{keeper}/fd/{fd}") for fd in ("0", "1", "2")]
        self.assertEqual(targets, ["/dev/null", "/dev/null", os.path.join(run, "log", "keeper.log")])
        os.kill(self.front_of(process), signal.SIGINT)
        self.finish(process)
        self.wait_over(run)


class BadParameters(unittest.TestCase):
    """A build's parameters, each wrong in each way: one line that names it, exit 2, and nothing begun or kept."""

    GOOD = {"RECIPE": "custom-html", "SRC": "org/custom-html", "PR": "3", "REF": REF, "COMMENT": "812",
            "STAGES": "install,upgrade", "EXTRA_TESTS": "0", "FROM": "1.0.0+1.2"}
    EVERYWHERE = ("../x", "-x", "--config=/etc/passwd", "${IFS}", "$(id)", "`id`", "a\nb", "a\tb", " ", "a b", ";id", "x" * 100_000,
                  "\u00fc\u0000".strip("\0"), "'", '"', "/", "..", ".", "a/../b", "%00", "\x1b[31m")
    ESPECIALLY = {
        "RECIPE": ("", "Custom", "custom_html", "a/b", "x" * 64),
        "SRC": ("custom-html", "/custom-html", "org/", "a/b/c", "https://x/y", "org/..", "../org"),
        "PR": ("0x3", "-3", "3.0", "1234567890", "+3", "3 "),
        "REF": ("main", REF[:39], REF + "0", REF.upper(), "HEAD", "refs/heads/main"),
        "COMMENT": ("x", "-1", "9" * 30),
        "STAGES": ("all", "install,", ",", "install;upgrade", "install upgrade", "Install"),
        "EXTRA_TESTS": ("2", "yes", "true", "00"),
        "FROM": ("x" * 65, "1.0 0", "1.0/0"),
    }

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="ccci-params-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.host = RunnerHost(directory, proxy=NO_PROXY, docker_host=f"unix://{directory}/none.sock")
        self.addCleanup(self.host.close)

    def test_each_in_each_way(self):
        for name in self.GOOD:
            # A version may hold dots and a dash: what is harmless as one is refused by prepare, not here.
            allowed = ("..", ".", "-x") if name == "FROM" else ()
            for value in (*self.EVERYWHERE, *self.ESPECIALLY[name]):
                if value in allowed:
                    continue
                with self.subTest(name=name, value=value[:30]):
                    self.check(name, value)

    def check(self, name, value):
        environment = {**self.GOOD, name: value, "DRONE_BUILD_NUMBER": "41", "DRONE_REPO": "org/cc-ci",
                       "DRONE_SYSTEM_HOST": "127.0.0.1:1", "DRONE_SYSTEM_PROTO": "http"}
        done = self.host.ccci_run("prepare", environment=environment)
        self.assertEqual(done.returncode, 2, done.stdout)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 1, done.stdout)
        self.assertIn(name, lines[0])
        self.assertLess(len(lines[0]), 400)
        self.assertTrue(lines[0].isprintable(), repr(lines[0]))
        self.assertEqual(os.listdir(self.host.state_dir), [])


class CommandLine(unittest.TestCase):
    """Mistakes on the command line: one line that says what, exit 2, and nothing begun."""

    ROWS = (
        (("prepair",), 'unknown word "prepair"; did you mean prepare?'),
        (("xyzzy",), 'unknown word "xyzzy"'),
        (("--zon", "x", "reap"), 'unknown flag "zon"; did you mean --zone?'),
        (("reap", "--dry-rnu"), 'unknown flag "dry-rnu"; did you mean --dry-run?'),
        (("-x", "reap"), 'unknown flag "-x"'),
        (("reap", "now"), 'one word too many: "now"'),
        (("install", "--keep"), 'a flag that does not belong there: "install --keep"'),
        (("reap", "--dry-run=1"), 'no value belongs behind the flag "dry-run"'),
        (("reap", "--zone"), 'no value behind the flag "zone"'),
        (("--git-token", "x", "reap"), 'unknown flag "git-token"; did you mean --git-token-file?'),
        ((), "no word"),
        (("reap", "--max-tests", "0"), "--max-tests"),
        (("reap", "--run-timeout", "soon"), "--run-timeout"),
    )

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="ccci-words-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        self.host = RunnerHost(directory, proxy=NO_PROXY)
        self.addCleanup(self.host.close)

    def test_mistakes(self):
        for arguments, says in self.ROWS:
            with self.subTest(arguments):
                done = self.host.ccci_run(*arguments)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(says.lower(), done.stdout.lower())
                self.assertEqual(os.listdir(self.host.state_dir), [])

    def test_help_and_version(self):
        done = self.host.ccci_run("--help", check=True)
        for word in ("prepare", "reap", "--run-timeout", "--git-token-file", "--keep"):
            self.assertIn(word, done.stdout)
        self.assertRegex(self.host.ccci_run("--version", check=True).stdout, r"^ccci-run \d+\.\d+\.\d+\n$")
        self.assertIn("zone: ci.test", self.host.ccci_run("--print-config", check=True).stdout)
        self.host.ccci_run("--check", check=True)


if __name__ == "__main__":
    unittest.main()
