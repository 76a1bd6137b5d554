#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The central promise at random moments: whatever a run is at and whoever dies, nothing is left.

Every canary that needs no special engine, in each of its stages, with front, worker, keeper, both front and keeper, or abra
killed at a random moment of that stage; on several hosts side by side, each in a zone of its own. What dies is nobody's
fault who wrote the recipe: the verdict is what the canary declares, or a CI error, or a cancel.

A canary and three kills by default, other ones for each commit; 300 with CCCI_ALL=1 (./dev test kill --all), CCCI_KILLS of
them when that is set. The table at the end says what was under way when who died.
"""
import collections
import concurrent.futures
import os
import secrets
import shutil
import sys
import tempfile
import threading
import time
import traceback
import unittest

from lib import canary, images, killing, runs, standins, wanted
from lib.host import RunnerHost

KILLS = int(os.environ.get("CCCI_KILLS", "300" if wanted.everything() else "3"))
HOSTS = 4 if wanted.everything() else 1
PATIENCE = 180


class Zone:
    """A host alone in its zone, with the suites of all canaries."""

    def __init__(self, directory, names):
        os.makedirs(directory)
        self._proxy = standins.Proxy(os.path.join(directory, "proxy"), zone=f"z{secrets.token_hex(3)}.test")
        self.host = RunnerHost(os.path.join(directory, "host"), proxy=self._proxy.env)
        for name in names:
            runs.bring(self.host, directory, name)

    def start(self, recipe):
        spec = canary.load(recipe.name)
        self.host.configure(recipe_tests_allow=spec.get("recipe_tests_allow", "*"))
        self.host.abra.switch(*spec.get("switches", ()))
        return killing.Attempt(self.host, recipe.path, spec.get("arguments", ()))

    def close(self):
        self.host.close()
        self._proxy.close()


class Recipe:
    """A canary, and what a run of it is like that nobody disturbs."""

    def __init__(self, name, directory):
        self.name, self.path, self.kills = name, os.path.join(directory, name), 0
        self.verdict = canary.load(name)["expect"]["verdict"]
        self.seconds, self.calls_abra = {}, set()  # by stage
        canary.make_repo(name, self.path)

    def learn(self, zone):
        attempt = zone.start(self)
        self.seconds, self.calls_abra = attempt.watch()
        attempt.settle(PATIENCE)

    def cells(self):
        return [(stage, who) for stage in self.seconds for who in killing.VICTIMS if self._can_die(stage, who)]

    def _can_die(self, stage, who):
        if who == "abra":
            return stage in self.calls_abra
        return who != "worker" or stage not in ("start", "teardown")


class Matrix:
    """Whom to kill next: each stage and victim in its turn, in the canary that has had the fewest."""

    def __init__(self, recipes, chance):
        self._chance, self._lock = chance, threading.Lock()
        self._recipes = collections.defaultdict(list)
        for recipe in recipes:
            for cell in recipe.cells():
                self._recipes[cell].append(recipe)
        self._turn, self.missed, self.wanted = [], 0, KILLS
        self.table, self.failures = collections.Counter(), []

    def next(self):
        """(recipe, stage, who, part of the stage); None when there were enough, or too few of whom to kill."""
        with self._lock:
            if not self.wanted or self.missed > KILLS:
                return None
            self.wanted -= 1
            if not self._turn:
                self._turn = sorted(self._recipes)
                self._chance.shuffle(self._turn)
            stage, who = cell = self._turn.pop()
            recipe = min(self._recipes[cell], key=lambda recipe: (recipe.kills, self._chance.random()))
            recipe.kills += 1
            return recipe, stage, who, self._chance.random()

    def note(self, stage, who, failure):
        with self._lock:
            if stage is None:
                self.missed += 1
                self.wanted += 1
            else:
                self.table[stage, who] += 1
            if failure:
                self.failures.append(failure)

    def text(self):
        rows = [("", *killing.VICTIMS, "all")]
        stages = [stage for stage in killing.STAGES if any(self.table[stage, who] for who in killing.VICTIMS)]
        rows += [(stage, *self._counts([stage])) for stage in stages] + [("all", *self._counts(stages))]
        return "\n".join(f"{row[0]:10}" + "".join(f"{field!s:>8}" for field in row[1:]) for row in rows)

    def _counts(self, stages):
        counts = [sum(self.table[stage, who] for stage in stages) for who in killing.VICTIMS]
        return [*counts, sum(counts)]


class EveryStage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="ccci-matrix-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        runs.need_images()
        chance = wanted.chance()
        names = [name for name in canary.names() if not canary.load(name).get("needs")
                 and set(canary.load(name).get("images", ())) <= set(images.IMAGES)]
        if not wanted.everything():
            names = chance.sample(names, 1)
        cls.recipes = []
        cls.zones = [Zone(os.path.join(cls.directory, str(number)), names) for number in range(HOSTS)]
        for zone in cls.zones:
            cls.addClassCleanup(zone.close)
        recipes = iter([Recipe(name, os.path.join(cls.directory, "recipes")) for name in names])
        cls.side_by_side(cls.learn, lambda: next(recipes, None))
        cls.matrix = Matrix(cls.recipes, chance)

    @classmethod
    def side_by_side(cls, act, take):
        """act(zone, one) for each that take() gives, as soon as a host is free, until it gives None to all of them: the last one
        at work may find that there is more."""
        lock = threading.Lock()

        def work(zone):
            while True:
                with lock:
                    one = take()
                if one is None:
                    return
                act(zone, one)

        with concurrent.futures.ThreadPoolExecutor(HOSTS) as pool:
            for future in [pool.submit(work, zone) for zone in cls.zones]:
                future.result()

    @classmethod
    def learn(cls, zone, recipe):
        recipe.learn(zone)
        cls.recipes.append(recipe)
        print(f"{recipe.name}: undisturbed {sum(recipe.seconds.values()):.0f} s", flush=True)

    @classmethod
    def kill(cls, zone, case):
        recipe, stage, who, part = case
        since, hit, verdict, failure = time.monotonic(), None, "", ""
        attempt = zone.start(recipe)
        attempt.wait_stage(stage)
        time.sleep(part * recipe.seconds[stage])  # a moment of the stage, not a wait for something
        at, dead = attempt.kill(who)
        try:
            results, output = attempt.settle(PATIENCE, reap=who in killing.NEED_REAP)
            hit = at if dead else None
            verdict = results["verdict"] if results else "not begun"
            if verdict not in (recipe.verdict, "ci_error", "cancelled", "not begun"):
                failure = f"it is {verdict}\n{output}"
        except Exception:  # whatever it is, the other hosts go on
            hit, failure = at, traceback.format_exc()
        where = f"{recipe.name}, {who} killed in {at}"
        print(f"{where}: {'FAILED' if failure else verdict} ({time.monotonic() - since:.0f} s)", flush=True)
        cls.matrix.note(hit, who, failure and f"{where}: {failure}")

    def test_nothing_is_left(self):
        self.side_by_side(self.kill, self.matrix.next)
        print(self.matrix.text(), f"{self.matrix.missed} times nobody was there any more", sep="\n", flush=True)
        self.assertFalse(self.matrix.failures, "\n\n".join(self.matrix.failures))
        killed = sum(self.matrix.table.values())
        self.assertGreaterEqual(killed, KILLS)
        if KILLS >= 5 * len(killing.STAGES):
            self.assertEqual({stage for stage, _ in self.matrix.table}, set(killing.STAGES))


if __name__ == "__main__":
    sys.exit(unittest.main())
