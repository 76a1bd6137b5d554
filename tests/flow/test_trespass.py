#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recipe wants that is not its own, as `ccci-run plan` sees it: refused in one sentence, and read by nobody."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, trap  # noqa: E402

PROGRAM = os.path.join(os.environ["CCCI_BUILD"], "ccci-run")


class Place(unittest.TestCase):
    """A recipe, a host to plan on, and a file of that host which nobody may read."""

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="ccci-trespass-"))
        self.recipe = canary.make_repo("green", os.path.join(self.directory, "green")).path
        self.trap = self.enterContext(trap.Trap(self.directory))

    def write(self, name, text):
        path = os.path.join(self.recipe, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.recipe, name), encoding="utf-8") as file:
            return file.read()

    def link(self, name, target):
        path = os.path.join(self.recipe, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)

    def add_to_compose(self, text, name="compose.yml"):
        self.write(name, f"{self.read(name)}\n{text}")

    def up(self, path):
        """The path as seen from a checkout: more levels up than there are."""
        return "../" * 20 + path.lstrip("/")

    def plan(self, *arguments):
        return subprocess.run(
            [PROGRAM, "plan", "--zone", "ci.test", "--state-dir", os.path.join(self.directory, "state"), self.recipe,
             *arguments],
            env={"PATH": os.environ["PATH"], "HOME": self.directory}, cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)

    def check_refused(self, says, *arguments):
        done = self.plan(*arguments)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(says, done.stdout)
        self.check_unread(done.stdout)

    def check_planned(self, *arguments):
        done = self.plan(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.check_unread(done.stdout)
        return done.stdout

    def check_unread(self, output):
        self.assertFalse(self.trap.was_read, output)
        self.assertNotIn(self.trap.text, output)


class Files(Place):
    """The recipe's own files, which abra would open as root."""

    def test_sees_a_reader(self):
        with open(self.trap.path, encoding="utf-8") as file:
            self.assertIn(self.trap.text, file.read())
        self.assertTrue(self.trap.was_read)

    def test_follows_links_within_the_recipe(self):
        self.write("real/site.yml", self.read("compose.yml"))
        self.link("compose.yml", "real/site.yml")
        self.write("real/env", self.read(".env.sample"))
        self.link(".env.sample", "./real/../real/env")
        self.assertIn("0.3.0+1.2", self.check_planned())

    def test_compose_file_outside(self):
        for path in (self.trap.path, self.up(self.trap.path), "sub/../../x.yml"):
            with self.subTest(path=path):
                self.write(".env.sample", f'TYPE=green\nDOMAIN=green.example.com\nCOMPOSE_FILE="compose.yml:{path}"\n')
                self.check_refused("leads out of the recipe")

    def test_needed_file_is_a_link_that_leads_out(self):
        for name in ("compose.yml", ".env.sample", "abra.sh"):
            for target in (self.trap.path, self.up(self.trap.path)):
                with self.subTest(name=name, target=target):
                    before = self.read(name)
                    self.link(name, target)
                    self.check_refused("out of")
                    os.unlink(os.path.join(self.recipe, name))
                    self.write(name, before)

    def test_config_that_is_not_there(self):
        self.add_to_compose("configs:\n  site:\n    file: conf/site.conf\n")
        self.check_refused("config site: its file conf/site.conf is not in the recipe")

    def test_env_file_that_is_not_there(self):
        self.write("compose.yml", self.read("compose.yml").replace("    init: true", "    env_file: none.env"))
        self.check_refused("service app, env_file: its file none.env is not in the recipe")


if __name__ == "__main__":
    unittest.main()
