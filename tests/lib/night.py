# SPDX-License-Identifier: GPL-3.0-or-later
"""
A clock on the wall for the bridge: its zone is chosen so that it shows what a test wants, to the second.

    wall = Wall()
    bridge.environment["TZ"] = wall.zone("02:59:58")             now; a minute later it shows 03:00:58
    bridge.environment["TZ"] = wall.zone("02:59:58", days=1)     the same of tomorrow

The first one chooses the date, and the others go on from there: from whatever it shows to "tomorrow" is one day at each time of
the real one.
"""
import time

DAY = 86400
HOUR = 3600


class Wall:
    def __init__(self):
        self.midnight = None

    def zone(self, shown, days=0):
        """POSIX counts what has to be added to reach UTC; a day back and a day forth, and less than an hour, are as far as it goes."""
        hours, minutes, seconds = map(int, shown.split(":"))
        since, now = hours * HOUR + minutes * 60 + seconds, int(time.time())
        if self.midnight is None:
            self.midnight = now - (now - since) % DAY - since
        behind = now - (self.midnight + days * DAY + since)
        assert abs(behind) < DAY + HOUR
        sign, left = ("-", -behind) if behind < 0 else ("", behind)
        return f"LAB{sign}{left // HOUR}:{left // 60 % 60:02}:{left % 60:02}"
