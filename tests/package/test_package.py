#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages on a fresh Debian 12 that has what they depend on and nothing of ccci: tests/package/inside.py is
what happens there, from the installation to the purge. Its words and its outcome are this program's."""
import os
import re
import subprocess
import sys
import tempfile

from lib.machine import ROOT, Machine, NoMachine, check_host
from lib.world import skip

BUILD = os.path.join(ROOT, "build", "package")
NEWER = "0.999.0"
BOOT_SECONDS = 300


def pack(directory, *words):
    os.makedirs(directory)
    done = subprocess.run(["cpack", "--config", f"{BUILD}/CPackConfig.cmake", "-B", directory, *words], text=True, cwd=BUILD,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    if done.returncode:
        sys.exit(f"cpack: {done.stdout[-3000:]}")


def depends(directory):
    """What the packages of a directory depend on, those beside them left out: the first of alternatives."""
    names = set()
    for name in os.listdir(directory):
        if not name.endswith(".deb"):
            continue
        field = subprocess.run(["dpkg-deb", "-f", os.path.join(directory, name), "Depends"], text=True, timeout=60,
                               stdout=subprocess.PIPE, check=True).stdout
        names |= {re.split(r"[ |(]", word.strip())[0] for word in field.split(",") if word.strip()}
    return {name for name in names if not name.startswith("ccci-")}


def main():
    with tempfile.TemporaryDirectory(prefix="ccci-debs-") as debs:
        pack(f"{debs}/now")
        pack(f"{debs}/newer", "-R", NEWER)
        needed = depends(f"{debs}/now")
        assert {"libcurl4", "libsqlite3-0", "git"} <= needed, needed
        with Machine(needed) as machine:
            command = ["/usr/bin/env", "PYTHONPATH=/ccci/tests", "/usr/bin/python3", "/ccci/tests/package/inside.py", "-v"]
            status, output = machine.boot(command, {"/ccci/tests": f"{ROOT}/tests", "/ccci/debs": debs}, BOOT_SECONDS)
    print(output, end="")
    return status


if __name__ == "__main__":
    try:
        check_host()
        sys.exit(main())
    except NoMachine as none:
        skip(none)
