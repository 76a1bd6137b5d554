#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Exactly once, on the real Gitea with the real Drone and Woodpecker: each kind of disturbance for itself, hook and poll both on.
Ten comments of each kind with CCCI_ALL=1, else two with all of it at once.
"""
import contextlib
import http.client
import os
import sys
import time
import unittest

from lib.bridge_cases import BridgeCases, check_end, results
from lib.exactly_once import PIPELINES, SECRET, Chaos, Once
from lib.wanted import chance, everything
from lib.world import ORG, PUBLIC, LabWorld, Receiver, WoodpeckerLabWorld, exchange, make_bridge, wait_for

COMMENTS, KILLS, RESTARTS = (10, 20, 3) if everything() else (2, 3, 1)
WITHIN_S = 240


class TenOfEach(Once):
    make_world = None
    branches = 0
    open_pr = BridgeCases.open_pr
    set_results = classmethod(BridgeCases.set_results.__func__)

    @classmethod
    def setUpClass(cls):
        cls.seed = os.environ.get("CCCI_SEED") or str(chance().randrange(10**9))
        cls.world = cls.make_world()
        cls.addClassCleanup(cls.world.down)
        cls.hold_dir = os.path.join(cls.world.directory, "hold")
        os.mkdir(cls.hold_dir)
        cls.set_results(results())
        cls.world.set_ci_yml(PIPELINES[cls.world.ci_name].format(hold=cls.hold_dir))
        cls.bridge = make_bridge(cls.world, poll_repos=f"{ORG}/{PUBLIC}", webhook_secret=SECRET, log_level="info")
        cls.addClassCleanup(check_end, cls.bridge)
        cls.bridge.start()
        wait_for(lambda: "first poll" in cls.bridge.stderr(), 15, "first poll")
        cls.hook = cls.world.add_hook(PUBLIC, cls.bridge.hook_url, SECRET)

    def setUp(self):
        if not everything() and not self.id().endswith(".test_all_of_it"):
            self.skipTest("CCCI_ALL=1 runs it")
        super().setUp()
        print(f"\n  seed {self.seed}", file=sys.stderr, flush=True)
        self.chaos = Chaos(f"{self.seed} {self.id()}")
        self.pulls = [self.open_pr() for _ in range(COMMENTS)]

    def ask_all(self, *disturbances, **least):
        """disturbances: each a tuple for Chaos.going_on(). least: how often what went wrong."""
        dice = self.chaos.chance_for("ask")
        with contextlib.ExitStack() as stack:
            for disturbance in disturbances:
                stack.enter_context(self.chaos.going_on(*disturbance))
            for number in self.pulls:
                self.ask(number)
                time.sleep(dice.uniform(0, 2))
            self.wait_answers(WITHIN_S, lambda: all(self.chaos.counts[what] >= count for what, count in least.items()))
        self.judge()

    def kills(self):
        return self.chaos.kill_often, self.bridge, KILLS

    def restarts(self, name):
        return self.chaos.restart_often, self.world, name, RESTARTS

    # ---- what goes wrong

    def test_nothing(self):
        self.ask_all()

    def test_deliveries(self):
        """Not at all, once, up to three times, in another order: Gitea's own, with its signature."""
        def deliver(delivery):
            _, headers, body = delivery
            headers = {name: headers[name] for name in headers if name.startswith("X-") or name == "Content-Type"}
            with contextlib.suppress(OSError, http.client.HTTPException):
                exchange("POST", self.bridge.hook_url, body=body, headers=headers)
        receiver = Receiver(take=self.chaos.stutter(deliver))
        self.addCleanup(receiver.close)
        hooks = f"/repos/{self.world.full(PUBLIC)}/hooks"
        self.world.forge_must("lab-admin", "PATCH", f"{hooks}/{self.hook}", {"active": False})
        self.addCleanup(self.world.forge_must, "lab-admin", "PATCH", f"{hooks}/{self.hook}", {"active": True})
        other = self.world.add_hook(PUBLIC, receiver.url(), SECRET)
        self.addCleanup(self.world.forge_must, "lab-admin", "DELETE", f"{hooks}/{other}")
        self.ask_all(deliveries=COMMENTS // 2)

    def test_the_bridge_is_killed(self):
        self.ask_all(self.kills(), kills=KILLS)

    def test_the_forge_is_restarted(self):
        self.ask_all(self.restarts("gitea"), **{"gitea restarted": RESTARTS})

    def test_the_ci_server_is_restarted(self):
        name = self.world.ci_daemon
        self.ask_all(self.restarts(name), **{f"{name} restarted": RESTARTS})

    def test_all_of_it(self):
        names = ("gitea", self.world.ci_daemon)
        self.ask_all(self.kills(), *map(self.restarts, names), kills=KILLS, **{f"{name} restarted": RESTARTS for name in names})


class OnDrone(TenOfEach, unittest.TestCase):
    make_world = staticmethod(lambda: LabWorld(capacity=4))  # one of four pollers of the runner is not deaf


class OnWoodpecker(TenOfEach, unittest.TestCase):
    make_world = staticmethod(lambda: WoodpeckerLabWorld(capacity=4))


if __name__ == "__main__":
    unittest.main(verbosity=2)
