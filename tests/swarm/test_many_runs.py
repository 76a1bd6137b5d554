#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two and four runs at once on one host and its Swarm, whose suites weigh differently, while a janitor that spares nothing for
its age runs all the time: never more than MAX_TESTS live, everybody's turn comes, each gets its own verdict, and the janitor
takes nobody's app. A kept app makes room within the time of its teardown; it is gone when its keeper is killed."""

import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, docker, killing, runs, standins  # noqa: E402
from lib.host import RunnerHost  # noqa: E402
from lib.world import wait_for  # noqa: E402

MAX_TESTS = 2
PATIENCE = 180


class Beside(threading.Thread):
    """Does something again and again until it is told to stop; a failure of it is told then."""

    def __init__(self, act, every):
        super().__init__(daemon=True)
        self._act, self._every, self._is_over, self._failure = act, every, threading.Event(), None
        self.start()

    def run(self):
        try:
            while not self._is_over.wait(self._every):
                self._act()
        except Exception as failure:  # a thread of its own has nobody to tell but who stops it
            self._failure = failure

    def stop(self):
        self._is_over.set()
        self.join(PATIENCE)
        if self._failure:
            raise self._failure


class ManyRuns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        runs.need_images()

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-many-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        proxy = standins.Proxy(os.path.join(self.directory, "proxy"), zone=f"z{secrets.token_hex(3)}.test")
        self.addCleanup(proxy.close)
        self.host = RunnerHost(os.path.join(self.directory, "host"), proxy=proxy.env, max_tests=str(MAX_TESTS),
                               ccci_janitor_max_age="1s")
        self.addCleanup(self.host.close)
        self.addCleanup(self.host.wait_idle, PATIENCE)
        self.weights, self.begun, self.together, self.reaped = {}, [], set(), []
        self.janitor = Beside(lambda: self.reaped.append(self.host.ccci_run("reap", "--now").stdout), 0.1)
        self.addCleanup(self.janitor.stop)

    # --- runs, and who looks at them ---

    def begin(self, name, weight, *arguments):
        """An install of a canary that weighs so much; it has its slots or its place in the line."""
        suite = os.path.join(self.host.directory, "tests/recipes", name)
        os.makedirs(suite)
        with open(os.path.join(suite, "suite.yml"), "w", encoding="ascii") as file:
            file.write(f"weight: {weight}\n")
        path = canary.make_repo(name, os.path.join(self.directory, name)).path
        attempt = killing.Attempt(self.host, path, ["--stages=install", *arguments])
        self.addCleanup(lambda: attempt.is_over() or attempt.process.kill())
        wait_for(lambda: self.id_of(attempt) in {**self.host.slot_holders(), **dict.fromkeys(self.waiting())}, 30,
                 f"slots of {name}, or a place in the line")
        self.weights[self.id_of(attempt)] = weight
        return attempt

    @staticmethod
    def id_of(attempt):
        return os.path.basename(attempt.run or "")

    def waiting(self):
        """Ids of the runs in the line: each ticket's name ends with its run's."""
        tickets = os.listdir(os.path.join(self.host.state_dir, "slots/waiting"))
        return [ticket.partition("-")[2] for ticket in tickets]

    def look(self):
        holders = {run: count for run, count in self.host.slot_holders().items() if run}
        assert sum(holders.values()) <= MAX_TESTS, holders
        self.begun += [run for run in holders if run not in self.begun]
        self.together.add(frozenset(holders))
        # What is up weighs no more, whatever the slots say.
        up = docker.get("/services")
        live = {run: weight for run, weight in self.weights.items() if any(f"-{run[-6:]}_" in s["Spec"]["Name"] for s in up)}
        assert sum(live.values()) <= MAX_TESTS, live

    def check(self, attempt, name):
        """The verdict of the canary, of its own app and nobody else's."""
        results, output = attempt.settle(PATIENCE)
        self.assertEqual(results["verdict"], canary.load(name)["expect"]["verdict"], output)
        self.assertEqual((results["run"]["recipe"], results["run"]["id"]), (name, self.id_of(attempt)))
        told = json.dumps(results)
        self.assertEqual([run for run in self.weights if run[-6:] in told], [self.id_of(attempt)])

    def check_janitor(self):
        self.janitor.stop()
        self.assertGreater(len(self.reaped), 3)
        for text in self.reaped:
            self.assertIn(" 0 taken down", text)
            self.assertNotIn("removing", text)

    def go(self, *names_and_weights):
        looks = Beside(self.look, 0.05)
        attempts = [(self.begin(name, weight), name) for name, weight in names_and_weights]
        for attempt, name in attempts:
            self.check(attempt, name)
        looks.stop()
        self.check_janitor()
        ids = [self.id_of(attempt) for attempt, _ in attempts]
        self.assertEqual(self.begun, ids, "whoever came first has slots first")
        return ids

    def test_two_at_once(self):
        first, second = self.go(("green", 1), ("unhealthy", 1))
        self.assertIn(frozenset([first, second]), self.together)

    def test_four_of_different_weight(self):
        first, second, heavy, last = self.go(("green", 1), ("unhealthy", 1), ("two-services", 2), ("job", 1))
        self.assertIn(frozenset([first, second]), self.together)
        self.assertEqual([those for those in self.together if heavy in those], [frozenset([heavy])])

    # --- a kept app ---

    def keep(self):
        attempt = self.begin("green", 1, "--keep")
        wait_for(lambda: os.path.exists(os.path.join(attempt.run, "results.json")), PATIENCE, "results of what is kept")
        stack = docker.of_run(self.id_of(attempt))
        self.assertTrue([name for name in stack if name.startswith("service ")], stack)
        return attempt

    def test_a_kept_one_makes_room(self):
        kept = self.keep()
        since = time.monotonic()
        heavy = self.begin("two-services", 2)
        wait_for(lambda: self.host.slot_holders() == {self.id_of(heavy): 2}, PATIENCE, "the slots of the kept one")
        waited = time.monotonic() - since
        results, output = kept.settle(PATIENCE)
        self.assertEqual(results["verdict"], "passed")
        self.assertIn("taking down what was kept: another run waits for the slot", output)
        self.assertLess(waited, results["teardown"]["seconds"] + 10)  # it looks twice a second; on a busy machine, less often
        self.check(heavy, "two-services")
        self.check_janitor()

    def test_a_kept_one_without_its_keeper(self):
        """Front or janitor, whoever is first; its front may have had its answer, and be gone."""
        kept = self.keep()
        keeper, = kept.victims("keeper")
        os.kill(keeper, signal.SIGKILL)
        wait_for(lambda: not kept.left(), PATIENCE, f"nobody takes it down\n{kept.explain()}", every=0.1)
        results, _ = kept.settle(PATIENCE)
        self.assertEqual(results["verdict"], "passed")


if __name__ == "__main__":
    sys.exit(unittest.main())
