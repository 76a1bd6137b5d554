#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
modules/ccci-setup on a machine of its own, beside a forge: from nothing to a content `ccci-run doctor` and `ccci-bridge
--check`, once more, each missing precondition. systemctl is a double that notes what it is told; the units themselves are
started in tests of their own.
"""
import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import docker, house, patience, second_engine  # noqa: E402
from lib.house import CLIENT_SECRET, DRONE, PROXY, ZONE  # noqa: E402

SETUP = os.path.join(os.path.dirname(house.SCRIPTS), "ccci-setup")
FORGE = os.path.join(os.path.dirname(house.RECIPES), "standin", "forge.py")
BUILD = os.environ["CCCI_BUILD"]
UNITS = ["ccci-swarm.service", "ccci-proxy.service", "ccci-drone.service", "ccci-drone-runner.service"]
SYSTEMCTL = r"""#!/bin/sh
state=$(dirname "$0")/../units
case $1 in
cat) case $2 in *.service | *.timer) exit 0 ;; esac; exit 1 ;;
is-enabled) grep -qx "$3" "$state" 2>/dev/null ;;
is-active) grep -qx "$3" "$state.active" 2>/dev/null ;;
show) echo 0 ;;
enable)
	echo "$*" >>"$state.calls"
	if [ "$2" = --now ]; then echo "$3" >>"$state"; echo "$3" >>"$state.active"; else echo "$2" >>"$state"; fi ;;
*) exit 1 ;;
esac
"""


def setUpModule():
    reason = second_engine.missing()
    if reason:
        raise unittest.SkipTest(reason)
    directory = tempfile.TemporaryDirectory(prefix="setup-")
    unittest.addModuleCleanup(directory.cleanup)
    machine = Setup.machine = house.House(directory.name)
    unittest.addModuleCleanup(machine.close)
    for program in ("ccci-run", "ccci-bridge"):
        os.symlink(os.path.join(BUILD, program), os.path.join(machine.bin, program))
    os.symlink("/bin/true", os.path.join(machine.bin, "drone-runner-exec"))
    with open(os.path.join(machine.bin, "systemctl"), "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o755)) as file:
        file.write(SYSTEMCTL)
    forge = subprocess.Popen(machine.inside("/usr/bin/python3", FORGE), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                             env={**os.environ, "PYTHONPATH": os.path.dirname(house.RECIPES)})
    unittest.addModuleCleanup(forge.wait)
    unittest.addModuleCleanup(forge.stdout.close)
    unittest.addModuleCleanup(forge.stdin.close)
    Setup.forge = json.loads(forge.stdout.readline())


class Setup(unittest.TestCase):
    maxDiff = None
    machine = forge = None

    def setUp(self):
        self.machine.leave()
        self.machine.reset()
        for name in ("units", "units.active", "units.calls"):
            if os.path.exists(os.path.join(self.machine.directory, name)):
                os.unlink(os.path.join(self.machine.directory, name))
        os.unlink(os.path.join(self.machine.etc, "infra.conf"))
        os.unlink(os.path.join(self.machine.etc, "credentials/drone_client_secret"))
        self.token = self.forge["tokens"]["bot"]
        self.answers = {
            "ZONE": ZONE, "GITEA_URL": self.forge["url"], "RECIPE_ORG": "recipe-maintainers", "CI_REPO": "recipe-maintainers/cc-ci",
            "POLL_REPOS": "recipe-maintainers/custom-html", "DRONE_ADMIN": "member", "DRONE_CLIENT_ID": "0b1e-55",
            "PROBE_CA_FILE": self.machine.settings["PROBE_CA_FILE"],
            "GITEA_TOKEN_FILE": self.machine.write("../given/bot", self.token + "\n"),
            "DRONE_CLIENT_SECRET_FILE": self.machine.write("../given/client", CLIENT_SECRET + "\n"),
            "DRONE_TOKEN_FILE": self.machine.write("../given/drone", "drone-token-nobody-may-read\n")}

    def setup_host(self, *words, environment=None, **answers):
        path = self.machine.write("../answers", "".join(
            f"{name}={value}\n" for name, value in {**self.answers, **answers}.items() if value is not None))
        return self.machine.run(SETUP, "--answers", path, *words, environment={
            "ABRA_DIR": self.machine.settings["ABRA_DIR"], "DOCKER_WAIT": "1", "SETTLE_TIMEOUT": "120", "ANSWER_WAIT": "60",
            **(environment or {})})

    def state(self):
        found = {}
        for base in ("etc", "abra"):
            for path, _, names in os.walk(os.path.join(self.machine.directory, base)):
                for name in names:
                    with open(os.path.join(path, name), "rb") as file:
                        found[os.path.join(path, name)] = file.read()
        return found

    def calls(self):
        try:
            with open(os.path.join(self.machine.directory, "units.calls"), encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def changes_nothing(self, code, *says, words=("--yes",), environment=None, **answers):
        held, files, calls = self.machine.holds(), self.state(), self.calls()
        done = self.setup_host(*words, environment=environment, **answers)
        self.assertEqual(done.returncode, code, done.stdout)
        for text in says:
            self.assertIn(text, done.stdout)
        self.assertEqual(docker.diff(held, self.machine.holds()), {})
        self.assertEqual((self.state(), self.calls()), (files, calls), done.stdout)
        return done.stdout

    def test_from_nothing(self):
        output = self.changes_nothing(0, f"would: {self.machine.etc}/run.yml: zone: {ZONE}", "swarm: would: Swarm initialised",
                                      f"proxy: would: app {PROXY} deployed", f"drone: would: app {DRONE} deployed",
                                      "would: unit ccci-bridge.service enabled", words=("--dry-run",))
        self.assertRegex(output, r"setup: \d+ changes would be made\n$")
        self.changes_nothing(1, "--yes lets them be made", words=())

        done = self.setup_host("--yes")
        self.assertEqual(done.returncode, 0, done.stdout)
        for text in ("swarm: converged", "proxy: converged", "drone: converged", "drone-runner: converged",
                     "setup: ccci-run doctor: all rows are good", "setup: ccci-bridge --check: content", "setup: converged",
                     "!testme"):
            self.assertIn(text, done.stdout)
        self.assertEqual(self.calls(), [*(f"enable {unit}" for unit in UNITS), "enable --now drone-runner-exec.service",
                                        "enable --now ccci-reap.timer", "enable --now ccci-prune.timer", "enable --now ccci-bridge.service"])
        for text in (output, done.stdout):
            for secret in (self.token, CLIENT_SECRET, "drone-token-nobody-may-read",
                           self.machine.read("credentials/drone_rpc_secret").strip()):
                self.assertNotIn(secret, text)
        for name in os.listdir(os.path.join(self.machine.etc, "credentials")):
            self.assertEqual(os.stat(os.path.join(self.machine.etc, "credentials", name)).st_mode & 0o777, 0o600, name)
        self.assertEqual(self.machine.read("credentials/gitea_token").strip(), self.token)
        self.assertIn(f"drone_url: https://{DRONE}\n", self.machine.read("bridge.yml"))
        # The bridge's own user has to read it.
        self.assertEqual(os.stat(os.path.join(self.machine.etc, "bridge.yml")).st_mode & 0o777, 0o644)

        with self.subTest("once more"):
            self.changes_nothing(0, "setup: nothing to do", "doctor: all rows are good")
        with self.subTest("once more, without the files that were given"):
            self.changes_nothing(0, "setup: nothing to do", GITEA_TOKEN_FILE=None, DRONE_CLIENT_SECRET_FILE=None,
                                 DRONE_TOKEN_FILE=None, RECIPE_ORG=None, CI_REPO=None, POLL_REPOS=None, ZONE=None)
        with self.subTest("what is the operator's stays; what is replaced is said"):
            self.machine.write("bridge.yml", "# mine\npoll_interval: 20s\n" + self.machine.read("bridge.yml"), 0o644)
            other = self.machine.write("../given/other", "another\n")
            done = self.setup_host("--yes", CI_REPO="recipe-maintainers/private-notes", DRONE_TOKEN_FILE=other)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertIn("ci_repo: recipe-maintainers/private-notes (it was: ci_repo: recipe-maintainers/cc-ci)", done.stdout)
            self.assertIn("credentials/drone_token REPLACED by that of DRONE_TOKEN_FILE", done.stdout)
            self.assertTrue(self.machine.read("bridge.yml").startswith("# mine\npoll_interval: 20s\n"))
            self.assertEqual(self.machine.read("bridge.yml").count("ci_repo"), 1)

    def test_asks(self):
        """On a terminal: what has a default is taken by Enter, a secret is not shown."""
        os.makedirs(os.path.join(self.machine.etc, "tls"), exist_ok=True)
        typed = [ZONE, self.forge["url"], "recipe-maintainers", "recipe-maintainers/cc-ci", "recipe-maintainers/custom-html", "", "", "",
                 "", "member", "0b1e-55", "", self.token, CLIENT_SECRET, "", "n"]
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        with subprocess.Popen(
                self.machine.inside(SETUP), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                env=self.machine.environment(ABRA_DIR=self.machine.settings["ABRA_DIR"], DOCKER_WAIT="1",
                                             PROBE_CA_FILE=self.machine.settings["PROBE_CA_FILE"])) as process:
            os.close(slave)
            shown = ""
            for line in typed:
                shown += self.read_until(master, ": " if line != "n" else "[y/N] ")
                os.write(master, f"{line}\n".encode())
            shown += self.read_until(master, None)
        self.assertEqual(process.returncode, 1, shown)
        self.assertIn(f"the proxy's own domain [traefik.{ZONE}]: ", shown)
        self.assertIn("setup: failed: nothing was changed", shown)
        self.assertIn(f"would: {self.machine.etc}/bridge.yml: ci_repo: recipe-maintainers/cc-ci", shown)
        for secret in (self.token, CLIENT_SECRET):
            self.assertNotIn(secret, shown)
        self.assertFalse(os.path.exists(os.path.join(self.machine.etc, "infra.conf")))

    def read_until(self, terminal, end):
        """What is written until it ends so; None: until nobody has it open any more."""
        text, deadline = "", patience.deadline(60)
        while end is None or not text.endswith(end):
            self.assertLess(time.monotonic(), deadline, text)
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                got = os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                got = ""
            if not got:
                self.assertIsNone(end, text)
                return text
            text += got
        return text

    def test_without_drones_token(self):
        """There is none before Drone is there: everything else is done, and it is said how it goes on."""
        done = self.setup_host("--yes", DRONE_TOKEN_FILE=None)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(f"setup: missing: Drone's token. Log in at https://{DRONE} as member", done.stdout)
        self.assertNotIn("enable --now ccci-bridge.service", self.calls())
        done = self.setup_host("--yes")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.calls()[-1], "enable --now ccci-bridge.service")

    def test_missing(self):
        rows = (
            ({"ZONE": None}, "an answer to ZONE"),
            ({"ZONE": "no zone"}, "ZONE, a domain: it is 'no zone'"),
            ({"CI_REPO": "cc-ci"}, "CI_REPO, owner/repo: it is 'cc-ci'"),
            ({"ZONES": "x"}, "there is no setting ZONES"),
            ({"GITEA_TOKEN_FILE": "/nonexistent"}, "the bot's token (GITEA_TOKEN_FILE): /nonexistent is not there"),
            ({"GITEA_TOKEN_FILE": self.machine.write("../given/open", "x\n", 0o644)}, "others may read"),
            ({"GITEA_TOKEN_FILE": self.machine.write("../given/wrong", "x\n")}, "the bot's token: the forge at"),
            ({"GITEA_URL": "http://127.0.0.1:1"}, "the forge: http://127.0.0.1:1 does not answer"),
            ({"RECIPE_ORG": "nobody"}, "the organisation nobody with the bot bot in it"),
            ({"CI_REPO": "recipe-maintainers/none"}, "the CI repository recipe-maintainers/none"),
            ({"PROXY_CERT": "/nonexistent"}, "proxy: the certificate of *.ci.test: /nonexistent is not there"),
            ({"MAX_TESTS": "0"}, "MAX_TESTS, a number from 1 to 99"),
        )
        for answers, says in rows:
            with self.subTest(answers=answers):
                self.changes_nothing(2, says, **answers)
        with self.subTest("two at once"):
            self.changes_nothing(2, "an answer to RECIPE_ORG", "the program no-abra", RECIPE_ORG=None, ABRA="no-abra")
        with self.subTest("no runner"):
            path = os.path.join(self.machine.bin, "drone-runner-exec")
            os.unlink(path)
            self.changes_nothing(2, "the program drone-runner-exec (Drone's exec runner")
            os.symlink("/bin/true", path)
        with self.subTest("another engine"):
            self.changes_nothing(2, "swarm: DOCKER_HOST must not be set", environment={"DOCKER_HOST": "tcp://127.0.0.1:1"})
        with self.subTest("live-restore"):
            self.addCleanup(self.machine.engine.configure_engine, '{"live-restore": false}')
            self.machine.engine.configure_engine('{"live-restore": true}')
            self.changes_nothing(2, "swarm: a Docker without live-restore")


if __name__ == "__main__":
    unittest.main()
