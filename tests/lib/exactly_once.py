# SPDX-License-Identifier: GPL-3.0-or-later
"""
Each comment has one build and one answer, whatever happens: who asks and counts, and what goes wrong meanwhile. For any
world, as lib/bridge_cases.py; the stand-ins' own faults are in tests/flow/test_exactly_once.py.

    class Here(Once, unittest.TestCase):
        def test_all(self):
            self.ask(self.open_pr())
            with self.chaos.going_on(self.chaos.kill_often, self.bridge):
                self.wait_answers(60)
            self.judge()
"""
import collections
import contextlib
import random
import sys
import threading
import time

from lib.bridge_cases import REPORT, pipelines, trailer
from lib.world import PUBLIC, wait_for

SECRET = "the-key-of-the-hook-that-stutters"
QUIET_S = 8                      # after all is answered: what comes twice comes then
PIPELINES = pipelines([("report", REPORT)])


class Chaos:
    """What goes wrong, by chance: CCCI_SEED's, but for what threads and processes make of it."""

    def __init__(self, seed):
        self.seed = seed
        self.is_on = True
        self.counts = collections.Counter()
        self.lock = threading.Lock()
        self.forge_is_up = threading.Lock()   # held while it is not

    def chance_for(self, what):
        return random.Random(f"{self.seed} {what}")

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    @contextlib.contextmanager
    def going_on(self, often, *arguments):
        """often(stop, *arguments) in a thread of its own, until what is within is over."""
        stop = threading.Event()
        thread = threading.Thread(target=often, args=(stop, *arguments))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self.is_on = False

    def stutter(self, deliver):
        """A deliver() by which each delivery comes not at all, once, or up to three times, among others that wait."""
        dice, waiting = self.chance_for("hook"), []

        def deliver_some(delivery):
            with self.lock:
                waiting.extend([delivery] * dice.choice((0, 1, 1, 2, 3)))
                most = dice.randrange(6) if self.is_on else 0
                due = [waiting.pop(dice.randrange(len(waiting))) for _ in range(len(waiting) - most)]
            for one in due:
                self.count("deliveries")
                deliver(one)
        return deliver_some

    def kill_often(self, stop, bridge, most=None):
        dice = self.chance_for("kill")
        while not stop.wait(dice.uniform(0.05, 4)) and (most is None or self.counts["kills"] < most):
            bridge.kill()
            self.count("kills")
            bridge.start(wait=False)

    def restart_often(self, stop, world, name, most):
        """A server of the lab: killed, or asked to end, and back within seconds. Woodpecker's is asked: killed between
        saving a pipeline and queueing it, it leaves it pending for ever, which reads as any other that waits (3.17, observed)."""
        dice = self.chance_for(name)
        ways = ("stop",) if name == "woodpecker-server" else ("kill", "stop")
        while not stop.wait(dice.uniform(0.5, 4)) and self.counts[f"{name} restarted"] < most:
            with self.forge_is_up if name == "gitea" else contextlib.nullcontext():
                world.server(name, dice.choice(ways))
                time.sleep(dice.uniform(0, 3))
                world.server(name, "start")
            self.count(f"{name} restarted")


class Once:
    """Asks for runs of pull requests of PUBLIC. world, bridge and chaos are whose who takes part in it."""

    world = bridge = chaos = None

    def setUp(self):
        super().setUp()
        self.asked = {}              # pull request -> comment
        self.open = []               # those without a verdict
        self.began = time.monotonic()
        self.builds_before = max([build["number"] for build in self.world.builds()], default=0)

    def ask(self, number):
        with self.chaos.forge_is_up:
            self.asked[number] = self.world.comment(PUBLIC, number, "member", "!testme")
        self.open.append(number)

    def verdicts(self, number):
        return [row for row in self.world.bot_comments(PUBLIC, number) if trailer(row["body"]).get("verdict")]

    def unanswered(self):
        self.open = [number for number in self.open if not self.verdicts(number)]
        return len(self.open)

    def wait_answers(self, seconds, is_enough=lambda: True):
        """To each comment; and until enough went wrong."""
        try:
            wait_for(lambda: not self.unanswered() and is_enough(), seconds, "answer to each comment, and all that goes wrong",
                every=0.2)
        except AssertionError:
            print(f"  {dict(self.chaos.counts)}", file=sys.stderr)
            self.tell(self.open)
            raise

    def tell(self, numbers):
        """All that is known of the comments of these pull requests."""
        for number in numbers:
            print("\n".join(line for line in self.bridge.stderr().splitlines() if f"job={self.asked[number]} " in line),
                  *[row["body"] for row in self.world.bot_comments(PUBLIC, number)],
                  *[build for build in self.world.builds() if build["params"].get("COMMENT") == str(self.asked[number])],
                  sep="\n", file=sys.stderr)

    def judge(self):
        """Once the bridge has had the time to do something twice."""
        wait_for(self.bridge.is_ready, 20, "ready bridge")
        time.sleep(QUIET_S)
        # What the server could not even begin is no build.
        builds = collections.Counter(build["params"].get("COMMENT") for build in self.world.builds()
            if build["number"] > self.builds_before and build["status"] not in ("error", "created"))
        answers = {number: self.world.bot_comments(PUBLIC, number) for number in self.asked}
        # An error of CI is tried again, once, and its answer says so.
        tries = {number: 1 + any("was tried again" in row["body"] for row in rows) for number, rows in answers.items()}
        lost = [number for number, comment in self.asked.items() if not builds[str(comment)] or not answers[number]]
        doubled = [number for number, comment in self.asked.items()
            if builds[str(comment)] > tries[number] or len(answers[number]) > 1]
        strange = set(builds) - {str(comment) for comment in self.asked.values()}
        print(f"  {sum(builds.values())} builds and {sum(map(len, answers.values()))} answers for {len(self.asked)} comments, "
              f"{sum(tries.values()) - len(tries)} tried again, {len(lost)} lost, {len(doubled)} doubled, "
              f"in {time.monotonic() - self.began:.0f} s: {dict(self.chaos.counts)}", file=sys.stderr, flush=True)
        self.tell(lost + doubled)
        self.assertEqual((lost, doubled, strange), ([], [], set()))
        for number, comment in self.asked.items():
            said = trailer(answers[number][0]["body"])
            self.assertEqual((said["comment"], said["verdict"]), (comment, "passed"), answers[number][0]["body"])
        self.world.check()
