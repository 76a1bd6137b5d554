#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What an author reads, version by version (tests/lib/transcript.py), from the real forge with the real Drone and Woodpecker:
some ways a run can go, all with CCCI_ALL=1. build/transcript-lab-*.md is for people to read.
"""
import unittest

from lib.transcript import Transcripts
from lib.world import LabWorld, WoodpeckerLabWorld


class OnDrone(Transcripts, unittest.TestCase):
    make_world = staticmethod(lambda: LabWorld(capacity=4))  # one of four pollers of the runner is not deaf; `limit` is 1
    document = "transcript-lab-drone.md"


class OnWoodpecker(Transcripts, unittest.TestCase):
    make_world = staticmethod(lambda: WoodpeckerLabWorld(capacity=1))
    document = "transcript-lab-woodpecker.md"


if __name__ == "__main__":
    unittest.main()
