# SPDX-License-Identifier: GPL-3.0-or-later
"""
How long a test waits for what must come, and how long that may have taken: its own seconds times CCCI_PATIENCE. What comes sooner
ends the wait, so patience costs a green run nothing. A machine that is slow or does much else asks for more of it, as .ci/run
does.
"""
import os
import time

FACTOR = float(os.environ.get("CCCI_PATIENCE") or 1)


def seconds(count):
    return count * FACTOR


def deadline(count):
    """So many seconds from now, on the clock of time.monotonic()."""
    return time.monotonic() + seconds(count)
