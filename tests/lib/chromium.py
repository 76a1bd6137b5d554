# SPDX-License-Identifier: GPL-3.0-or-later
"""The real Chromium that pictures are taken by, and hosts that have none.

    chromium.need()                                  skips the test where there is none
    host.path = chromium.path_without(directory, host.bin)
"""
import os
import shutil
import unittest

NAMES = ("chromium-headless-shell", "chromium")


def need():
    if not any(shutil.which(name) for name in NAMES):
        raise unittest.SkipTest("there is no Chromium here (apt-get install chromium-headless-shell)")
    if os.geteuid():
        raise unittest.SkipTest("only root can bound the memory of a browser")


def path_without(directory, *before):
    """A PATH with every program of the system but a browser: links in a folder of their own."""
    folder = os.path.join(directory, "programs")
    os.makedirs(folder)
    for place in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"):
        for name in os.listdir(place) if os.path.isdir(place) else ():
            if name not in NAMES and not os.path.lexists(os.path.join(folder, name)):
                os.symlink(os.path.join(place, name), os.path.join(folder, name))
    return ":".join([*before, folder])
