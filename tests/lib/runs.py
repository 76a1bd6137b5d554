# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs on the real Swarm without Drone: `ccci-run run DIR` on a host of the run's own, and what came of it.

    run = runs.start("green", switches=["k24=8"])       a canary, or a directory with a recipe's repository
    outcome = run.result()                              waits; runs go on side by side, RUNS_AT_ONCE of them
    outcome.results["verdict"], outcome.stage("upgrade")["reason"], outcome.output
    outcome.left                                        what it left in Docker and the abra home: [] when nothing

Each has its own state directory, so that none waits for another's slot.
"""

import atexit
import concurrent.futures
import glob
import json
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass, field

from lib import canary, docker, images
from lib.host import RunnerHost

RUNS_AT_ONCE = 4
_images_made = threading.Lock()
_made = []


@dataclass
class Outcome:
    code: int
    output: str
    results: dict
    calls: list
    left: list = field(default_factory=list)
    logs: str = ""

    def stage(self, name):
        """The stage of that name; AssertionError with everything there is when it has none."""
        for stage in self.results.get("stages", ()):
            if stage["name"] == name:
                return stage
        raise AssertionError(f"no stage {name}\n{self}")

    def outcomes(self, *names):
        """By stage; with names, of these alone."""
        return {stage["name"]: stage["outcome"] for stage in self.results.get("stages", ())
                if not names or stage["name"] in names}

    def reasons(self):
        """All that a person reads of why: reasons and evidence."""
        texts = [self.results.get("reason", "")]
        for stage in self.results.get("stages", ()):
            texts += [stage["reason"], stage["evidence"], *(test["reason"] for test in stage["tests"])]
        return "\n".join(texts)

    def phases(self, name):
        return {phase["name"]: phase["seconds"] for phase in self.stage(name)["phases"]}

    def __str__(self):
        return f"exit {self.code}\n{self.output}\n{json.dumps(self.results, indent=1)}\n{self.logs}"


def need_images(names=()):
    """The canaries' images and those of these names that take longer, for as long as this process lives."""
    with _images_made:
        made = images.make([*images.IMAGES, *(name for name in names if name in images.DATABASES)])
        _made.extend(made)
        if len(_made) == len(made):
            atexit.register(images.remove, _made)


def run(recipe, switches=(), arguments=(), change=None, environment=None, timeout=300, **settings):
    """One run to its end. recipe: a canary's name, or a directory. change(host): called before ccci-run."""
    is_canary = not os.path.isdir(recipe)
    spec = canary.load(recipe) if is_canary else {}
    need_images(spec.get("images", ()))
    directory = tempfile.mkdtemp(prefix="ccci-run-")
    try:
        path = canary.make_repo(recipe, os.path.join(directory, recipe)).path if is_canary else recipe
        with RunnerHost(os.path.join(directory, "host"), **{"recipe_tests_allow": spec.get("recipe_tests_allow"), **settings}) as host:
            host.abra.switch(*switches, *spec.get("switches", ()))
            if is_canary:
                bring(host, directory, recipe)
            if change:
                change(host)
            arguments = [*arguments, *spec.get("arguments", ())]
            return _run(host, path, os.path.join(directory, "results.json"), arguments, environment, timeout)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def bring(host, directory, name):
    """The suite of a canary; of what it needs the repositories too, beside the canary's own."""
    if not canary.suite(name):
        return
    canary.copy_suite(name, os.path.join(host.directory, "tests/recipes", name))
    for need in canary.needs(name):
        canary.make_repo(need, os.path.join(directory, need))
        bring(host, directory, need)


def _run(host, path, json_path, arguments, environment, timeout):
    done = host.ccci_run("run", path, "--json", json_path, *arguments, environment=environment, timeout=timeout)
    results = {}
    if os.path.exists(json_path):
        with open(json_path, encoding="utf-8") as file:
            results = json.load(file)
    outcome = Outcome(done.returncode, done.stdout, results, host.abra.calls(), host.leftovers(), host.logs())
    run_id = results.get("run", {}).get("id", "")
    if run_id:
        outcome.left += docker.of_run(run_id)
        outcome.left += glob.glob(f"/sys/fs/cgroup/ccci-*{run_id}") + glob.glob(f"/sys/fs/cgroup/*/ccci-*{run_id}")
    return outcome


_pool = concurrent.futures.ThreadPoolExecutor(RUNS_AT_ONCE)


def start(*arguments, **more):
    """The same beside others; .result() waits for its Outcome."""
    return _pool.submit(run, *arguments, **more)
