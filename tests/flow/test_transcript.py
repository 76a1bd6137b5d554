#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What an author reads, version by version (tests/lib/transcript.py), on the stand-ins: some ways a run can go, all with
CCCI_ALL=1. build/transcript-standin-*.md is for people to read.
"""
import unittest

from lib.transcript import Transcripts
from lib.world import StandinWorld, WoodpeckerStandinWorld


class Short(Transcripts):
    away_s = 8


class OnDrone(Short, unittest.TestCase):
    make_world = staticmethod(StandinWorld)
    document = "transcript-standin-drone.md"


class OnWoodpecker(Short, unittest.TestCase):
    make_world = staticmethod(WoodpeckerStandinWorld)
    document = "transcript-standin-woodpecker.md"


if __name__ == "__main__":
    unittest.main()
