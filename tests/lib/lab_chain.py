# SPDX-License-Identifier: GPL-3.0-or-later
"""
The whole chain on real servers: Gitea, Drone and its exec runner of the lab, a real Traefik on the real Swarm, our own
bridge and ccci-run. Only abra is a stand-in. The interface is that of lib.chain.Chain.

    with LabChain() as chain:
        number = chain.add_canary("green", private=True)
        chain.start()

Needs CCCI_LAB; without it the program ends as skipped.
"""
import os
import re
import shutil
import subprocess
import tempfile

from lib import canary, images
from lib.chain import HOOK_SECRET, ROOT, Chain
from lib.host import RunnerHost
from lib.standins import read_env
from lib.world import ORG, LabWorld, free_port, make_bridge, need_lab, read_tree

# Sleeps before git does anything while the file slow-git lies beside it: a prepare that takes its time.
SLOW_GIT = """#!/bin/sh
if [ -e '{bin}/slow-git' ]; then sleep 120; fi
exec /usr/bin/git "$@"
"""


class LabChain(Chain):
    def __init__(self, capacity=1, hook=True, bridge=None, run=None):
        self.lab = need_lab()
        self.directory = tempfile.mkdtemp(prefix="ccci-lab-chain-")
        self.world = self.host = self.bridge = None
        self.images, self.recipes, self.hook, self.bridge_settings = [], [], hook, dict(bridge or {})
        try:
            self._lab_script("proxy-up")
            proxy = read_env(os.path.join(self.directory, "proxy.env"))
            os.environ["GITEA_PORT"] = str(free_port())
            self.host = RunnerHost(os.path.join(self.directory, "host"), proxy=False,
                                   gitea_url=f"http://127.0.0.1:{os.environ['GITEA_PORT']}", recipe_org=ORG,
                                   max_tests=capacity, zone=proxy["ZONE"], probe_connect=proxy["PROBE_CONNECT"],
                                   probe_ca_file=proxy["CA_FILE"], git_token="@BOT@", **(run or {}))
            self.host._write("bin/git", SLOW_GIT.format(bin=self.host.bin), 0o755)
            self.world = LabWorld(capacity, self.host.path)
            self._give_token()
            with open(os.path.join(ROOT, ".drone.yml"), encoding="utf-8") as file:
                self.world.set_drone_yml(re.sub(r"(?m)^  limit: \d+$", f"  limit: {capacity}", file.read()))
        except BaseException:
            self.close()
            raise

    def _lab_script(self, name):
        subprocess.run([os.path.join(self.lab, name), self.directory], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=180, check=True)

    def _give_token(self):
        """The bot's token exists only once the forge is up; the host's settings were written before."""
        with open(self.host.config, encoding="utf-8") as file:
            text = file.read()
        self.host._write("run.yml", text.replace("@BOT@", self.world.tokens["bot"]), 0o600)

    def add_canary(self, name, recipe=None, private=False, **values):
        """A repository of the canary on the forge with a pull request of its head; the number of that."""
        recipe = recipe or name
        self.images += images.make(canary.load(name).get("images"))
        made = canary.make_repo(name, os.path.join(self.directory, "canaries", recipe), **values)
        world, full_name = self.world, self.world.full(recipe)
        if world.forge_api("lab-admin", "GET", f"/repos/{full_name}")[0] == 200:
            world.forge_must("lab-admin", "DELETE", f"/repos/{full_name}")
        world.forge_must("lab-admin", "POST", f"/orgs/{ORG}/repos",
                         {"name": recipe, "private": private, "auto_init": False, "default_branch": "main"})
        world._git(made.path, "lab-admin", "push", "-q", world.git_url(recipe), "main", "pull")
        if made.tags:
            world._git(made.path, "lab-admin", "push", "-q", "--tags", world.git_url(recipe))
        suite = canary.suite(name)
        world.put_suite(recipe, {"suite.yml": read_tree(suite)["suite.yml"] if suite else b""})
        self.recipes.append(recipe)
        return world.forge_must("member", "POST", f"/repos/{full_name}/pulls",
                                {"base": "main", "head": "pull", "title": "pull"})["number"]

    def start(self):
        settings = {"poll_repos": ",".join(self.world.full(recipe) for recipe in self.recipes),
                    "webhook_secret": HOOK_SECRET if self.hook else None, **self.bridge_settings}
        os.makedirs(os.path.join(self.directory, "bridge"))
        self.bridge = make_bridge(self.world, directory=os.path.join(self.directory, "bridge"), **settings)
        if self.hook:
            for recipe in self.recipes:
                self.world.add_hook(recipe, self.bridge.hook_url, HOOK_SECRET)
        self.bridge.start()
        return self

    def slow_git(self, is_slow):
        path = os.path.join(self.host.bin, "slow-git")
        if is_slow:
            self.host._write("bin/slow-git", "", 0o644)
        elif os.path.exists(path):
            os.remove(path)

    def close(self):
        if self.bridge is not None and self.bridge.is_running():
            self.bridge.stop()
        if self.world is not None and self.host is not None:
            for build in self.world.builds():
                if build["status"] in ("pending", "running"):
                    self.world.cancel(build["number"])
            self.host.wait_idle()
        if self.world is not None:
            self.world.down()
        if self.host is not None:
            self.host.close()
        images.remove(self.images)
        if os.path.exists(os.path.join(self.directory, "proxy.env")):
            self._lab_script("proxy-down")
        shutil.rmtree(self.directory, ignore_errors=True)
