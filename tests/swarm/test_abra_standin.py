#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for abra against the list of habits in tests/standin/README.md, on the real Swarm, and each fault
switched on once. test_hNN_* is habit HNN."""

import fcntl
import itertools
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, os.path.join(sys.path[0], "standin"))

from abra_standin import switches  # noqa: E402
from lib import canary, docker, images, patience, standins  # noqa: E402

OFFLINE = ("--offline", "--no-input")
CHAOS = ("--chaos", *OFFLINE)
DEPLOY = ("--no-domain-checks", *OFFLINE)

_counter = itertools.count(1)


def git(directory, *args):
    person = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
              for key, value in (("NAME", "T"), ("EMAIL", "t@example.org"))}
    return subprocess.run(["git", "-C", directory, *args], env={**os.environ, **person}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=True).stdout.strip()


def setUpModule():
    made = images.make()
    unittest.addModuleCleanup(images.remove, made)
    unittest.addModuleCleanup(lambda: [docker.remove_stack(stack) for stack in Case.stacks])


class Case(unittest.TestCase):
    """A fresh ABRA_DIR with one recipe in it, cloned and at its head as ccci-run has it: detached, branch main beside."""

    recipe = "green"
    stacks = []

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="abratest")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.abra_dir = os.path.join(self.directory, "abra")
        os.makedirs(os.path.join(self.abra_dir, "servers", "default"))
        os.makedirs(os.path.join(self.abra_dir, "recipes"))
        self.standin = standins.Abra(os.path.join(self.directory, "bin"))
        self.source = canary.make_repo(self.recipe, os.path.join(self.directory, "source"))
        self.checkout = os.path.join(self.abra_dir, "recipes", self.recipe)
        git(self.directory, "clone", "--quiet", self.source.path, self.checkout)
        git(self.checkout, "branch", "main", "origin/main")
        git(self.checkout, "checkout", "--quiet", self.source.head)
        self.domain = f"t{next(_counter)}-{os.getpid()}.ci.test"
        self.stack = self.domain.replace(".", "_")
        self.stacks.append(self.stack)
        self.addCleanup(self.remove_services)

    def remove_services(self):
        for service in docker.services(self.stack).values():
            docker.raw("DELETE", f"/services/{service['ID']}")

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.directory, "ABRA_DIR": self.abra_dir}

    def abra(self, *args, ok=True, stdin=subprocess.DEVNULL, text=None, env=None, timeout=90):
        """Runs it; ok=False expects exit code 1 and a reason on stderr, None either."""
        result = subprocess.run([self.standin.path, *args], env=self.environment() if env is None else env,
                                stdin=None if text is not None else stdin, input=text, capture_output=True, text=True,
                                timeout=timeout, check=False)
        if ok is not None:
            self.assertEqual(result.returncode, 0 if ok else 1, result.stdout + result.stderr)
        self.assertNotIn("Traceback", result.stderr)
        if ok is False:
            self.assertRegex(result.stderr, r"(?i)^(.*\n)*(FATA|Error:) .")
        return result

    def lint(self, recipe, *args, columns=200):
        """abra recipe lint on a terminal: exit code, and everything it wrote."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([self.standin.path, "recipe", "lint", recipe, *args], env=self.environment(), stdin=slave,
                              stdout=slave, stderr=slave) as process:
            os.close(slave)
            text = b""
            while chunk := self.read_terminal(master):
                text += chunk
        os.close(master)
        return process.returncode, text.decode()

    @staticmethod
    def read_terminal(master):
        try:
            return os.read(master, 1 << 16)
        except OSError:
            return b""

    def new(self, *args):
        return self.abra("app", "new", self.recipe, "--server", "default", "--domain", self.domain, *(args or CHAOS))

    def deploy(self, *args, ok=True):
        return self.abra("app", "deploy", self.domain, *DEPLOY, *(args or ("--chaos",)), ok=ok)

    def new_and_deploy(self, *env_lines):
        self.new()
        self.append_env(*env_lines)
        self.abra("app", "secret", "generate", self.domain, "--all", *CHAOS)
        return self.deploy()

    @property
    def env_path(self):
        return os.path.join(self.abra_dir, "servers", "default", f"{self.domain}.env")

    def env_text(self):
        with open(self.env_path, encoding="utf-8") as file:
            return file.read()

    def append_env(self, *lines):
        with open(self.env_path, "a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    def write(self, name, text):
        with open(os.path.join(self.checkout, name), "w", encoding="utf-8") as file:
            file.write(text)

    def edit(self, name, old, new):
        with open(os.path.join(self.checkout, name), encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        self.write(name, text.replace(old, new))

    def head(self):
        return git(self.checkout, "rev-parse", "HEAD")

    def pin(self):
        return re.search(r"^TYPE=\S+?:(\S*)", self.env_text(), re.MULTILINE)[1]

    def labels(self):
        """The app's service labels without the stack's prefix."""
        found = docker.service_labels(docker.services(self.stack)[f"{self.stack}_app"])
        return {key.replace(f"coop-cloud.{self.stack}.", ""): value for key, value in found.items()}

    def wait_until(self, condition, seconds=30):
        deadline = patience.deadline(seconds)
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.1)


class CommandLine(Case):
    def test_version(self):
        self.assertRegex(self.abra("--version").stdout, r"^abra version \d+\.\d+\.\d+-beta-[0-9a-f]{7}\n$")

    def test_h01_home(self):
        self.new()
        env = self.environment()
        del env["ABRA_DIR"]
        os.rename(self.abra_dir, os.path.join(self.directory, ".abra"))
        rows = json.loads(self.abra("app", "ls", "-m", env=env).stdout)
        self.assertEqual(rows["default"]["apps"][0]["appName"], self.domain)
        self.abra("app", "ls", env={"PATH": env["PATH"]}, ok=False)

    def test_h02_flags(self):
        forms = (("--server=default", f"--domain={self.domain}", "-nCo"), ("-sdefault", "-D", self.domain, "-oCn"),
                 ("-s=default", f"-D{self.domain}", "-n", "-o", "-C=true"), ("-nCosdefault", f"-D={self.domain}"))
        for form in forms:
            self.abra("app", "new", *form, self.recipe)
            os.unlink(self.env_path)
        self.abra("app", "new", self.recipe, "-sdefault", "--", "-nCo", ok=False)

    def test_h02_surprises(self):
        for argv in (["frobnicate"], ["app", "frobnicate"], ["app", "deploy", "x", "--frobnicate"], ["app", "deploy", "-Z", "x"],
                     ["app", "deploy"], ["app", "deploy", "a", "b", "c"], ["app", "new", "--domain"], ["app", "undeploy", "x", "-C"],
                     ["app", "volume", "rm", "x", "--chaos"], ["app", "secret", "rm", "x", "--chaos", "-a"],
                     ["app", "ps", "x", "--machine=perhaps"], ["app", "upgrade", "x", "-C"], ["--frobnicate"],
                     ["--domain", "x", "app", "new"]):
            with self.subTest(argv=argv):
                self.abra(*argv, ok=False)
        self.assertEqual(os.listdir(os.path.join(self.abra_dir, "servers", "default")), [])

    def test_h03_persistent_flags(self):
        self.abra("-n", "app", "-o", "new", "-C", self.recipe, "-d", "-s", "default", "-D", self.domain)

    def test_h04_streams(self):
        self.new()
        result = self.abra("app", "ls", "--machine")
        self.assertEqual(result.stderr, "")
        json.loads(result.stdout)
        result = self.abra("app", "ps", self.domain, *CHAOS, "-m", ok=False)
        self.assertEqual(result.stdout, "")
        self.assertTrue(result.stderr.startswith("FATA "), result.stderr)

    def test_h29_texts(self):
        self.standin.switch("k29")
        self.new()
        result = self.abra("app", "ps", self.domain, *CHAOS, ok=False)
        self.assertEqual(result.stderr, result.stderr.upper())

    def test_h32_flag_gone(self):
        self.standin.switch("k32=app new:--chaos")
        self.abra("app", "new", self.recipe, "-s", "default", "-D", self.domain, *CHAOS, ok=False)
        self.assertNotIn("--chaos", self.abra("app", "new", "--help").stdout)
        self.assertIn("--chaos", self.abra("app", "deploy", "--help").stdout)
        self.standin.switch("k32=--offline")
        self.assertIn("unknown flag: --offline", self.abra("app", "ls", "--offline", ok=False).stderr)

    def test_unknown_switch(self):
        self.standin.switch("k99")
        self.abra("--version", ok=False)

    def test_examples_are_known(self):
        no_fault = {"k25-bot"}  # it says which bot is whose
        self.assertEqual({example.partition("=")[0] for example in switches.EXAMPLES} | no_fault, set(switches.TABLE))

    def test_log(self):
        self.abra("app", "ls")
        self.abra("frobnicate", ok=False, text="")
        first, second = self.standin.calls()
        self.assertEqual((first["argv"], first["exit"], first["stdin"]), (["app", "ls"], 0, "null"))
        self.assertEqual(first["env"], ["ABRA_DIR", "HOME", "PATH"])
        self.assertEqual((second["argv"], second["exit"], second["stdin"]), (["frobnicate"], 1, "pipe"))

    def test_start_is_quick(self):
        self.abra("--version")
        times = []
        for _ in range(5):
            began = time.monotonic()
            self.abra("--version")
            times.append(time.monotonic() - began)
        self.assertLess(min(times), 0.15)


class New(Case):
    def test_h06_new(self):
        self.new("--offline", "--no-input")
        self.assertEqual(self.head(), self.source.tags["0.2.0+1.1"])
        text = self.env_text()
        self.assertEqual(text.splitlines()[0], "TYPE=green:0.2.0+1.1")
        self.assertIn(f"DOMAIN={self.domain}\n", text)
        with open(os.path.join(self.checkout, ".env.sample"), encoding="utf-8") as file:
            sample = file.read()
        self.assertEqual(text.split("\n", 1)[1], sample.replace("green.example.com", self.domain).split("\n", 1)[1])
        self.abra("app", "new", self.recipe, "-s", "default", "-D", self.domain, *CHAOS, ok=False)

    def test_h06_chaos_stays(self):
        self.new()
        self.assertEqual(self.head(), self.source.head)
        self.assertEqual(self.pin(), "0.2.0+1.1")

    def test_h06_refusals(self):
        for argv in ((self.recipe, "-s", "nowhere", "-D", self.domain), (self.recipe, "-s", "default"),
                     ("-s", "default", "-D", self.domain), ("no-such-recipe", "-s", "default", "-D", self.domain)):
            with self.subTest(argv=argv):
                self.abra("app", "new", *argv, *CHAOS, ok=False)
        self.assertFalse(os.path.exists(self.env_path))

    def test_h06_version_argument(self):
        self.abra("app", "new", self.recipe, "0.1.0+1.0", "-s", "default", "-D", self.domain, *OFFLINE)
        self.assertEqual((self.pin(), self.head()), ("0.1.0+1.0", self.source.tags["0.1.0+1.0"]))

    def test_h07_moves_the_checkout(self):
        self.new()
        self.abra("app", "secret", "generate", self.domain, "--all", *OFFLINE)
        self.assertEqual(self.head(), self.source.tags["0.2.0+1.1"])
        with open(self.env_path, "r+", encoding="utf-8") as file:
            text = file.read().replace("green:0.2.0+1.1", "green")
            file.seek(0)
            file.truncate()
            file.write(text)
        self.abra("app", "check", self.domain, *OFFLINE)
        self.assertEqual(git(self.checkout, "rev-parse", "--abbrev-ref", "HEAD"), "main")

    def test_h07_dirty(self):
        self.new()
        self.write("untracked", "x")
        for argv in (("app", "secret", "generate", self.domain, "--all"), ("app", "deploy", self.domain, "-D"),
                     ("app", "check", self.domain), ("app", "volume", "rm", self.domain, "-f"),
                     ("app", "secret", "rm", self.domain, "--all"), ("app", "undeploy", self.domain)):
            with self.subTest(argv=argv):
                self.assertIn("unstaged", self.abra(*argv, *OFFLINE, ok=False).stderr)
        self.assertEqual(self.head(), self.source.head)

    def test_h08_chaos_touches_nothing(self):
        self.new()
        self.edit("README.md", "Nothing", "Something")
        before = git(self.checkout, "status", "--porcelain", "--branch"), self.head()
        index = os.stat(os.path.join(self.checkout, ".git", "index")).st_mtime_ns
        self.abra("app", "secret", "generate", self.domain, "--all", *CHAOS)
        self.abra("app", "check", self.domain, *CHAOS)
        self.assertEqual(os.stat(os.path.join(self.checkout, ".git", "index")).st_mtime_ns, index)
        self.assertEqual((git(self.checkout, "status", "--porcelain", "--branch"), self.head()), before)

    def test_h09_fetch(self):
        self.new()
        git(self.source.path, "checkout", "--quiet", "main")
        git(self.source.path, "commit", "--quiet", "--allow-empty", "-m", "more")
        self.abra("app", "check", self.domain, "--no-input")
        self.assertEqual(git(self.checkout, "rev-parse", "main"), git(self.source.path, "rev-parse", "main"))
        os.rename(self.source.path, self.source.path + ".away")
        self.assertIn("fetch", self.abra("app", "check", self.domain, "--no-input", ok=False).stderr)
        self.abra("app", "check", self.domain, *OFFLINE)
        self.abra("app", "check", self.domain, "--no-input", "--chaos")


class Deploy(Case):
    def test_h05_prompt(self):
        self.new_and_deploy()
        undeploy = ("app", "undeploy", self.domain, "--offline")
        for text in ("", "\n", "n\n", "what\n"):
            result = self.abra(*undeploy, text=text, ok=False)
            self.assertIn("proceed?", result.stdout)
            self.assertTrue(docker.services(self.stack))
        self.abra(*undeploy, text="y\n")
        self.assertFalse(docker.services(self.stack))

    def test_h10_already_deployed(self):
        self.new()
        self.deploy("0.1.0+1.0")
        self.assertIn("already deployed", self.deploy("0.1.0+1.0", ok=False).stderr)
        self.deploy("0.1.0+1.0", "--force")

    def test_h11_version_order(self):
        self.new()
        # an argument beats the pin
        self.deploy("0.1.0+1.0")
        self.assertEqual((self.pin(), self.labels()["version"], self.labels()["chaos"]), ("0.1.0+1.0", "0.1.0+1.0", "false"))
        self.assertEqual(self.head(), self.source.tags["0.1.0+1.0"])
        # the pin beats the newest tag
        self.deploy("--force")
        self.assertEqual(self.labels()["version"], "0.1.0+1.0")
        # chaos beats the pin
        git(self.checkout, "checkout", "--quiet", self.source.head)
        before = self.env_text()
        self.deploy("--chaos")
        self.assertEqual((self.pin(), self.labels()["chaos-version"]), (self.source.head[:8],) * 2)
        self.assertEqual(self.env_text(), before.replace("0.1.0+1.0", self.source.head[:8]))

    def test_h11_without_pin(self):
        self.new()
        with open(self.env_path, "w", encoding="utf-8") as file:
            file.write(f"RECIPE=green # mine\nDOMAIN={self.domain}\nLETS_ENCRYPT_ENV=\n")
        self.deploy("--force")  # nothing deployed, no pin: the newest tag
        self.assertEqual(self.env_text(), f"RECIPE=green:0.2.0+1.1 # mine\nDOMAIN={self.domain}\nLETS_ENCRYPT_ENV=\n")
        with open(self.env_path, "w", encoding="utf-8") as file:
            file.write(f"RECIPE=green\nDOMAIN={self.domain}\nLETS_ENCRYPT_ENV=\n")
        git(self.checkout, "tag", "-a", "0.9.0+1.2", "-m", "x", self.source.head)
        self.deploy("--force")  # what is deployed goes before the newest tag
        self.assertEqual(self.labels()["version"], "0.2.0+1.1")

    def test_h12_chaos_version(self):
        self.new()
        self.write("untracked", "x")
        self.deploy("--chaos")
        self.assertEqual(self.labels()["chaos-version"], self.source.head[:8] + "+U")
        self.assertEqual(self.pin(), self.source.head[:8] + "+U")
        os.unlink(os.path.join(self.checkout, "untracked"))
        self.assertIn("can not redeploy chaos version", self.deploy("--force", ok=False).stderr)
        self.assertIn("chaos version", self.abra("app", "undeploy", self.domain, *OFFLINE, ok=False).stderr)

    def test_h12_a_commit_is_chaos(self):
        self.new()
        self.deploy(self.source.head)
        self.assertEqual(self.labels()["chaos-version"], self.source.head[:8])
        self.abra("app", "deploy", self.domain, "0.1.0+1.0", "--chaos", *DEPLOY, ok=False)

    def test_h13_lint(self):
        self.new()
        branch = ("checkout", "--quiet", "-B", "main", self.source.tags["0.2.0+1.1"])
        cases = {
            "R008": lambda: os.unlink(os.path.join(self.checkout, ".env.sample")),
            "R009": lambda: self.edit("compose.yml", "\n  app:\n", "\n  web:\n"),
            "R010": lambda: self.edit("compose.yml", "traefik.enable=true", "traefik.enable=false"),
            "R011": lambda: self.edit("compose.yml", "    image: ccci-canary/web:1.1\n", ""),
            "R012": lambda: self.edit("compose.yml", "\nvolumes:\n", "\nconfigs:\n  x:\n    name: ${X_VERSION}\n    "
                                      "file: abra.sh\n\nvolumes:\n"),
        }
        for number, (rule, spoil) in enumerate(cases.items()):
            with self.subTest(rule=rule):
                git(self.checkout, *branch)
                spoil()
                git(self.checkout, "commit", "--quiet", "-a", "-m", rule)
                git(self.checkout, "tag", "-a", f"0.5.{number}+1.1", "-m", "x")
                self.assertIn(rule, self.deploy(f"0.5.{number}+1.1", ok=False).stderr)
        self.assertFalse(docker.services(self.stack))
        git(self.checkout, *branch)
        git(self.checkout, "tag", "light")
        self.assertIn("R014", self.deploy("0.2.0+1.1", ok=False).stderr)
        git(self.checkout, "checkout", "--quiet", self.source.head)
        self.deploy("--chaos")  # with chaos lint stops nothing

    def test_h15_missing_compose_file(self):
        self.new()
        self.append_env('COMPOSE_FILE="$COMPOSE_FILE:compose.none.yml"')
        self.assertIn("compose.none.yml", self.deploy("--chaos", ok=False).stderr)
        self.write("compose.none.yml", 'version: "3.8"\nservices: {app: {environment: {MORE: "a$$b ${DOMAIN:-x} ${NONE-d}"}}}\n')
        self.deploy("--chaos")
        self.assertIn(f"MORE=a$b {self.domain} d", self.container_env())

    def container_env(self):
        service = docker.services(self.stack)[f"{self.stack}_app"]
        return service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"]

    def test_h15_required_variable(self):
        self.new()
        self.edit("compose.yml", "- DOMAIN\n", "- X=${MUST:?tell me}\n")
        self.assertIn("tell me", self.deploy("--chaos", ok=False).stderr)
        self.append_env("MUST=y")
        self.deploy("--chaos")
        self.assertIn("X=y", self.container_env())

    def test_h16_stack_name_is_cut(self):
        self.domain = f"{self.domain.split('.')[0]}-{'x' * 50}.ci.test"
        self.stack = self.domain.replace(".", "_")[:45]
        self.stacks.append(self.stack)
        self.new_and_deploy()
        self.assertEqual(list(docker.services(self.stack)), [f"{self.stack}_app"])

    def test_h17_labels_and_environment(self):
        self.new_and_deploy()
        labels = self.labels()
        self.assertEqual((labels["recipe"], labels["chaos"], labels["chaos-version"], labels["version"], labels["timeout"]),
                         ("green", "true", self.source.head[:8], "0.3.0+1.2", "60"))
        self.assertEqual(labels[f"traefik.http.routers.{self.stack}.rule"], f"Host(`{self.domain}`)")
        self.assertLessEqual({f"DOMAIN={self.domain}", "LETS_ENCRYPT_ENV=production", f"STACK_NAME={self.stack}",
                              f"RECIPE=green:{self.source.head[:8]}"}, set(self.container_env()))

    def test_domain_check(self):
        self.new()
        self.assertIn(self.domain, self.abra("app", "deploy", self.domain, *CHAOS, ok=False).stderr)
        self.assertFalse(docker.services(self.stack))

    def test_post_deploy_commands(self):
        self.write("abra.sh", 'note() { echo "$APP_NAME $1 $STACK_NAME" >/data/note; }\nfail() { return 3; }\n')
        self.new()
        self.append_env('POST_DEPLOY_CMDS="app note one"')
        self.deploy("--chaos")
        container = docker.containers(self.stack, "app")[0]
        self.assertEqual(docker.execute(container, ["cat", "/data/note"]), (0, f"{self.domain} one {self.stack}\n"))
        self.append_env('POST_DEPLOY_CMDS="app note two|app fail"')
        self.deploy("--chaos", ok=False)

    def test_h23_needs_a_deployment(self):
        self.new()
        for argv in (("ps", self.domain), ("undeploy", self.domain), ("upgrade", self.domain, "-D"), ("rollback", self.domain, "-D"),
                     ("restart", self.domain, "app"), ("run", self.domain, "app", "--", "true"), ("logs", self.domain)):
            with self.subTest(argv=argv):
                self.assertIn("is not deployed", self.abra("app", *argv, *OFFLINE[:2], ok=False).stderr
                              if "--" not in argv else self.abra("-n", "-o", "app", *argv, ok=False).stderr)

    def test_h23_upgrade_and_rollback(self):
        self.new()
        self.deploy("0.1.0+1.0")
        self.abra("app", "upgrade", self.domain, *DEPLOY)
        self.assertEqual((self.labels()["version"], self.pin()), ("0.2.0+1.1", "0.2.0+1.1"))
        version = docker.services(self.stack)[f"{self.stack}_app"]["Version"]
        self.abra("app", "upgrade", self.domain, *DEPLOY)  # nothing newer
        self.assertEqual(docker.services(self.stack)[f"{self.stack}_app"]["Version"], version)
        self.abra("app", "upgrade", self.domain, "0.1.0+1.0", *DEPLOY, ok=False)
        self.abra("app", "rollback", self.domain, *DEPLOY)
        self.assertEqual(self.labels()["version"], "0.1.0+1.0")

    def test_h24_volumes(self):
        self.new_and_deploy()
        volume = f"{self.stack}_data"
        self.assertIn("still deployed", self.abra("app", "volume", "rm", self.domain, "-f", *OFFLINE, ok=False).stderr)
        self.assertIn(volume, self.abra("app", "volume", "ls", self.domain, *OFFLINE).stdout)
        self.standin.switch("k24=12")
        self.abra("app", "undeploy", self.domain, *OFFLINE)
        self.assertEqual(docker.services(self.stack), {})
        self.assertTrue(docker.get(f"/volumes/{volume}"))
        self.wait_until(lambda: not docker.containers(self.stack, everything=True))
        self.assertIn("in use", self.abra("app", "volume", "rm", self.domain, "-f", *OFFLINE, ok=False).stderr)
        self.wait_until(lambda: self.abra("app", "volume", "rm", self.domain, "-f", *OFFLINE, ok=None).returncode == 0)
        with self.assertRaises(docker.EngineError):
            docker.get(f"/volumes/{volume}")

    def test_h30_killed_half_way(self):
        self.standin.switch("k30=self")
        self.new()
        result = self.abra("app", "deploy", self.domain, *DEPLOY, "--chaos", ok=None)
        self.assertEqual(result.returncode, -15)
        self.assertTrue(docker.services(self.stack))
        self.assertEqual(self.pin(), "0.2.0+1.1")
        self.assertIsNone(self.standin.calls()[-1]["exit"])

    def test_h31_no_lock(self):
        self.new()
        self.standin.switch("k19=4")
        deploying = subprocess.Popen([self.standin.path, "app", "deploy", self.domain, *DEPLOY, "--chaos"], env=self.environment(),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until(lambda: docker.services(self.stack))
        self.abra("app", "check", self.domain, *OFFLINE)
        self.assertIsNone(deploying.poll())
        self.assertEqual(self.head(), self.source.tags["0.2.0+1.1"])
        self.assertEqual(deploying.wait(60), 0)

    def test_restart(self):
        self.new_and_deploy()
        before = docker.containers(self.stack, "app")
        self.abra("app", "restart", self.domain, "app", *CHAOS)
        after = docker.containers(self.stack, "app")
        self.assertEqual(len(after), 1)
        self.assertNotEqual(before, after)

    def test_remove(self):
        self.new_and_deploy()
        self.assertIn("still deployed", self.abra("app", "remove", self.domain, *OFFLINE, ok=False).stderr)
        self.abra("app", "undeploy", self.domain, *OFFLINE)
        self.wait_until(lambda: not docker.containers(self.stack, everything=True))
        self.abra("app", "remove", self.domain, *OFFLINE)
        self.assertFalse(os.path.exists(self.env_path))
        self.assertFalse(docker.get("/volumes", filters=docker.stack_filter(self.stack))["Volumes"])

    def test_same_with_debians_docker(self):
        """The docker program of Debian 12, 20.10, has fewer words than a newer one."""
        if not os.path.exists("/usr/bin/docker"):
            self.skipTest("no /usr/bin/docker")
        self.new()
        env = {**self.environment(), "PATH": "/usr/bin:/bin"}
        self.abra("app", "deploy", self.domain, *DEPLOY, "--chaos", env=env)
        self.abra("app", "undeploy", self.domain, *OFFLINE, env=env)


class Inside(Case):
    """Commands on one running app; it is deployed once."""

    def test_h22_shapes(self):
        self.new_and_deploy()
        rows = json.loads(self.abra("app", "ps", self.domain, *CHAOS, "-m").stdout)
        self.assertEqual(set(rows), {"app"})
        self.assertEqual(set(rows["app"]), {"service", "image", "created", "status", "state", "ports", "chaos", "version"})
        self.assertTrue(all(isinstance(value, str) for value in rows["app"].values()))
        self.assertEqual((rows["app"]["chaos"], rows["app"]["state"]), ("true", "running"))
        names = {"server", "recipe", "appName", "domain", "status", "chaos", "chaosVersion", "version", "upgrade"}
        plain = json.loads(self.abra("app", "ls", "-m").stdout)["default"]
        self.assertEqual((set(plain["apps"][0]), plain["appCount"], plain["apps"][0]["status"]), (names, 1, ""))
        git(self.checkout, "tag", "-a", "0.8.0+1.2", "-m", "x")
        git(self.checkout, "tag", "-a", "0.10.0+1.2", "-m", "x")
        row = json.loads(self.abra("app", "ls", "-m", "-S").stdout)["default"]["apps"][0]
        self.assertEqual((row["status"], row["chaos"], row["chaosVersion"]), ("deployed", "true", self.source.head[:8]))
        self.assertEqual(row["upgrade"], "0.8.0+1.2\n0.10.0+1.2")
        self.assertEqual(json.loads(self.abra("server", "ls", "-m").stdout), [{"name": "default", "host": "local"}])
        self.abra("app", "undeploy", self.domain, *OFFLINE)
        row = json.loads(self.abra("app", "ls", "-m", "-S").stdout)["default"]["apps"][0]
        self.assertEqual({row[name] for name in ("status", "chaos", "chaosVersion", "version", "upgrade")}, {"unknown"})

    def test_h27_without_terminal(self):
        self.write("abra.sh", "hello() { echo hello $1 from $DOMAIN; }\n")
        self.new_and_deploy()
        run = ("-n", "-o", "app", "run", self.domain, "app", "--", "echo", "-n", "x y")
        git(self.checkout, "commit", "--quiet", "-a", "-m", "function")
        with open(self.env_path, "r+", encoding="utf-8") as file:
            text = re.sub("(?m)^TYPE=.*", f"TYPE=green:{self.head()[:8]}", file.read())
            file.seek(0)
            file.truncate()
            file.write(text)
        cmd = ("app", "cmd", self.domain, "app", "hello", *CHAOS, "--", "you")
        self.assertEqual(self.abra(*run).stdout, "x y")
        self.assertEqual(self.abra(*cmd).stdout, f"hello you from {self.domain}\n")
        self.assertEqual(self.abra("app", "cmd", self.domain, "--local", "hello", *CHAOS, "--", "me").stdout,
                         f"hello me from {self.domain}\n")
        self.assertEqual(self.abra("app", "cmd", "ls", self.domain, *CHAOS).stdout, "hello\n")
        self.abra("app", "cmd", self.domain, "app", "nothing", *CHAOS, ok=False)
        self.assertEqual(self.abra("-n", "-o", "app", "run", self.domain, "app", "--", "false", ok=None).returncode, 1)
        self.standin.switch("k27=fail")
        self.abra(*run, ok=False)
        self.abra(*cmd, ok=False)
        self.standin.switch("k27=hang")
        with self.assertRaises(subprocess.TimeoutExpired):
            self.abra(*run, timeout=2)
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        self.addCleanup(os.close, slave)
        self.assertEqual(self.abra(*run, stdin=slave).stdout, "x y")
        source = os.path.join(self.directory, "file")
        with open(source, "w", encoding="utf-8") as file:
            file.write("copied\n")
        self.abra("-n", "-o", "app", "cp", self.domain, source, "app:/data/file")
        self.abra("-n", "-o", "app", "cp", self.domain, "app:/data/file", source + ".back")
        with open(source + ".back", encoding="utf-8") as file:
            self.assertEqual(file.read(), "copied\n")

    def test_h28_logs(self):
        self.new_and_deploy()
        process = subprocess.Popen([self.standin.path, "-n", "-o", "app", "logs", self.domain, "app"], env=self.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   start_new_session=True)
        self.addCleanup(process.stdout.close)
        timer = threading.Timer(30, process.kill)
        timer.start()
        self.assertIn("web 1.2 serves /data", process.stdout.readline())
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(2)
        os.killpg(process.pid, 15)
        process.wait(10)
        timer.cancel()

    def test_h25_backup(self):
        self.new_and_deploy()
        create = ("app", "backup", "create", self.domain, *CHAOS)
        mark = f"ccci.test.bot={self.stack}"  # others run beside this test, and must not find it
        bot_is = f"k25-bot={mark}"
        self.standin.switch(bot_is)
        self.assertIn("backupbot", self.abra(*create, ok=False).stderr)
        bot = f"{self.stack}-bot"
        self.stacks.append(bot)
        compose = ('version: "3.8"\nservices: {app: {image: "ccci-canary/web:1.0", init: true, deploy: {endpoint_mode: dnsrr, '
                   f'labels: ["{mark}"]}}}}}}\n')
        subprocess.run(["docker", "stack", "deploy", "--resolve-image", "never", "-c", "-", bot], input=compose, text=True,
                       capture_output=True, check=True)
        self.wait_until(lambda: docker.containers(bot, "app"))
        self.abra(*create, ok=False)  # the bot's own command fails
        for name in ("backup", "restore"):
            script = f"printf '#!/bin/sh\\necho {name} $* $SERVICE hooks=${{NO_COMMANDS:-yes}}\\n' >/bin/{name}; chmod 755 /bin/{name}"
            self.assertEqual(docker.execute(docker.containers(bot, "app")[0], ["sh", "-c", script])[0], 0)
        self.assertEqual(self.abra(*create).stdout, f"backup create {self.stack} hooks=yes\n")
        restore = ("app", "restore", self.domain, *CHAOS)
        self.assertIn("hooks=true", self.abra(*restore).stdout)
        self.assertIn("hooks=yes", self.abra(*restore, "--hooks").stdout)
        self.standin.switch(bot_is, "k25=no-hooks")
        self.assertIn("hooks=true", self.abra(*restore, "--hooks").stdout)
        self.standin.switch(bot_is, "k25=empty")
        self.assertNotIn(self.stack, self.abra(*create).stdout)
        self.standin.switch(bot_is, "k25=conflict")
        self.abra(*create)
        self.append_env("CHANGED=1")
        self.deploy("--chaos", "--no-converge-checks")
        self.assertIn("409", self.abra(*create, ok=False).stderr)
        docker.remove_stack(bot)


class TwoServices(Case):
    recipe = "two-services"

    def secrets(self):
        return {s["Spec"]["Name"]: s for s in docker.get("/secrets") if s["Spec"]["Name"].startswith(self.stack)}

    def test_h14_secrets(self):
        self.new()
        self.assertIn("secret not generated: db_password", self.deploy("--chaos", ok=False).stderr)
        listing = ("app", "secret", "ls", self.domain, *CHAOS, "-m")
        name = f"{self.stack}_db_password_v1"
        row = {"name": "db_password", "version": "v1", "generated-name": name, "created-on-server": "false"}
        self.assertEqual(json.loads(self.abra(*listing).stdout), [row])
        generate = ("app", "secret", "generate", self.domain, "--all", *CHAOS)
        made = json.loads(self.abra(*generate, "-m").stdout)
        self.assertRegex(made[0]["value"], "^[0-9a-f]{32}$")
        secret = self.secrets()[name]
        self.assertEqual(json.loads(self.abra(*listing).stdout), [{**row, "created-on-server": "true"}])
        self.abra(*generate)  # existing ones are no error and stay
        self.assertEqual(self.secrets(), {name: secret})
        self.abra("app", "secret", "insert", self.domain, "db_password", "v1", "other", *CHAOS, ok=False)
        self.abra("app", "secret", "rm", self.domain, "--all", *OFFLINE)
        self.assertEqual(self.secrets(), {})
        self.abra("app", "secret", "generate", self.domain, "db_password", "v1", *CHAOS)
        self.assertEqual(list(self.secrets()), [name])
        self.abra("app", "secret", "rm", self.domain, "db_password", *OFFLINE)
        with open(self.env_path, "r+", encoding="utf-8") as file:
            text = file.read().replace("# length=32 charset=hex", "#generate=false")
            file.seek(0)
            file.truncate()
            file.write(text)
        self.abra(*generate)
        self.assertEqual(self.secrets(), {})
        self.assertIn("secret not inserted (#generate=false): db_password", self.deploy("--chaos", ok=False).stderr)
        path = os.path.join(self.directory, "secret")
        with open(path, "w", encoding="utf-8") as file:
            file.write("from a file\n")
        self.abra("app", "secret", "insert", self.domain, "db_password", "v1", path, "--file", "--trim", *CHAOS)
        self.deploy("--chaos")
        container = docker.containers(self.stack, "db")[0]
        self.assertEqual(docker.execute(container, ["cat", "/run/secrets/db_password"]), (0, "from a file"))
        # undeploy keeps secrets (H24)
        self.abra("app", "undeploy", self.domain, *OFFLINE)
        self.assertEqual(list(self.secrets()), [name])

    def test_h14_phrase_without_length(self):
        self.edit(".env.sample", "# length=32 charset=hex", "")
        self.new()
        made = json.loads(self.abra("app", "secret", "generate", self.domain, "--all", *CHAOS, "-m").stdout)
        self.assertRegex(made[0]["value"], "^[a-z]+(-[a-z]+)+$")

    def test_h16_secret_name_too_long(self):
        self.new()
        self.append_env(f"STACK_NAME={self.stack}-{'x' * 30}", "SECRET_DB_PASSWORD_VERSION=version1")
        self.assertIn("> 64 chars", self.abra("app", "secret", "generate", self.domain, "--all", *CHAOS, ok=False).stderr)

    def test_h18_config_changed_under_its_name(self):
        self.new_and_deploy()
        self.write("site.conf.tmpl", "title=another\n")
        self.assertIn("only updates to Labels are allowed", self.deploy("--chaos", ok=False).stderr)
        self.write("abra.sh", "export SITE_CONF_VERSION=v4\n")
        self.deploy("--chaos")

    def test_the_canary_works(self):
        """Front end and database of all versions come up over each other and keep counting."""
        self.new()
        self.abra("app", "secret", "generate", self.domain, "--all", *CHAOS)
        counts = []
        for what in (self.source.tags["0.1.0+2.0"], self.source.tags["0.2.0+2.0"], self.source.head):
            git(self.checkout, "checkout", "--quiet", what)
            self.deploy("--chaos")
            self.wait_until(lambda: all((s.get("UpdateStatus") or {}).get("State") in (None, "completed")
                                        for s in docker.services(self.stack).values()), 60)
            container = docker.containers(self.stack, "app")[0]
            code, page = docker.execute(container, ["wget", "-q", "-O", "-", "http://127.0.0.1/"])
            self.assertEqual(code, 0, page)
            counts.append(int(re.search(r"visits: (\d+)", page)[1]))
            self.assertIn(f"<title>Two services {self.labels()['version']}</title>", page)
        self.assertEqual(counts, sorted(set(counts)))

    def test_h30_half_a_stack(self):
        self.new()
        self.abra("app", "secret", "generate", self.domain, "--all", *CHAOS)
        self.standin.switch("k30=20")
        process = subprocess.Popen([self.standin.path, "app", "deploy", self.domain, *DEPLOY, "--chaos"], env=self.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.wait_until(lambda: docker.services(self.stack))
        process.terminate()
        self.assertEqual(process.wait(10), -15)
        self.assertEqual(list(docker.services(self.stack)), [f"{self.stack}_app"])
        self.assertEqual(self.pin(), "0.2.0+2.0")


class Converging(Case):
    recipe = "slow-start"

    def test_h19_timeout(self):
        self.new()
        self.append_env("TIMEOUT=3")
        began = time.monotonic()
        self.assertIn("timed out", self.deploy("--chaos", ok=False).stderr)
        self.assertGreater(time.monotonic() - began, 3)
        self.assertLess(time.monotonic() - began, patience.seconds(7))
        self.assertTrue(docker.services(self.stack))
        self.assertEqual(self.pin(), "0.2.0+1.1")
        self.standin.switch("k19-pin")
        self.append_env("CHANGED=1")
        self.deploy("--chaos", ok=False)
        self.assertEqual(self.pin(), self.source.head[:8])

    def test_h19_default(self):
        """Without a label it waits 50 s, which is enough here."""
        self.edit("compose.yml", '        - "coop-cloud.${STACK_NAME}.timeout=${TIMEOUT:-300}"\n', "")
        self.edit("compose.yml", "START_DELAY=20", "START_DELAY=6")
        began = time.monotonic()
        self.new_and_deploy()
        self.assertGreater(time.monotonic() - began, 6)

    def test_h20_no_converge_checks(self):
        self.new()
        began = time.monotonic()
        self.deploy("--chaos", "--no-converge-checks")
        self.assertLess(time.monotonic() - began, patience.seconds(5))
        self.assertTrue(all(task["Status"]["State"] != "running" for task in docker.tasks(self.stack)))

    def test_h21_exit_0_without_health(self):
        self.standin.switch("k21")
        self.new()
        began = time.monotonic()
        self.deploy("--chaos")
        self.assertLess(time.monotonic() - began, 15)

    def test_h19_delay(self):
        self.new()
        self.deploy("0.2.0+1.1")
        git(self.checkout, "checkout", "--quiet", self.source.tags["0.2.0+1.1"])
        self.standin.switch("k19=4")
        began = time.monotonic()
        self.deploy("--chaos")
        self.assertGreater(time.monotonic() - began, 4)


class Flapping(Case):
    recipe = "crash-loop"

    def test_h21_running_for_a_moment_is_enough(self):
        """Without a healthcheck a crash-looper converges."""
        self.edit("compose.yml", "    healthcheck:\n", "    x-healthcheck:\n")
        self.new_and_deploy()


class Recipes(Case):
    def rows(self, output):
        """The cells of each rule's row."""
        lines = (line.strip() for line in output.splitlines())
        return {cells[0]: cells for line in lines if line.startswith("│ R0")
                for cells in [[cell.strip() for cell in line.strip("│").split("│")]]}

    def test_h26_lint(self):
        self.new()
        self.edit("compose.yml", "\n  app:\n", "\n  web:\n")
        code, output = self.lint(self.recipe, *CHAOS)
        rows = self.rows(output)
        self.assertEqual(code, 0)
        self.assertEqual(sorted(rows), [f"R{n:03}" for n in range(1, 16)])
        self.assertEqual(rows["R009"][2:5], ["error", "❌", "-"])
        self.assertEqual(rows["R008"][2:5], ["error", "✅", "-"])
        self.assertIn("critical errors", output)
        self.edit(".env.sample", "DOMAIN=", "#DOMAIN=")
        self.assertEqual(self.rows(self.lint(self.recipe, *CHAOS)[1])["R010"][2:5], ["error", "-", "✅"])
        self.abra("recipe", "lint", self.recipe, *OFFLINE, ok=False)  # dirty
        os.unlink(os.path.join(self.checkout, ".env.sample"))
        self.assertIn("unable to validate recipe", self.abra("recipe", "lint", self.recipe, *CHAOS, ok=False).stderr)

    def test_h26_no_rows(self):
        self.standin.switch("k26")
        self.assertEqual(self.rows(self.lint(self.recipe, *CHAOS)[1]), {})

    def test_h33_lint_wants_a_terminal(self):
        self.assertIn("inappropriate ioctl", self.abra("recipe", "lint", self.recipe, *CHAOS, ok=False).stderr)
        self.assertEqual(self.lint(self.recipe, *CHAOS, columns=60)[0], 1)

    def test_lint_of_the_canaries(self):
        """No canary breaks a rule of level error unless it is there for that, or a base could only be deployed as chaos."""
        for name in canary.names():
            with self.subTest(canary=name):
                path = os.path.join(self.abra_dir, "recipes", name)
                if name != self.recipe:
                    canary.make_repo(name, path)
                if canary.load(name)["expect"]["stages"].get("lint") != "fail":
                    self.assertNotIn("❌", self.lint(name, "--error", *CHAOS)[1])

    def test_catalogue(self):
        os.makedirs(os.path.join(self.abra_dir, "catalogue"))
        with open(os.path.join(self.abra_dir, "catalogue", "recipes.json"), "w", encoding="utf-8") as file:
            json.dump({"other": {"repository": self.source.path, "category": "x", "description": "y",
                                 "versions": [{"1.0.0+1": {"app": {"image": "web", "tag": "1"}}}]},
                       "far": {"repository": "https://git.coopcloud.tech/coop-cloud/far.git"}}, file)
        self.abra("recipe", "fetch", "other", "-n")
        self.assertTrue(os.path.exists(os.path.join(self.abra_dir, "recipes", "other", "compose.yml")))
        self.abra("recipe", "fetch", "far", "-n", ok=False)
        self.abra("recipe", "fetch", "-n", ok=False)
        self.assertEqual(json.loads(self.abra("recipe", "versions", "other", "-m").stdout),
                         [{"version": "1.0.0+1", "service": "app", "image": "web", "tag": "1"}])
        self.assertEqual([row["name"] for row in json.loads(self.abra("recipe", "ls", "-m").stdout)], ["far", "other"])

    def test_reset_and_diff(self):
        self.edit("README.md", "Nothing", "Something")
        self.assertIn("+A web server that keeps its pages on a volume. Something", self.abra("recipe", "diff", self.recipe).stdout)
        self.abra("recipe", "reset", self.recipe)
        self.assertEqual(git(self.checkout, "status", "--porcelain"), "")

    def test_server_add(self):
        os.rmdir(os.path.join(self.abra_dir, "servers", "default"))
        self.abra("server", "add", "--local")
        self.assertTrue(os.path.isdir(os.path.join(self.abra_dir, "servers", "default")))
        self.abra("server", "add", "--local", ok=False)
        self.abra("server", "add", "example.org", ok=False)

    def test_env_and_labels(self):
        self.new()
        self.assertIn("STACK_NAME", self.abra("app", "env", "ls", self.domain, *CHAOS).stdout)
        self.assertIn("0.3.0+1.2", self.abra("app", "labels", self.domain, *CHAOS).stdout)
        self.assertIn("ccci-canary/web:1.2", self.abra("app", "services", self.domain, *CHAOS).stdout)
        self.append_env("SECRET=x")
        self.write(".env.sample", "TYPE=green\nDOMAIN=x\nNEW_KEY=\n")
        self.assertRegex(self.abra("app", "env", "check", self.domain, *CHAOS).stdout, "NEW_KEY +❌")


if __name__ == "__main__":
    unittest.main()
