#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to the bridge's store: full, read-only, locked, damaged, newer, old, killed in the middle. Each is one clear
error, or nothing is lost. (SIGKILL at every named place: test_bridge_kill.py; a disk that fills while it runs: test_bridge_standins.py.)"""
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

from lib.bridge_cases import HOOK_SECRET, results, trailer
from lib.page_store import Filler, document, stage
from lib.standin_case import Case
from lib.world import ORG, PUBLIC, exchange, make_bridge, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
PAGE = 4096


class Store(Case):
    def setUp(self):
        super().setUp()
        self.state = self.bridge.settings["state_dir"]
        self.path = os.path.join(self.state, "bridge.db")

    def small_disk(self, size):
        directory = tempfile.mkdtemp(prefix="small-", dir=self.world.directory)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory], stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, check=False)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small tmpfs")
        self.addCleanup(lambda: subprocess.run(["umount", directory], check=False))
        self.bridge = make_bridge(self.world, state_dir=directory)
        self.state, self.path = directory, os.path.join(directory, "bridge.db")

    def refuses(self, code, *words):
        """One error line, no second one, nothing changed."""
        before = self.files()
        self.bridge.start(wait=False)
        self.assertEqual(self.bridge.process.wait(20), code, self.bridge.stderr()[-2000:])
        errors = [line for line in self.bridge.stderr()[self.bridge.born_at:].split("\n") if line.startswith("error:")]
        self.assertEqual(len(errors), 1, errors)
        for word in words + (self.path,):
            self.assertIn(word, errors[0])
        self.assertEqual(self.files(), before)
        return errors[0]

    def files(self):
        with open(self.path, "rb") as file:
            return file.read()

    def one_run(self):
        number, comment = self.ask()
        self.check_one(number, comment)
        self.logged(f"job={comment} judged -> answered")
        return number, comment

    def test_no_room_at_the_start(self):
        self.small_disk("1m")
        filler = os.path.join(self.state, "filler")
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * PAGE)
        self.bridge.start(wait=False)
        self.assertEqual(self.bridge.process.wait(20), 1)
        self.assertIn(f"store: no room for {self.path}: the disk is full", self.bridge.stderr())
        os.remove(filler)
        self.bridge.start()
        self.one_run()
        self.bridge.stop()

    def test_read_only(self):
        self.small_disk("4m")
        self.bridge.start()
        number, comment = self.one_run()
        self.bridge.stop()
        subprocess.run(["mount", "-o", "remount,ro", self.state], check=True)
        self.refuses(1, "cannot be written", "how its disk is mounted")
        subprocess.run(["mount", "-o", "remount,rw", self.state], check=True)
        self.bridge.start()
        self.one_run()
        self.check_one(number, comment)
        self.bridge.stop()

    def test_locked_by_another_process(self):
        self.bridge.start()
        self.bridge.stop()
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            self.bridge.start(wait=False)
            self.assertEqual(self.bridge.process.wait(20), 2)
            self.assertIn(f"store: another process has {self.path} open", self.bridge.stderr())
            # One that is done soon is waited for: a bridge that gives up for it would stay down.
            self.bridge.start(wait=False)
            time.sleep(0.7)
            other.execute("ROLLBACK")
        wait_for(self.bridge.is_ready, 15, "ready bridge")

    def test_a_newer_schema(self):
        self.bridge.start()
        self.bridge.stop()
        self.change_store("PRAGMA user_version=99")
        self.refuses(2, "was written by a newer ccci-bridge (its schema is 99", "install that one again")

    def test_a_damaged_page_and_the_way_out(self):
        """The way out is that of docs/troubleshooting.md: what was handled stays handled."""
        self.bridge.start()
        asked = [self.one_run() for _ in range(2)]
        self.bridge.stop()
        with contextlib.closing(sqlite3.connect(self.path)) as store:
            # An index, so that nothing but what can be made again is lost.
            page, = store.execute("SELECT rootpage FROM sqlite_schema WHERE name='job_build'").fetchone()
        with open(self.path, "r+b") as file:
            file.seek((page - 1) * PAGE)
            file.write(random.Random(1).randbytes(PAGE))
        self.refuses(1, "is damaged", "docs/troubleshooting.md")
        with open(os.path.join(ROOT, "docs", "troubleshooting.md"), encoding="utf-8") as file:
            lines = [line for line in file.read().split("### The store is damaged")[1].split("```")[1].split("\n")
                     if line.startswith("sudo -u ccci-bridge ")]
        self.assertEqual(len(lines), 3)
        for line in lines:
            subprocess.run(["sh", "-ec", line.replace("sudo -u ccci-bridge ", "")], cwd=self.state, check=True, timeout=60)
        self.bridge.start()
        self.one_run()
        for number, comment in asked:
            self.assertEqual((len(self.builds_of(comment)), len(self.answers(PUBLIC, number))), (1, 1))

    def test_killed_within_a_transaction(self):
        """The job's row is written, its effects are not, and nothing is committed."""
        self.bridge.environment["CCCI_TEST_KILL"] = "store.save@2"
        self.bridge.start()
        number, comment = self.ask()
        self.assertEqual(self.bridge.process.wait(20), -signal.SIGKILL)
        with contextlib.closing(sqlite3.connect(self.path)) as store:
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        del self.bridge.environment["CCCI_TEST_KILL"]
        self.bridge.start()
        self.check_one(number, comment)

    def test_killed_while_it_is_brought_up(self):
        """A store of an older version, killed in the middle of the steps: it is the older one still."""
        self.bridge.environment["CCCI_TEST_KILL"] = "store.upgrade@3"
        self.bridge.start(wait=False)
        self.assertEqual(self.bridge.process.wait(20), -signal.SIGKILL)
        with contextlib.closing(sqlite3.connect(self.path)) as store:
            self.assertEqual(store.execute("PRAGMA user_version").fetchone(), (0,))
        del self.bridge.environment["CCCI_TEST_KILL"]
        self.bridge.start()
        number, comment = self.one_run()
        self.assertEqual(trailer(self.answers(PUBLIC, number)[0])["comment"], comment)


class Forgotten(Case):
    bridge_settings = {"history_runs": 1, "poll_repos": f"{ORG}/{PUBLIC}"}

    def runs(self):
        """Of the pages, newest first."""
        status, body, _ = exchange("GET", f"{self.bridge.url}/api/v1/runs")
        self.assertEqual(status, 200)
        return [run["build"] for run in json.loads(body)["runs"]]

    def forget(self, words="jobs of long ago are out of the store"):
        said = self.bridge.stderr().count(words)
        os.kill(self.bridge.pid, signal.SIGHUP)
        wait_for(lambda: self.bridge.stderr().count(words) > said, 15, f"\"{words}\" in the log")

    def test_what_is_forgotten_does_not_fire_again(self):
        """By an edit, by a delivery of its hook, by a poll that begins anew, by a start, nor as a head of AUTO_TEST's."""
        self.bridge.settings.update(auto_test="outsider", history_runs=100)
        self.bridge.rewrite()
        self.bridge.start()
        self.world.add_hook(PUBLIC, self.bridge.hook_url, HOOK_SECRET)
        number, comment = self.ask()
        self.check_one(number, comment)
        delivery = [row for row in self.world.forge.deliveries_done() if b"!testme" in row.body][-1]
        head = self.open_pr(user="outsider")
        wait_for(lambda: len(self.world.bot_comments(PUBLIC, head)) == 1 and
            '"verdict":"passed"' in self.world.bot_comments(PUBLIC, head)[0]["body"], 30, "answer to the head")
        self.set_results(results("recipe_failed", 0, "no", outcome="fail"))
        last_number, last = self.ask()
        self.check_one(last_number, last, "recipe_failed")
        self.logged(f"job={last} judged -> answered")
        self.assertEqual(self.runs(), [3, 2, 1])
        self.bridge.settings["history_runs"] = 1
        self.bridge.rewrite()
        self.forget()
        self.assertEqual(self.runs(), [3, 2])          # the newest, and the newest green one
        self.assertEqual(exchange("GET", f"{self.bridge.url}/runs/1")[0], 404)
        self.set_results(results())
        other, witness = self.ask()
        self.check_one(other, witness)
        self.logged(f"job={witness} judged -> answered")
        self.forget()
        self.assertEqual(self.runs(), [4])

        self.world.edit_comment(PUBLIC, comment, "member", "!testme again")
        self.world.forge.deliver(delivery)
        self.assertEqual(delivery.status, 202)
        self.world.forge.comment(f"{ORG}/{PUBLIC}", head, "outsider", "what now?")
        self.bridge.stop()
        self.change_store("UPDATE position SET since_s = since_s - 3600, first_s = 0, first_id = 0")
        self.bridge.start()
        other, witness = self.ask()
        self.check_one(other, witness)
        self.assertEqual([len(self.world.bot_comments(PUBLIC, each)) for each in (number, head, last_number)], [1, 1, 1])
        self.assertEqual(len(self.world.builds()), 5)

    def test_a_store_of_before_is_emptied_in_small_bites(self):
        """Thousands of runs go while comments are answered; the file is small afterwards. Killed on the way, it goes on."""
        self.bridge.start()
        self.bridge.stop()
        now = int(time.time())
        stages = [stage(name, evidence="x" * 8000) for name in ("install", "upgrade", "backup")]
        with Filler(self.bridge.settings["state_dir"]) as filler:
            for build in range(1001, 3001):
                repo = f"{ORG}/recipe-{build % 20}"
                filler.run(repo, build, now - 86400 * 300 + build, results=document(repo, build, stages))
        path = os.path.join(self.bridge.settings["state_dir"], "bridge.db")
        before = os.path.getsize(path)
        self.bridge.environment["CCCI_TEST_KILL"] = "store.forget@100"
        self.bridge.start()
        self.assertEqual(self.bridge.process.wait(30), -signal.SIGKILL)
        del self.bridge.environment["CCCI_TEST_KILL"]
        self.bridge.start()
        number, comment = self.ask()
        slowest = 0
        while "out of the store" not in self.bridge.stderr():
            since = time.monotonic()
            self.assertEqual(exchange("GET", f"{self.bridge.url}/healthz")[0], 200)
            slowest = max(slowest, time.monotonic() - since)
            time.sleep(0.002)
        self.check_one(number, comment)
        self.assertLess(slowest, 0.5)
        self.bridge.stop()
        self.assertLess(os.path.getsize(path), before / 20)
        with contextlib.closing(sqlite3.connect(path)) as store:
            self.assertEqual(store.execute("SELECT COUNT(*) FROM job WHERE build BETWEEN 1001 AND 3000").fetchone(), (20,))
            self.assertEqual(store.execute("SELECT COUNT(*) FROM seen").fetchone(), (1980,))
            self.assertEqual(store.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        print(f"  slowest answer meanwhile: {slowest * 1000:.0f} ms; {before} -> {os.path.getsize(path)} bytes", flush=True)


if __name__ == "__main__":
    unittest.main()
