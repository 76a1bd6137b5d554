# SPDX-License-Identifier: GPL-3.0-or-later
"""
A clock on the wall for the bridge: its zone is chosen so that it shows what a test wants, to the second.

    bridge.environment["TZ"] = zone("02:59:58")             now; a minute later it shows 03:00:58
    bridge.environment["TZ"] = zone("02:59:58", days=1)     the same of tomorrow
"""
import time

DAY = 86400


def zone(shown, days=0):
    """POSIX counts what has to be added to reach UTC; a day back and a day forth are as far as it goes."""
    hours, minutes, seconds = map(int, shown.split(":"))
    behind = (int(time.time()) - (hours * 3600 + minutes * 60 + seconds)) % DAY - days * DAY
    assert -DAY <= behind < DAY
    sign, left = ("-", -behind) if behind < 0 else ("", behind)
    return f"LAB{sign}{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
