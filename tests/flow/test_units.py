#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The units as they are installed: systemd knows every word of them, what they start is installed or is said not to be ours,
and the bridge, which faces strangers, is shut in as far as systemd can tell. (Whether they do their work:
tests/package/test_package.py.)"""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from lib.installed import PREFIX, Installed, values
from lib.world import skip

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BUILD = os.environ.get("CCCI_BUILD", os.path.join(ROOT, "build", "dev"))
NOT_OURS = {"/usr/local/bin/drone-runner-exec", "/bin/kill"}
MOST_EXPOSED = 20                       # tenths: 2.0
EXPOSED = {"ccci-bridge.service": MOST_EXPOSED, "ccci-prune.service": 40}


def analyze(*words):
    """(exit status, output) of systemd-analyze."""
    done = subprocess.run(["systemd-analyze", *words], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, done.stdout


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = cls.enterClassContext(Installed(BUILD))
        cls.units = cls.root.units()

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-units-")
        self.addCleanup(shutil.rmtree, self.directory)

    def write(self, change=lambda name, text: text):
        """The units as files in a directory, what they start replaced by something that this machine has."""
        paths = []
        for name, text in self.units.items():
            text = re.sub(r"^(Exec\w+=[-+!@:]*)/\S+", r"\1/bin/true", change(name, text), flags=re.M)
            paths.append(os.path.join(self.directory, name))
            with open(paths[-1], "w", encoding="utf-8") as file:
                file.write(text)
        return paths

    def verify(self, paths):
        # Without --recursive-errors=no a word that systemd does not know is printed, and the status is 0.
        return analyze("verify", "--man=no", "--recursive-errors=no", *paths)

    def test_systemd_knows_every_word(self):
        status, output = self.verify(self.write())
        self.assertEqual((status, output), (0, ""))

    def test_a_word_that_systemd_does_not_know_is_seen(self):
        status, output = self.verify(self.write(lambda _, text: text.replace("ProtectSystem", "ProtectSytem")))
        self.assertEqual(status, 1)
        self.assertIn("ProtectSytem", output)

    def test_what_they_start_is_installed(self):
        for name, text in self.units.items():
            for line in re.findall(r"^Exec\w+=[-+!@:]*(\S+)", text, re.M):
                if line in NOT_OURS:
                    continue
                self.assertTrue(line.startswith(PREFIX + "/"), f"{name}: {line}")
                self.assertTrue(os.access(self.root.directory + line, os.X_OK), f"{name}: {line} is not installed")

    def test_no_more_exposed_than_we_say(self):
        self.write()
        for name, most in EXPOSED.items():
            status, output = analyze("security", "--offline=true", "--no-pager", f"--threshold={most}",
                                     os.path.join(self.directory, name))
            self.assertEqual(status, 0, output[-300:])

    def test_a_bridge_with_fewer_bolts_is_seen(self):
        without = r"^(SystemCallFilter|CapabilityBoundingSet|ProtectSystem|PrivateUsers|User)=.*\n"
        self.write(lambda _, text: re.sub(without, "", text, flags=re.M))
        status, output = analyze("security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}",
                                 os.path.join(self.directory, "ccci-bridge.service"))
        self.assertEqual(status, 1, output[-300:])

    def test_each_timer_has_its_service(self):
        for name in self.units:
            if name.endswith(".timer"):
                self.assertIn(name.replace(".timer", ".service"), self.units)

    def test_what_is_added_to_the_bridge_goes_together(self):
        """systemd takes the unit, then what was added in the order of names; an empty value begins a list anew."""
        texts = [self.units["ccci-bridge.service"]]
        for name in sorted(("00-woodpecker.conf", "webhook.conf")):
            with open(self.root.path(f"share/doc/ccci/examples/{name}"), encoding="utf-8") as file:
                texts.append(file.read())
        for key, form in (("LoadCredential", "{0}:/etc/ccci/credentials/{0}"), ("Environment", "{1}_FILE=%d/{0}")):
            found = []
            for value in values("\n".join(texts), key):
                found = [*found, *value.split()] if value else []
            names = ("gitea_token", "woodpecker_token", "webhook_secret")
            self.assertEqual([form.format(name, name.upper()) for name in names], found)

    def test_nothing_starts_that_is_not_configured(self):
        for name, text in self.units.items():
            if name.endswith(".service"):
                self.assertRegex(text, r"(?m)^ConditionPathExists=/etc/ccci/\S+$", name)

    def test_the_packages_know_what_can_be_enabled(self):
        for name, text in self.units.items():
            if "[Install]" in text:
                package = "bridge" if name.startswith("ccci-bridge") else "run"
                for script in ("postinst", "postrm"):
                    with open(f"{ROOT}/cmake/debian/{package}/{script}", encoding="utf-8") as file:
                        self.assertIn(name, file.read(), f"{script} of {package}")

    def test_keepers_outlive_the_runner(self):
        text = self.units["drone-runner-exec.service"]
        self.assertEqual(values(text, "KillMode"), ["process"])
        self.assertEqual(values(text, "Delegate"), ["yes"])

    def test_user_of_the_bridge_is_made(self):
        user, = values(self.units["ccci-bridge.service"], "User")
        with open(self.root.path("lib/sysusers.d/ccci-bridge.conf"), encoding="utf-8") as file:
            self.assertRegex(file.read(), rf"(?m)^u {user} ")


if __name__ == "__main__":
    if not shutil.which("systemd-analyze"):
        skip("no systemd-analyze here (Debian's package systemd)")
    unittest.main()
