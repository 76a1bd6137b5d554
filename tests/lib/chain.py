# SPDX-License-Identifier: GPL-3.0-or-later
"""
The whole chain from comment to verdict: forge and Drone of tests/lib/world.py, a runner's host, the bridge.

    with Chain(capacity=2) as chain:
        number = chain.add_canary("green")
        chain.start()
        chain.world.comment("green", number, "member", "!testme")
        chain.wait_verdict("green", number, 60)

The CI repository holds our own .drone.yml or .woodpecker.yml, its limit set to the capacity, and the canaries' suites.
"""
import json
import os
import re
import shutil
import tempfile

from lib import canary, images
from lib.host import RunnerHost
from lib.world import ORG, StandinWorld, make_bridge, read_tree, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
HOOK_SECRET = "a-secret-of-the-test-hook"
TRAILER = re.compile(r"<!-- ccci (\{.*\}) -->")


def trailer(body):
    """The hidden line of an answer as a dict; {} when there is none."""
    found = TRAILER.findall(body)
    return json.loads(found[-1]) if found else {}


class Chain:
    def __init__(self, capacity=1, hook=True, bridge=None, run=None):
        """hook: the forge also delivers comments. bridge, run: more keys for bridge.yml and run.yml."""
        self.directory = tempfile.mkdtemp(prefix="ccci-chain-")
        self.world = self.host = self.bridge = None
        self.images, self.recipes, self.hook, self.bridge_settings = [], [], hook, dict(bridge or {})
        try:
            self.host = self.make_host()
            self.world = self.make_world(capacity)
            self.host.configure(gitea_url=self.world.forge_url, git_token=self.world.tokens["bot"], recipe_org=ORG,
                                max_tests=capacity, **(run or {}))
            with open(os.path.join(ROOT, self.world.ci_yml), encoding="utf-8") as file:
                # The recipe pipeline alone: the other one would test ccci on every push to the CI repository.
                recipe_pipeline = file.read().split("\n---\n")[0]
            self.world.set_ci_yml(re.sub(r"(?m)^  limit: \d+$", f"  limit: {capacity}", recipe_pipeline))
        except BaseException:
            self.close()
            raise

    def make_host(self):
        return RunnerHost(os.path.join(self.directory, "host"))

    def make_world(self, capacity):
        return StandinWorld(capacity=capacity, runner_path=self.host.path)

    def end_proxy(self):
        """For a proxy that is not the host's own."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add_canary(self, name, recipe=None, private=False, **values):
        """A repository of the canary with a pull request of its head; the number of that."""
        recipe = recipe or name
        self.images += images.make(canary.load(name).get("images"))
        made = canary.make_repo(name, os.path.join(self.directory, "canaries", recipe), **values)
        self.world.import_repo(recipe, made.path, private)
        suite = canary.suite(name)
        files = read_tree(suite) if suite else {"suite.yml": b""}
        self.world.put_suite(recipe, {path: files[path] for path in (canary.suite_files(name) if suite else files)})
        self.recipes.append(recipe)
        return self.world.open_pr(recipe, "pull")

    def start(self):
        """The bridge; it has seen every repository once when this returns."""
        settings = {"poll_repos": ",".join(self.world.full(recipe) for recipe in self.recipes),
                    "webhook_secret": HOOK_SECRET if self.hook else None, **self.bridge_settings}
        os.makedirs(os.path.join(self.directory, "bridge"))
        self.bridge = make_bridge(self.world, directory=os.path.join(self.directory, "bridge"), **settings)
        self.bridge.start()
        if self.hook:
            for recipe in self.recipes:
                self.world.add_hook(recipe, self.bridge.hook_url, HOOK_SECRET)
        return self

    def wait_verdict(self, recipe, number, seconds):
        """The bot's one comment once it holds a verdict."""
        def look():
            bodies = [row["body"] for row in self.world.bot_comments(recipe, number)]
            return bodies and trailer(bodies[-1]).get("verdict") and bodies[-1]
        return wait_for(look, seconds, f"verdict in {recipe} #{number}")

    def explain(self):
        """What every part said, for the message of a failing test."""
        parts = [f"bridge:\n{self.bridge.stderr()[-6000:]}" if self.bridge else "no bridge"]
        for build in self.world.builds():
            for name in self.world.steps(build["number"]):
                parts.append(f"build {build['number']}, step {name}:\n{self.world.log(build['number'], name) or ''}")
        return "\n".join(parts + [self.host.logs()])

    def close(self):
        """Ends the bridge, cancels what runs, waits for the keepers to take down what they made, removes the rest."""
        if self.bridge is not None and self.bridge.is_running():
            self.bridge.stop()
        if self.world is not None and self.recipes:
            for build in self.world.builds():
                if build["status"] in ("pending", "running"):
                    self.world.cancel(build["number"])
            self.host.wait_idle()
        if self.host is not None:
            self.host.close()
        if self.world is not None:
            self.world.down()
        images.remove(self.images)
        self.end_proxy()
        shutil.rmtree(self.directory, ignore_errors=True)
