# SPDX-License-Identifier: GPL-3.0-or-later
"""A world of stand-ins and a bridge for each test: for what only stand-ins can make happen."""
import os
import sqlite3
import unittest

from lib.bridge_cases import HOOK_SECRET, PIPELINES, BridgeCases, check_end, results
from lib.world import PUBLIC, StandinWorld, exchange, make_bridge, wait_for


class Case(unittest.TestCase):
    """A world and a bridge for each test."""

    make_world = staticmethod(StandinWorld)
    bridge_settings = {}          # beside those of make_bridge()

    def setUp(self):
        self.world = self.make_world()
        self.addCleanup(self.world.down)
        self.hold_dir = os.path.join(self.world.directory, "hold")
        os.mkdir(self.hold_dir)
        self.world.set_ci_yml(PIPELINES[self.world.ci_name].format(hold=self.hold_dir))
        self.set_results(results())
        self.bridge = make_bridge(self.world, webhook_secret=HOOK_SECRET, **self.bridge_settings)
        self.addCleanup(lambda: check_end(self.bridge))
        self.count = 0

    set_results = BridgeCases.set_results.__func__
    hold, release, answers, answers_to, builds_of = (BridgeCases.hold, BridgeCases.release, BridgeCases.answers,
        BridgeCases.answers_to, BridgeCases.builds_of)
    wait_answer, wait_verdict = BridgeCases.wait_answer, BridgeCases.wait_verdict

    def open_pr(self, repo=PUBLIC, **values):
        self.count += 1
        return self.world.open_pr(repo, f"branch-{self.count}", **values)

    def ask(self, text="!testme", user="member", repo=PUBLIC):
        number = self.open_pr(repo)
        return number, self.world.comment(repo, number, user, text)

    health = BridgeCases.health

    def metrics(self):
        return exchange("GET", f"{self.bridge.url}/metrics")[1].decode()

    def page(self, path):
        status, body, _ = exchange("GET", f"{self.bridge.url}{path}")
        self.assertEqual(status, 200, body)
        return body.decode()

    def logged(self, words, seconds=15):
        wait_for(lambda: words in self.bridge.stderr(), seconds, f"\"{words}\" in the log")

    def check_one(self, number, comment, verdict="passed", seconds=40):
        """One build and one answer; of an error of ours there is a second try."""
        body = self.wait_verdict(PUBLIC, number, comment, verdict, seconds)
        tries = 1 + ("was tried again" in body)
        self.assertEqual(len(self.builds_of(comment)), tries)
        self.assertEqual(len(self.answers(PUBLIC, number)), 1)
        return body

    def change_store(self, sql, *values):
        """Between two lives of the bridge."""
        store = sqlite3.connect(os.path.join(os.path.dirname(self.bridge.config), "state", "bridge.db"))
        with store:
            changed = store.execute(sql, values).rowcount
        store.close()
        return changed
