#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
An app that runs share (SHARED_NEEDS), on the real Swarm: it comes up once, each run has a tenant of its own in it that another
run's end leaves alone, and nothing of either is left whatever dies.

The runs' check says where it is by a file <tenant>.here and waits for <tenant>.go, so that a test decides who overlaps whom.
"""
import glob
import json
import os
import re
import shutil
import signal
import tempfile
import unittest

from lib import canary, docker, images
from lib.chain import Chain
from lib.host import RunnerHost
from lib.world import wait_for

PATIENCE = 120
IN_APP = """#!/bin/sh
in_app() { docker exec "$(docker ps -q -f "label=com.docker.swarm.service.name=$1_app")" sh -c "$2"; }
"""
SEED = IN_APP + """
[ -n "$CCCI_SECRET_DIR" ] && [ "$CCCI_RECIPE" = green ] || exit 1
in_app "$CCCI_STACK" "mkdir -p /data/tenants && [ ! -e /data/tenants/$CCCI_TENANT ] && echo made > /data/tenants/$CCCI_TENANT"
"""
RELEASE = IN_APP + """
[ ! -e "@DIR@/$CCCI_TENANT.stuck" ] || { echo it is stuck; exit 1; }
in_app "$CCCI_STACK" "rm /data/tenants/$CCCI_TENANT"
"""
CHECK = IN_APP + """
tenant=$CCCI_NEED_GREEN_TENANT stack=$CCCI_NEED_GREEN_STACK
[ -z "${CCCI_NEED_GREEN_SECRET_DIR+there}" ] || { echo "what opens all of the app was told"; exit 1; }
[ "$(in_app $stack "cat /data/tenants/$tenant")" = made ] || { echo "no tenant of its own"; exit 1; }
in_app $stack "echo kept by $tenant > /data/tenants/$tenant"
echo "$stack" > "@DIR@/$tenant.tmp" && mv "@DIR@/$tenant.tmp" "@DIR@/$tenant.here"
while [ ! -e "@DIR@/$tenant.go" ]; do sleep 0.1; done
[ "$(in_app $stack "cat /data/tenants/$tenant")" = "kept by $tenant" ] || { echo "another run destroyed it"; exit 1; }
"""


class Shared(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        made = images.make(["ccci-canary/web:1.0", "ccci-canary/web:1.1"])
        cls.addClassCleanup(images.remove, made)

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="ccci-shared-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.host = RunnerHost(os.path.join(self.directory, "host"), max_tests="2", shared_needs="green", shared_idle="1s")
        self.addCleanup(self.host.close)
        self.addCleanup(self.end_all)
        self.recipe = canary.make_repo("needs-other", os.path.join(self.directory, "needs-other")).path
        canary.make_repo("green", os.path.join(self.directory, "green"))
        self.write_suite("green", "tenant: {seed: seed, release: release}\n", seed=SEED, release=RELEASE)
        self.write_suite("needs-other", 'needs: [green]\nenv: {OTHER: "@need.green.stack@_app"}\nchecks: [{run: check}]\n',
                         check=CHECK)

    def write_suite(self, recipe, text, **programs):
        os.makedirs(os.path.join(self.host.directory, "tests/recipes", recipe), exist_ok=True)
        self.host.write(f"tests/recipes/{recipe}/suite.yml", text, 0o644)
        for name, program in programs.items():
            self.host.write(f"tests/recipes/{recipe}/{name}", program.replace("@DIR@", self.directory), 0o755)

    def end_all(self):
        """Of a test that failed: nothing may outlive it."""
        for run in self.host.live_runs():
            self.host.ccci_run("teardown", run)

    # --- runs

    def start(self):
        """(its process, its results.json)"""
        results = os.path.join(self.directory, f"results-{len(glob.glob(os.path.join(self.directory, 'results-*')))}")
        os.mkdir(results)
        process = self.host.start("run", "--stages=install", "--json", os.path.join(results, "json"), self.recipe,
                                  start_new_session=True)
        self.addCleanup(self.bury, process)
        return process, os.path.join(results, "json")

    @staticmethod
    def bury(process):
        process.kill()
        process.wait()
        process.stdout.close()

    def here(self):
        return {os.path.basename(path).removesuffix(".here") for path in glob.glob(os.path.join(self.directory, "*.here"))}

    def wait_here(self, process, others=()):
        """The tenant of a run whose check has begun."""
        wait_for(lambda: self.here() - set(others) or process.poll() is not None, PATIENCE, "a check that begins")
        came = self.here() - set(others)
        if not came:
            self.fail(f"{process.communicate(timeout=PATIENCE)[0]}\n{self.host.logs()}")
        return came.pop()

    def touch(self, name):
        open(os.path.join(self.directory, name), "w", encoding="ascii").close()

    def finish(self, process, results, tenant=None):
        if tenant:
            self.touch(f"{tenant}.go")
        output, _ = process.communicate(timeout=PATIENCE)
        with open(results, encoding="utf-8") as file:
            return json.load(file), output

    def passed(self, process, results, tenant=None):
        found, output = self.finish(process, results, tenant)
        self.assertEqual((found["verdict"], found["teardown"]["outcome"]), ("passed", "clean"), output + self.host.logs())
        return found

    # --- what is there

    def shared_runs(self):
        return {run for run in self.host.live_runs() if run.startswith("shared-")}

    def stack_of(self, run):
        with open(os.path.join(self.host.state_dir, "runs", run, "run.json"), encoding="utf-8") as file:
            return json.load(file)["domain"].replace(".", "_")

    def tenants(self, stack):
        container = docker.containers(stack, "app")[0]
        return set(docker.execute(container, ["ls", "/data/tenants"])[1].split())

    def kill_keeper(self, run):
        with open(os.path.join(self.host.state_dir, "runs", run, "lease"), encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGKILL)
        wait_for(lambda: run not in self.host.live_runs(), PATIENCE, "the end of a keeper that was killed")

    def run_of(self, tenant):
        return next(run for run in os.listdir(os.path.join(self.host.state_dir, "runs"))
                    if run.endswith("-" + tenant.removeprefix("run")))

    def assert_nothing_left(self):
        wait_for(lambda: not self.host.live_runs(), PATIENCE, f"the end of every run\n{self.host.logs()}")
        self.host.ccci_run("reap", check=True)
        self.assertEqual((self.host.left_in_docker(), self.host.leftovers()), ([], []))
        self.assertEqual(glob.glob(os.path.join(self.host.state_dir, "runs", "*", "needs")), [])

    # --- the tests

    def test_two_at_once(self):
        """One app, two tenants; what ends one run leaves the other's alone, and the app as it is."""
        started = [self.start(), self.start()]
        one = self.wait_here(started[0][0])
        other = self.wait_here(started[1][0], {one})
        (app,) = self.shared_runs()
        stack = self.stack_of(app)
        before = docker.services(stack)
        self.assertEqual(self.tenants(stack), {one, other})
        self.assertRegex(self.host.ccci_run("doctor").stdout, r"shared apps +green at \S+, used by 2\n")

        self.touch(f"{one}.go")
        wait_for(lambda: self.tenants(stack) == {other}, PATIENCE, "the release of one tenant")
        wait_for(lambda: self.run_of(one) not in self.host.live_runs(), PATIENCE, "the end of its run")
        self.host.ccci_run("reap", check=True)
        self.assertEqual((self.shared_runs(), self.tenants(stack)), ({app}, {other}))
        self.assertEqual(docker.services(stack), before)

        self.touch(f"{other}.go")
        for process, results in started:
            found = self.passed(process, results)
            self.assertEqual(found["provenance"]["shared"], {"green": app})
            test = found["stages"][0]["tests"][0]
            self.assertEqual(test["name"], "needs green 0.2.0+1.1")
            self.assertRegex(test["reason"], f"^shared: {app}, started 20")
        self.assert_nothing_left()

    def test_whoever_dies(self):
        """A run, then its neighbour and the app that both use, all by SIGKILL."""
        killed, _ = self.start()
        one = self.wait_here(killed)
        process, _ = self.start()
        other = self.wait_here(process, {one})
        (app,) = self.shared_runs()
        stack = self.stack_of(app)

        killed.kill()  # the front would do what reap does
        self.kill_keeper(self.run_of(one))
        self.host.ccci_run("reap", check=True)
        self.assertEqual((self.shared_runs(), self.tenants(stack)), ({app}, {other}))

        process.kill()
        self.kill_keeper(self.run_of(other))
        self.kill_keeper(app)
        self.assert_nothing_left()

    def test_goes_bad(self):
        """What is not well, or could not be cleaned, is given to nobody any more; who has it keeps it, as long as it is."""
        process, results = self.start()
        one = self.wait_here(process)
        (bad,) = self.shared_runs()
        (service,) = docker.services(self.stack_of(bad)).values()
        spec = {**service["Spec"], "Mode": {"Replicated": {"Replicas": 0}}}
        docker.request("POST", f"/services/{service['ID']}/update?version={service['Version']['Index']}", body=spec)
        wait_for(lambda: not docker.containers(self.stack_of(bad)), PATIENCE, "an app that is bad")
        later, later_results = self.start()
        other = self.wait_here(later, {one})
        self.assertIn(bad, self.shared_runs())  # it is still somebody's
        (good,) = self.shared_runs() - {bad}
        self.assertEqual(self.tenants(self.stack_of(good)), {other})

        self.kill_keeper(bad)
        self.host.ccci_run("reap", check=True)
        self.assertEqual((docker.services(self.stack_of(bad)), self.shared_runs()), ({}, {good}))
        found, output = self.finish(process, results, one)
        self.assertEqual((found["verdict"], found["teardown"]["outcome"]), ("ci_error", "clean"), output)
        self.assertIn("the dependency green is not up any more", found["reason"])

        self.touch(f"{other}.stuck")
        self.passed(later, later_results, other)
        wait_for(lambda: not self.shared_runs(), PATIENCE, "the end of what could not be cleaned")
        with open(os.path.join(self.host.state_dir, "runs", good, "log/keeper.log"), encoding="utf-8") as file:
            self.assertIn("nobody uses what is given to nobody any more", file.read())
        self.assert_nothing_left()

    def test_does_not_come_up(self):
        """That is no recipe's fault but its own."""
        self.write_suite("green", "tenant: {seed: seed, release: release}\ndeploy_timeout: 5s\n"
                         "ready: [{http: /, contains: something else}]\n")
        found, output = self.finish(*self.start())
        self.assertEqual((found["verdict"], found["teardown"]["outcome"]), ("ci_error", "clean"), output)
        self.assertRegex(found["reason"], "the dependency green, shared as shared-[0-9a-f]{6}, did not come up: ")
        self.assertEqual(found["stages"][0]["outcome"], "unverified", output)
        self.assertEqual(output.count("waiting until it is up"), 1, output)  # another one would not come up either
        self.assert_nothing_left()

    def test_in_drone(self):
        """It outlives the step that started it, build and workspace; a person may end it."""
        with Chain(run={"shared_needs": "given-secrets", "shared_idle": "1h"}) as chain:
            for name in ("needs-other", *canary.needs("needs-other")):
                chain.add_canary(name)
            apps = set()
            for _ in range(2):
                build = chain.world.create_build(RECIPE="needs-other", STAGES="install")
                self.assertEqual(chain.world.wait_build(build, seconds=180)["status"], "success", chain.explain())
                apps.add(re.search("needs given-secrets: shared, (shared-[0-9a-f]{6}) at ", chain.world.log(build, "prepare"))[1])
            self.assertEqual(apps, set(chain.host.live_runs()))
            self.assertEqual(len(apps), 1)
            chain.host.ccci_run("teardown", *apps, check=True)
            chain.host.wait_idle()
            self.assertEqual(chain.host.left_in_docker("shared"), [])


if __name__ == "__main__":
    unittest.main()
