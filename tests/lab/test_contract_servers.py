#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real forge and Drone keep what lib/server_contract.py says; tests/flow asks the stand-ins the same."""
import unittest

from lib.server_contract import DroneContract, ForgeContract
from lib.world import LabWorld, need_lab


class RealServers(DroneContract, ForgeContract, unittest.TestCase):
    make_world = LabWorld


if __name__ == "__main__":
    need_lab()
    unittest.main()
