# SPDX-License-Identifier: GPL-3.0-or-later
"""
What `cmake --install` makes of a build, in a directory of its own that is gone at the end:

    with Installed(BUILD) as root:          all of it; Installed(BUILD, "run"): one component
        root.path("bin/ccci-run")           below the prefix
        root.units()                        {"ccci-bridge.service": text}
"""
import os
import re
import shutil
import subprocess
import tempfile

PREFIX = "/usr/local"                       # what the units of the repository say
UNIT_DIR = "lib/systemd/system"


class Installed:
    def __init__(self, build, component=None):
        self.build = build
        self.words = ["--component", component] if component else []

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-installed-")
        done = subprocess.run(["cmake", "--install", self.build, "--prefix", PREFIX, *self.words], text=True, timeout=120,
                              env=os.environ | {"DESTDIR": self.directory}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            shutil.rmtree(self.directory)
            raise AssertionError(f"cmake --install: {done.stdout[-2000:]}")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def path(self, name):
        return f"{self.directory}{PREFIX}/{name}"

    def files(self):
        """Every file, by its path below the prefix."""
        top = self.directory + PREFIX
        return {os.path.relpath(os.path.join(folder, name), top) for folder, _, names in os.walk(top) for name in names}

    def units(self):
        texts = {}
        for name in sorted(os.listdir(self.path(UNIT_DIR))):
            with open(self.path(f"{UNIT_DIR}/{name}"), encoding="utf-8") as file:
                texts[name] = file.read()
        return texts


def values(text, key):
    """Every value of a key of a unit, in their order."""
    return re.findall(rf"^{key}=(.*)$", text, re.M)
