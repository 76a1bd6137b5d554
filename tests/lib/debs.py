# SPDX-License-Identifier: GPL-3.0-or-later
"""
The Debian packages of build/package:

    pack(directory)                 makes them there; further words are cpack's
    depends(directory)              what of Debian they depend on
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.path.join(ROOT, "build", "package")


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
