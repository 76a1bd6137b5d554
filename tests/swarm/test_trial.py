#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Suites of a pull request of the CI repository judge a recipe on the real Swarm; forge and CI server are the stand-ins."""
import sys
import unittest

from lib.chain import Chain
from lib.trial import TrialCases


class OnTheStandins(TrialCases, unittest.TestCase):
    make_chain = Chain


if __name__ == "__main__":
    sys.exit(unittest.main())
