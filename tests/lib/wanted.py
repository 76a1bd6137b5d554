# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a test is wanted: `./dev test --all` says CCCI_ALL=1, and 0 else."""
import os


def everything():
    return os.environ.get("CCCI_ALL", "0") not in ("", "0")
