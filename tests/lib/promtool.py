# SPDX-License-Identifier: GPL-3.0-or-later
"""
Prometheus' own reader of metrics: from PATH, or from Debian's package, of which ./dev unpacks this one program into build/
(to install it would start a server).

    promtool.check(text)                     skips the test when there is none; AssertionError with what it says
    python3 -m lib.promtool PATH             puts it there
"""
import os
import shutil
import subprocess
import sys
import unittest

from lib import packed

PLACE = os.path.join(packed.BUILD, "promtool")


def find():
    return shutil.which("promtool") or (PLACE if os.access(PLACE, os.X_OK) else None)


def check(text):
    program = find()
    if not program:
        raise unittest.SkipTest("no promtool here (Debian's package prometheus; ./dev test gets it)")
    done = subprocess.run([program, "check", "metrics"], input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False)
    if done.returncode or done.stdout.strip():
        raise AssertionError(f"promtool: {done.returncode}: {done.stdout}")


def put(path):
    data = packed.files(["prometheus"], ["usr/bin/promtool"])["usr/bin/promtool"]
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o755)) as file:
        file.write(data)


if __name__ == "__main__":
    put(sys.argv[1])
