#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recipe wants that is not its own, as `ccci-run plan` sees it: refused in one sentence, and read by nobody."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, trap  # noqa: E402

PROGRAM = os.path.join(os.environ["CCCI_BUILD"], "ccci-run")


class Place(unittest.TestCase):
    """A recipe, a host to plan on, and a file of that host which nobody may read."""

    def setUp(self):
        self.directory = self.enterContext(tempfile.TemporaryDirectory(prefix="ccci-trespass-"))
        self.recipe = canary.make_repo("green", os.path.join(self.directory, "green")).path
        self.trap = self.enterContext(trap.Trap(self.directory))

    def write(self, name, text):
        path = os.path.join(self.recipe, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def read(self, name):
        with open(os.path.join(self.recipe, name), encoding="utf-8") as file:
            return file.read()

    def link(self, name, target):
        path = os.path.join(self.recipe, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)

    def add_to_compose(self, text, name="compose.yml"):
        self.write(name, f"{self.read(name)}\n{text}")

    def up(self, path):
        """The path as seen from a checkout: more levels up than there are."""
        return "../" * 20 + path.lstrip("/")

    path = os.environ["PATH"]

    def plan(self, *arguments):
        return subprocess.run(
            [PROGRAM, "plan", "--zone", "ci.test", "--state-dir", os.path.join(self.directory, "state"), self.recipe,
             *arguments],
            env={"PATH": self.path, "HOME": self.directory}, cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)

    def check_refused(self, says, *arguments):
        done = self.plan(*arguments)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(says, done.stdout)
        self.check_unread(done.stdout)
        return done.stdout

    def check_planned(self, *arguments):
        done = self.plan(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.check_unread(done.stdout)
        return done.stdout

    def check_unread(self, output):
        self.assertFalse(self.trap.was_read, output)
        self.assertNotIn(self.trap.text, output)


def service(text):
    """compose.yml with more keys in service app, or under a key that it has."""
    return lambda compose: compose.replace("    init: true", f"    init: true\n    {text}")


def mount(text):
    return lambda compose: compose.replace("      - data:/data", f"      - data:/data\n      - {text}")


def network(text):
    return lambda compose: compose.replace("  proxy:\n    external: true", f"  proxy:\n    {text}")


def volume(text):
    return lambda compose: compose.replace("volumes:\n  data:\n", f"volumes:\n  data:\n    {text}\n")


def rest(text):
    return lambda compose: compose + text


# What is done to a recipe that is fine, and the word that lets it; of the unit tests' table one of each kind.
POLICY = {
    "bind": (mount("/etc:/x"), "host-bind:/etc"),
    "bind from a variable": (mount("${WHERE:-/root}:/x:ro"), "host-bind:/root:ro"),
    "socket": (mount("/var/run/docker.sock:/var/run/docker.sock:ro"), "docker-socket"),
    "volume that is a bind": (volume("driver_opts: {type: none, o: bind, device: /etc}"), "host-bind:/etc"),
    "volume of a server": (volume("driver_opts: {type: nfs, o: addr=10.0.0.1, device: ':/srv'}"),
                           "volume-driver:local;device=:/srv;o=addr=10.0.0.1;type=nfs"),
    "another's volume": (volume("name: other_data"), "volume:other_data"),
    "another's secret": (rest("secrets:\n  key: {external: true, name: other_key_v1}\n"), "secret:other_key_v1"),
    "another's config": (rest("configs:\n  key: {external: true, name: other_conf_v1}\n"), "config:other_conf_v1"),
    "another's network": (network("external: true\n    name: other_default"), "network:other_default"),
    "the host's network": (network("external: true\n    name: host"), "network:host"),
    "capability": (service("cap_add: [SYS_ADMIN]"), "cap:SYS_ADMIN"),
    "credential spec": (service("credential_spec: {registry: x}"), "credential-spec:registry:x"),
    "port of the host": (service("ports: [{target: 80, published: 64738, mode: host}]"), "host-port:64738"),
    "port of every node": (service("ports: ['8080:80']"), "ingress-port:8080"),
    "log driver": (service("logging: {driver: syslog}"), "log-driver:syslog"),
    "replicas": (lambda compose: compose.replace("    deploy:\n", "    deploy:\n      replicas: 500\n"), "replicas:500"),
    "memory": (lambda compose: compose.replace(
        "    deploy:\n", "    deploy:\n      resources: {limits: {memory: 64000g}}\n"), "memory:64000g"),
}


class Policy(Place):
    """Each item of the policy refused, and allowed by its word in the suite."""

    def allow(self, *words):
        directory = os.path.join(self.directory, "tests", "recipes", "green")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "suite.yml"), "w", encoding="utf-8") as file:
            file.write("allow:\n" + "".join(f"  - '{word}'\n" for word in words))

    def check(self, change, word):
        original = self.read("compose.yml")
        changed = change(original)
        self.assertNotEqual(changed, original)
        self.write("compose.yml", changed)
        self.check_refused(f'an operator adds "{word}" to the suite\'s allow')
        self.allow("cap:SYS_CHROOT", word)
        self.assertIn(f" ({word})\n", self.check_planned())

    def test_overlay(self):
        self.allow("cap:SYS_CHROOT")
        with open(os.path.join(self.directory, "tests/recipes/green/suite.yml"), "a", encoding="utf-8") as file:
            file.write("compose: [more.yml]\n")
        with open(os.path.join(self.directory, "tests/recipes/green/more.yml"), "w", encoding="utf-8") as file:
            file.write("version: '3.8'\nservices:\n  app:\n    cap_add: [SYS_ADMIN]\n")
        self.check_refused("service app wants the capability SYS_ADMIN")

    def test_each_is_said(self):
        self.write("compose.yml", mount("/etc:/x")(service("cap_add: [SYS_ADMIN]")(self.read("compose.yml"))))
        output = self.check_refused("and 1 more")
        self.assertIn('"cap:SYS_ADMIN"', output)
        self.assertIn('"host-bind:/etc"', output)

    def test_ignored_by_swarm(self):
        self.write("compose.yml", service("privileged: true\n    pid: host")(self.read("compose.yml")))
        self.assertIn("service app: Swarm ignores pid, privileged", self.check_planned())

    def test_settings(self):
        self.write("compose.yml", network("external: true\n    name: monitoring")(self.read("compose.yml")))
        self.check_planned("--networks-allow", "proxy,monitoring")
        self.write("compose.yml", self.read("compose.yml").replace("    deploy:\n", "    deploy:\n      replicas: 3\n"))
        self.check_refused("the stack 3 replicas", "--networks-allow", "monitoring", "--max-replicas", "2")

    def test_word_that_is_none(self):
        self.allow("docker-sock")
        done = self.plan()
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn('suite.yml:2:5: allow: "docker-sock" allows nothing that there is; did you mean "docker-socket"?',
                      done.stdout)


def add_test(name, change, word):
    def test(self):
        self.check(change, word)
    setattr(Policy, f"test_{name.replace(' ', '_').replace(chr(39), '')}", test)


for policy_name, (policy_change, policy_word) in POLICY.items():
    add_test(policy_name, policy_change, policy_word)


class Files(Place):
    """The recipe's own files, which abra would open as root."""

    def test_sees_a_reader(self):
        with open(self.trap.path, encoding="utf-8") as file:
            self.assertIn(self.trap.text, file.read())
        self.assertTrue(self.trap.was_read)

    def test_follows_links_within_the_recipe(self):
        self.write("real/site.yml", self.read("compose.yml"))
        self.link("compose.yml", "real/site.yml")
        self.write("real/env", self.read(".env.sample"))
        self.link(".env.sample", "./real/../real/env")
        self.assertIn("0.3.0+1.2", self.check_planned())

    def test_compose_file_outside(self):
        for path in (self.trap.path, self.up(self.trap.path), "sub/../../x.yml"):
            with self.subTest(path=path):
                self.write(".env.sample", f'TYPE=green\nDOMAIN=green.example.com\nCOMPOSE_FILE="compose.yml:{path}"\n')
                self.check_refused("leads out of the recipe")

    def test_needed_file_is_a_link_that_leads_out(self):
        for name in ("compose.yml", ".env.sample", "abra.sh"):
            for target in (self.trap.path, self.up(self.trap.path)):
                with self.subTest(name=name, target=target):
                    before = self.read(name)
                    self.link(name, target)
                    self.check_refused("out of")
                    os.unlink(os.path.join(self.recipe, name))
                    self.write(name, before)

    def test_config_that_is_not_there(self):
        self.add_to_compose("configs:\n  site:\n    file: conf/site.conf\n")
        self.check_refused("config site: its file conf/site.conf is not in the recipe")

    def test_env_file_that_is_not_there(self):
        self.write("compose.yml", self.read("compose.yml").replace("    init: true", "    env_file: none.env"))
        self.check_refused("service app, env_file: its file none.env is not in the recipe")

    def test_env_file_that_a_deploy_refuses(self):
        self.write("compose.yml", self.read("compose.yml").replace("    init: true", "    env_file: web.env"))
        self.write("web.env", "# fine\nA=1\nB C=2\n")
        self.check_refused('web.env:3: the name "B C" has a blank in it')
        self.write("web.env", "# fine\nA=1\nB\n")
        self.check_planned()

    def test_a_file_of_the_host(self):
        compose, sample = self.read("compose.yml"), self.read(".env.sample")
        for key in ("configs", "secrets"):
            for path in (self.trap.path, self.up(self.trap.path), "${FROM_ENV}"):
                with self.subTest(key=key, path=path):
                    self.write("compose.yml", f"{compose}\n{key}:\n  x:\n    file: {path}\n")
                    self.write(".env.sample", f"{sample}FROM_ENV={self.trap.path}\n")
                    self.check_refused(f"as {key[:-1]} x; ")
        for path in (self.trap.path, self.up(self.trap.path)):
            with self.subTest(path=path):
                self.write("compose.yml", service(f"env_file: {path}")(compose))
                self.check_refused("as env_file; ")

    def test_a_link_that_leads_out(self):
        for name in ("conf/site.conf", "release/next", "tests/test", "README.md"):
            for target in (self.trap.path, self.up(self.trap.path)):
                with self.subTest(name=name, target=target):
                    self.link(name, target)
                    self.check_refused(f"the recipe has a symbolic link {name} that leads out of it")
            os.unlink(os.path.join(self.recipe, name))

    def test_a_directory_that_leads_out(self):
        """A link on the way to a file: tests/ would be copied, conf/x.conf read."""
        name = os.path.basename(self.trap.path)
        for link in ("conf", "tests"):
            with self.subTest(link=link):
                self.link(link, self.directory)
                self.write("compose.yml", f"{self.read('compose.yml')}\nconfigs:\n  x{link}:\n    file: {link}/{name}\n")
                self.check_refused(f"symbolic link {link} that leads out of it")
                os.unlink(os.path.join(self.recipe, link))

    def test_a_base_out_of_place(self):
        """Broken, and no fault of the head."""
        made = canary.make_repo("green", os.path.join(self.directory, "base"))
        git = ["git", "-C", made.path, "-c", "user.name=t", "-c", "user.email=t@t"]
        os.symlink(self.trap.path, os.path.join(made.path, "link"))
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "base"], check=True)
        subprocess.run([*git, "tag", "--force", "0.2.0+1.1"], check=True, stdout=subprocess.DEVNULL)
        os.unlink(os.path.join(made.path, "link"))
        subprocess.run([*git, "commit", "--quiet", "--all", "-m", "head"], check=True)
        self.recipe = made.path
        self.check_planned()


class Docker(Place):
    """`docker stack config` of this host, where there is one that knows it."""

    def docker(self, script):
        """The host's docker, from now on: a shell script, which has its arguments in $*."""
        directory = os.path.join(self.directory, "bin")
        os.makedirs(directory, exist_ok=True)
        with open(os.path.join(directory, "docker"), "w", encoding="utf-8",
                  opener=lambda name, flags: os.open(name, flags, 0o755)) as file:
            file.write(f"#!/bin/sh\nPATH=/usr/bin:/bin\ncd_to='{self.directory}'\n{script}\n")
        self.path = f"{directory}:{os.environ['PATH']}"

    KNOWS = 'if [ "$*" = "stack config --help" ]; then echo "Usage:  docker stack config [OPTIONS]"; exit; fi\n'

    def seen(self, name):
        with open(os.path.join(self.directory, name), encoding="utf-8") as file:
            return file.read()

    def test_its_refusal_is_the_recipes(self):
        self.docker(f'{self.KNOWS}echo "services.app is not to docker\'s taste: $PWD/x.conf" >&2; exit 1')
        self.check_refused("docker refuses the recipe's compose files: services.app is not to docker's taste: x.conf")

    def test_sees_what_abra_will_see(self):
        self.docker(f'{self.KNOWS}echo "$*" >>"$cd_to/args"; env >>"$cd_to/env"; cat compose.yml ccci.more.yml >"$cd_to/files"')
        os.makedirs(os.path.join(self.directory, "tests/recipes/green"))
        with open(os.path.join(self.directory, "tests/recipes/green/suite.yml"), "w", encoding="utf-8") as file:
            file.write("compose: [more.yml]\nenv: {GREETING: 'a $b'}\n")
        with open(os.path.join(self.directory, "tests/recipes/green/more.yml"), "w", encoding="utf-8") as file:
            file.write("version: '3.8'\nservices:\n  app:\n    hostname: x\n")
        self.write("abra.sh", "export CONF_VERSION=v7\n")
        self.check_planned()
        head, base = self.seen("args").splitlines()
        self.assertEqual(head, "stack config --compose-file=compose.yml --compose-file=ccci.more.yml")
        self.assertEqual(base, head)
        self.assertIn("hostname: x", self.seen("files"))
        rows = self.seen("env").splitlines()
        self.assertIn("GREETING=a $b", rows)
        self.assertIn("CONF_VERSION=v7", rows)
        self.assertIn("LETS_ENCRYPT_ENV=", rows)
        self.assertEqual([row for row in rows if row.startswith(("HOME=", "LANG=", "ZONE="))], [])

    def test_base_that_it_refuses(self):
        self.docker(f'{self.KNOWS}grep -q "version=0.2.0" compose.yml || exit 0; echo >"$cd_to/refused"; exit 1')
        self.check_planned()
        self.seen("refused")

    def test_one_that_does_not_know_it(self):
        self.docker('echo "$*" >>"$cd_to/args"; echo "Usage:  docker stack COMMAND"')
        self.check_planned()
        self.assertEqual(self.seen("args"), "stack config --help\n")

    def test_one_that_fails_otherwise(self):
        for end in ("exit 125", "kill -9 $$", "exit 2"):
            with self.subTest(end=end):
                self.docker(self.KNOWS + end)
                self.check_planned()

    def test_none(self):
        directory = os.path.join(self.directory, "bin")
        os.makedirs(directory)
        os.symlink("/usr/bin/git", os.path.join(directory, "git"))
        self.path = directory
        self.check_planned()

    def test_an_environment_that_is_not_docker_s(self):
        """A recipe's LD_PRELOAD reaches no program of the host's."""
        self.docker(f'{self.KNOWS}echo asked >>"$cd_to/args"')
        self.write(".env.sample", f"{self.read('.env.sample')}LD_PRELOAD=./x.so\n")
        self.check_planned()
        self.assertFalse(os.path.exists(os.path.join(self.directory, "args")))


if __name__ == "__main__":
    unittest.main()
