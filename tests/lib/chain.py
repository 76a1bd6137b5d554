# SPDX-License-Identifier: GPL-3.0-or-later
"""
The whole chain from comment to verdict: forge and Drone of tests/lib/world.py, a runner's host, the bridge.

    with Chain(capacity=2) as chain:
        number = chain.add_canary("green")
        chain.start()
        chain.world.comment("green", number, "member", "!testme")
        chain.wait_verdict("green", number, 60)

The CI repository holds our own .drone.yml, its limit set to the capacity, and the canaries' suites.
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
            self.world = StandinWorld(runner=False, capacity=capacity)
            self.host = RunnerHost(os.path.join(self.directory, "host"), gitea_url=self.world.forge_url,
                                   recipe_org=ORG, max_tests=capacity, **(run or {}))
            self.world.drone.runner_path = self.host.path
            with open(os.path.join(ROOT, ".drone.yml"), encoding="utf-8") as file:
                self.world.set_drone_yml(re.sub(r"(?m)^  limit: \d+$", f"  limit: {capacity}", file.read()))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def add_canary(self, name, recipe=None):
        """A repository of the canary with a pull request of its head; the number of that."""
        recipe = recipe or name
        self.images += images.make(canary.load(name).get("images"))
        made = canary.make_repo(name, os.path.join(self.directory, "canaries", recipe))
        forge, full_name = self.world.forge, self.world.full(recipe)
        with forge.lock:
            repo = forge.add_repo(full_name)
            repo.git.create()
            repo.git.git("fetch", "-q", made.path, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        suite = canary.suite(name)
        files = {"suite.yml": b""}
        if suite:
            files["suite.yml"] = read_tree(suite)["suite.yml"]
        self.world.put_suite(recipe, files)
        self.recipes.append(recipe)
        return self.world.open_pr(recipe, "pull")

    def start(self):
        """The runner and the bridge; the bridge has seen every repository once when this returns."""
        self.world.drone.start_runner()
        settings = {"poll_repos": ",".join(self.world.full(recipe) for recipe in self.recipes),
                    "webhook_secret": HOOK_SECRET if self.hook else None, **self.bridge_settings}
        os.makedirs(os.path.join(self.directory, "bridge"))
        self.bridge = make_bridge(self.world, directory=os.path.join(self.directory, "bridge"), **settings)
        if self.hook:
            for recipe in self.recipes:
                self.world.add_hook(recipe, self.bridge.hook_url, HOOK_SECRET)
        self.bridge.start()
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
        if self.world is not None and self.world.drone.runner is not None:
            for build in self.world.builds():
                if build["status"] in ("pending", "running"):
                    self.world.cancel(build["number"])
            self.host.wait_idle()
        if self.host is not None:
            self.host.close()
        if self.world is not None:
            self.world.down()
        images.remove(self.images)
        shutil.rmtree(self.directory, ignore_errors=True)
