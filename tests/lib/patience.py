# SPDX-License-Identifier: GPL-3.0-or-later
"""
Until when a test waits for what must come: its own seconds from now, times CCCI_PATIENCE. What comes sooner ends the wait, so
patience costs a green run nothing. A machine that is slow or does much else asks for more of it, as .ci/run does; what a test
says about time itself it measures and does not wait for.
"""
import os
import time

FACTOR = float(os.environ.get("CCCI_PATIENCE") or 1)


def deadline(seconds):
    """On the clock of time.monotonic()."""
    return time.monotonic() + seconds * FACTOR
