#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts of whole runs on the real Swarm, each recipe wrong in one way of its own: what went wrong, whose fault it is, and
the words for it. The recipes are canaries with changed files."""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))

from lib import canary, docker, images, patience, runs, standins  # noqa: E402

PERSON = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
          "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}
WEB_HEALTH = 'test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]'
# The app of green dies when a marker lies in its volume: it installs, and comes up neither anew nor over its base.
DIES_ON_OLD_DATA = """init: true
    command: ["sh", "-c", "[ ! -e /data/.ccci-marker ] || exit 3; exec /start"]"""


def git(path, *arguments):
    subprocess.run(["git", "-C", path, *arguments], env={**os.environ, **PERSON}, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)


class Recipe:
    """A copy of a canary whose head, or tagged version, can be changed."""

    def __init__(self, directory, name="green"):
        self.path = os.path.join(tempfile.mkdtemp(dir=directory), name)
        canary.make_repo(name, self.path)

    def edit(self, *changes, file="compose.yml"):
        """Each change: text in the file, and what replaces it."""
        path = os.path.join(self.path, file)
        with open(path, encoding="utf-8") as opened:
            text = opened.read()
        for old, new in changes:
            assert old in text, f"{old!r} is not in {file}:\n{text}"
            text = text.replace(old, new)
        with open(path, "w", encoding="utf-8") as opened:
            opened.write(text)
        git(self.path, "commit", "--quiet", "--all", "--message", "fix: a change")
        return self

    def remove(self, file):
        git(self.path, "rm", "--quiet", file)
        git(self.path, "commit", "--quiet", "--message", "fix: remove it")
        return self

    def edit_tag(self, tag, *changes):
        git(self.path, "checkout", "--quiet", "--detach", tag)
        self.edit(*changes)
        git(self.path, "tag", "--force", "--annotate", tag, "--message", "chore: publish again")
        git(self.path, "checkout", "--quiet", "pull")
        return self


def suite(text, **files):
    """What puts a suite in the place where ccci-run looks for it: the directory that it is called in."""
    def change(host):
        directory = os.path.join(host.directory, "tests", "recipes", "green")
        os.makedirs(directory)
        for name, content in {"suite.yml": text, **files}.items():
            with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                file.write(content)
    return change


def wrapped_abra(script):
    """abra replaced by a script of shell; $ABRA is the stand-in."""
    def change(host):
        host.write("bin/wrapped", f'#!/bin/sh\nABRA="{host.abra.path}"\n{script}\nexec "$ABRA" "$@"\n', 0o755)
        host.configure(abra=os.path.join(host.bin, "wrapped"))
    return change


class Verdicts(unittest.TestCase):
    """run_<name> starts a run, all of them before the first test; test_<name> looks at what came of it."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="stages-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.started = {name.removeprefix("run_"): getattr(cls, name)(cls) for name in dir(cls) if name.startswith("run_")}

    @classmethod
    def recipe(cls, name="green"):
        return Recipe(cls.directory, name)

    @classmethod
    def start(cls, recipe, **options):
        return runs.start(recipe.path, **options)

    def outcome(self):
        outcome = self.started[self.id().rpartition(".test_")[2]].result()
        self.assertEqual(outcome.left, [], outcome)
        self.assertEqual(outcome.results["teardown"]["outcome"], "clean", outcome)
        return outcome

    def assert_verdict(self, outcome, verdict, code, reason):
        self.assertEqual((outcome.results["verdict"], outcome.code), (verdict, code), outcome)
        self.assertIn(reason, outcome.results["reason"], outcome)

    def assert_failed(self, reason):
        outcome = self.outcome()
        self.assert_verdict(outcome, "recipe_failed", 1, reason)
        return outcome

    def assert_ci_error(self, reason):
        outcome = self.outcome()
        self.assert_verdict(outcome, "ci_error", 3, reason)
        return outcome

    def assert_not_deployed(self, outcome):
        self.assertEqual([call["argv"] for call in outcome.calls if call["argv"] != ["--version"]], [], outcome)
        self.assertEqual(outcome.results["deploys"], 0, outcome)

    # ---- found before anything is deployed

    def run_no_sample(self):
        return self.start(self.recipe().remove(".env.sample"))

    def test_no_sample(self):
        self.assert_not_deployed(self.assert_failed("green is no recipe: it has no .env.sample"))

    def run_no_app(self):
        return self.start(self.recipe().edit(("  app:\n", "  web:\n")))

    def test_no_app(self):
        self.assert_not_deployed(self.assert_failed("no service app"))

    def run_bad_yaml(self):
        return self.start(self.recipe().edit(("services:", "services: [")))

    def test_bad_yaml(self):
        self.assert_not_deployed(self.assert_failed("compose.yml:"))

    def run_long_name(self):
        return self.start(self.recipe("two-services").edit(
            ("name: ${STACK_NAME}_site_conf_", "name: ${STACK_NAME}_site_configuration_of_the_front_end_of_this_app_")))

    def test_long_name(self):
        outcome = self.assert_failed("_site_configuration_of_the_front_end_of_this_app_v3 in Swarm: ")
        self.assertIn("characters, 64 can be", outcome.results["reason"])
        self.assert_not_deployed(outcome)

    def run_duplicate_mount(self):
        return self.start(self.recipe().edit(("      - data:/data", "      - data:/data\n      - other:/data"),
                                             ("  data:\n", "  data:\n  other:\n")))

    def test_duplicate_mount(self):
        self.assert_not_deployed(self.assert_failed("service app has two mounts at /data"))

    # ---- what an install can die of

    def run_unhealthy(self):
        return self.start(self.recipe().edit((WEB_HEALTH, 'test: ["CMD", "false"]'), ("retries: 10", "retries: 1"),
                                             ("start_period: 5s", "start_period: 0s")))

    def test_unhealthy(self):
        outcome = self.assert_failed('service app is unhealthy: its check "false" ends with exit code 1')
        self.assertIn("web 1.2 serves /data", outcome.stage("install")["evidence"])

    def run_no_healthcheck_crash(self):
        return self.start(self.recipe().edit(
            (WEB_HEALTH, 'test: ["NONE"]'), ("init: true", 'init: true\n    command: ["sh", "-c", "sleep 1; exit 9"]')))

    def test_no_healthcheck_crash(self):
        """It runs for a second each time, so abra ends with 0."""
        self.assert_failed("exit code 9")

    def run_job_failed(self):
        return self.start(self.recipe().edit(
            ("condition: on-failure", "condition: none"),
            ("init: true", 'init: true\n    command: ["sh", "-c", "echo last words; exit 4"]')))

    def test_job_failed(self):
        outcome = self.assert_failed("service app ended and is not started again: exit code 4")
        self.assertEqual(outcome.stage("install")["evidence"], "last words\n")

    def run_out_of_memory(self):
        return self.start(self.recipe().edit(
            ("init: true", 'command: ["sh", "-c", "exec tail /dev/zero"]'),
            ("endpoint_mode: dnsrr", "endpoint_mode: dnsrr\n      resources: {limits: {memory: 16M}}"),
            ("condition: on-failure", "condition: on-failure\n        delay: 0s")))

    def test_out_of_memory(self):
        self.assert_failed("times, out of memory: its limit is 16 MiB")

    def run_nowhere(self):
        return self.start(self.recipe().edit(
            ("endpoint_mode: dnsrr", 'endpoint_mode: dnsrr\n      placement: {constraints: ["node.labels.nowhere==1"]}')))

    def test_nowhere(self):
        self.assert_failed("no node meets its placement constraints, node.labels.nowhere==1")

    def run_no_room(self):
        return self.start(self.recipe().edit(
            ("endpoint_mode: dnsrr", "endpoint_mode: dnsrr\n      resources: {reservations: {cpus: '64'}}")))

    def test_no_room(self):
        self.assert_ci_error("this host has no room for service app, which reserves 64 cores")

    def run_port_taken(self):
        """A container beside Swarm has the port: Swarm does not know, and starts one task after the other in vain."""
        def hold(host):
            made = docker.request("POST", "/containers/create", {"name": f"{os.path.basename(self.directory)}-holder"}, {
                "Image": "ccci-canary/web:1.0", "ExposedPorts": {"80/tcp": {}},
                "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "28472"}]}}})
            self.addClassCleanup(docker.raw, "DELETE", f"/containers/{made['Id']}", {"force": 1, "v": 1})
            docker.raw("POST", f"/containers/{made['Id']}/start")
            suite('allow: ["host-port:28472"]\n')(host)
        return self.start(self.recipe().edit(
            ("    volumes:\n", "    ports:\n      - {target: 80, published: 28472, mode: host}\n    volumes:\n")), change=hold)

    def test_port_taken(self):
        self.assert_ci_error("service app: host port 28472 is held by container "
                             f"{os.path.basename(self.directory)}-holder, which is not of this recipe")

    def run_never_ready(self):
        return self.start(self.recipe().edit((WEB_HEALTH, 'test: ["CMD", "false"]'), ("start_period: 5s", "start_period: 1h")),
                          deploy_timeout="15s")

    def test_never_ready(self):
        outcome = self.assert_failed("not ready within 15 s; it waits for the healthcheck of service app")
        self.assertIn("web 1.2 serves /data", outcome.stage("install")["evidence"])
        self.assertLess(outcome.stage("install")["seconds"], patience.seconds(30))

    def run_no_router(self):
        return self.start(self.recipe().edit(("traefik.enable=true", "traefik.enable=false")), deploy_timeout="10s")

    def test_no_router(self):
        self.assert_failed("GET /: the proxy answers 404")

    def run_with_job(self):
        """A migration that ends, beside an app that goes on."""
        return self.start(self.recipe().edit(("services:\n", """services:
  migrate:
    image: ccci-canary/web:1.0
    command: ["true"]
    deploy: {endpoint_mode: dnsrr, restart_policy: {condition: none}}
""")), arguments=["--stages=install"])

    def test_with_job(self):
        self.assert_verdict(self.outcome(), "passed", 0, "")

    # ---- upgrades

    def run_base_broken(self):
        return self.start(self.recipe().edit_tag("0.2.0+1.1", ("ccci-canary/web:1.1", "ccci-canary/crasher:1.0"),
                                                 ("condition: on-failure", "condition: on-failure\n        delay: 0s"))
                          .edit_tag("0.1.0+1.0", ("ccci-canary/web:1.0", "ccci-canary/WEB:1.0")))

    def test_base_broken(self):
        """Neither green nor the head's fault, and no third one is tried."""
        outcome = self.outcome()
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade"), {"install": "pass", "recreate": "pass", "upgrade": "unverified"}, outcome)
        self.assertNotEqual(outcome.results["verdict"], "passed")
        self.assertNotEqual(outcome.results["verdict"], "recipe_failed")
        reason = outcome.stage("upgrade")["reason"]
        self.assertIn("base broken: 0.2.0+1.1: does not come up: service app ended ", reason)
        self.assertIn("; 0.1.0+1.0: image ccci-canary/WEB:1.0", reason)
        self.assertEqual([entry["version"] for entry in outcome.results["versions"]["rejected"]], ["0.2.0+1.1", "0.1.0+1.0"])

    def run_base_without_image(self):
        return self.start(self.recipe().edit_tag("0.2.0+1.1", ("ccci-canary/web:1.1", "ccci-canary/WEB:1.1")),
                          arguments=("--from=0.2.0+1.1",))

    def test_base_without_image(self):
        outcome = self.outcome()
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade"), {"install": "pass", "recreate": "pass", "upgrade": "unverified"}, outcome)
        self.assertIn("base broken: 0.2.0+1.1: image ccci-canary/WEB:1.1", outcome.stage("upgrade")["reason"])

    def run_rolled_back(self):
        return self.start(self.recipe().edit(
            ("init: true", DIES_ON_OLD_DATA),
            ("endpoint_mode: dnsrr", "endpoint_mode: dnsrr\n      update_config: {failure_action: rollback}")))

    def test_rolled_back(self):
        """The service is 1/1 again, with the old version: only the update's state tells."""
        outcome = self.assert_failed("the update of service app was rolled back to the old version: exit code 3")
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade"), {"install": "pass", "recreate": "fail", "upgrade": "fail"}, outcome)

    def run_paused(self):
        return self.start(self.recipe().edit(("init: true", DIES_ON_OLD_DATA)))

    def test_paused(self):
        self.assert_failed("the update of service app was paused by Swarm: exit code 3")

    # ---- files that abra or the engine refuses

    def run_refused_upgrade(self):
        """The base is there and stays: only abra's words tell that the head is not."""
        recipe = self.recipe()
        recipe.edit(("    deploy:\n", "    deploy:\n      mode: global\n"))
        return self.start(recipe)

    def test_refused_upgrade(self):
        outcome = self.assert_failed("service mode change is not allowed")
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade"), {"install": "pass", "recreate": "pass", "upgrade": "fail"}, outcome)

    def run_refused_base(self):
        return self.start(self.recipe().edit_tag("0.2.0+1.1", ("interval: 1s", "interval: 1us")),
                          arguments=("--from=0.2.0+1.1",))

    def test_refused_base(self):
        outcome = self.outcome()
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade"), {"install": "pass", "recreate": "pass", "upgrade": "unverified"}, outcome)
        self.assertIn("base broken: 0.2.0+1.1: does not come up: Docker refuses what the recipe asks for: ",
                      outcome.stage("upgrade")["reason"])
        self.assertIn("Interval in HealthConfig cannot be less than 1ms", outcome.stage("upgrade")["reason"])

    def run_bad_action(self):
        return self.start(self.recipe().edit(
            ("endpoint_mode: dnsrr", "endpoint_mode: dnsrr\n      update_config: {failure_action: banana}")))

    def test_bad_action(self):
        self.assert_failed("unrecognized update failure action banana")

    def run_refused_by_loader(self):
        """What abra's loader refuses in app deploy; our own reader may know better one day."""
        return self.start(self.recipe(), change=wrapped_abra(
            'case "$*" in "app deploy"*) echo "FATA services.app Additional property foo is not allowed" >&2; exit 1;; esac'))

    def test_refused_by_loader(self):
        outcome = self.assert_failed("abra cannot load the recipe's compose files: services.app Additional property foo")
        self.assertEqual(outcome.stage("upgrade")["outcome"], "not_run", outcome)

    def run_refused_with_secrets(self):
        """secret generate loads the files too, and comes first."""
        return self.start(self.recipe("two-services"), change=wrapped_abra(
            'case "$*" in "app secret generate"*) echo "FATA yaml: line 3: mapping values are not allowed" >&2; exit 1;; esac'))

    def test_refused_with_secrets(self):
        self.assert_failed("abra cannot load the recipe's compose files: yaml: line 3: mapping values")

    def run_abra_gave_up(self):
        return self.start(self.recipe(), change=wrapped_abra(
            'case "$*" in "app deploy"*) echo "FATA Cannot connect to the Docker daemon at x" >&2; exit 1;; esac'))

    def test_abra_gave_up(self):
        self.assert_ci_error("abra app deploy: exit status 1: FATA Cannot connect to the Docker daemon at x")

    def run_config_changed(self):
        recipe = self.recipe("two-services")
        recipe.edit(("v3", "v2"), file="abra.sh")
        return self.start(recipe.edit(("title=", "title=another "), file="site.conf.tmpl"))

    def test_config_changed(self):
        self.assert_failed("a config changed under the same name")

    def run_volume_gone(self):
        return self.start(self.recipe().edit(("    volumes:\n      - data:/data\n", ""), ("\nvolumes:\n  data:\n", "\n")))

    def test_volume_gone(self):
        self.assert_failed("volume `data` lost its marker: it is no longer mounted (was at /data of service app)")

    def run_upgrade_alone(self):
        return self.start(self.recipe(), arguments=["--stages=upgrade"])

    def test_upgrade_alone(self):
        outcome = self.outcome()
        self.assert_verdict(outcome, "passed", 0, "")
        self.assertEqual((outcome.outcomes(), outcome.results["deploys"]), ({"upgrade": "pass"}, 2), outcome)

    # ---- abra and the host

    def run_other_commit(self):
        return self.start(self.recipe(), change=wrapped_abra(
            'case "$*" in "app deploy"*) git -C "$ABRA_DIR/recipes/green" checkout -qf 0.1.0+1.0;; esac'))

    def test_other_commit(self):
        self.assert_ci_error("abra app deploy ended with 0, but it deployed another commit: ")

    def run_nothing_deployed(self):
        return self.start(self.recipe(), change=wrapped_abra('case "$*" in "app deploy"*) exit 0;; esac'))

    def test_nothing_deployed(self):
        self.assert_ci_error("abra app deploy ended with 0, but service app is not there")

    def run_gave_up_waiting(self):
        """abra's own wait is shorter than what the app needs."""
        return self.start(self.recipe().edit(("init: true", "init: true\n    environment: {START_DELAY: \"12\"}"),
                                             ("start_period: 5s", "start_period: 30s"), ("${TIMEOUT:-60}", "3"),
                                             ("    environment:\n      - DOMAIN\n", "")),
                          arguments=["--stages=install"])

    def test_gave_up_waiting(self):
        outcome = self.outcome()
        self.assert_verdict(outcome, "passed", 0, "")
        deploys = [call for call in outcome.calls if call["argv"][:2] == ["app", "deploy"]]
        self.assertEqual([call["exit"] for call in deploys], [1], "abra was to give up")

    def run_no_proxy(self):
        return self.start(self.recipe(), probe_connect="127.0.0.1:1")

    def test_no_proxy(self):
        outcome = self.assert_ci_error("the proxy at 127.0.0.1:1 does not answer")
        self.assertLess(outcome.stage("install")["seconds"], patience.seconds(40))

    def run_no_server(self):
        return self.start(self.recipe(), abra_server="elsewhere")

    def test_no_server(self):
        self.assert_not_deployed(self.assert_ci_error("abra knows no server elsewhere"))

    # ---- secrets

    def run_secrets(self):
        return self.start(self.recipe("two-services").edit(
            ("image: ccci-canary/db:5.1", "image: ccci-canary/db:5.1\n    command: "
             '["sh", "-c", "echo password is $$(cat /run/secrets/db_password); sleep 1; exit 5"]'),
            ("condition: on-failure", "condition: on-failure\n        delay: 0s")))

    def test_secrets(self):
        outcome = self.assert_failed("service db ended ")
        self.assertEqual(outcome.stage("install")["evidence"], "password is ***\n")
        self.assertEqual(len([call for call in outcome.calls if call["argv"][:3] == ["app", "secret", "generate"]]), 1)

    def run_secrets_later(self):
        """The stage that quotes the log is not the one that generated the secret."""
        return self.start(self.recipe("two-services").edit(
            ("image: ccci-canary/db:5.1", "image: ccci-canary/db:5.1\n    command: "
             '["sh", "-c", "[ -e /var/lib/db/.ccci-marker ] || exec /start; cat /run/secrets/db_password; exit 5"]')))

    def test_secrets_later(self):
        outcome = self.assert_failed("service db")
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade"), {"install": "pass", "recreate": "fail", "upgrade": "fail"}, outcome)
        for stage in ("recreate", "upgrade"):
            self.assertEqual(outcome.stage(stage)["evidence"].strip(), "***")

    def run_secret_not_made(self):
        """abra passes over it, and nobody says what it is to be: no fault of the recipe."""
        return self.start(self.recipe("two-services").edit(("length=32 charset=hex", "generate=false"), file=".env.sample"))

    def test_secret_not_made(self):
        outcome = self.assert_ci_error("abra makes no secret db_password (generate=false in .env.sample): say in the suite "
                                       "secrets: {db_password: generate}, or give a value or a file")
        self.assertEqual(outcome.results["deploys"], 0, outcome)

    def run_secret_unknown(self):
        return self.start(self.recipe(), change=suite("secrets: {db_password: generate}\n"))

    def test_secret_unknown(self):
        outcome = self.outcome()
        self.assert_verdict(outcome, "ci_error", 3, 'the suite\'s secrets: the recipe has no secret "db_password"')
        self.assert_not_deployed(outcome)

    # ---- what it needs

    def with_need(self, need, *edits):
        """A recipe, and beside it the one that it needs, whose newest version is changed."""
        recipe = self.recipe()
        canary.make_repo(need, os.path.join(os.path.dirname(recipe.path), need))
        if edits:
            other = Recipe.__new__(Recipe)
            other.path = os.path.join(os.path.dirname(recipe.path), need)
            other.edit_tag("0.2.0+2.0", *edits)
        return recipe

    def run_need_missing(self):
        return self.start(self.recipe(), change=suite("needs: [nowhere]\n"))

    def test_need_missing(self):
        self.assert_not_deployed(self.assert_ci_error("the dependency nowhere: it lies not beside the recipe, and neither "
                                                      "SRC nor RECIPE_ORG says whose it is"))

    def run_need_of_itself(self):
        return self.start(self.recipe(), change=suite("needs: [green]\n"))

    def test_need_of_itself(self):
        self.assert_not_deployed(self.assert_ci_error("needs go in a circle: green needs green"))

    def run_need_out_of_place(self):
        return self.start(self.with_need(self, "two-services", ("- db:/var/lib/db", "- /etc:/var/lib/db")),
                          change=suite("needs: [two-services]\n"))

    def test_need_out_of_place(self):
        self.assert_not_deployed(self.assert_ci_error("the dependency two-services: service db mounts /etc of the host"))

    def run_need_broken(self):
        return self.start(self.with_need(self, "tells-secret"), change=suite("needs: [tells-secret]\n"))

    def test_need_broken(self):
        outcome = self.outcome()
        self.assert_verdict(outcome, "ci_error", 3, "the dependency tells-secret did not come up: service app ended ")
        self.assertEqual(outcome.outcomes()["install"], "unverified", outcome)
        self.assertIn("starting with password ***", outcome.stage("install")["evidence"])
        self.assertRegex(outcome.stage("install")["tests"][0]["name"], "^needs tells-secret at [0-9a-f]{8}$")
        self.assertEqual(outcome.results["deploys"], 0, outcome)

    def run_need_gone(self):
        """It dies while the app is tested: what fails then says nothing of the recipe."""
        def change(host):
            suite("needs: [two-services]\nchecks: [{run: check}]\n", check="#!/bin/sh\ndocker service rm "
                  '"two$(printf %s "$CCCI_STACK" | sed s/[^-]*//)_db"; exit 1\n')(host)
            os.chmod(os.path.join(host.directory, "tests/recipes/green/check"), 0o755)
        return self.start(self.with_need(self, "two-services"), change=change, arguments=["--stages=install"])

    def test_need_gone(self):
        outcome = self.outcome()
        self.assert_verdict(outcome, "ci_error", 3, "the dependency two-services is not up any more: ")
        self.assertEqual(outcome.outcomes()["install"], "unverified", outcome)

    # ---- suites

    def run_suite(self):
        return self.start(self.recipe(), arguments=["--stages=install"], change=suite("""
env: {MOTTO: "it's $5 # really"}
compose: [compose.ci.yml]
ready:
  - http: /
    status: [200]
    contains: hello
  - tcp: 80
    service: app
checks:
  - http: /index.html
    header: "Accept-Ranges: bytes"
  - http: {path: /, service: app, port: 80}
stages:
  upgrade: {not_run: "no state"}
""", **{"compose.ci.yml": 'version: "3.8"\nservices:\n  app:\n    labels: {x: "$MOTTO"}\n'}))

    def test_suite(self):
        outcome = self.outcome()
        self.assert_verdict(outcome, "passed", 0, "")
        tests = {test["name"]: test["outcome"] for test in outcome.stage("install")["tests"]}
        self.assertEqual(tests, {"GET /": "pass", "tcp 80 of app": "pass", "GET /index.html": "pass",
                                 "GET / of app:80": "pass"}, outcome)
        self.assertTrue(outcome.results["provenance"]["suite"].startswith("sha256:"))
        self.assertEqual(outcome.results["run"]["suite"], "tests/recipes/green")

    def run_check_failed(self):
        return self.start(self.recipe(), change=suite("checks:\n  - http: /nothing-there\n    status: 200\n"))

    def test_check_failed(self):
        outcome = self.assert_failed("GET /nothing-there: status 404")
        self.assertEqual(outcome.stage("upgrade")["outcome"], "not_run")


class Registry(unittest.TestCase):
    """A missing tag, a missing repository, a rate limit and a dead registry are four messages, and two kinds of fault."""

    def check(self, word, verdict, code, reason):
        with tempfile.TemporaryDirectory(prefix="stages-") as directory, \
                standins.Registry(os.path.join(directory, "registry")) as registry:
            registry.switch(word)
            made = canary.make_repo("bad-image", os.path.join(directory, "bad-image"), REGISTRY=registry.address)
            outcome = runs.run(made.path)
        self.assertEqual((outcome.results["verdict"], outcome.code), (verdict, code), outcome)
        self.assertIn(reason, outcome.results["reason"], outcome)
        self.assertIn("of service app", outcome.results["reason"], outcome)
        self.assertEqual([call["argv"] for call in outcome.calls if call["argv"] != ["--version"]], [], outcome)

    def test_no_tag(self):
        self.check("", "recipe_failed", 1, "the repository has no such tag")

    def test_denied(self):
        self.check("denied", "recipe_failed", 1, "no such repository, or one that needs a login")

    def test_rate_limit(self):
        self.check("toomanyrequests", "ci_error", 3, "the registry's rate limit is reached")

    def test_broken(self):
        self.check("broken", "ci_error", 3, "the registry cannot be reached")

    def check_base(self, word, reason, **settings):
        """The base alone needs it: what could be judged is judged."""
        with tempfile.TemporaryDirectory(prefix="stages-") as directory, \
                standins.Registry(os.path.join(directory, "registry")) as registry:
            registry.switch(word)
            recipe = Recipe(directory).edit_tag("0.2.0+1.1", ("ccci-canary/web:1.1", f"{registry.address}/web:1.429.0"))
            outcome = runs.run(recipe.path, arguments=("--from=0.2.0+1.1",), **settings)
        self.assertEqual(outcome.outcomes("install", "recreate", "upgrade"), {"install": "pass", "recreate": "pass", "upgrade": "unverified"}, outcome)
        self.assertEqual((outcome.left, outcome.code), ([], 3), outcome)
        for text in (*reason, "/web:1.429.0 of service app: "):
            self.assertIn(text, outcome.stage("upgrade")["reason"], outcome)

    def test_base_without_tag(self):
        self.check_base("", ("base broken: 0.2.0+1.1: image ", "the repository has no such tag"))

    def test_base_behind_a_rate_limit(self):
        self.check_base("toomanyrequests", ("the base 0.2.0+1.1 cannot be deployed here for now: image ",
                                            "the registry's rate limit is reached"))

    def test_base_in_a_broken_registry(self):
        self.check_base("broken", ("the base 0.2.0+1.1 cannot be deployed here for now: image ", "the registry cannot be reached"))

    def test_base_in_a_silent_registry(self):
        self.check_base("slow", ("the base 0.2.0+1.1 cannot be deployed here for now: image ", "not pulled in time"),
                        run_timeout="60s")


class Published(unittest.TestCase):
    """Images that a registry really gives: with a login, by digest."""
    HEALTH = {"Test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"], "Interval": 10**9, "Retries": 10}

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="stages-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.registry = standins.Registry(os.path.join(self.directory, "registry"))
        self.addCleanup(self.registry.close)
        layer = images.root_file_system("1.2", images.WEB_FILES)
        self.digest = self.registry.publish("private/web", "1.2", layer, {"Cmd": ["/start"], "Healthcheck": self.HEALTH})
        self.image = f"{self.registry.address}/private/web"

    def run_with(self, image, config=None, helper=None, edits=()):
        def change(host):
            if helper:
                host.write("bin/docker-credential-test", f"#!/bin/sh\n{helper}\n", 0o755)
            if config:
                os.mkdir(os.path.join(host.directory, ".docker"))
                host.write(".docker/config.json", json.dumps(config), 0o600)

        recipe = Recipe(self.directory).edit(("ccci-canary/web:1.2", image), *edits)
        self.addCleanup(images.remove, [image])
        return runs.run(recipe.path, arguments=["--stages=install"], change=change)

    def auths(self, login):
        return {"auths": {self.registry.address: {"auth": base64.b64encode(login.encode()).decode()}}}

    def assert_passed(self, outcome):
        self.assertEqual((outcome.results["verdict"], outcome.code, outcome.left), ("passed", 0, []), outcome)
        self.assertEqual(outcome.results["provenance"]["images"], {"app": self.digest}, outcome)

    def test_login(self):
        self.registry.want_login("alice:hunter22")
        outcome = self.run_with(f"{self.image}:1.2", self.auths("alice:hunter22"))
        self.assert_passed(outcome)
        self.assertIn(f"pulling {self.image}:1.2 as alice", outcome.output)
        self.assertNotIn("hunter22", outcome.output + outcome.logs)
        self.assertTrue(all("DOCKER_CONFIG" in call["env"] for call in outcome.calls), outcome.calls)

    def test_helper(self):
        self.registry.want_login("alice:hunter22")
        outcome = self.run_with(f"{self.image}:1.2", {"credsStore": "test"}, """
read -r server
[ "$1 $server" = "get %s" ] || exit 3
echo '{"Username": "alice", "Secret": "hunter22"}'""" % self.registry.address)
        self.assert_passed(outcome)

    def test_no_login(self):
        self.registry.want_login("alice:hunter22")
        outcome = self.run_with(f"{self.image}:1.2")
        self.assertEqual(outcome.results["verdict"], "recipe_failed", outcome)
        self.assertIn("no such repository, or one that needs a login", outcome.results["reason"])

    def test_wrong_login(self):
        self.registry.want_login("alice:hunter22")
        outcome = self.run_with(f"{self.image}:1.2", self.auths("alice:old-password"))
        self.assertEqual(outcome.results["verdict"], "ci_error", outcome)
        self.assertIn("the registry wants a login and refuses the one of alice", outcome.results["reason"])
        self.assertNotIn("old-password", outcome.output + outcome.logs)

    def test_broken_helper(self):
        self.registry.want_login("alice:hunter22")
        outcome = self.run_with(f"{self.image}:1.2", {"credsStore": "test"}, "echo locked; exit 1")
        self.assertEqual(outcome.results["verdict"], "ci_error", outcome)
        self.assertIn("docker-credential-test get: exit status 1", outcome.results["reason"])

    def test_rate_limit_of_an_account(self):
        self.registry.switch("toomanyrequests")
        outcome = self.run_with(f"{self.image}:1.2", self.auths("alice:hunter22"))
        self.assertEqual(outcome.results["verdict"], "ci_error", outcome)
        self.assertIn("rate limit is reached for the account alice", outcome.results["reason"])

    def test_digests(self):
        """The image's own healthcheck is found: the recipe has none of its own."""
        for image in (f"{self.image}:1.2@{self.digest}", f"{self.image}@{self.digest}"):
            with self.subTest(image):
                outcome = self.run_with(image, edits=[
                    ("    healthcheck:\n      " + WEB_HEALTH + "\n      interval: 1s\n      timeout: 2s\n"
                     "      retries: 10\n      start_period: 5s\n", "")])
                self.assert_passed(outcome)
                self.assertLess(outcome.phases("install")["converge"], 4.5)  # five seconds without a healthcheck


class FullDisk(unittest.TestCase):
    """The disk fills while abra deploys: what is there is taken down, and the disk is to blame, by its path."""

    def check(self, disk, fill):
        """disk: options of the tmpfs with the state. fill: in the run's own directory, so that taking it down makes room again."""
        with tempfile.TemporaryDirectory(prefix="stages-") as directory:
            state = os.path.join(directory, "state")

            def change(host):
                wrapped_abra(f'case "$*" in "app deploy"*) (cd "$ABRA_DIR" && {fill}) 2>/dev/null || :;; esac')(host)
                host.configure(abra=os.path.join(host.bin, "wrapped"), state_dir=state)

            os.mkdir(state)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"{disk},mode=700", "tmpfs", state], check=True)
            try:
                self.assert_disk_is_to_blame(runs.run(Recipe(directory).path, change=change), state)
            finally:
                subprocess.run(["umount", "--lazy", state], check=True)

    def assert_disk_is_to_blame(self, outcome, state):
        self.assertEqual((outcome.results["verdict"], outcome.code, outcome.left), ("ci_error", 3, []), outcome)
        self.assertIn(f"the disk that holds {state}/runs/", outcome.results["reason"], outcome)
        self.assertIn(" is full: make room there", outcome.results["reason"], outcome)
        self.assertIn("in install", outcome.results["reason"], outcome)
        self.assertNotIn("no step of the build asked for it", str(outcome.results), outcome)
        self.assertEqual(outcome.results["teardown"]["outcome"], "clean", outcome)

    def test_no_bytes(self):
        self.check("size=4m", "head -c 8m /dev/zero >fill")

    def test_no_inodes(self):
        self.check("size=64m,nr_inodes=2000", "seq 4000 | xargs touch")


if __name__ == "__main__":
    unittest.main()
