#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator does with the packages, in a machine of its own (tests/lib/machine.py), step by step: each test goes on
where the one before ended, and the first that fails ends it."""
import glob
import json
import os
import re
import subprocess
import sys
import unittest

from lib.bridge_cases import PIPELINE, results
from lib.world import CI_REPO, ORG, PUBLIC, StandinWorld, exchange, wait_for

DEBS = "/ccci/debs"
BRIDGE, RUNNER = "ccci-bridge.service", "drone-runner-exec.service"
PAGES = "http://127.0.0.1:8080"
# What changes by itself, or by installing anything at all.
APART = re.compile(r"/(proc|sys|dev|run|tmp|ccci|ccci-output|root|var/(log|cache|tmp|lib/(dpkg|apt)))(/|$)|"
                   r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|/etc/\.pwd\.lock$|"
                   r"/var/lib/systemd/(random-seed|credential\.secret|timers/stamp-(?!ccci).*|timesync.*)$")

# Drone's runner as far as its unit is concerned: it leaves a process that outlives it, as a run's keeper does, which
# goes into a control group of its own and takes a moment once the runner is gone.
FAKE_RUNNER = """#!/bin/sh
env >/run/fake-runner.env
setsid /usr/bin/python3 /usr/local/lib/fake-keeper.py $$ &
exec sleep infinity
"""
FAKE_KEEPER = """
import os, select, sys, time
with open("/proc/self/cgroup") as file:
    own = dict(line.strip().split(":", 2)[1:] for line in file)
is_unified = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
place = "/sys/fs/cgroup" + own[""] if is_unified else "/sys/fs/cgroup/systemd" + own["name=systemd"]
group = place + "/ccci-1-9f2c1a"
os.mkdir(group)
with open(group + "/cgroup.procs", "w") as file:
    file.write("0")
runner = os.pidfd_open(int(sys.argv[1]))
open("/run/fake-keeper.up", "w").close()
select.select([runner], [], [])
time.sleep(1)
open("/run/fake-keeper.done", "w").close()
"""


def run(*words, check=True):
    done = subprocess.run(words, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=120, check=False, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
    if check and done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def show(unit, name):
    return run("systemctl", "show", "-P", name, unit).strip()


def state(unit):
    return show(unit, "ActiveState")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, mode)) as file:
        file.write(text)


def install(version):
    return run("apt-get", "-q", "install", "-y", "--no-install-recommends", *sorted(glob.glob(f"{DEBS}/{version}/*.deb")))


def program_of(process):
    """What a process runs; "" when it is gone or the kernel's."""
    try:
        return os.readlink(f"{process}/exe")
    except OSError:
        return ""


def all_files():
    found = set()
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if not APART.match(os.path.join(folder, name))]
        found |= {os.path.join(folder, name) for name in (*folders, *names)}
    return {path for path in found if not APART.match(path)}


def snapshot():
    """What a package may leave behind: files and directories, people, groups, units."""
    return {"files": all_files(), "people": set(run("getent", "passwd").splitlines()),
            "groups": set(run("getent", "group").splitlines()),
            "units": set(re.findall(r"^\S*ccci\S*", run("systemctl", "list-unit-files", "--no-legend"), re.M))}


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = snapshot()

    def ask(self):
        """A pull request, a comment in it; what the bridge answers when the build has ended."""
        number = self.world.open_pr(PUBLIC, f"fix-{os.urandom(4).hex()}", {"compose.yml": "version: '3.8'\n# changed\n"})
        self.world.comment(PUBLIC, number, "member", "!testme")
        wait_for(lambda: "passed" in self.answer(number), 40, "answer with a verdict")
        return number

    def answer(self, number):
        bodies = [row["body"] for row in self.world.bot_comments(PUBLIC, number)]
        return bodies[0].split("\n")[0] if len(bodies) == 1 else f"{len(bodies)} answers"

    def test_01_it_installs_on_what_it_depends_on(self):
        out = install("now")
        self.assertIn("ccci-bridge waits for /etc/ccci/bridge.yml", out)
        self.assertIn("ccci-run waits for /etc/ccci/run.yml", out)
        self.assertRegex(run("ccci-bridge", "--version"), r"^ccci-bridge \d")
        self.assertRegex(run("ccci-run", "--version"), r"^ccci-run \d")
        self.assertRegex(run("getent", "passwd", "ccci-bridge"), ":/var/lib/ccci-bridge:/usr/sbin/nologin$")

    def test_02_nothing_runs_that_nobody_has_configured(self):
        for unit in (BRIDGE, RUNNER, "ccci-reap.timer", "ccci-prune.timer"):
            self.assertEqual("enabled", run("systemctl", "is-enabled", unit).strip(), unit)
        self.assertEqual("active", state("ccci-reap.timer"))
        self.assertEqual("active", state("ccci-prune.timer"))
        for unit in (BRIDGE, RUNNER, "ccci-reap.service", "ccci-prune.service"):
            run("systemctl", "start", unit)
            self.assertEqual(("inactive", "no"), (state(unit), show(unit, "ConditionResult")), unit)
        self.assertEqual("", run("systemctl", "list-units", "--failed", "--no-legend", "ccci*"))

    def test_03_a_bridge_with_a_mistake_fails_once_and_says_it(self):
        write("/etc/ccci/credentials/gitea_token", "wrong\n", 0o600)
        write("/etc/ccci/credentials/drone_token", "wrong\n", 0o600)
        write("/etc/ccci/bridge.yml", "gitea_ulr: http://127.0.0.1:1\n")
        run("systemctl", "start", BRIDGE, check=False)
        wait_for(lambda: state(BRIDGE) == "failed", 10, "failed bridge")
        self.assertEqual("0", show(BRIDGE, "NRestarts"))
        self.assertIn("did you mean gitea_url", run("journalctl", "-u", BRIDGE, "--no-pager"))
        run("systemctl", "reset-failed", BRIDGE)

    def test_04_the_bridge_starts_with_its_settings(self):
        cls = type(self)
        cls.world = StandinWorld()
        cls.addClassCleanup(cls.world.down)
        os.mkdir(f"{cls.world.directory}/hold")
        write(f"{cls.world.directory}/hold/results", results())
        cls.world.set_ci_yml(PIPELINE.format(hold=f"{cls.world.directory}/hold"))
        settings = {"gitea_url": cls.world.forge_url, "drone_url": cls.world.drone_url, "ci_repo": CI_REPO,
                    "poll_repos": f"{ORG}/{PUBLIC}", "poll_interval": "1s"}
        cls.settings = "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
        write("/etc/ccci/bridge.yml", cls.settings)
        write("/etc/ccci/credentials/gitea_token", cls.world.tokens["bot"] + "\n", 0o600)
        write("/etc/ccci/credentials/drone_token", cls.world.drone_tokens["admin"] + "\n", 0o600)
        run("systemctl", "start", BRIDGE)
        wait_for(lambda: exchange("GET", f"{PAGES}/healthz", timeout=2)[0] == 200, 20, "well bridge")
        self.assertEqual("ccci-bridge", show(BRIDGE, "User"))
        self.assertEqual(0o700, os.stat("/var/lib/ccci-bridge").st_mode & 0o777)

    def test_05_a_comment_is_answered(self):
        cls = type(self)
        cls.first = self.ask()
        self.assertIn(PUBLIC, self.answer(cls.first))

    def test_06_it_comes_back_when_it_is_killed(self):
        run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", BRIDGE)
        wait_for(lambda: show(BRIDGE, "NRestarts") == "1" and exchange("GET", f"{PAGES}/healthz", timeout=2)[0] == 200, 20,
                 "bridge that is back")

    def test_07_an_upgrade_keeps_store_and_settings(self):
        answer, process = self.answer(self.first), show(BRIDGE, "MainPID")
        out = install("newer")
        self.assertNotIn("waits for /etc/ccci/bridge.yml", out)
        self.assertIn("0.999.0", run("dpkg-query", "-W", "-f", "${Version}\n", "ccci-bridge", "ccci-run", "ccci-common"))
        wait_for(lambda: show(BRIDGE, "MainPID") not in ("0", process), 20, "bridge of the newer version")
        wait_for(lambda: exchange("GET", f"{PAGES}/healthz", timeout=2)[0] == 200, 20, "well bridge")
        with open("/etc/ccci/bridge.yml", encoding="utf-8") as file:
            self.assertEqual(self.settings, file.read())
        self.ask()
        self.assertEqual(answer, self.answer(self.first), "the old comment was not answered again")
        status, body, _ = exchange("GET", f"{PAGES}/runs/1")
        self.assertEqual(200, status, "the first run is in the store")
        self.assertIn(PUBLIC.encode(), body)

    def test_08_what_was_switched_off_stays_off(self):
        run("systemctl", "disable", "--now", "ccci-prune.timer")
        run("dpkg", "-i", *glob.glob(f"{DEBS}/newer/ccci-run_*.deb"))
        self.assertEqual("disabled", run("systemctl", "is-enabled", "ccci-prune.timer", check=False).strip())

    def test_09_the_socket_is_held_over_a_restart(self):
        run("systemctl", "stop", BRIDGE)
        run("systemctl", "enable", "--now", "ccci-bridge.socket")
        self.assertEqual(200, exchange("GET", f"{PAGES}/", timeout=20)[0], "who asks starts it")
        wait_for(lambda: state(BRIDGE) == "active", 20, "bridge that has polled")  # it answers before
        run("systemctl", "restart", "--no-block", BRIDGE)
        self.assertEqual(200, exchange("GET", f"{PAGES}/", timeout=20)[0])

    def test_10_keepers_outlive_the_runner(self):
        write("/usr/local/bin/drone-runner-exec", FAKE_RUNNER, 0o755)
        write("/usr/local/lib/fake-keeper.py", FAKE_KEEPER)
        write("/etc/ccci/drone-runner.env", "DRONE_RPC_HOST=drone.example.org\nDRONE_RUNNER_CAPACITY=3\n", 0o600)
        run("systemctl", "start", RUNNER)
        wait_for(lambda: os.path.exists("/run/fake-keeper.up"), 10, "keeper in a control group below the runner's")
        with open("/run/fake-runner.env", encoding="utf-8") as file:
            told = file.read().splitlines()
        self.assertIn("DRONE_RUNNER_CAPACITY=3", told)
        run("systemctl", "stop", RUNNER)
        wait_for(lambda: os.path.exists("/run/fake-keeper.done"), 10, "keeper that has done its work")

    def test_11_the_reconciler_has_the_runner_started_with_another_secret(self):
        run("systemctl", "start", RUNNER)
        process = show(RUNNER, "MainPID")
        write("/etc/ccci/run.yml", "zone: ci.example.org\n", 0o600)
        write("/etc/ccci/infra.conf", "DRONE_DOMAIN=drone.example.org\nRUNNER_NAME=host\n")
        write("/etc/ccci/credentials/drone_rpc_secret", "another\n", 0o600)
        run("systemctl", "start", "ccci-drone-runner.service")
        wait_for(lambda: state(RUNNER) == "active" and show(RUNNER, "MainPID") not in ("0", process), 20, "another runner")
        with open("/run/fake-runner.env", encoding="utf-8") as file:
            self.assertIn("DRONE_RPC_SECRET=another", file.read().splitlines())
        run("systemctl", "stop", RUNNER)
        os.remove("/usr/local/bin/drone-runner-exec")
        os.remove("/usr/local/lib/fake-keeper.py")

    def test_12_reap_says_that_there_is_no_engine(self):
        write("/etc/ccci/run.yml", "zone: ci.example.org\n", 0o600)
        run("systemctl", "start", "ccci-reap.service", check=False)
        self.assertEqual("failed", state("ccci-reap.service"))
        self.assertIn("docker.sock", run("journalctl", "-u", "ccci-reap.service", "--no-pager"))
        run("systemctl", "reset-failed")

    def test_13_removed_it_leaves_what_is_the_operators(self):
        run("apt-get", "-q", "remove", "-y", "ccci-bridge", "ccci-run", "ccci-common")
        self.assertEqual("inactive", state(BRIDGE))
        self.assertEqual([], [link for link in map(program_of, glob.glob("/proc/[0-9]*")) if "ccci-" in link])
        self.assertEqual([], glob.glob("/usr/bin/ccci-*"))
        for path in ("/etc/ccci/bridge.yml", "/etc/ccci/credentials/gitea_token", "/var/lib/ccci-bridge", "/etc/ccci/run.yml"):
            self.assertTrue(os.path.exists(path), path)

    def test_14_installed_again_it_goes_on(self):
        install("newer")
        wait_for(lambda: exchange("GET", f"{PAGES}/healthz", timeout=2)[0] == 200, 20, "well bridge")
        self.assertEqual(200, exchange("GET", f"{PAGES}/runs/1")[0])

    def test_15_purged_it_leaves_nothing(self):
        run("apt-get", "-q", "purge", "-y", "ccci-bridge", "ccci-run", "ccci-common")
        after = snapshot()
        for kind, was in self.before.items():
            self.assertEqual((set(), set()), (after[kind] - was, was - after[kind]), kind)


if __name__ == "__main__":
    sys.argv[1:] = ["-f", *sys.argv[1:]]
    unittest.main()
