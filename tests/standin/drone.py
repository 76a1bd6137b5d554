# SPDX-License-Identifier: GPL-3.0-or-later
"""
A stand-in for Drone 2.24 and its exec runner as far as ccci uses them. Statuses, shapes and above
all the ways in which they kill, forget and lose were observed on the real ones, are told in
tests/standin/README.md and compared with them by tests/lab/test_contract_servers.py.

    drone = Drone(directory, forge, "recipe-maintainers/cc-ci"); drone.start(); drone.start_runner()
    build = drone.create(RECIPE="custom-html")          or POST /api/repos/.../builds
    drone.deaf = True                                    cancels are lost from now on
    drone.kill_runner()                                  SIGKILL: its build stays "running" for ever

The runner is a process of its own (standin/exec_runner.py) and really runs `.drone.yml`.
"""
import json
import os
import secrets
import signal
import socket
import subprocess
import threading
import time

import yaml

from standin.server import Server, Surprise, answer, route, text

TRIGGER_KEYS = {"event", "branch", "cron"}
OPEN = ("pending", "running")


class Step:
    def __init__(self, number, name, errignore):
        self.id, self.number, self.name, self.errignore = 0, number, name, errignore
        self.status, self.exit_code, self.started, self.stopped, self.version = "pending", 0, 0, 0, 1
        self.log = None


class Stage:
    def __init__(self, number, build, pipeline, now):
        self.id, self.number, self.build = 0, number, build
        self.name = pipeline.get("name", "default")
        self.type = pipeline.get("type", "docker")
        self.limit = (pipeline.get("concurrency") or {}).get("limit", 0)
        self.status, self.exit_code, self.error, self.machine = "pending", 0, "", ""
        self.created, self.updated, self.started, self.stopped, self.version = now, now, 0, 0, 1
        self.started_ns = 0
        self.is_at_runner = False            # holds a slot of the runner
        self.is_closed = False               # cancelled: the runner's reports are refused
        self.is_unheard = False              # and the cancel was lost
        self.steps = []


class Build:
    def __init__(self, number, commit, message, branch, user, params, now):
        self.number, self.commit, self.message, self.branch, self.user = number, commit, message, branch, user
        self.params = params
        self.status, self.error = "pending", ""
        self.created, self.updated, self.started, self.finished, self.version = now, now, 0, 0, 1
        self.stages = []


class Drone(Server):
    def __init__(self, directory, forge, repo, clock=time.time):
        super().__init__()
        self.directory, self.forge, self.slug, self.clock = directory, forge, repo, clock
        self.root = os.path.join(directory, "runner")
        os.makedirs(self.root, exist_ok=True)
        self.users = {}                      # token -> (login, right), right: admin, write or read
        self.builds = {}
        self.timeout = 60                    # minutes
        self.missing_config_s = 45           # how long a create without .drone.yml takes
        self.seconds_per_minute = 60.0       # of the timeout; tests make it short
        self.listen_s, self.deaf_s = 30.0, 10.0
        self.deaf = None                     # None: by the cycle; True or False: always
        self.report_wins = False             # after a heard cancel: the runner's report, or the server's marks
        self.start_delay_s = 0.0             # an idle runner's lateness; up to 10 on the real one
        self.capacity, self.machine = 1, "lab"
        self.runner_path = os.environ.get("PATH", "/usr/bin:/bin")
        self.runner = None
        self._socket = None
        self._ids = {}
        self._up = threading.Event()
        self._updated = threading.Condition(self.lock)

    # ================================================================ what tests do

    def add_user(self, login, right):
        token = secrets.token_hex(16)
        self.users[token] = (login, right)
        return token

    def start(self, port=0):
        super().start(port)
        self._up.set()
        return self

    def stop(self):
        """As the server's death: the runner goes on and reports when the server is back."""
        self._up.clear()
        super().stop()

    refuse, accept = stop, start

    def start_runner(self):
        """Starts the runner's process; returns its pid."""
        ours, theirs = socket.socketpair()
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "exec_runner.py")
        environment = {"PATH": self.runner_path, "USER": os.environ.get("USER", "root"), "HOME": self.directory,
            "PYTHONDONTWRITEBYTECODE": "1"}
        runner = subprocess.Popen(["/usr/bin/python3", program, str(theirs.fileno()), self.root, str(self.capacity),
            self.machine], pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL,
            start_new_session=True)               # a Ctrl-C at the terminal is not for it
        theirs.close()
        with self.lock:
            self.runner, self._socket = runner, ours
        threading.Thread(target=self._listen, args=(runner, ours), daemon=True).start()
        self._dispatch_next()
        return runner.pid

    def stop_runner(self):
        """SIGTERM: takes nothing new, finishes what runs, leaves."""
        with self.lock:
            runner, self._socket = self.runner, None
        runner.terminate()
        runner.wait()

    def kill_runner(self):
        """SIGKILL: what it ran stays "running" for ever."""
        with self.lock:
            runner, self._socket = self.runner, None
        runner.kill()
        runner.wait()
        with self.lock:
            for build in self.builds.values():
                for stage in build.stages:
                    stage.is_at_runner = False

    def close(self):
        """Ends everything, step processes that were left behind too."""
        self.stop()
        if self.runner is not None and self.runner.poll() is None:
            self._up.set()
            self.kill_runner()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            pids = self.step_processes()
            if not pids:
                return
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.01)

    def step_processes(self):
        """Pids of all processes whose environment names one of this runner's workspaces."""
        mark = f"DRONE_WORKSPACE={self.root}/".encode()
        pids = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if any(entry.startswith(mark) for entry in file.read().split(b"\0")):
                        pids.append(int(name))
            except OSError:
                pass
        return pids

    def create(self, user="member", branch="main", commit=None, **params):
        """A build as POST builds makes it; returns its number (None: no pipeline matched)."""
        with self.lock:
            build = self._create(user, branch, commit, params)
            return None if build is None else build.number

    def build(self, number):
        with self.lock:
            return self.build_json(self.builds[number], stages=True)

    def cancel(self, number):
        with self.lock:
            self._cancel(self.builds[number])

    def wait(self, number, statuses=("success", "failure", "error", "killed"), timeout_s=30):
        """Waits until the build has one of these statuses and its stages left the runner."""
        deadline = time.monotonic() + timeout_s
        with self._updated:
            while True:
                build = self.builds[number]
                if build.status in statuses:
                    return self.build_json(build, stages=True)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"build {number} is {build.status} after {timeout_s} s, not {statuses}")
                self._updated.wait(left)

    # ================================================================ creating builds

    def _next(self, what):
        self._ids[what] = self._ids.get(what, 0) + 1
        return self._ids[what]

    def _ci_repo(self):
        return self.forge.repo(self.slug)

    def _commit_of(self, branch, commit):
        git = self._ci_repo().git
        tip = git.tip(f"refs/heads/{branch}")
        if commit and tip is not None:
            return git.tip(commit)
        return tip

    def _create(self, user, branch, commit, params):
        sha = self._commit_of(branch or "main", commit)
        document = self._ci_repo().git.read(sha, ".drone.yml").decode()
        now = int(self.clock())
        try:
            pipelines = [row for row in yaml.safe_load_all(document) if row]
            wanted = [row for row in pipelines if row.get("kind") == "pipeline" and self._is_triggered(row, branch or "main")]
        except yaml.YAMLError as error:
            build = Build(self._next("build"), sha, self._ci_repo().git.message(sha), branch or "main", user, {}, now)
            build.status, build.error = "error", "yaml: " + str(error).replace("\n", " ")
            build.started = build.finished = now
            self.builds[build.number] = build
            return build
        if not wanted:
            return None
        build = Build(self._next("build"), sha, self._ci_repo().git.message(sha), branch or "main", user, params, now)
        build.yaml = document
        for number, pipeline in enumerate(wanted, 1):
            if "depends_on" in pipeline:
                raise Surprise("depends_on is not modelled")
            stage = Stage(number, build, pipeline, now)
            stage.id = self._next("stage")
            build.stages.append(stage)
        self.builds[build.number] = build
        delay = self.start_delay_s() if callable(self.start_delay_s) else self.start_delay_s
        if delay > 0:
            timer = threading.Timer(delay, self._dispatch_next)
            timer.daemon = True
            timer.start()
        else:
            self._dispatch_next()
        return build

    @staticmethod
    def _is_triggered(pipeline, branch):
        trigger = pipeline.get("trigger") or {}
        unknown = set(trigger) - TRIGGER_KEYS
        if unknown:
            raise Surprise(f"trigger {sorted(unknown)} is not modelled")
        events = trigger.get("event", ["custom"])
        branches = trigger.get("branch", [branch])
        if isinstance(events, dict) or isinstance(branches, dict):
            raise Surprise("include and exclude of a trigger are not modelled")
        return "custom" in (events if isinstance(events, list) else [events]) and "cron" not in trigger \
            and branch in (branches if isinstance(branches, list) else [branches])

    # ================================================================ the queue

    def _stages(self):
        return sorted((stage for build in self.builds.values() for stage in build.stages), key=lambda stage: stage.id)

    def _dispatch_next(self):
        """Gives pending stages to the runner, first in first out, within capacity and limits."""
        with self.lock:
            if self._socket is None:
                return
            stages = self._stages()
            busy = sum(stage.is_at_runner for stage in stages)
            for stage in stages:
                if busy >= self.capacity:
                    return
                if stage.status != "pending" or stage.type != "exec" or stage.is_at_runner:
                    continue
                before = [other for other in stages if other.id < stage.id and other.name == stage.name
                    and other.status in OPEN]
                if stage.limit and len(before) >= stage.limit:
                    continue
                busy += 1
                self._give(stage)

    def _give(self, stage):
        build = stage.build
        stage.is_at_runner, stage.machine = True, self.machine
        stage.status, stage.started = "running", int(self.clock())
        stage.started_ns = time.monotonic_ns()
        build.status, build.started = "running", build.started or stage.started
        self._touch(build)
        message = {"op": "run", "stage": stage.id, "yaml": build.yaml, "pipeline": stage.name, "params": build.params,
            "env": self._environment(build, stage), "started": stage.started, "branch": build.branch,
            "commit": build.commit, "clone_url": f"{self.forge.url}/{self.slug}.git",
            "timeout_s": self.timeout * self.seconds_per_minute}
        self._tell(message)

    def _tell(self, message):
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            pass

    def _touch(self, build):
        build.version += 1
        build.updated = int(self.clock())
        self._updated.notify_all()

    def _environment(self, build, stage):
        """What the runner sets in every step besides the parameters; names and forms of tests/data/drone/logs.json."""
        owner, name = self.slug.split("/")
        page, clone = f"{self.forge.url}/{self.slug}", f"{self.forge.url}/{self.slug}.git"
        link = f"{self.forge.url}/api/v1/repos/{self.slug}/git/commits/{build.commit}"
        host = f"127.0.0.1:{self.port}"
        mail, author = "1+lab-admin@noreply.localhost", "lab-admin"
        return {"CI_BUILD_CREATED": str(build.created), "CI_BUILD_EVENT": "custom", "CI_BUILD_FINISHED": "0",
            "CI_BUILD_LINK": link, "CI_BUILD_NUMBER": str(build.number), "CI_BUILD_STARTED": "0",
            "CI_BUILD_STATUS": "pending", "CI_BUILD_TARGET": "", "CI_COMMIT_AUTHOR": author,
            "CI_COMMIT_AUTHOR_AVATAR": f"{self.forge.url}/avatars/0", "CI_COMMIT_AUTHOR_EMAIL": mail,
            "CI_COMMIT_AUTHOR_NAME": "", "CI_COMMIT_BRANCH": build.branch, "CI_COMMIT_MESSAGE": build.message,
            "CI_COMMIT_REF": f"refs/heads/{build.branch}", "CI_COMMIT_SHA": build.commit,
            "CI_PARENT_BUILD_NUMBER": "0", "CI_REMOTE_URL": clone, "CI_REPO": self.slug, "CI_REPO_LINK": page,
            "CI_REPO_NAME": self.slug, "CI_REPO_PRIVATE": "false", "CI_REPO_REMOTE": clone,
            "DRONE_BRANCH": build.branch, "DRONE_BUILD_ACTION": "", "DRONE_BUILD_CREATED": str(build.created),
            "DRONE_BUILD_EVENT": "custom", "DRONE_BUILD_LINK": f"http://{host}/{self.slug}/{build.number}",
            "DRONE_BUILD_NUMBER": str(build.number), "DRONE_BUILD_PARENT": "0", "DRONE_COMMIT": build.commit,
            "DRONE_COMMIT_AFTER": build.commit, "DRONE_COMMIT_AUTHOR": author,
            "DRONE_COMMIT_AUTHOR_AVATAR": f"{self.forge.url}/avatars/0", "DRONE_COMMIT_AUTHOR_EMAIL": mail,
            "DRONE_COMMIT_AUTHOR_NAME": "", "DRONE_COMMIT_BEFORE": build.commit, "DRONE_COMMIT_BRANCH": build.branch,
            "DRONE_COMMIT_LINK": link, "DRONE_COMMIT_MESSAGE": build.message,
            "DRONE_COMMIT_REF": f"refs/heads/{build.branch}", "DRONE_COMMIT_SHA": build.commit, "DRONE_DEPLOY_TO": "",
            "DRONE_GIT_HTTP_URL": clone, "DRONE_GIT_SSH_URL": f"root@localhost:{self.slug}.git",
            "DRONE_REMOTE_URL": clone, "DRONE_REPO": self.slug, "DRONE_REPO_BRANCH": "main", "DRONE_REPO_LINK": page,
            "DRONE_REPO_NAME": name, "DRONE_REPO_NAMESPACE": owner, "DRONE_REPO_OWNER": owner,
            "DRONE_REPO_PRIVATE": "false", "DRONE_REPO_SCM": "", "DRONE_REPO_VISIBILITY": "public",
            "DRONE_SOURCE_BRANCH": build.branch, "DRONE_STAGE_ARCH": "amd64", "DRONE_STAGE_DEPENDS_ON": "",
            "DRONE_STAGE_KIND": "pipeline", "DRONE_STAGE_NAME": stage.name, "DRONE_STAGE_NUMBER": str(stage.number),
            "DRONE_STAGE_OS": "linux", "DRONE_STAGE_TYPE": "exec", "DRONE_STAGE_VARIANT": "",
            "DRONE_SYSTEM_HOST": host, "DRONE_SYSTEM_HOSTNAME": host, "DRONE_SYSTEM_PROTO": "http",
            "DRONE_SYSTEM_VERSION": "2.24.0", "DRONE_TARGET_BRANCH": build.branch}

    # ================================================================ reports of the runner

    def _listen(self, runner, connection):
        with connection, connection.makefile("rb") as lines:
            for line in lines:
                self._up.wait()                # a server that is down hears later
                with self.lock:
                    self._heard(json.loads(line))
        runner.wait()
        with self.lock:
            if self.runner is runner:
                self._socket = None

    def _heard(self, message):
        stage = next(stage for stage in self._stages() if stage.id == message["stage"])
        if message["op"] == "stage":
            stage.is_at_runner = False
        if stage.is_closed and stage.steps and "log" in message and not stage.is_unheard:
            stage.steps[message["number"] - 1].log = message["log"]      # logs come by another way
        if not stage.is_closed:
            {"taken": self._on_taken, "step": self._on_step, "stage": self._on_stage}[message["op"]](stage, message)
            stage.version += 1
            stage.updated = int(self.clock())
            self._touch(stage.build)
        if message["op"] == "stage":
            self._updated.notify_all()
            self._dispatch_next()

    def _on_taken(self, stage, message):
        for number, row in enumerate(message["steps"], 1):
            step = Step(number, row["name"], row["errignore"])
            step.id = self._next("step")
            stage.steps.append(step)

    def _on_step(self, stage, message):
        step = stage.steps[message["number"] - 1]
        now = int(self.clock())
        step.version += 1
        step.status = message["status"]
        step.started = step.started or now
        if step.status != "running":
            step.stopped, step.exit_code = now, message["exit_code"]
            step.log = message.get("log")

    def _on_stage(self, stage, message):
        build = stage.build
        stage.status, stage.exit_code, stage.error = message["status"], message["exit_code"], message["error"]
        stage.stopped = int(self.clock())
        if any(other.status in OPEN for other in build.stages):
            return
        statuses = [other.status for other in build.stages]
        build.status = next((status for status in ("killed", "error", "failure") if status in statuses), "success")
        build.finished = stage.stopped

    # ================================================================ cancel

    def hears(self, stage):
        """Whether the runner listens for cancels at this moment of the stage's run."""
        if self.deaf is not None:
            return not self.deaf
        age_s = (time.monotonic_ns() - stage.started_ns) / 1e9
        return age_s % (self.listen_s + self.deaf_s) < self.listen_s

    def _cancel(self, build):
        if build.status not in OPEN:
            return
        now = int(self.clock())
        for stage in build.stages:
            if stage.status == "pending":
                stage.status, stage.started, stage.stopped = "skipped", now, now
            elif stage.status == "running":
                self._cancel_running(stage, now)
        build.status, build.started, build.finished = "killed", build.started or now, now
        self._touch(build)
        self._dispatch_next()

    def _cancel_running(self, stage, now):
        stage.status, stage.stopped = "killed", now
        for step in stage.steps:
            if step.status in OPEN:
                step.status = "killed" if step.status == "running" else "skipped"
                step.exit_code, step.started, step.stopped = 130, step.started or now, now
        if stage.is_at_runner and self._socket is not None and self.hears(stage):
            self._tell({"op": "cancel", "stage": stage.id})
            stage.is_closed = not self.report_wins
        else:
            stage.is_closed = stage.is_unheard = True

    # ================================================================ shapes

    def build_json(self, build, stages=False):
        link = f"{self.forge.url}/api/v1/repos/{self.slug}/git/commits/{build.commit}"
        value = {"id": build.number, "repo_id": 1, "trigger": "" if build.error else build.user, "number": build.number,
            "status": build.status}
        if build.error:
            value["error"] = build.error
        value |= {"event": "custom", "action": ""}
        if not build.error:
            value["link"] = link
        value |= {"timestamp": 0, "message": build.message}
        if not build.error:
            value |= {"before": build.commit, "after": build.commit}
        value |= {"ref": f"refs/heads/{build.branch}", "source_repo": "", "source": build.branch, "target": build.branch}
        if not build.error:
            value |= {"author_login": "lab-admin", "author_name": "", "author_email": "1+lab-admin@noreply.localhost",
                "author_avatar": f"{self.forge.url}/avatars/0"}
        value["sender"] = build.user
        if build.params:
            value["params"] = dict(sorted(build.params.items()))
        value |= {"started": build.started, "finished": build.finished, "created": build.created,
            "updated": build.updated, "version": build.version}
        if stages and build.stages:
            value["stages"] = [self.stage_json(stage) for stage in build.stages]
        return value

    @staticmethod
    def stage_json(stage):
        value = {"id": stage.id, "repo_id": 1, "build_id": stage.build.number, "number": stage.number,
            "name": stage.name, "kind": "pipeline", "type": stage.type, "status": stage.status}
        if stage.error:
            value["error"] = stage.error
        value |= {"errignore": False, "exit_code": stage.exit_code}
        if stage.machine:
            value["machine"] = stage.machine
        value |= {"os": "linux", "arch": "amd64"}
        if stage.limit:
            value["limit"] = stage.limit
        value |= {"started": stage.started, "stopped": stage.stopped, "created": stage.created,
            "updated": stage.updated, "version": stage.version, "on_success": True, "on_failure": False}
        if stage.steps:
            value["steps"] = [Drone.step_json(stage, step) for step in stage.steps]
        return value

    @staticmethod
    def step_json(stage, step):
        value = {"id": step.id, "step_id": stage.id, "number": step.number, "name": step.name, "status": step.status}
        if step.errignore:
            value["errignore"] = True
        value["exit_code"] = step.exit_code
        if step.started:
            value["started"] = step.started
        if step.stopped:
            value["stopped"] = step.stopped
        value["version"] = step.version
        return value

    def repo_json(self, right=None):
        owner, name = self.slug.split("/")
        value = {"id": 1, "uid": "3", "user_id": 1, "namespace": owner, "name": name, "slug": self.slug, "scm": "",
            "git_http_url": f"{self.forge.url}/{self.slug}.git", "git_ssh_url": f"root@localhost:{self.slug}.git",
            "link": f"{self.forge.url}/{self.slug}", "default_branch": "main", "private": False,
            "visibility": "public", "active": True, "config_path": ".drone.yml", "trusted": False, "protected": False,
            "ignore_forks": False, "ignore_pull_requests": False, "auto_cancel_pull_requests": False,
            "auto_cancel_pushes": False, "auto_cancel_running": False, "timeout": self.timeout,
            "counter": len(self.builds), "synced": 1, "created": 1, "updated": 1, "version": 1}
        if right is not None:
            value["permissions"] = {"read": True, "write": right != "read", "admin": right == "admin"}
        return value | {"archived": False}

    # ================================================================ routes

    def caller(self, request):
        """(login, right), or None without a known token."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.users.get(token) if kind == "Bearer" else None

    UNAUTHORIZED, NOT_FOUND = {"message": "Unauthorized"}, {"message": "Not Found"}
    NO_ROWS = {"message": "sql: no rows in result set"}

    def is_ours(self, owner, repo):
        return f"{owner}/{repo}".lower() == self.slug.lower()

    def unknown_repo(self, request):
        return answer(401, self.UNAUTHORIZED) if self.caller(request) is None else answer(404, self.NOT_FOUND)

    @route("GET", "/healthz")
    def get_health(self, _):
        return text(200, "OK")

    @route("GET", "/version")
    def get_version(self, _):
        return answer(200, {"version": "2.24.0"})

    @route("GET", "/api/user")
    def get_user(self, request):
        caller = self.caller(request)
        if caller is None:
            return answer(401, self.UNAUTHORIZED)
        return answer(200, {"id": 2, "login": caller[0], "email": "", "machine": False, "admin": caller[1] == "admin",
            "active": True, "avatar": "", "syncing": False, "synced": 1, "created": 1, "updated": 1, "last_login": 1})

    @route("GET", "/api/repos/{owner}/{repo}")
    def get_repo(self, request, owner, repo):
        if not self.is_ours(owner, repo):
            return self.unknown_repo(request)
        caller = self.caller(request)
        return answer(200, self.repo_json(caller[1] if caller else None))

    @route("PATCH", "/api/repos/{owner}/{repo}")
    def patch_repo(self, request, owner, repo):
        caller = self.caller(request)
        if caller is None:
            return answer(401, self.UNAUTHORIZED)
        if caller[1] != "admin" or not self.is_ours(owner, repo):
            return answer(404, self.NOT_FOUND)
        try:
            body = request.json()
        except ValueError:
            return answer(400, {"message": "unexpected EOF"})
        if set(body) != {"timeout"}:
            raise Surprise(f"PATCH of {sorted(body)}")
        self.timeout = body["timeout"]
        return answer(200, self.repo_json())

    def writer(self, request, owner, repo):
        """None when the caller may write the repository, else the answer that refuses."""
        caller = self.caller(request)
        if caller is None:
            return answer(401, self.UNAUTHORIZED)
        return answer(404, self.NOT_FOUND) if caller[1] == "read" or not self.is_ours(owner, repo) else None

    @route("POST", "/api/repos/{owner}/{repo}/builds", query=None)
    def post_build(self, request, owner, repo):
        refusal = self.writer(request, owner, repo)
        if refusal is not None:
            return refusal
        if len(request.raw_query) > 1 << 20:
            return text(431, "Request Header Fields Too Large")
        params = {name: value for name, value in request.query.items() if name not in ("branch", "commit")}
        branch, commit = request.query.get("branch") or "main", request.query.get("commit")
        sha = self._commit_of(branch, commit)
        if sha is None:
            return answer(404, self.NOT_FOUND)
        if self._ci_repo().git.read(sha, ".drone.yml") is None:
            time.sleep(self.missing_config_s)
            return answer(500, self.NOT_FOUND)
        with self.lock:
            build = self._create(self.caller(request)[0], branch, commit, params)
            if build is None:
                return text(200, "null\n", "application/json")
            value = self.build_json(build)
            if build.stages:       # the answer shows the moment of creation
                value |= {"status": "pending", "started": 0, "finished": 0, "version": 1}
            return answer(200, value)

    @route("GET", "/api/repos/{owner}/{repo}/builds", query=("page", "per_page"))
    def get_builds(self, request, owner, repo):
        if not self.is_ours(owner, repo):
            return self.unknown_repo(request)
        size = int(request.query.get("per_page", "0"))
        size = size if 0 < size <= 100 else 25
        first = (max(int(request.query.get("page", "1")), 1) - 1) * size
        with self.lock:
            rows = sorted(self.builds.values(), key=lambda build: -build.number)[first:first + size]
            return answer(200, [self.build_json(build) for build in rows])

    def found(self, request, owner, repo, number):
        """The build, or the answer that says there is none."""
        if not self.is_ours(owner, repo):
            return None, self.unknown_repo(request)
        if not number.isdigit():
            return None, answer(400, {"message": f'strconv.ParseInt: parsing "{number}": invalid syntax'})
        build = self.builds.get(int(number))
        return build, None if build is not None else answer(404, self.NO_ROWS)

    @route("GET", "/api/repos/{owner}/{repo}/builds/{number}")
    def get_build(self, request, owner, repo, number):
        build, refusal = self.found(request, owner, repo, number)
        if refusal is not None:
            return refusal
        with self.lock:
            return answer(200, self.build_json(build, stages=True))

    @route("DELETE", "/api/repos/{owner}/{repo}/builds/{number}")
    def delete_build(self, request, owner, repo, number):
        refusal = self.writer(request, owner, repo)
        if refusal is None:
            build, refusal = self.found(request, owner, repo, number)
        if refusal is not None:
            return refusal
        with self.lock:
            self._cancel(build)
            return answer(200, self.build_json(build, stages=True))

    @route("GET", "/api/repos/{owner}/{repo}/builds/{number}/logs/{stage}/{step}")
    def get_log(self, request, owner, repo, number, stage, step):
        build, refusal = self.found(request, owner, repo, number)
        if refusal is not None:
            return refusal
        with self.lock:
            try:
                log = build.stages[int(stage) - 1].steps[int(step) - 1].log
            except IndexError:
                log = None
            return answer(404, self.NO_ROWS) if log is None else answer(200, log)
