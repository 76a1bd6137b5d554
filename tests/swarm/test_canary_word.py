#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""`ccci-run canary`: canaries made and judged by the program itself come out as the harness makes and judges them, one that
does not is told with what differs, and what this host cannot run is said."""

import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, runs  # noqa: E402
from lib.host import RunnerHost  # noqa: E402


class CanaryWord(unittest.TestCase):
    def setUp(self):
        runs.need_images()
        directory = tempfile.TemporaryDirectory(prefix="ccci-canary-word-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.host = RunnerHost(os.path.join(self.directory, "host"))
        self.addCleanup(self.host.close)
        self.canaries = os.path.join(self.directory, "canaries")

    def add(self, name, of, *changes):
        path = os.path.join(self.canaries, name)
        shutil.copytree(os.path.join(canary.DIRECTORY, of), path)
        spec = os.path.join(path, "canary.yml")
        with open(spec, encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        with open(spec, "w", encoding="utf-8") as file:
            file.write(text)

    def test_each_kind(self):
        self.add("bad-image", "bad-image")
        self.add("hostile-compose", "hostile-compose")
        self.add("lint-error", "lint-error")
        self.add("not-so", "hostile-compose", ("level: 0", "level: 3"), ("install: fail", "install: pass"))
        self.add("no-image", "hostile-compose", ("ccci-canary/web:1.1", "ccci-canary/none:1.1"))
        done = self.host.ccci_run("canary", self.canaries)
        self.assertEqual(done.returncode, 3, done.stdout)
        for line in ("bad-image: not run: only the tests have what it needs: registry",
                     "hostile-compose: as declared", "lint-error: as declared",
                     "not-so: NOT as declared", "  level is 0 instead of 3", '  install is "fail" instead of "pass"',
                     "2 as declared, 1 not, 2 not run"):
            self.assertIn(f"\n{line}\n", f"\n{done.stdout}")
        self.assertIn("no-image: not run: image ccci-canary/none:1.1 is not on this host", done.stdout)
        # The same commits as the harness makes.
        made = canary.make_repo("lint-error", os.path.join(self.directory, "lint-error"))
        self.assertIn(f"  {made.head}\n", done.stdout)
        self.assertEqual(self.host.leftovers(), [])
        self.assertEqual(self.host.left_in_docker(), [])
        self.assertFalse([name for name in os.listdir("/tmp") if name.startswith("ccci-canary-") and
                          os.path.exists(os.path.join("/tmp", name, "lint-error.json"))])

    def test_none(self):
        os.makedirs(self.canaries)
        self.assertIn("holds no canary.yml", self.host.ccci_run("canary", self.canaries).stdout)
        self.add("wrong", "green", ("level:", "levle:"))
        done = self.host.ccci_run("canary", self.canaries)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stdout, r'wrong/canary\.yml:\d+: unknown key "levle"')


if __name__ == "__main__":
    unittest.main()
