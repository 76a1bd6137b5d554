#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ccci-run check-suite as somebody who writes suites calls it: without settings, on one suite or a folder of them."""
import os
import subprocess
import tempfile
import unittest

from lib import canary

PROGRAM = os.path.join(os.environ["CCCI_BUILD"], "ccci-run")


def check_suite(*arguments, cwd="/"):
    done = subprocess.run([PROGRAM, "check-suite", *arguments], env={"PATH": "/usr/bin:/bin"}, cwd=cwd, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20, check=False)
    return done.returncode, done.stdout, done.stderr


class CheckSuite(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="ccci-suites-")
        self.addCleanup(directory.cleanup)
        self.suites = os.path.join(directory.name, "tests/recipes")
        self.root = directory.name

    def put(self, recipe, text):
        os.makedirs(os.path.join(self.suites, recipe))
        with open(os.path.join(self.suites, recipe, "suite.yml"), "w", encoding="utf-8") as file:
            file.write(text)

    def test_a_folder_of_suites(self):
        self.put("good", "")
        self.put("bad", "redy: []\nchecks: [{run: checks/login}]\nweight: two\n")
        code, out, _ = check_suite(cwd=self.root)
        self.assertEqual((2, "1 good, 1 bad"), (code, out.splitlines()[-1]))
        self.assertEqual(["1:7: unknown key \"redy\"; did you mean \"ready\"?", "3:9: weight must be a number from 1 to 64"],
                         [line.partition("suite.yml:")[2] for line in out.splitlines()[:-1]])

    def test_one_suite(self):
        self.put("x", "checks: [{run: checks/login}]\n")
        code, out, _ = check_suite(os.path.join(self.suites, "x"))
        self.assertEqual(2, code)
        self.assertIn("x/suite.yml: there is no checks/login beside it\n0 good, 1 bad\n", out)

    def test_what_is_no_suite(self):
        code, out, error = check_suite("/no/such")
        self.assertEqual((2, "", "ccci-run: cannot read /no/such\n"), (code, out, error))
        os.makedirs(self.suites)
        code, out, error = check_suite(self.suites)
        self.assertEqual((2, ""), (code, out))
        self.assertIn("holds no suite", error)

    def test_the_canaries_suites_are_good(self):
        for name in filter(canary.suite, canary.names()):
            self.assertEqual((0, "1 good, 0 bad\n", ""), check_suite(canary.suite(name)), name)

    def test_our_suites_are_good(self):
        """And of what they all have in common, each has the same."""
        recipes = os.path.join(os.path.dirname(canary.DIRECTORY), "recipes")
        names = sorted(os.listdir(recipes))
        self.assertEqual((0, f"{len(names)} good, 0 bad\n", ""), check_suite(recipes))
        texts = {}
        for name in names:
            with open(os.path.join(recipes, name, "app.py"), encoding="utf-8") as file:
                texts.setdefault(file.read(), []).append(name)
        self.assertEqual(list(texts.values()), [names])


if __name__ == "__main__":
    unittest.main()
