#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The hook under those who mean it no good (tests/lib/flood.py): polls go on, a real delivery starts its build, and the
bridge keeps little of what it was sent.
"""
import sys
import time
import unittest

from lib import flood
from lib.world import PUBLIC, StandinWorld, start_bridge, wait_for

SECRET = "a-secret-of-the-flooded-hook"
LIVE_S = 20                      # on any machine; ./dev bench says how soon
MEMORY_MOST_KIB = 16 * 1024      # of its own, beyond what its libraries have


def own_kib(pid):
    """Memory that is the process's alone."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("RssAnon:")))


class Flooded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = StandinWorld(runner=False)
        cls.addClassCleanup(cls.world.down)
        cls.bridge = start_bridge(cls.world, poll_interval="1s", webhook_secret=SECRET, log_level="info")
        cls.addClassCleanup(cls.bridge.stop)
        cls.world.add_hook(PUBLIC, cls.bridge.hook_url, SECRET)

    def goes_on_under(self, kind):
        number = self.world.open_pr(PUBLIC, f"flood-{kind}")
        before, said = own_kib(self.bridge.pid), len(self.bridge.stderr())
        with flood.Flood(kind, self.bridge.port) as rude:
            mark = self.world.forge.mark()
            wait_for(lambda: self.world.forge.count("GET", "/issues/search", since=mark) >= 2, LIVE_S, "two polls")
            builds = len(self.world.builds())
            self.world.comment(PUBLIC, number, "member", "!testme")
            wait_for(lambda: len(self.world.builds()) > builds, LIVE_S, "the build of a real delivery")
            self.world.cancel(self.world.builds()[0]["number"])  # or the next one would be held behind it
            time.sleep(0.5)      # and some more of it
            after = own_kib(self.bridge.pid)
        self.assertLess(after, before + MEMORY_MOST_KIB)
        self.assertLess(len(self.bridge.stderr()) - said, 4000, "the log says much of it")
        self.assertTrue(self.bridge.is_ready())
        return rude.answers

    def test_forged(self):
        self.assertGreater(self.goes_on_under("forged"), 1000)

    def test_unsigned(self):
        self.assertGreater(self.goes_on_under("unsigned"), 1000)

    def test_slow(self):
        self.goes_on_under("slow")

    def test_large(self):
        self.goes_on_under("large")

    def test_garbage(self):
        self.assertGreater(self.goes_on_under("garbage"), 100)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
