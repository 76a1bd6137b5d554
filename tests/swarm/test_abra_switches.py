#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""With each fault of the abra stand-in on, one at a time, the green canary's verdict is right, or it is an honest CI error
that names abra; and nothing is left."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import runs  # noqa: E402
from standin.abra_standin import switches  # noqa: E402

# What no run can do without: then it has to say so.
MAY_BREAK = ("k30=self", "k32=--chaos", "k32=--offline", "k32=--no-domain-checks", "k32=--no-input")
# A lint that cannot be read takes nothing from what the others found.
NO_LINT = ("k26",)


class Switches(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.started = {switch: runs.start("green", switches=[switch]) for switch in switches.EXAMPLES}
        # Half of a stack of two services is less than all of it.
        cls.halved = runs.start("two-services", switches=["k30=self"])

    def check(self, switch):
        outcome = self.started[switch].result()
        self.assertEqual(outcome.left, [], outcome)
        if switch in MAY_BREAK and outcome.results["verdict"] != "passed":
            self.assert_names_abra(outcome)
            return
        self.assertEqual((outcome.results["verdict"], outcome.code), ("passed", 0), outcome)
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade", "lint"),
                         {"install": "pass", "recreate": "pass", "upgrade": "pass",
                          "lint": "unverified" if switch in NO_LINT else "pass"}, outcome)
        self.assertEqual(outcome.results["versions"]["base"], "0.2.0+1.1")

    def assert_names_abra(self, outcome):
        self.assertEqual((outcome.results["verdict"], outcome.code), ("ci_error", 3), outcome)
        self.assertRegex(outcome.results["reason"], r"\babra [a-z -]+: (exit status|killed by|it made)", outcome)

    def test_half_a_stack(self):
        outcome = self.halved.result()
        self.assert_names_abra(outcome)
        self.assertEqual(outcome.left, [], outcome)


def add_test(switch):
    def test(self):
        self.check(switch)
    setattr(Switches, "test_" + "".join(c if c.isalnum() else "_" for c in switch), test)


for example in switches.EXAMPLES:
    add_test(example)

if __name__ == "__main__":
    unittest.main()
