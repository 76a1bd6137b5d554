# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a test is wanted, `./dev test --all` says CCCI_ALL=1, and 0 else; and which part of it, where it is a sample:
another one for each commit, or CCCI_SEED's."""
import os
import random
import subprocess


def everything():
    return os.environ.get("CCCI_ALL", "0") not in ("", "0")


def chance():
    return random.Random(os.environ.get("CCCI_SEED") or subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=os.path.dirname(os.path.realpath(__file__)), stdout=subprocess.PIPE,
        text=True, check=False).stdout)
