#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What an operator does on a host that shall hold everything, as docs/install.md and docs/secrets.md have it: ccci-setup, a new
certificate, a new RPC secret, a run. The units, the engine and its Swarm are real; abra, the forge and the proxy are stand-ins.
Each test goes on where the one before ended, and the first that fails ends it.
"""
import glob
import json
import os
import subprocess
import sys
import unittest

from inside import RUNNER, install, run, show, state, write
from lib import canary, docker, house, images, standins
from lib.world import CI_REPO, ORG, PUBLIC, StandinWorld, wait_for

ZONE = "ci.example.org"
FAKE_RUNNER = "#!/bin/sh\nexec sleep infinity\n"
TLS = "/etc/ccci/tls"


def last_words(unit):
    return run("journalctl", "-u", unit, "-n", "12", "--no-pager")


class Engine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        install("now")
        cls.world = StandinWorld()
        cls.addClassCleanup(cls.world.down)
        cls.proxy = cls.enterClassContext(standins.Proxy("/srv/proxy", zone=ZONE, port=443))
        os.symlink("/ccci/tests/standin/abra", "/usr/local/bin/abra")
        write("/usr/local/bin/drone-runner-exec", FAKE_RUNNER, 0o755)
        wait_for(lambda: run("docker", "version"), 60, "engine")
        images.make(house.IMAGES)
        sources = {}
        for name in ("traefik", "drone"):
            made = canary.make_repo(name, f"/srv/{name}", house.RECIPES)
            run("git", "-C", made.path, "checkout", "--quiet", "main")
            sources[name] = {"repository": made.path}
        write("/root/.abra/catalogue/recipes.json", json.dumps(sources))

    def setup_host(self, *words):
        done = subprocess.run(["ccci-setup", "--answers", "/root/answers", *words], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
        return done.returncode, done.stdout

    def test_01_setup_says_what_is_missing(self):
        write("/root/answers", f"ZONE={ZONE}\n")
        status, said = self.setup_host("--yes")
        self.assertEqual(2, status, said)
        self.assertIn("setup: missing: an answer to GITEA_URL", said)
        self.assertEqual([], os.listdir("/etc/ccci/credentials"))

    def test_02_setup_from_nothing(self):
        for name, text in (("bot", self.world.tokens["bot"]), ("client", "gto_nobody-may-read-this"), ("drone", "a-token")):
            write(f"/root/{name}", text + "\n", 0o600)
        for name in ("cert.pem", "key.pem"):
            with open(f"/srv/proxy/{name}", encoding="utf-8") as file:
                write(f"{TLS}/{name}", file.read(), 0o600)
        answers = {"ZONE": ZONE, "GITEA_URL": self.world.forge_url, "RECIPE_ORG": ORG, "CI_REPO": CI_REPO,
                   "POLL_REPOS": f"{ORG}/{PUBLIC}", "DRONE_ADMIN": "member", "DRONE_CLIENT_ID": "0b1e-55",
                   "GITEA_TOKEN_FILE": "/root/bot", "DRONE_CLIENT_SECRET_FILE": "/root/client",
                   "PROBE_CA_FILE": self.proxy.env["CA_FILE"]}
        write("/root/answers", "".join(f"{name}={value}\n" for name, value in answers.items()))
        status, said = self.setup_host("--yes")
        self.assertEqual(2, status, said)
        self.assertIn("setup: missing: Drone's token.", said)
        write("/root/answers", "DRONE_TOKEN_FILE=/root/drone\n" + "".join(f"{name}={value}\n" for name, value in answers.items()))
        status, said = self.setup_host("--yes")
        self.assertEqual(0, status, said)
        self.assertIn("setup: converged", said)
        for unit in (RUNNER, "ccci-bridge.service", "ccci-reap.timer"):
            self.assertEqual("active", state(unit), unit)

    def test_03_setup_again(self):
        status, said = self.setup_host("--yes")
        self.assertEqual((0, []), (status, [line for line in said.splitlines() if "would:" in line]), said)
        self.assertIn("setup: nothing to do", said)

    def test_04_root_checks_what_the_service_has(self):
        self.assertIn("store:", run("ccci-bridge", "--check"))

    def test_05_the_units_find_nothing_to_do(self):
        for unit in ("ccci-swarm", "ccci-proxy", "ccci-drone", "ccci-drone-runner"):
            run("systemctl", "start", unit)
            self.assertIn("nothing to do", last_words(unit), unit)

    def test_06_a_new_certificate(self):
        before = run("docker", "secret", "ls", "--format", "{{.Name}}")
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90", "-subj",
            "/CN=test", "-addext", f"subjectAltName=DNS:*.{ZONE}", "-keyout", f"{TLS}/key.pem", "-out", f"{TLS}/cert.pem")
        run("systemctl", "start", "ccci-proxy")
        after = run("docker", "secret", "ls", "--format", "{{.Name}}")
        for name in ("ssl_cert", "ssl_key"):
            old, new = ([line for line in text.splitlines() if name in line] for text in (before, after))
            self.assertEqual((1, 1), (len(old), len(new)), last_words("ccci-proxy"))
            self.assertNotEqual(old, new)

    def test_07_a_new_rpc_secret(self):
        process = show(RUNNER, "MainPID")
        write("/etc/ccci/credentials/drone_rpc_secret", "0123456789abcdef0123456789abcdef\n", 0o600)
        run("systemctl", "start", "ccci-drone", "ccci-drone-runner")
        wait_for(lambda: state(RUNNER) == "active" and show(RUNNER, "MainPID") not in ("0", process), 30, "another runner")
        with open(f"/proc/{show(RUNNER, 'MainPID')}/environ", encoding="utf-8") as file:
            self.assertIn("DRONE_RPC_SECRET=0123456789abcdef0123456789abcdef", file.read().split("\0"))
        self.assertEqual("", run("systemctl", "list-units", "--failed", "--no-legend"))

    def test_08_a_recipe_is_green(self):
        run("/usr/bin/python3", "/usr/share/ccci/lib/images.py", "make", "/root/made")
        canary.make_repo("green", "/root/green")
        write("/root/tests/recipes/green/suite.yml", "")
        done = subprocess.run(["ccci-run", "run", "./green"], cwd="/root", text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("0.3.0+1.2: passed, level 5", done.stdout)
        for directory in glob.glob("/var/lib/ccci/runs/*"):
            self.assertEqual([], docker.of_run(os.path.basename(directory)))

    def test_09_removed_the_engine_keeps_the_house_apps_alone(self):
        run("apt-get", "-q", "purge", "-y", "ccci-bridge", "ccci-run", "ccci-common")
        self.assertEqual({"traefik_ci_example_org_app", "drone_ci_example_org_app"},
                         set(run("docker", "service", "ls", "--format", "{{.Name}}").split()))


if __name__ == "__main__":
    sys.argv[1:] = ["-f", *sys.argv[1:]]
    unittest.main()
