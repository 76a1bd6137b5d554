#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages on a fresh Debian 12 that has what they depend on and nothing of ccci: tests/package/inside.py is
what happens there, from the installation to the purge. Its words and its outcome are this program's."""
import sys
import tempfile

from lib.debs import depends, pack
from lib.machine import Machine, NoMachine, check_host
from lib.world import skip

NEWER = "0.999.0"
BOOT_SECONDS = 300


def main():
    with tempfile.TemporaryDirectory(prefix="ccci-debs-") as debs:
        pack(f"{debs}/now")
        pack(f"{debs}/newer", "-R", NEWER)
        needed = depends(f"{debs}/now")
        assert {"libcurl4", "libsqlite3-0", "git"} <= needed, needed
        with Machine(needed) as machine:
            return machine.run_tests("inside.py", debs, BOOT_SECONDS)


if __name__ == "__main__":
    try:
        check_host()
        sys.exit(main())
    except NoMachine as none:
        skip(none)
