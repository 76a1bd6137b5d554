#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins of forge, Drone and Woodpecker keep what the contracts say; tests/lab asks the real ones the same."""
import unittest

from lib.server_contract import DroneContract, ForgeContract
from lib.woodpecker_contract import WoodpeckerContract
from lib.world import StandinWorld, WoodpeckerStandinWorld


class StandinServers(DroneContract, ForgeContract, unittest.TestCase):
    make_world = StandinWorld


class StandinWoodpecker(WoodpeckerContract, unittest.TestCase):
    make_world = WoodpeckerStandinWorld


if __name__ == "__main__":
    unittest.main()
