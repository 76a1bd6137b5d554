#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the bridge must do in any world, on the stand-ins."""
import unittest

from lib.bridge_cases import BridgeCases
from lib.world import StandinWorld


class OnTheStandins(BridgeCases, unittest.TestCase):
    make_world = staticmethod(StandinWorld)

    @classmethod
    def tearDownClass(cls):
        cls.world.check()


if __name__ == "__main__":
    unittest.main()
