# SPDX-License-Identifier: GPL-3.0-or-later
"""
What an author reads, from the trigger to the end: every version of the bot's comments, as the forge's API has them, for
each way a run can go. Test bodies for any world, as lib/bridge_cases.py; what was recorded goes to transcript.md below
build/, for people to read.

    class OnTheLab(Transcripts, unittest.TestCase):
        make_world = staticmethod(LabWorld)
        document = "transcript-lab-drone.md"
"""
import os
import threading
import time

from lib import wanted
from lib.bridge_cases import BridgeCases, results, stage, trailer
from lib.world import PRIVATE, PUBLIC, exchange, wait_for

LOOK_EVERY_S = 0.1
SAMPLE = ("green", "cancelled_by_comment", "mistyped")
MARKS = ("\x00", "(null)", "%s", "  \n\n\n", "nan", "1970")   # what no sentence of ours holds


class Recorder:
    """with Recorder(world, pull) as seen: ...; then seen.versions: (seconds, id of the comment, text or None: it is gone)."""

    def __init__(self, world, number, every=LOOK_EVERY_S):
        self.world, self.number, self.every = world, number, every
        self.versions, self.began = [], time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self._known = {}

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._look()

    def _look_on(self):
        while not self._stop.wait(self.every):
            self._look()

    def _look(self):
        try:
            rows = self._read()
        except (OSError, AssertionError, ValueError, KeyError):
            return                   # the forge is away
        now = {row["id"]: row["body"] for row in rows if row["user"]["login"] == "bot"}
        for key in {**self._known, **now}:
            if self._known.get(key) != now.get(key):
                self.versions.append((time.monotonic() - self.began, key, now.get(key)))
        self._known = now

    def _read(self):
        path = f"/repos/{self.world.full(PUBLIC)}/issues/{self.number}/comments"
        status, value, _ = self.world.forge_api("lab-admin", "GET", path)
        if status != 200:
            raise ValueError(status)
        return value

    def texts(self):
        return [text for _, _, text in self.versions if text]


class Transcripts(BridgeCases):
    """What BridgeCases has to do and see, none of its tests; a recorded pull request for each test."""

    document = "transcript.md"
    bridge_settings = {"poll_interval": "1s"}
    away_s = 120
    sections = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sections = {}

    @classmethod
    def tearDownClass(cls):
        path = os.path.join(os.path.dirname(os.path.abspath(os.environ["CCCI_BUILD"])), cls.document)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"# What the bot said, with {cls.world.ci_name}\n")
            for name, text in cls.sections.items():
                file.write(f"\n## {name}\n{text}")

    def setUp(self):
        super().setUp()
        name = self.id().rpartition(".test_")[2]
        if not wanted.everything() and name not in SAMPLE:
            self.skipTest("CCCI_ALL=1 runs it")
        self.number = self.open_pr()
        self.name = name.replace("_", " ")

    def record(self):
        return Recorder(self.world, self.number)

    def ask(self, user="member", text="!testme"):
        return self.world.comment(PUBLIC, self.number, user, text)

    def keep(self, seen, most_comments=1):
        """Writes the section, and looks at what must be true of every version."""
        lines = []
        for seconds, key, text in seen.versions:
            lines.append(f"\nafter {seconds:.1f} s, comment {key}:\n\n~~~~\n{text or 'deleted'}\n~~~~\n")
        type(self).sections[self.name] = "".join(lines)
        self.assertTrue(seen.versions, "nothing was said")
        self.assertLessEqual(len({key for _, key, _ in seen.versions}), most_comments)
        for text in seen.texts():
            self.assertTrue(text.startswith("**ccci: "), text)
            self.assertTrue(trailer(text), "no hidden line in " + text)
            for mark in MARKS:
                self.assertNotIn(mark, text)
        for _, key, text in seen.versions:
            self.assertIsNotNone(text, f"comment {key} is gone")
        return seen.texts()

    def run_to(self, verdict, seconds=60, **hows):
        with self.record() as seen:
            comment = self.ask(**hows)
            self.wait_verdict(PUBLIC, self.number, comment, verdict, seconds)
        return self.keep(seen)

    def running(self):
        """A run that goes on until release(): its comment and its build."""
        return self.start_run(self.number)

    # ---- the ways a run can go

    def test_green(self):
        stages = [stage(name, "pass") for name in ("install", "recreate", "upgrade", "backup", "lint")]
        self.set_results(results(stages=stages))
        said = self.run_to("passed")
        self.assertIn("**ccci: passed**", said[-1])

    def test_red(self):
        self.set_results(results("recipe_failed", 0, "the app answers 502 at https://cust-9f2c1a.ci.example.org/", "fail"))
        said = self.run_to("recipe_failed")
        self.assertIn("the app answers 502", said[-1])

    def queue_up(self, second, words):
        """A run of member's, then the second, then the one that is recorded, until it has said these words."""
        self.hold()
        runs = []
        for (repo, user), state in ((PUBLIC, "member"), "running"), (second, "queued"):
            number = self.open_pr(repo)
            runs.append((repo, number, self.world.comment(repo, number, user, "!testme")))
            self.wait_answer(*runs[-1], state=state)
        with self.record() as seen:
            runs.append((PUBLIC, self.number, self.ask()))
            self.says(*runs[-1], words, seconds=30)
            self.release()
            for run in runs:
                self.wait_verdict(*run, seconds=90)
        self.keep(seen)

    def test_queued_behind_two_others(self):
        self.queue_up((PRIVATE, "lab-admin"), "and 1 more")

    def test_queued_behind_two_of_ones_own(self):
        self.queue_up((PUBLIC, "member"), "behind 2 of your own runs")

    def test_cancelled_by_comment(self):
        with self.record() as seen:
            comment, _ = self.running()
            self.ask(text="!testme cancel")
            self.wait_verdict(PUBLIC, self.number, comment, "cancelled", 90)
        self.assertIn("Cancelled by member.", self.keep(seen)[-1])

    def test_cancelled_on_the_servers_page(self):
        with self.record() as seen:
            comment, build = self.running()
            self.world.cancel(build)
            self.wait_verdict(PUBLIC, self.number, comment, "cancelled", 90)
        self.keep(seen)

    def test_timed_out(self):
        """Drone does not say that it was one: the bridge has to know the limit, which it sets at its start."""
        self.addCleanup(self.restart_with, build_timeout=None)
        self.restart_with(build_timeout="1m")
        with self.record() as seen:
            comment, _ = self.running()
            self.wait_verdict(PUBLIC, self.number, comment, "timed_out", 150)
        self.keep(seen)

    def restart_with(self, **settings):
        self.bridge.stop()
        self.bridge.change_settings(**settings)
        self.bridge.start()
        minutes = 1 if settings["build_timeout"] else 60
        words = f" after {minutes} min"
        wait_for(lambda: words in self.bridge.stderr()[self.bridge.born_at:], 20, f"\"{words}\" in the log")

    def test_superseded(self):
        with self.record() as seen:
            older, _ = self.running()
            newer = self.ask()
            self.wait_verdict(PUBLIC, self.number, older, "superseded", 90)
            self.release()
            self.wait_verdict(PUBLIC, self.number, newer, seconds=60)
        self.keep(seen, most_comments=2)

    def test_refused(self):
        self.run_to("not_run", user="outsider")

    def test_mistyped(self):
        self.run_to("not_run", text="!testme --stages=instal")

    def test_bridge_restarted_in_between(self):
        with self.record() as seen:
            comment, _ = self.running()
            self.bridge.stop()
            time.sleep(2)
            self.bridge.start()
            time.sleep(2)
            self.release()
            self.wait_verdict(PUBLIC, self.number, comment)
        self.keep(seen)

    def test_ci_server_restarted_in_between(self):
        with self.record() as seen:
            comment, _ = self.running()
            self.world.server(self.world.ci_daemon, "stop")
            time.sleep(5)
            self.world.server(self.world.ci_daemon, "start")
            self.release()
            self.wait_verdict(PUBLIC, self.number, comment, seconds=120)
        self.keep(seen)

    def test_forge_away_in_between(self):
        with self.record() as seen:
            comment, _ = self.running()
            self.world.server("gitea", "stop")
            time.sleep(self.away_s / 2)
            self.release()
            time.sleep(self.away_s / 2)
            self.world.server("gitea", "start")
            wait_for(lambda: exchange("GET", f"{self.world.forge_url}/api/healthz")[0] == 200, 60, "forge")
            self.wait_verdict(PUBLIC, self.number, comment, seconds=90)
        self.keep(seen)
        # Whoever asks now has nothing to do with it.
        other = self.open_pr()
        self.wait_verdict(PUBLIC, other, self.world.comment(PUBLIC, other, "member", "!testme"), seconds=40)


for _name in [name for name in dir(BridgeCases) if name.startswith("test_")]:
    setattr(Transcripts, _name, None)
