#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-ins of forge and Drone keep what lib/server_contract.py says; tests/lab asks the real ones the same."""
import unittest

from lib.server_contract import DroneContract, ForgeContract
from lib.world import StandinWorld


class StandinServers(DroneContract, ForgeContract, unittest.TestCase):
    make_world = StandinWorld


if __name__ == "__main__":
    unittest.main()
