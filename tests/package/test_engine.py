#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages on a fresh Debian 12 with an engine of its own: tests/package/inside_engine.py is what happens there,
from ccci-setup to a recipe that is green. Its words and its outcome are this program's."""
import sys
import tempfile

from lib.debs import depends, pack
from lib.machine import Machine, NoMachine, check_host
from lib.world import skip

BOOT_SECONDS = 900


def main():
    with tempfile.TemporaryDirectory(prefix="ccci-debs-") as debs:
        pack(f"{debs}/now")
        # What ccci-setup asks with, and what images are made of; the packages recommend or suggest it.
        with Machine({*depends(f"{debs}/now"), "curl", "openssl", "busybox-static"}, has_engine=True) as machine:
            return machine.run_tests("inside_engine.py", debs, BOOT_SECONDS)


if __name__ == "__main__":
    try:
        check_host()
        sys.exit(main())
    except NoMachine as none:
        skip(none)
