#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
modules/reconcile/ on a machine of its own: from nothing, once more, each drift mended, each missing precondition said and
nothing changed. abra is the stand-in, the Swarm is real.
"""
import glob
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import docker, house, images, second_engine, standins, wanted  # noqa: E402
from lib.house import CLIENT_SECRET, DRONE, PROXY  # noqa: E402

STACKS = {PROXY: PROXY.replace(".", "_"), DRONE: DRONE.replace(".", "_")}


def setUpModule():
    reason = second_engine.missing()
    if reason:
        raise unittest.SkipTest(reason)
    directory = tempfile.TemporaryDirectory(prefix="reconcile-")
    unittest.addModuleCleanup(directory.cleanup)
    Case.machine = house.House(directory.name)
    unittest.addModuleCleanup(Case.machine.close)


class Case(unittest.TestCase):
    maxDiff = None
    machine = None

    def setUp(self):
        self.machine.leave()
        self.machine.reset()
        self.first_call = len(self.machine.abra.calls())

    def calls(self):
        return self.machine.abra.calls()[self.first_call:]

    def converges(self, script, *lines, **environment):
        """It changes something, says these lines, and has nothing to do when it runs again."""
        done = self.machine.reconcile(script, **environment)
        self.assertEqual(done.returncode, 0, done.stdout + self.machine.engine.logs())
        self.assertRegex(done.stdout.splitlines()[-1], rf"^{script}: converged, \d+ changes$")
        for line in lines:
            self.assertRegex(done.stdout, line)
        self.rests(script, **environment)
        return done.stdout

    def rests(self, script, **environment):
        calls = len(self.machine.abra.calls())
        done = self.machine.reconcile(script, **environment)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1:]), (0, [f"{script}: nothing to do"]), done.stdout)
        self.assertEqual(self.machine.abra.calls()[calls:], [])

    def fails(self, code, script, *says, **environment):
        done = self.machine.reconcile(script, **environment)
        self.assertEqual(done.returncode, code, done.stdout)
        for text in says:
            self.assertIn(text, done.stdout)
        return done.stdout

    def lacks(self, script, *says, **environment):
        """Exit 2, all of it said, and nothing changed."""
        before, files = self.machine.holds(), self.files()
        output = self.fails(2, script, *says, **environment)
        self.assertIn(f"{script}: missing: ", output)
        self.assertEqual(docker.diff(before, self.machine.holds()), {})
        self.assertEqual(self.files(), files)

    def files(self):
        """Every file below what the scripts may write, with its text."""
        found = {}
        for base in ("etc", "abra"):
            for path in glob.glob(os.path.join(self.machine.directory, base, "**"), recursive=True, include_hidden=True):
                if os.path.isfile(path) and "/.git/" not in path:
                    with open(path, "rb") as file:
                        found[path] = file.read()
        return found

    def secrets(self):
        return sorted(self.machine.holds()["secret"])

    def house_is_up(self):
        for script in ("swarm", "proxy", "drone"):
            done = self.machine.reconcile(script)
            self.assertEqual(done.returncode, 0, done.stdout + self.machine.engine.logs())


class FromNothing(Case):
    def test_everything(self):
        output = ""
        self.lacks("proxy", "a Swarm that this machine manages (swarm.sh makes one)")
        done = self.machine.reconcile("swarm", "--dry-run")
        self.assertEqual(done.stdout, "swarm: would: Swarm initialised on 127.0.0.1\nswarm: would: overlay network proxy made\n"
                                      "swarm: 2 changes would be made\n")
        self.assertIn("inactive", self.machine.docker("info", "--format", "{{.Swarm.LocalNodeState}}"))
        output += self.converges("swarm")

        for script in ("proxy", "drone"):
            before, files = self.machine.holds(), self.files()
            done = self.machine.reconcile(script, "--dry-run")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, rf"(?m)^{script}: would: app \S+ created")
            self.assertRegex(done.stdout, rf"(?m)^{script}: would: app \S+ deployed$")
            self.assertEqual(docker.diff(before, self.machine.holds()), {})
            self.assertEqual(self.files(), files)
            output += self.converges(script, rf"(?m)^{script}: app \S+ deployed$")
        self.assertRegex("\n".join(self.secrets()), r"^drone_ci_test_client_secret_v[0-9a-f]{8}\n"
                         r"drone_ci_test_rpc_secret_v[0-9a-f]{8}\n"
                         r"traefik_ci_test_ssl_cert_(v[0-9a-f]{8})\ntraefik_ci_test_ssl_key_\1$")
        env = self.machine.env(PROXY)
        self.assertRegex(env, r"(?m)^TYPE=traefik:5\.0\.0\+v3\.5\.0$")
        self.assertRegex(env, r"(?m)^LETS_ENCRYPT_ENV=$")
        self.assertRegex(env, r'(?m)^COMPOSE_FILE="compose\.yml"$')
        self.assertRegex(env, r'(?m)^COMPOSE_FILE="\$COMPOSE_FILE:compose\.wildcard\.yml"$')
        self.assertRegex(env, r"(?m)^#WILDCARDS_ENABLED=1\n")  # what the recipe says stays
        # A comment behind a value is a modifier to abra.
        self.assertRegex(self.machine.env(DRONE), r"(?m)^SECRET_RPC_SECRET_VERSION=v[0-9a-f]{8} # length=32 charset=hex$")

        output += self.converges("drone-runner")
        rpc_secret = self.machine.read("credentials/drone_rpc_secret").strip()
        self.assertRegex(rpc_secret, r"^[0-9a-f]{48}$")
        runner = self.machine.read("drone-runner.env")
        self.assertEqual(runner.splitlines(), [
            "DRONE_RPC_PROTO=https", f"DRONE_RPC_HOST={DRONE}", f"DRONE_RPC_SECRET={rpc_secret}", "DRONE_RUNNER_CAPACITY=1",
            "DRONE_RUNNER_NAME=host", "DRONE_UI_DISABLE=true", "DRONE_HTTP_BIND=127.0.0.1:3000"])
        for name in ("drone-runner.env", "credentials/drone_rpc_secret"):
            self.assertEqual(os.stat(os.path.join(self.machine.etc, name)).st_mode & 0o777, 0o600)
        self.assertEqual(self.secret_in_container(DRONE, "rpc_secret"), rpc_secret)
        self.assertEqual(self.secret_in_container(DRONE, "client_secret"), CLIENT_SECRET)
        self.assertEqual(self.secret_in_container(PROXY, "ssl_cert"), self.machine.read("tls/cert.pem"))

        # No secret in what was said, nor in what abra was called with.
        calls = "\n".join(" ".join(call["argv"]) for call in self.calls())
        key = self.machine.read("tls/key.pem").splitlines()[1]
        for text in (output, calls, self.machine.env(DRONE)):
            for secret in (rpc_secret, CLIENT_SECRET, key):
                self.assertNotIn(secret, text)
        self.assertNotIn("--chaos", calls)
        self.assertEqual([call["exit"] for call in self.calls() if call["exit"] != 0], [])
        self.assertEqual({call["stdin"] for call in self.calls()}, {"null"})

    def secret_in_container(self, domain, name):
        with self.machine.engine.used():
            [container] = docker.containers(STACKS[domain])
        return second_engine.call(*self.machine.engine.inside(
            "docker", "exec", container, "sh", "-c", f"cat /run/secrets/{name}; echo .")).removesuffix(".")


class Drift(Case):
    def test_each_is_mended(self):
        self.house_is_up()
        secrets = self.secrets()
        with self.subTest("the stack is gone, and its secrets too"):
            with self.machine.engine.used():
                docker.remove_stack(STACKS[DRONE])
            self.assertEqual(len(self.secrets()), 2)
            output = self.converges("drone", "secret drone_ci_test_rpc_secret_v[0-9a-f]{8} inserted", "deployed")
            self.assertNotIn("created", output)
            self.assertEqual(self.secrets(), secrets)

        with self.subTest("the network is gone"):
            with self.machine.engine.used():
                for stack in STACKS.values():
                    docker.remove_stack(stack)
            self.machine.docker("network", "rm", "proxy")
            self.lacks("drone", "the overlay network proxy (swarm.sh makes it)")
            self.converges("swarm", "overlay network proxy made")
            self.converges("proxy", "deployed")
            self.converges("drone", "deployed")

        with self.subTest("the operator's certificate is a new one"):
            before = self.secrets()
            self.machine.new_certificate()
            output = self.converges("proxy", r"secret traefik_ci_test_ssl_cert_v[0-9a-f]{8} inserted",
                                    "deployed again: it runs with another SECRET_WILDCARD_CERT_VERSION",
                                    "removed, nothing uses it")
            self.assertEqual(len(self.secrets()), 4)
            self.assertEqual([name for name in self.secrets() if name in before],
                             [name for name in before if name.startswith("drone")])

        with self.subTest("somebody has changed the env file"):
            text = self.machine.env(PROXY)
            with open(self.machine.env_path(PROXY), "w", encoding="utf-8") as file:
                file.write("# mine\n" + text.replace("LETS_ENCRYPT_ENV=\n", "LETS_ENCRYPT_ENV=production # why\n"))
            self.converges("proxy", "(?m)env LETS_ENCRYPT_ENV=$")
            self.assertEqual(self.machine.env(PROXY), "# mine\n" + text.replace("LETS_ENCRYPT_ENV=\n", "LETS_ENCRYPT_ENV= # why\n"))

        with self.subTest("killed between the env file and the deploy"):
            with open(self.machine.env_path(DRONE), encoding="utf-8") as file:
                text = file.read()
            with open(self.machine.env_path(DRONE), "w", encoding="utf-8") as file:
                file.write(text.replace("GITEA_CLIENT_ID=0b1e-55", "GITEA_CLIENT_ID=new"))
            self.machine.configure(DRONE_CLIENT_ID="new")
            output = self.converges("drone", "deployed again: it runs with another GITEA_CLIENT_ID")
            self.assertNotIn("env GITEA", output)

        with self.subTest("a new secret from the forge"):
            self.machine.write("credentials/drone_client_secret", "another\n")
            self.converges("drone", "secret drone_ci_test_client_secret_v[0-9a-f]{8} inserted", "deployed again",
                           "client_secret_v[0-9a-f]{8} removed")

        with self.subTest("the recipe's checkout is gone"):
            subprocess.run(["rm", "-rf", os.path.join(self.machine.directory, "abra/recipes/drone")], check=True)
            self.converges("drone", "recipe drone fetched")

    def test_what_does_not_run_is_said(self):
        self.house_is_up()
        self.machine.docker("service", "update", "--detach", "--image", "ccci-canary/none:1", f"{STACKS[DRONE]}_app")
        self.machine.configure(SETTLE_TIMEOUT="12")
        self.fails(1, "drone", f"drone: failed: {DRONE} does not run", "No such image")

    def test_abra_fails(self):
        self.house_is_up()
        self.machine.new_certificate()
        subprocess.run(["touch", os.path.join(self.machine.directory, "abra/recipes/traefik/untracked")], check=True)
        self.fails(1, "proxy", "proxy: failed: secret", "has locally unstaged changes")

    def test_a_runner_that_runs_with_something_else(self):
        """systemctl is a double: the process is real, and what it has in its environment."""
        self.machine.write("credentials/drone_rpc_secret", "0123456789abcdef\n")
        self.converges("drone-runner")
        calls = os.path.join(self.machine.directory, "systemctl.calls")
        with open(os.path.join(self.machine.bin, "systemctl"), "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o755)) as file:
            file.write(f'#!/bin/sh\ncase $1 in\nshow) cat "{calls}.pid" ;;\n*) echo "$@" >>"{calls}" ;;\nesac\n')
        self.addCleanup(os.unlink, os.path.join(self.machine.bin, "systemctl"))
        good = dict(line.split("=", 1) for line in self.machine.read("drone-runner.env").splitlines())
        for environment, is_stale in ((good, False), ({**good, "DRONE_RUNNER_CAPACITY": "2"}, True)):
            with subprocess.Popen(self.machine.inside("sh", "-c", "echo $$; exec sleep 60"), env=environment,
                                  stdout=subprocess.PIPE, text=True) as process:
                with open(calls + ".pid", "w", encoding="ascii") as file:
                    file.write(process.stdout.readline())
                done = self.machine.reconcile("drone-runner")
                process.kill()
            self.assertEqual((done.returncode, os.path.exists(calls)), (0, is_stale), done.stdout)
        with open(calls, encoding="ascii") as file:
            self.assertEqual(file.read(), "--no-block try-restart drone-runner-exec.service\n")
        self.assertIn("restarted, it runs with another DRONE_RUNNER_CAPACITY", done.stdout)
        self.assertNotIn("0123456789abcdef", done.stdout)

    def test_own_lines_of_the_runner_stay(self):
        self.machine.write("credentials/drone_rpc_secret", "0123456789abcdef\n")
        self.machine.write("drone-runner.env", "DRONE_DEBUG=true\nDRONE_RUNNER_CAPACITY=7\n", 0o644)
        self.converges("drone-runner", "others may no longer read")
        lines = self.machine.read("drone-runner.env").splitlines()
        self.assertEqual(lines[0], "DRONE_DEBUG=true")
        self.assertIn("DRONE_RUNNER_CAPACITY=1", lines)
        self.assertNotIn("DRONE_RUNNER_CAPACITY=7", lines)


class Killed(Case):
    def test_the_next_run_goes_on(self):
        """Killed, with all that it started, as soon as it has said its Nth line: at each, or at a sample."""
        self.assertEqual(self.machine.reconcile("swarm").returncode, 0)
        places = range(1, 13)
        if not wanted.everything():
            places = wanted.chance().sample(places, 3)
        for place in places:
            with self.subTest(place=place):
                with self.machine.engine.used():
                    docker.remove_stack(STACKS[DRONE])
                self.machine.reset()
                self.kill("drone", place)
                done = self.machine.reconcile("drone")
                self.assertEqual(done.returncode, 0, done.stdout)
                self.rests("drone")
                self.assertEqual([name.rsplit("_v")[0] for name in self.secrets()],
                                 ["drone_ci_test_client_secret", "drone_ci_test_rpc_secret"])

    def kill(self, script, place):
        process = subprocess.Popen(
            self.machine.inside(os.path.join(house.SCRIPTS, f"{script}.sh")), env=self.machine.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        with process:
            for _ in range(place):
                self.assertTrue(process.stdout.readline())
            os.killpg(process.pid, signal.SIGKILL)


class Missing(Case):
    def test_swarm(self):
        with self.subTest("live-restore"):
            self.addCleanup(self.machine.engine.configure_engine, '{"live-restore": false}')
            self.machine.engine.configure_engine('{"live-restore": true}')
            self.lacks("swarm", "a Docker without live-restore", "/etc/docker/daemon.json")
            self.machine.engine.configure_engine('{"live-restore": false}')
        with self.subTest("another network of that name"):
            self.machine.docker("network", "create", "proxy")
            self.lacks("swarm", "one of the kind 'bridge local' has it (docker network rm proxy)")
            self.machine.docker("network", "rm", "proxy")
        with self.subTest("another engine"):
            self.lacks("swarm", "DOCKER_HOST must not be set", DOCKER_HOST="tcp://127.0.0.1:1")
        with self.subTest("no engine"):
            self.lacks("swarm", "Docker does not answer (systemctl start docker)", PATH=self.path_with_docker("exit 1"))
        with self.subTest("no docker"):
            self.lacks("swarm", "the program docker (apt-get install docker.io)", PATH=self.path_without("docker"))

    def path_with_docker(self, script):
        directory = tempfile.mkdtemp(dir=self.machine.directory)
        with open(os.path.join(directory, "docker"), "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o755)) as file:
            file.write(f"#!/bin/sh\n{script}\n")
        return f"{directory}:{self.machine.bin}:/usr/bin:/bin"

    def path_without(self, *programs):
        """All that the scripts may call, as links, but these."""
        directory = tempfile.mkdtemp(dir=self.machine.directory)
        for name in os.listdir("/usr/bin"):
            if name not in programs:
                os.symlink(os.path.join("/usr/bin", name), os.path.join(directory, name))
        for name in ({"docker": "/usr/local/bin/docker" if os.path.exists("/usr/local/bin/docker") else "/usr/bin/docker",
                      "abra": self.machine.abra.path}.items()):
            if name[0] not in programs and not os.path.exists(os.path.join(directory, name[0])):
                os.symlink(name[1], os.path.join(directory, name[0]))
        return directory

    def test_proxy(self):
        self.converges("swarm")
        for settings, says in (
                ({"ZONE": None}, "ZONE, the zone of the test domains"),
                ({"PROXY_DOMAIN": None}, "PROXY_DOMAIN, the proxy's own domain"),
                ({"PROXY_DOMAIN": "-x"}, "PROXY_DOMAIN has to be a domain"),
                ({"PROXY_CERT": "/nonexistent"}, "the certificate of *.ci.test: /nonexistent is not there (PROXY_CERT)"),
                ({"PROXY_KEY": "/nonexistent"}, "the certificate's key (PROXY_KEY): /nonexistent is not there or empty"),
                ({"PROXY_CERT": self.machine.write("text", "x")}, "is none in PEM"),
                ({"ZONE": "other.test"}, "a certificate for *.other.test"),
                ({"ABRA": "no-abra"}, "the program no-abra (abra of Co-op Cloud, 0.13)")):
            with self.subTest(settings=settings):
                self.machine.configure(**settings)
                self.lacks("proxy", says)
        self.machine.configure()
        with self.subTest("a key of another"):
            self.machine.new_certificate(base="other")
            self.lacks("proxy", "is not that of", PROXY_KEY=os.path.join(self.machine.etc, "other/key.pem"))
        with self.subTest("others may read the key"):
            os.chmod(os.path.join(self.machine.etc, "tls/key.pem"), 0o644)
            self.lacks("proxy", "others may read", "chmod 600")
        with self.subTest("a link to it, as certbot makes them"):
            os.chmod(os.path.join(self.machine.etc, "tls/key.pem"), 0o600)
            link = os.path.join(self.machine.etc, "link.pem")
            os.symlink("tls/key.pem", link)
            self.assertEqual(self.machine.reconcile("proxy", "--dry-run", PROXY_KEY=link).returncode, 0)
        with self.subTest("it has ended"):
            self.machine.new_certificate(days=0)
            self.lacks("proxy", "a certificate that is valid:", "ended on")
        with self.subTest("it ends soon"):
            self.machine.new_certificate(days=5)
            done = self.machine.reconcile("proxy", "--dry-run")
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertRegex(done.stdout, r"proxy: warning: the certificate \S+ ends on ")
        with self.subTest("all at once"):
            self.machine.configure(PROXY_CERT="/nonexistent", ABRA="no-abra")
            self.lacks("proxy", "/nonexistent is not there", "the program no-abra")

    def test_drone(self):
        self.converges("swarm")
        for settings, says in (
                ({"DRONE_DOMAIN": None}, "DRONE_DOMAIN, Drone's own domain"),
                ({"GITEA_URL": None}, "GITEA_URL, the forge's address"),
                ({"GITEA_URL": "git.example.org"}, "GITEA_URL, as https://git.example.org: it is 'git.example.org'"),
                ({"DRONE_CLIENT_ID": None}, f"with the redirect URL https://{DRONE}/login"),
                ({"DRONE_ADMIN": None}, "DRONE_ADMIN, the forge's user"),
                ({"DRONE_ADMIN": "a,admin:true"}, "DRONE_ADMIN, one user's name"),
                ({"DRONE_CLIENT_SECRET_FILE": "/nonexistent"}, "the secret of Drone's OAuth2 application")):
            with self.subTest(settings=settings):
                self.machine.configure(**settings)
                self.lacks("drone", says)

    def test_drone_runner(self):
        self.lacks("drone-runner", "Drone's secret for its runners (drone.sh makes it")
        self.machine.write("credentials/drone_rpc_secret", "0123456789abcdef")
        for value in ("0", "many"):
            self.machine.configure(MAX_TESTS=value)
            self.lacks("drone-runner", "MAX_TESTS, the slots of this host")
        self.machine.configure(MAX_TESTS=None)
        self.lacks("drone-runner", "the program ccci-run")

    def test_settings(self):
        for text, says in (("ZONES=x\n", "infra.conf:1: there is no setting ZONES"),
                           ("\n# a\nZONE: x\n", "infra.conf:3 is no line of the form NAME=value"),
                           ("WARM=a b\nINFRA_UPDATE=yes\n", "")):
            self.machine.write("infra.conf", text, 0o644)
            if says:
                self.lacks("swarm", says)
        self.lacks("warm", "WARM, recipes with commas between, or *: it is 'a b'")
        self.lacks("infra-update", "INFRA_UPDATE is yes, neither 0 nor 1")
        done = self.machine.reconcile("swarm", "--config", "/nonexistent")
        self.assertEqual((done.returncode, done.stdout), (2, "swarm: missing: /nonexistent cannot be read (--config)\n"))
        done = self.machine.reconcile("swarm", "--frobnicate")
        self.assertEqual((done.returncode, done.stdout), (2, "usage: swarm.sh [--dry-run] [--config FILE]\n"))


class Update(Case):
    def setUp(self):
        super().setUp()
        self.house_is_up()
        self.machine.configure(INFRA_UPDATE="1")

    def wait_less(self, seconds):
        """Where it will be in vain; but long enough for the way back."""
        self.machine.configure(INFRA_UPDATE="1", SETTLE_TIMEOUT=str(seconds), ANSWER_WAIT=str(seconds))

    def pin(self, domain):
        return re.search(r"(?m)^TYPE=\w+:(.*)$", self.machine.env(domain))[1]

    def image(self, domain):
        return self.machine.docker("service", "inspect", f"{STACKS[domain]}_app", "--format",
                                   "{{.Spec.TaskTemplate.ContainerSpec.Image}}")

    def test_good_and_held(self):
        self.assertEqual(self.machine.reconcile("infra-update", INFRA_UPDATE="0").stdout, "infra-update: off (INFRA_UPDATE is 0)\n")
        done = self.machine.reconcile("infra-update")
        self.assertEqual((done.returncode, done.stdout), (0, "infra-update: nothing to do\n"))
        self.machine.publish("traefik", "5.1.0+v3.6.0")
        self.machine.publish("drone", "1.9.0+2.26.0", "2.0.0+3.0.0")
        output = self.fails(2, "infra-update", f"{PROXY} from 5.0.0+v3.5.0 to 5.1.0+v3.6.0",
                            f"{DRONE} from 1.8.0+2.25.0 to 1.9.0+2.26.0",
                            f"missing: a person for {DRONE}: 2.0.0+3.0.0 is a new major version. Read it, then: "
                            f"abra app upgrade {DRONE} 2.0.0+3.0.0")
        self.assertNotIn(CLIENT_SECRET, output)
        self.assertEqual((self.pin(PROXY), self.pin(DRONE)), ("5.1.0+v3.6.0", "1.9.0+2.26.0"))
        self.assertEqual(self.image(DRONE), "ccci-canary/house:1.1")
        self.rests("proxy")
        self.rests("drone")
        # What needs a person is said each time, and stops what comes after it.
        self.machine.publish("drone", "1.10.0+2.27.0")
        self.fails(2, "infra-update", "1.10.0+2.27.0 has release notes")
        self.assertEqual(self.pin(DRONE), "1.9.0+2.26.0")

    def test_unhealthy(self):
        self.wait_less(30)
        self.machine.publish("drone", "1.9.1+2.26.1")
        self.fails(1, "infra-update", f"{DRONE} is not well with 1.9.1+2.26.1",
                   f"failed: {DRONE}: 1.9.1+2.26.1 does not do, 1.8.0+2.25.0 is back and well")
        self.assertEqual((self.pin(DRONE), self.image(DRONE)), ("1.8.0+2.25.0", "ccci-canary/house:1.0"))
        self.rests("drone")

    def test_without_its_page(self):
        """It runs, says its own healthcheck; but it does not answer as Drone does."""
        self.wait_less(30)
        self.machine.publish("drone", "1.9.2+2.26.2")
        self.fails(1, "infra-update", "1.9.2+2.26.2 does not do, 1.8.0+2.25.0 is back and well")
        self.assertEqual((self.pin(DRONE), self.image(DRONE)), ("1.8.0+2.25.0", "ccci-canary/house:1.0"))

    def test_not_well_before(self):
        self.wait_less(8)
        self.machine.publish("drone", "1.9.0+2.26.0")
        self.machine.docker("service", "update", "--detach", "--image", "ccci-canary/none:1", f"{STACKS[DRONE]}_app")
        self.fails(1, "infra-update", f"failed: {DRONE} is not well before any update")
        self.assertEqual(self.pin(DRONE), "1.8.0+2.25.0")


class Images(Case):
    """What is kept and what goes; everything on this engine is this test's own."""

    def setUp(self):
        super().setUp()
        program = os.path.join(self.machine.bin, "ccci-run")
        os.symlink(os.path.join(os.environ["CCCI_BUILD"], "ccci-run"), program)
        self.addCleanup(os.unlink, program)
        self.before = set(self.machine.holds()["image"])
        self.addCleanup(self.remove_new)

    def remove_new(self):
        self.machine.leave()
        new = self.here()
        with self.machine.engine.used():
            images.remove(new)
            images.make(house.IMAGES)

    def here(self):
        return set(self.machine.holds()["image"]) - self.before

    def make(self, name, start="true"):
        """An image that is like no other."""
        repository, _, version = name.rpartition(":")
        with self.machine.engine.used():
            docker.raw("POST", "/images/create", {"fromSrc": "-", "repo": repository, "tag": version, "changes": 'CMD ["/start"]'},
                       images.root_file_system("1", {"start": f"#!/bin/sh\n: {name}\n{start}\n"}), "application/x-tar")
        return name

    def runner(self, **settings):
        self.machine.write("run.yml", "".join(f'{name}: "{value}"\n' for name, value in {
            "zone": house.ZONE, "state_dir": self.machine.settings["STATE_DIR"], **settings}.items()))

    def note_green(self, recipe, *names):
        self.machine.write(f"../state/canonical/images/{recipe}", "".join(f"{name}\n" for name in names))

    def test_prune(self):
        used, green, free, service = (self.make(f"prune/{name}:1", "exec tail -f /dev/null") for name in ("used", "green", "free", "service"))
        self.machine.docker("create", "--name", "stopped", used)
        self.machine.docker("volume", "create", "of-somebody")
        self.machine.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
        self.machine.docker("service", "create", "--detach", "--name", "other", "--replicas", "0", service)
        self.note_green("custom-html", green)
        self.runner(prune_below="1")
        self.assertRegex(self.machine.reconcile("prune").stdout, r"prune: \d+ % of disk .*: enough \(PRUNE_BELOW is 1\)\nprune: nothing to do\n$")
        self.runner(prune_below="99")
        done = self.machine.reconcile("prune", "--dry-run")
        self.assertIn(f"prune: would remove {free} ", done.stdout)
        self.assertEqual(self.here(), {used, green, free, service})
        done = self.machine.reconcile("prune")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"prune: converged, \d+ changes\n$")
        self.assertEqual(self.here(), {used, green, service})
        held = self.machine.holds()
        self.assertEqual((list(held["container"]), list(held["volume"]), list(held["service"])), (["stopped"], ["of-somebody"], ["other"]))

    def test_prune_says_why_not(self):
        self.runner(prune_below="900")
        self.fails(1, "prune", "prune: failed: ccci-run prune:", "prune_below")
        self.assertEqual(self.machine.reconcile("prune", PRUNE="0").stdout, "prune: off (PRUNE is 0)\n")

    def test_warm(self):
        self.assertEqual(self.machine.reconcile("warm").stdout, "warm: off (WARM is empty)\n")
        with standins.Registry(os.path.join(self.machine.directory, "registry"), inside=self.machine.engine.inside()) as registry:
            layer = images.root_file_system("1", {"start": "#!/bin/sh\n"})
            names = []
            for name in ("green", "other"):
                registry.publish(name, "1", layer, {"Cmd": ["/start"]})
                names.append(f"{registry.address}/{name}:1")
            self.note_green("custom-html", names[0])
            self.note_green("ghost", names[1])
            self.converges("warm", f"image {names[0]} pulled", WARM="custom-html,none")
            self.assertEqual(self.here(), {names[0]})
            self.converges("warm", f"image {names[1]} pulled", WARM="*")
            self.assertEqual(self.here(), set(names))
            self.note_green("ghost", f"{registry.address}/gone:1")
            self.fails(1, "warm", "warm: failed: image", "manifest unknown", WARM="ghost")

    def test_registry_cache(self):
        image = self.make("cache/registry:1", "mkdir -p /www/v2; echo {} >/www/v2/index.html; exec httpd -f -p 5000 -h /www")
        settings = {"REGISTRY_CACHE": "1", "REGISTRY_CACHE_IMAGE": image, "REGISTRY_CACHE_PORT": "5055"}
        self.assertEqual(self.machine.reconcile("registry-cache").stdout, "registry-cache: off (REGISTRY_CACHE is 0)\n")
        self.lacks("registry-cache", '"registry-mirrors": ["http://127.0.0.1:5055"] in /etc/docker/daemon.json', **settings)
        self.addCleanup(self.machine.engine.configure_engine, '{"registry-mirrors": []}')
        self.machine.engine.configure_engine('{"registry-mirrors": ["http://127.0.0.1:5055"]}')
        self.converges("registry-cache", f"container ccci-registry-cache made from {image}", **settings)
        with self.subTest("stopped"):
            self.machine.docker("stop", "--time", "0", "ccci-registry-cache")
            self.converges("registry-cache", "container ccci-registry-cache started", **settings)
        with self.subTest("another image"):
            other = self.make("cache/registry:2", "mkdir -p /www/v2; echo {} >/www/v2/index.html; exec httpd -f -p 5000 -h /www")
            self.converges("registry-cache", "removed, it is another one; its volume stays", **{**settings, "REGISTRY_CACHE_IMAGE": other})
            self.assertEqual(list(self.machine.holds()["volume"]), ["ccci-registry-cache"])
        with self.subTest("it does not answer"):
            deaf = self.make("cache/registry:3", "exec tail -f /dev/null")
            self.fails(1, "registry-cache", "the cache does not answer at http://127.0.0.1:5055/v2/",
                       **{**settings, "REGISTRY_CACHE_IMAGE": deaf, "ANSWER_WAIT": "3"})


if __name__ == "__main__":
    unittest.main()
