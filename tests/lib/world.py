# SPDX-License-Identifier: GPL-3.0-or-later
"""
The world around ccci for tests: a forge with people and repositories, a CI server with a runner. One
interface, worlds with Drone and with Woodpecker, so that one test body runs in all:

    with StandinWorld() as world:        stand-ins in this process, the runner in a process of its own
    with LabWorld() as world:            the real servers of $CCCI_LAB
    with WoodpeckerStandinWorld() as world:     either of them with Woodpecker in Drone's place; a build
    with WoodpeckerLabWorld() as world:         reads as Drone's does

        number = world.open_pr("custom-html", "fix", {"compose.yml": "..."})
        with start_bridge(world, poll_interval="1s") as bridge:
            world.comment("custom-html", number, "member", "!testme")
            wait_for(lambda: world.bot_comments("custom-html", number), 10, "an answer")

A repository is "owner/name", or a name in the organisation. Everything has a deadline.
"""
import abc
import base64
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from lib import patience
from standin.drone import Drone
from standin.forge import Forge
from standin.forge_state import ALL_SCOPES, BOT_SCOPES
from standin.woodpecker import Woodpecker

ORG = "recipe-maintainers"
CI_REPO = f"{ORG}/cc-ci"
PASSWORD = "lab-password"
USERS = ("lab-admin", "member", "outsider", "bot")
PUBLIC, PRIVATE = "custom-html", "private-notes"
SKIPPED = 77

DRONE_YML = """\
kind: pipeline
type: exec
name: lab

platform:
  os: linux
  arch: amd64

trigger:
  event: [custom]

steps:
  - name: hello
    commands:
      - echo "hello from build $DRONE_BUILD_NUMBER"
"""


def recipe_files(name):
    return {"compose.yml": """\
version: "3.8"
services:
  app:
    image: nginx:1.27.0
    networks: [proxy]
    deploy:
      labels:
        - "coop-cloud.${STACK_NAME}.version=0.1.0+1.0.0"
networks:
  proxy:
    external: true
""", ".env.sample": f"TYPE={name}\nDOMAIN={name}.example.com\n"}


def fill_forge(forge):
    """The people and repositories of the lab; returns login -> token."""
    tokens = {"lab-admin": forge.add_user("lab-admin", admin=True)}
    for login in ("member", "outsider"):
        tokens[login] = forge.add_user(login)
    tokens["bot"] = forge.add_user("bot", scopes=BOT_SCOPES)
    forge.add_org(ORG, {"lab-admin": "owner", "member": "write", "bot": "read"})
    for name, private in ((PUBLIC, False), (PRIVATE, True)):
        repo = forge.add_repo(f"{ORG}/{name}", private, recipe_files(name), tags=["0.1.0+1.0.0"])
        repo.created -= 30 * 86400   # older than any comment that a test makes old
    forge.add_repo(CI_REPO, False, {".drone.yml": DRONE_YML})
    return tokens


# ---------------------------------------------------------------- small helpers

def wait_for(predicate, seconds, what, every=0.03):
    """Polls until predicate() is true and returns its value; AssertionError naming `what` after `seconds`."""
    deadline = patience.deadline(seconds)
    last, error = None, None
    while True:
        try:
            last, error = predicate(), None
            if last:
                return last
        except (AssertionError, KeyError, IndexError, OSError, http.client.HTTPException) as raised:
            error = raised
        if time.monotonic() >= deadline:
            seen = f"raised {error!r}" if error else f"was {last!r}"
            raise AssertionError(f"no {what} within {patience.seconds(seconds):g} s; at the end the condition {seen}"[:2000])
        time.sleep(every)


def exchange(method, url, token=None, body=None, headers=None, timeout=60):
    """One HTTP exchange: (status, body bytes, headers). token is the whole Authorization value."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        head = dict(headers or {})
        if token is not None:
            head["Authorization"] = token
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            head["Content-Type"] = "application/json"
        connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, head)
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def read_tree(directory, prefix=""):
    """{path: bytes} of a directory, for put_files."""
    files = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                files[prefix + os.path.relpath(path, directory)] = file.read()
    return files


def skip(reason):
    """Ends the test program as skipped; one clear line says why."""
    print(f"skipped: {reason}", flush=True)
    sys.exit(SKIPPED)


def need_lab():
    """The lab's directory, or the end of the program as skipped."""
    lab = os.environ.get("CCCI_LAB", "")
    if not lab:
        skip("CCCI_LAB is not set (the directory of the lab's scripts)")
    return os.path.abspath(lab)


# ---------------------------------------------------------------- what both worlds can do

class World(abc.ABC):
    """
    Addresses, tokens, and everything that is asked over the APIs. What is abstract is what each world does in its own way:
    the stand-ins by a method call, the lab as a person or git would.
    """

    is_lab = False
    ci_name, ci_yml = "Drone", ".drone.yml"
    ci_daemon = "drone"              # for server()
    forge_url = drone_url = directory = ""
    org, ci_repo = ORG, CI_REPO
    tokens = {}                      # login -> forge token
    drone_tokens = {}                # admin, user, reader -> Drone token

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    def full(self, repo):
        return repo if "/" in repo else f"{ORG}/{repo}"

    def forge_api(self, user, method, path, body=None, headers=None):
        """(status, JSON or bytes, headers) of one call below /api/v1; user None: no token."""
        token = None if user is None else f"token {self.tokens.get(user, user)}"
        status, raw, head = exchange(method, f"{self.forge_url}/api/v1{path}", token, body, headers)
        return status, _json_or_bytes(raw), head

    def drone_api(self, user, method, path, body=None):
        """(status, JSON or bytes, headers) of one call below /api; user: admin, user, reader, None."""
        token = None if user is None else f"Bearer {self.drone_tokens.get(user, user)}"
        status, raw, head = exchange(method, f"{self.drone_url}/api{path}", token, body)
        return status, _json_or_bytes(raw), head

    def forge_must(self, user, method, path, body=None, wanted=(200, 201, 204)):
        status, value, _ = self.forge_api(user, method, path, body)
        if status not in wanted:
            raise AssertionError(f"{method} {path} as {user}: {status} {value!r}")
        return value

    def drone_must(self, user, method, path, body=None):
        status, value, _ = self.drone_api(user, method, path, body)
        if status != 200:
            raise AssertionError(f"{method} {path} as {user}: {status} {value!r}")
        return value

    def ci_settings(self):
        """What bridge.yml says of the CI server."""
        return {"drone_url": self.drone_url, "drone_token": self.drone_tokens["admin"]}

    def ci_secrets(self):
        return [self.drone_tokens["admin"]]

    # ---- builds

    def builds(self):
        """Newest first, without stages."""
        return self.drone_must("admin", "GET", f"/repos/{CI_REPO}/builds?per_page=100")

    def build(self, number):
        return self.drone_must("admin", "GET", f"/repos/{CI_REPO}/builds/{number}")

    def create_build(self, **params):
        """Number of a new build (None: no pipeline matched)."""
        build = self.drone_must("user", "POST", f"/repos/{CI_REPO}/builds?{urllib.parse.urlencode(params)}")
        return None if build is None else build["number"]

    def cancel(self, number):
        return self.drone_must("user", "DELETE", f"/repos/{CI_REPO}/builds/{number}")

    def set_timeout(self, minutes):
        return self.drone_must("admin", "PATCH", f"/repos/{CI_REPO}", {"timeout": minutes})

    def steps(self, number):
        """name -> step of all stages of a build."""
        return {step["name"]: step for stage in self.build(number).get("stages", []) for step in stage.get("steps", [])}

    def log(self, number, step_name):
        """The output of a step without the echoed first command line; None while there is none."""
        for stage in self.build(number).get("stages", []):
            for step in stage.get("steps", []):
                if step["name"] == step_name:
                    status, rows, _ = self.drone_api("admin", "GET",
                        f"/repos/{CI_REPO}/builds/{number}/logs/{stage['number']}/{step['number']}")
                    return "".join(row["out"] for row in rows) if status == 200 else None
        return None

    def wait_build(self, number, statuses=("success", "failure", "error", "killed"), seconds=60):
        return wait_for(lambda: (build := self.build(number))["status"] in statuses and build, seconds,
            f"build {number} in {statuses}")

    def wait_step(self, number, name, statuses=("running",), seconds=30):
        return wait_for(lambda: self.steps(number)[name]["status"] in statuses and self.steps(number)[name], seconds,
            f"step {name} of build {number} in {statuses}")

    # ---- repositories

    def set_ci_yml(self, text):
        return self.put_files(CI_REPO, {self.ci_yml: text}, message=f"set {self.ci_yml}")

    def put_suite(self, recipe, files=None):
        """Enrols a recipe: writes tests/recipes/<recipe>/ of the CI repository."""
        files = {"suite.yml": ""} if files is None else files
        return self.put_files(CI_REPO, {f"tests/recipes/{recipe}/{path}": text for path, text in files.items()},
            message=f"enrol {recipe}")

    def git_url(self, repo):
        return f"{self.forge_url}/{self.full(repo)}.git"

    # ---- what the bot said

    def comments(self, repo, number, user=None):
        rows = self.forge_must("lab-admin", "GET", f"/repos/{self.full(repo)}/issues/{number}/comments")
        return [row for row in rows if user in (None, row["user"]["login"])]

    def bot_comments(self, repo, number):
        """The bot's comments of a pull request, oldest first, as API objects."""
        return self.comments(repo, number, "bot")

    def pushes(self, repo, number):
        """Ids of the events of pushes to a pull request; the forge writes them seconds after the head has moved."""
        rows = self.forge_must("lab-admin", "GET", f"/repos/{self.full(repo)}/issues/{number}/timeline") or []
        return [row["id"] for row in rows if row["type"] == "pull_push"]

    def head(self, repo, number):
        return self.forge_must("lab-admin", "GET", f"/repos/{self.full(repo)}/pulls/{number}")["head"]["sha"]

    def check(self):
        """Raises when something surprised a stand-in."""

    # ---- what each world does in its own way

    @abc.abstractmethod
    def down(self):
        """Ends the servers and removes the directory."""

    @abc.abstractmethod
    def server(self, name, action):
        """name: gitea, drone, runner; action: start, stop, kill."""

    @abc.abstractmethod
    def new_token(self, user, scopes):
        """A further forge token of that user with these scopes."""

    @abc.abstractmethod
    def new_person(self, login):
        """A further user of the forge, in no team; the token is in tokens."""

    @abc.abstractmethod
    def delete_person(self, login):
        """That user and the token go."""

    @abc.abstractmethod
    def rename_repo(self, repo, name):
        """Within the organisation; the old name leads to the new one."""

    @abc.abstractmethod
    def archive_repo(self, repo, is_archived=True):
        """Or takes it out of the archive again."""

    @abc.abstractmethod
    def migrate(self, repo, name):
        """A copy with issues, pull requests and their comments, as the forge's own migration makes it."""

    @abc.abstractmethod
    def new_recipe(self, name, files=None, private=False, tags=("0.1.0+1.0.0",)):
        """A repository of the organisation with one commit on main, and tags there."""

    @abc.abstractmethod
    def import_repo(self, name, path, private=False):
        """A repository with all branches and tags of a local one."""

    @abc.abstractmethod
    def put_files(self, repo, files, branch="main", message="change", tag=None):
        """One commit on a branch; the sha. None as content removes a file."""

    @abc.abstractmethod
    def open_pr(self, repo, branch, files=None, user="member"):
        """Number of a new pull request; the outsider's comes from a fork."""

    @abc.abstractmethod
    def push(self, repo, number, files=None, force=False):
        """A push to the head of a pull request; the new head."""

    @abc.abstractmethod
    def comment(self, repo, number, user, text):
        """The id of a new comment."""

    @abc.abstractmethod
    def edit_comment(self, repo, comment_id, user, text):
        """As that user."""

    @abc.abstractmethod
    def delete_comment(self, repo, comment_id, user):
        """As that user."""

    @abc.abstractmethod
    def close_pr(self, repo, number):
        """As a member."""

    @abc.abstractmethod
    def reopen_pr(self, repo, number):
        """As a member."""

    @abc.abstractmethod
    def open_issue(self, repo):
        """Number of a new issue, which is no pull request."""

    @abc.abstractmethod
    def reactions(self, repo, comment_id):
        """[(login, content)]"""

    @abc.abstractmethod
    def add_hook(self, repo, url, secret, events=("pull_request_comment",)):
        """A webhook of the repository; its id."""


def _json_or_bytes(raw):
    try:
        return json.loads(raw)
    except ValueError:
        return raw


# ---------------------------------------------------------------- the stand-ins

class StandinWorld(World):
    """forge and drone are the stand-ins themselves: faults, request logs, clocks are there."""

    def __init__(self, runner=True, capacity=1, runner_path=None):
        self.directory = tempfile.mkdtemp(prefix="ccci-world-")
        self.forge = Forge(os.path.join(self.directory, "forge"))
        self.tokens = fill_forge(self.forge)
        self.forge.start()
        self.ci_server = self.start_ci(runner, capacity, runner_path)

    def start_ci(self, runner, capacity, runner_path):
        self.drone = Drone(os.path.join(self.directory, "drone"), self.forge, CI_REPO)
        self.drone.capacity = capacity
        if runner_path is not None:
            self.drone.runner_path = runner_path
        self.drone_tokens = self.add_users(self.drone)
        self.drone.start()
        if runner:
            self.drone.start_runner()
        return self.drone

    @staticmethod
    def add_users(server):
        return {"admin": server.add_user("lab-admin", "admin"), "user": server.add_user("member", "write"),
            "reader": server.add_user("bot", "read")}

    forge_url = property(lambda self: self.forge.url)
    drone_url = property(lambda self: self.drone.url)

    def down(self):
        self.ci_server.close()
        self.forge.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def check(self):
        self.forge.check()
        self.ci_server.check()

    def server(self, name, action):
        actions = {("gitea", "start"): self.forge.start, ("gitea", "stop"): self.forge.stop,
            ("gitea", "kill"): self.forge.stop, ("drone", "start"): self.drone.start,
            ("drone", "stop"): self.drone.stop, ("drone", "kill"): self.drone.stop,
            ("runner", "start"): self.drone.start_runner, ("runner", "stop"): self.drone.stop_runner,
            ("runner", "kill"): self.drone.kill_runner}
        actions[name, action]()

    def new_token(self, user, scopes):
        return self.forge.add_token(user, scopes)

    def new_person(self, login):
        self.tokens[login] = self.forge.add_user(login)

    def delete_person(self, login):
        del self.tokens[login]
        self.forge.delete_user(login)

    def rename_repo(self, repo, name):
        self.forge.rename_repo(self.full(repo), self.full(name))

    def archive_repo(self, repo, is_archived=True):
        self.forge.archive_repo(self.full(repo), is_archived)

    def migrate(self, repo, name):
        self.forge.migrate(self.full(repo), self.full(name))

    def new_recipe(self, name, files=None, private=False, tags=("0.1.0+1.0.0",)):
        self.forge.add_repo(self.full(name), private, recipe_files(name) if files is None else files, tags)

    def import_repo(self, name, path, private=False):
        self.forge.import_repo(self.full(name), path, private)

    def put_files(self, repo, files, branch="main", message="change", tag=None):
        return self.forge.put_files(self.full(repo), files, branch, message, tag=tag)

    def open_pr(self, repo, branch, files=None, user="member"):
        return self.forge.open_pr(self.full(repo), branch, files, user, fork=user == "outsider")

    def push(self, repo, number, files=None, force=False):
        return self.forge.push(self.full(repo), number, files, force=force)

    def comment(self, repo, number, user, text):
        return self.forge.comment(self.full(repo), number, user, text)

    def edit_comment(self, repo, comment_id, user, text):
        self.forge.edit_comment(comment_id, text, user)

    def delete_comment(self, repo, comment_id, user):
        self.forge.delete_comment(comment_id, user)

    def close_pr(self, repo, number):
        self.forge.close_pr(self.full(repo), number)

    def reopen_pr(self, repo, number):
        self.forge.reopen_pr(self.full(repo), number)

    def open_issue(self, repo):
        return self.forge.open_issue(self.full(repo))

    def reactions(self, repo, comment_id):
        return self.forge.reactions(comment_id)

    def add_hook(self, repo, url, secret, events=("pull_request_comment",)):
        return self.forge.add_hook(self.full(repo), url, secret, events)

    # Reads that need not go over the wire, so that they show in no request log and meet no fault.

    def comments(self, repo, number, user=None):
        return self.forge.comments(self.full(repo), number, user)

    def head(self, repo, number):
        return self.forge.pull(self.full(repo), number).head_sha

    def builds(self):
        with self.drone.lock:
            return [self.drone.build_json(build) for build in sorted(self.drone.builds.values(),
                key=lambda build: -build.number)]

    def build(self, number):
        return self.drone.build(number)

    def cancel(self, number):
        self.drone.cancel(number)

    def create_build(self, **params):
        return self.drone.create(**params)

    def log(self, number, step_name):
        with self.drone.lock:
            for stage in self.drone.builds[number].stages:
                for step in stage.steps:
                    if step.name == step_name and step.log is not None:
                        return "".join(row["out"] for row in step.log)
        return None


# ---------------------------------------------------------------- the real servers

class LabWorld(World):
    """The lab of $CCCI_LAB in a state directory of its own; down() removes it."""

    is_lab = True

    def __init__(self, capacity=1, runner_path=None):
        self.lab = need_lab()
        self.directory = tempfile.mkdtemp(prefix="ccci-lab-")
        self.state = os.path.join(self.directory, "state")
        environment = dict(os.environ, RUNNER_CAPACITY=str(capacity))
        if runner_path is not None:
            environment["LAB_RUNNER_PATH"] = runner_path
        with open(os.path.join(self.directory, "up.log"), "wb") as log:
            done = subprocess.run([os.path.join(self.lab, "up"), self.state], env=environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, timeout=180, check=False)
        if done.returncode != 0:
            with open(os.path.join(self.directory, "up.log"), encoding="utf-8") as log:
                raise RuntimeError(f"the lab did not come up:\n{log.read()}")
        with open(os.path.join(self.state, "env"), encoding="utf-8") as file:
            values = dict(re.match(r"export (\w+)=(.*)", line).groups() for line in file.read().splitlines())
        self.forge_url, self.drone_url = values["GITEA_URL"], values["DRONE_URL"]
        self.tokens = {"lab-admin": values["GITEA_ADMIN_TOKEN"], "member": values["GITEA_MEMBER_TOKEN"],
            "outsider": values["GITEA_OUTSIDER_TOKEN"], "bot": values["GITEA_BOT_TOKEN"],
            "bot-all": values["GITEA_BOT_ALL_TOKEN"]}
        self.drone_tokens = {"admin": values["DRONE_ADMIN_TOKEN"], "user": values["DRONE_USER_TOKEN"],
            "reader": values["DRONE_READER_TOKEN"]}
        self.clones = {}

    def down(self):
        subprocess.run([os.path.join(self.lab, "down"), self.state], stdin=subprocess.DEVNULL, timeout=120, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def server(self, name, action):
        done = subprocess.run([os.path.join(self.lab, "server"), self.state, name, action], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90, check=False)
        if done.returncode:
            with open(os.path.join(self.state, "log", f"{name}.log"), encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"server {name} {action}: {done.stdout}the end of its log:\n{log.read()[-3000:]}")

    # ---- git

    def _git(self, clone, user, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": self.directory, "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: token {self.tokens[user]}"}
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": user, f"GIT_{role}_EMAIL": f"{user}@lab.invalid"}
        done = subprocess.run(["git", *arguments], cwd=clone, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"git {' '.join(arguments)} in {clone}: {done.stderr}")
        return done.stdout.strip()

    def _commit(self, repo, user, branch, files, message, force=False, tag=None):
        """Writes one commit on a branch (from main when it is new) and pushes it; returns its sha."""
        if repo not in self.clones:
            self.clones[repo] = os.path.join(self.directory, "clones", repo)
            os.makedirs(self.clones[repo])
            self._git(self.clones[repo], user, "clone", "-q", self.git_url(repo), ".")
        clone = self.clones[repo]
        self._git(clone, user, "fetch", "-q", "--prune", "origin")
        known = self._git(clone, user, "branch", "-r", "--list", f"origin/{branch}")
        self._git(clone, user, "checkout", "-q", "-B", branch, f"origin/{branch}" if known else "origin/main")
        if force:
            self._git(clone, user, "reset", "-q", "--hard", "HEAD~1")
        for path, content in files.items():
            whole = os.path.join(clone, path)
            if content is None:
                os.remove(whole)
                continue
            content = content if isinstance(content, bytes) else content.encode()
            os.makedirs(os.path.dirname(whole), exist_ok=True)
            with open(whole, "wb") as file:
                file.write(content)
            os.chmod(whole, 0o755 if content.startswith(b"#!") else 0o644)
        self._git(clone, user, "add", "-A")
        self._git(clone, user, "commit", "-q", "--allow-empty", "-m", message)
        targets = [branch]
        if tag is not None:
            self._git(clone, user, "tag", "-a", "-m", tag, tag)
            targets.append(f"refs/tags/{tag}")
        self._git(clone, user, "push", "-q", *(["--force"] if force else []), "origin", *targets)
        return self._git(clone, user, "rev-parse", "HEAD")

    # ---- what people do

    def new_person(self, login):
        self.forge_must("lab-admin", "POST", "/admin/users", {"username": login, "password": PASSWORD,
            "email": f"{login}@lab.invalid", "must_change_password": False})
        self.tokens[login] = self.new_token(login, ALL_SCOPES)

    def delete_person(self, login):
        del self.tokens[login]
        self.forge_must("lab-admin", "DELETE", f"/admin/users/{login}")

    def rename_repo(self, repo, name):
        self.forge_must("lab-admin", "PATCH", f"/repos/{self.full(repo)}", {"name": name})

    def archive_repo(self, repo, is_archived=True):
        self.forge_must("lab-admin", "PATCH", f"/repos/{self.full(repo)}", {"archived": is_archived})

    def migrate(self, repo, name):
        """By Gitea itself, which has to be told once that it may ask a server on loopback."""
        settings = os.path.join(self.state, "gitea", "app.ini")
        with open(settings, "r+", encoding="utf-8") as file:
            if "[migrations]" not in file.read():
                file.write("[migrations]\nALLOW_LOCALNETWORKS = true\n")
                file.flush()
                self.server("gitea", "stop")
                self.server("gitea", "start")
        self.forge_must("lab-admin", "POST", "/repos/migrate", {"clone_addr": self.git_url(repo).removesuffix(".git"),
            "repo_name": name, "repo_owner": ORG, "service": "gitea", "issues": True, "pull_requests": True,
            "auth_token": self.tokens["lab-admin"]})
        wanted = len(self.forge_must("lab-admin", "GET", f"/repos/{self.full(repo)}/issues/comments?limit=50"))
        wait_for(lambda: len(self.forge_must("lab-admin", "GET", f"/repos/{self.full(name)}/issues/comments?limit=50"))
            >= wanted, 30, "migrated comments")

    def new_token(self, user, scopes):
        basic = "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        status, raw, _ = exchange("POST", f"{self.forge_url}/api/v1/users/{user}/tokens", basic,
            {"name": f"t{time.time_ns()}", "scopes": list(scopes)})
        if status != 201:
            raise AssertionError(f"no token for {user}: {status} {raw!r}")
        return json.loads(raw)["sha1"]

    def new_recipe(self, name, files=None, private=False, tags=("0.1.0+1.0.0",)):
        self.forge_must("lab-admin", "POST", f"/orgs/{ORG}/repos",
            {"name": name, "private": private, "auto_init": True, "default_branch": "main"})
        self._commit(self.full(name), "lab-admin", "main", recipe_files(name) if files is None else files, "first")
        for tag in tags:
            self.forge_must("lab-admin", "POST", f"/repos/{self.full(name)}/tags", {"tag_name": tag, "message": tag})

    def import_repo(self, name, path, private=False):
        self.forge_must("lab-admin", "POST", f"/orgs/{ORG}/repos",
            {"name": name, "private": private, "default_branch": "main"})
        self._git(path, "lab-admin", "push", "-q", self.git_url(name), "refs/heads/*:refs/heads/*",
            "refs/tags/*:refs/tags/*")
        # Gitea learns of pushed branches in a queue: a pull request before that is a 404.
        branches = set(self._git(path, "lab-admin", "for-each-ref", "--format=%(refname:strip=2)", "refs/heads").split())
        wait_for(lambda: branches == {row["name"] for row in self.forge_must("lab-admin", "GET",
            f"/repos/{self.full(name)}/branches") or ()}, 30, f"branches of {name}")

    def put_files(self, repo, files, branch="main", message="change", tag=None):
        return self._commit(self.full(repo), "lab-admin", branch, files, message, tag=tag)

    def open_pr(self, repo, branch, files=None, user="member"):
        repo = self.full(repo)
        source, head = repo, branch
        if user == "outsider":
            source, head = f"{user}/{repo.split('/')[1]}", f"{user}:{branch}"
            if self.forge_api(user, "GET", f"/repos/{source}")[0] == 404:
                self.forge_must(user, "POST", f"/repos/{repo}/forks", {}, wanted=(202,))
        self._commit(source, user, branch, files or {"change.txt": f"{branch}\n"}, f"change {branch}")
        pull = self.forge_must(user, "POST", f"/repos/{repo}/pulls", {"base": "main", "head": head, "title": branch})
        return pull["number"]

    def push(self, repo, number, files=None, force=False):
        pull = self.forge_must("lab-admin", "GET", f"/repos/{self.full(repo)}/pulls/{number}")
        return self._commit(pull["head"]["repo"]["full_name"], pull["user"]["login"], pull["head"]["ref"],
            files or {"push.txt": f"{time.time_ns()}\n"}, "push", force)

    def comment(self, repo, number, user, text):
        return self.forge_must(user, "POST", f"/repos/{self.full(repo)}/issues/{number}/comments", {"body": text})["id"]

    def edit_comment(self, repo, comment_id, user, text):
        self.forge_must(user, "PATCH", f"/repos/{self.full(repo)}/issues/comments/{comment_id}", {"body": text})

    def delete_comment(self, repo, comment_id, user):
        self.forge_must(user, "DELETE", f"/repos/{self.full(repo)}/issues/comments/{comment_id}")

    def close_pr(self, repo, number):
        self.forge_must("member", "PATCH", f"/repos/{self.full(repo)}/pulls/{number}", {"state": "closed"})

    def reopen_pr(self, repo, number):
        self.forge_must("member", "PATCH", f"/repos/{self.full(repo)}/pulls/{number}", {"state": "open"})

    def open_issue(self, repo):
        return self.forge_must("member", "POST", f"/repos/{self.full(repo)}/issues", {"title": "an issue"})["number"]

    def reactions(self, repo, comment_id):
        rows = self.forge_must("lab-admin", "GET", f"/repos/{self.full(repo)}/issues/comments/{comment_id}/reactions")
        return [(row["user"]["login"], row["content"]) for row in rows or []]

    def add_hook(self, repo, url, secret, events=("pull_request_comment",)):
        return self.forge_must("lab-admin", "POST", f"/repos/{self.full(repo)}/hooks", {"type": "gitea", "active": True,
            "events": list(events), "config": {"url": url, "content_type": "json", "secret": secret}})["id"]


# ---------------------------------------------------------------- Woodpecker in Drone's place

class WithWoodpecker:
    """What a World is asked of builds, in Woodpecker's API; statuses and members are named as Drone names them."""

    ci_name, ci_yml, ci_daemon = "Woodpecker", ".woodpecker.yml", "woodpecker-server"
    woodpecker_url, repo_id = "", 0
    woodpecker_tokens = {}           # admin, user, reader

    def woodpecker_api(self, user, method, path, body=None):
        """(status, JSON or bytes, headers) of one call below /api; user: admin, user, reader, None."""
        token = None if user is None else f"Bearer {self.woodpecker_tokens.get(user, user)}"
        status, raw, head = exchange(method, f"{self.woodpecker_url}/api{path}", token, body)
        return status, _json_or_bytes(raw), head

    def woodpecker_must(self, user, method, path, body=None, wanted=(200,)):
        status, value, _ = self.woodpecker_api(user, method, path, body)
        if status not in wanted:
            raise AssertionError(f"{method} {path} as {user}: {status} {value!r}")
        return value

    pipelines = property(lambda self: f"/repos/{self.repo_id}/pipelines")

    @staticmethod
    def _named(pipeline):
        def status(word):
            return "killed" if word == "canceled" else word
        return {"number": pipeline["number"], "status": status(pipeline["status"]), "params": pipeline.get("variables") or {},
            "stages": [{"number": flow["pid"], "status": status(flow["state"]),
                "steps": [{"number": row["id"], "name": row["name"], "status": status(row["state"])} for row in flow["children"]]}
                for flow in pipeline.get("workflows") or []]}

    def ci_settings(self):
        return {"ci_engine": "woodpecker", "woodpecker_url": self.woodpecker_url,
            "woodpecker_token": self.woodpecker_tokens["admin"]}

    def ci_secrets(self):
        return [self.woodpecker_tokens["admin"]]

    def builds(self):
        return [self._named(row) for row in self.woodpecker_must("admin", "GET", f"{self.pipelines}?perPage=50")]

    def build(self, number):
        return self._named(self.woodpecker_must("admin", "GET", f"{self.pipelines}/{number}"))

    def create_build(self, **params):
        made = self.woodpecker_must("user", "POST", self.pipelines, {"branch": "main", "variables": params}, wanted=(200, 204))
        return made["number"] if made else None

    def cancel(self, number):
        return self.woodpecker_must("user", "POST", f"{self.pipelines}/{number}/cancel", wanted=(204, 400))

    def set_timeout(self, minutes):
        return self.woodpecker_must("admin", "PATCH", f"/repos/{self.repo_id}", {"timeout": minutes})

    def log(self, number, step_name):
        step = self.steps(number).get(step_name)
        rows = step and self.woodpecker_must("admin", "GET", f"/repos/{self.repo_id}/logs/{number}/{step['number']}")
        return b"".join(base64.b64decode(row["data"] or "") + b"\n" for row in rows).decode("utf-8", "replace") if rows else None


class WoodpeckerStandinWorld(WithWoodpecker, StandinWorld):
    """woodpecker is the stand-in itself."""

    def start_ci(self, runner, capacity, runner_path):
        self.woodpecker = Woodpecker(os.path.join(self.directory, "woodpecker"), self.forge, CI_REPO)
        self.woodpecker.capacity = capacity
        if runner_path is not None:
            self.woodpecker.agent_path = runner_path
        self.woodpecker_tokens = self.add_users(self.woodpecker)
        self.woodpecker.start()
        self.repo_id = self.woodpecker.repo_id
        if runner:
            self.woodpecker.start_agent()
        return self.woodpecker

    woodpecker_url = property(lambda self: self.woodpecker.url)

    def forget(self, number):
        self.woodpecker.forget(number)

    def server(self, name, action):
        servers = {"woodpecker-server": self.woodpecker, "gitea": self.forge}
        if name not in servers:
            raise AssertionError(f"no {name} to {action} in this world")
        {"start": servers[name].start, "stop": servers[name].stop, "kill": servers[name].stop}[action]()


class WoodpeckerLabWorld(WithWoodpecker, LabWorld):
    """The lab with its Woodpecker beside its Drone."""

    def __init__(self, capacity=1, runner_path=None):
        super().__init__(capacity, runner_path)
        environment = dict(os.environ, WOODPECKER_CAPACITY=str(capacity))
        if runner_path is not None:
            environment["LAB_RUNNER_PATH"] = runner_path
        done = subprocess.run([os.path.join(self.lab, "woodpecker-up"), self.state], env=environment, timeout=120,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            self.down()
            raise RuntimeError(f"Woodpecker did not come up:\n{done.stdout}")
        with open(os.path.join(self.state, "woodpecker.env"), encoding="utf-8") as file:
            values = dict(re.match(r"export (\w+)=(.*)", line).groups() for line in file.read().splitlines())
        self.woodpecker_url, self.repo_id = values["WOODPECKER_URL"], int(values["WOODPECKER_REPO_ID"])
        self.woodpecker_tokens = {"admin": values["WOODPECKER_TOKEN"], "user": values["WOODPECKER_USER_TOKEN"],
            "reader": values["WOODPECKER_READER_TOKEN"]}

    def forget(self, number):
        """The pipeline is written down and no more in the queue, as after a death of the server between the two."""
        flows = self.woodpecker_must("admin", "GET", f"{self.pipelines}/{number}")["workflows"]
        self.server("woodpecker-server", "kill")
        with sqlite3.connect(os.path.join(self.state, "woodpecker", "woodpecker.sqlite")) as store:
            gone = store.executemany("DELETE FROM tasks WHERE id=?", [(str(flow["id"]),) for flow in flows]).rowcount
        store.close()
        self.server("woodpecker-server", "start")
        if gone != len(flows):
            raise AssertionError(f"{gone} tasks of {len(flows)} workflows were in the queue")


# ---------------------------------------------------------------- a webhook receiver

class Receiver:
    """Listens like a hook; `got` holds (path, headers, body) of what arrived, unless take(it) has it. status: what it answers."""

    def __init__(self, status=204, take=None):
        self.got, self.status = [], status
        self.take = take or self.got.append
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                receiver.take((self.path, self.headers, body))
                self.send_response(receiver.status)
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.server.server_address[1]}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# ---------------------------------------------------------------- the bridge

class BridgeEnded(Exception):
    """While somebody waited for it."""


class Bridge:
    """
    A running ccci-bridge; its stderr is a file that outlives restarts. It takes any port at its first start and keeps that
    one: hooks point there. Until then port is None, as it is for ever when the bridge listens nowhere.
    """

    def __init__(self, world, program, config, stderr_path, settings, environment):
        self.world, self.program, self.config, self.settings = world, program, config, settings
        self.stderr_path, self.environment = stderr_path, environment
        self.port = None
        self.born_at = 0             # where in its log the process of now begins: an earlier one had a port of its own
        self.process = None
        self.pass_fds = ()           # descriptors that it inherits
        self.rewrite()

    def rewrite(self):
        """Writes the settings down, for its next start or reload."""
        with open(self.config, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            for key, value in self.settings.items():
                if value is not None:
                    file.write(f"{key}: {json.dumps(str(value))}\n")

    def change_settings(self, **settings):
        """Written down for its next start or reload."""
        self.settings.update(settings)
        self.rewrite()

    def _learn_port(self):
        """The port that the bridge says it got, in the settings from now on; None while it has not said it."""
        said = re.search(r"listens on \S+, port (\d+);", self.stderr()[self.born_at:])
        if said:
            self.port = int(said[1])
            self.settings["listen"] = f"127.0.0.1:{self.port}"
            self.rewrite()
        return self.port

    url = property(lambda self: f"http://127.0.0.1:{self.port}")
    hook_url = property(lambda self: f"{self.url}/hook")
    pid = property(lambda self: self.process.pid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, seconds=15, wait=True):
        with open(self.stderr_path, "ab") as log:
            self.born_at = len(self.stderr())
            self.process = subprocess.Popen([self.program, "--config", self.config], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=self.environment, start_new_session=True,
                pass_fds=self.pass_fds)
        if wait:
            wait_for(self.is_ready, seconds, "ready bridge")
        return self

    def is_ready(self):
        """GET /healthz answers, or, without a listener, anything was logged. A bridge that ended is an error."""
        if self.process.poll() is not None:
            raise BridgeEnded(f"the bridge ended with {self.process.returncode}:\n{self.stderr()[-4000:]}")
        if self.settings["listen"] == "none":
            return bool(self.stderr())
        if self.port is None and self._learn_port() is None:
            return False
        try:
            return exchange("GET", f"{self.url}/healthz", timeout=2)[0] == 200
        except OSError:
            return False

    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def _end(self, number, seconds):
        if self.is_running():
            os.kill(self.process.pid, number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the bridge did not end within {seconds} s of signal {number}") from None
        return self.process.returncode if self.process is not None else None

    def stop(self, seconds=10):
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM, seconds)

    def kill(self):
        """SIGKILL."""
        return self._end(signal.SIGKILL, 10)


def make_bridge(world, environment=None, directory=None, program=None, **settings):
    """
    Writes bridge.yml and returns a Bridge that is not started yet. settings: YAML keys; None leaves a
    default away. environment: more variables, e.g. of test points. directory: keeps the state of an
    earlier bridge.
    """
    directory = directory or tempfile.mkdtemp(prefix="bridge-", dir=world.directory)
    values = {"gitea_url": world.forge_url, "gitea_token": world.tokens["bot"], **world.ci_settings(), "ci_repo": CI_REPO,
        "poll_repos": f"{ORG}/{PUBLIC},{ORG}/{PRIVATE}", "poll_interval": "1s", "listen": "127.0.0.1:0",
        "state_dir": os.path.join(directory, "state"), "log_level": "debug"}
    values.update(settings)
    config = os.path.join(directory, "bridge.yml")
    os.makedirs(values["state_dir"], exist_ok=True)
    program = program or os.path.join(os.environ["CCCI_BUILD"], "ccci-bridge")
    base = {"PATH": "/usr/bin:/bin", "HOME": directory, **(environment or {})}
    return Bridge(world, program, config, os.path.join(directory, "stderr"), values, base)


def start_bridge(world, **settings):
    """A bridge that is ready; stop() or kill() ends it, start() runs it again on the same state."""
    return make_bridge(world, **settings).start()
