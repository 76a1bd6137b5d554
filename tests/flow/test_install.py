#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `cmake --install` leaves: everything that a host needs, each file in the package of one of the three components."""
import glob
import os
import subprocess
import unittest

import yaml

from lib.installed import Installed

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ.get("CCCI_BUILD", os.path.join(ROOT, "build", "dev"))
COMPONENTS = ("bridge", "run", "common")
NEEDED = {
    "bin/ccci-bridge", "bin/ccci-run", "share/man/man8/ccci-bridge.8", "share/man/man1/ccci-run.1",
    "share/man/man5/ccci-suite.5", "share/man/man5/ccci.5", "share/bash-completion/completions/ccci-run",
    "share/bash-completion/completions/ccci-bridge", "lib/sysusers.d/ccci-bridge.conf", "lib/tmpfiles.d/ccci-bridge.conf",
    "lib/tmpfiles.d/ccci-run.conf", "lib/systemd/system/ccci-bridge.service", "lib/systemd/system/ccci-reap.timer",
    "share/doc/ccci/install.md", "share/doc/ccci/examples/bridge.yml", "share/doc/ccci/examples/run.yml",
    "share/doc/ccci/examples/00-woodpecker.conf", "share/doc/ccci/examples/.drone.yml", "share/ccci/lib/images.py",
    "share/ccci/canaries/green/canary.yml",
}


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = cls.enterClassContext(Installed(BUILD))
        cls.files = cls.root.files()

    def test_what_a_host_needs(self):
        self.assertEqual(set(), NEEDED - self.files)

    def test_every_manual(self):
        manuals = {os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "docs/*.[1-8]"))}
        self.assertEqual(manuals, {os.path.basename(path) for path in self.files if path.startswith("share/man/")})

    def test_each_file_is_in_one_package(self):
        parts = {}
        for component in COMPONENTS:
            with Installed(BUILD, component) as part:
                parts[component] = part.files()
        self.assertEqual(self.files, set().union(*parts.values()))
        self.assertEqual(len(self.files), sum(len(files) for files in parts.values()))

    def test_the_pipeline_is_one_for_every_ci_repository(self):
        with open(self.root.path("share/doc/ccci/examples/.drone.yml"), encoding="utf-8") as file:
            pipelines = list(yaml.safe_load_all(file))
        with open(os.path.join(ROOT, ".drone.yml"), encoding="utf-8") as file:
            own = list(yaml.safe_load_all(file))
        self.assertEqual((own[:1], "recipe"), (pipelines, pipelines[0]["name"]))
        self.assertEqual(["teardown", "report"], [step["name"] for step in pipelines[0]["steps"]][-2:])

    def test_the_programs_start(self):
        for name in ("ccci-bridge", "ccci-run"):
            done = subprocess.run([self.root.path(f"bin/{name}"), "--version"], text=True, stdout=subprocess.PIPE,
                                  timeout=20, check=True)
            self.assertRegex(done.stdout, rf"^{name} \d+\.\d+\.\d+$")


if __name__ == "__main__":
    unittest.main()
