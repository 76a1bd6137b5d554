#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real forge, Drone and Woodpecker keep what the contracts say; tests/flow asks the stand-ins the same."""
import unittest

from lib.server_contract import DroneContract, ForgeContract
from lib.woodpecker_contract import WoodpeckerContract
from lib.world import LabWorld, WoodpeckerLabWorld, need_lab


class RealServers(DroneContract, ForgeContract, unittest.TestCase):
    make_world = LabWorld


class RealWoodpecker(WoodpeckerContract, unittest.TestCase):
    make_world = WoodpeckerLabWorld


if __name__ == "__main__":
    need_lab()
    unittest.main()
