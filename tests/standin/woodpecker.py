# SPDX-License-Identifier: GPL-3.0-or-later
"""
A stand-in for Woodpecker 3.17 and one agent with the local backend as far as ccci uses them. What was observed on the real
ones is in tests/standin/README.md and compared with them by tests/lab/test_contract_servers.py.

    server = Woodpecker(directory, forge, "recipe-maintainers/cc-ci"); server.start(); server.start_agent()
    number = server.create(RECIPE="custom-html")         or POST /api/repos/7/pipelines
    server.stop(); server.start()                        a cancel of what ran meanwhile is lost

The agent is threads of this process; its steps are processes, and really run `.woodpecker.yml`.
"""
import base64
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import yaml

from standin.server import Answer, Server, Surprise, answer, route, text

OPEN = ("pending", "running")
WORKFLOW_KEYS = {"when", "concurrency", "clone", "skip_clone", "steps"}
STEP_KEYS = {"name", "image", "commands", "when"}
LOG_QUIET_S = 1.0                            # an agent sends what was said once nothing more is for so long
PAGE_MOST = 50
VARIABLE_MOST_BYTES = 128 * 1024             # above it the agent dies


class Step:
    def __init__(self, step_id, pid, name, kind, wanted, script, shell):
        self.id, self.pid, self.name, self.kind = step_id, pid, name, kind
        self.wanted, self.script, self.shell = wanted, script, shell
        self.state, self.exit_code, self.error, self.started, self.finished = "pending", 0, "", 0, 0
        self.log, self.spoke = b"", 0.0      # and when it did last


class Pipeline:
    def __init__(self, number, variables, user, commit, now):
        self.number, self.variables, self.user, self.commit = number, variables, user, commit
        self.status, self.errors, self.canceled_by = "pending", None, None
        self.created, self.started, self.finished = now, 0, 0
        self.state, self.error, self.limit = "pending", "", 0      # of its workflow
        self.steps = []
        self.process = None
        self.is_lost = False                 # the server was started again since it began: no cancel reaches it
        self.is_forgotten = False            # by its queue: it waits for ever


class Woodpecker(Server):
    def __init__(self, directory, forge, repo, clock=time.time):
        super().__init__()
        self.directory, self.forge, self.slug, self.clock = directory, forge, repo, clock
        self.root = os.path.join(directory, "work")
        os.makedirs(self.root, exist_ok=True)
        self.repo_id = 7
        self.users = {}                      # token -> (login, right), right: admin, write or read
        self.pipelines = {}
        self.timeout = 60                    # minutes
        self.seconds_per_minute = 60.0       # of the timeout; tests make it short
        self.capacity, self.agent_path = 1, os.environ.get("PATH", "/usr/bin:/bin")
        self.has_agent = False
        self.dies_making_the_next = False    # of which the row is there then, and stays "created"
        self._steps = 0

    # ================================================================ what tests do

    def add_user(self, login, right):
        token = secrets.token_hex(16)
        self.users[token] = (login, right)
        return token

    def stop(self):
        """As the server's death: steps go on, and what runs is beyond a cancel from now on."""
        super().stop()
        with self.lock:
            for pipeline in self.pipelines.values():
                pipeline.is_lost = pipeline.is_lost or pipeline.state == "running"

    refuse, accept = stop, Server.start

    def forget(self, number):
        """As its death between writing the pipeline down and queueing it."""
        with self.lock:
            self.pipelines[number].is_forgotten = True

    def start_agent(self):
        with self.lock:
            self.has_agent = True
        self._dispatch()

    def close(self):
        """Ends everything, the processes of steps too."""
        super().stop()
        with self.lock:
            self.has_agent = False
            running = [pipeline for pipeline in self.pipelines.values() if pipeline.state == "running"]
            for pipeline in running:
                pipeline.canceled_by = pipeline.canceled_by or "the test"
                self._kill(pipeline)
        deadline = time.monotonic() + 10
        while any(pipeline.state == "running" for pipeline in running) and time.monotonic() < deadline:
            time.sleep(0.01)

    def create(self, user="member", branch="main", **variables):
        """A pipeline as POST makes it; returns its number (None: nothing matched)."""
        with self.lock:
            pipeline = self._create(user, branch, variables)
            return pipeline and pipeline.number

    # ================================================================ creating pipelines

    def _create(self, user, branch, variables):
        git = self.forge.repo(self.slug).git
        commit = git.tip(f"refs/heads/{branch}")
        document = git.read(commit, ".woodpecker.yml")
        if document is None:
            return None
        now = int(self.clock())
        try:
            workflow = yaml.safe_load(document.decode())
            steps = workflow["steps"]
        except (yaml.YAMLError, TypeError, KeyError) as error:
            pipeline = self._add(user, {}, commit, now)
            pipeline.status, pipeline.started, pipeline.finished, pipeline.state = "error", now, now, "error"
            pipeline.errors = [{"type": "compiler", "message": f"yaml: {error}", "is_warning": False, "data": None}]
            return pipeline
        unknown = set(workflow) - WORKFLOW_KEYS
        if unknown:
            raise Surprise(f"{sorted(unknown)} in a workflow is not modelled")
        if not any(row.get("event") in ("manual", ["manual"]) for row in workflow.get("when", [{"event": "manual"}])):
            return None
        pipeline = self._add(user, variables, commit, now)
        if self.dies_making_the_next:
            self.dies_making_the_next = False
            pipeline.status = pipeline.state = "created"
            return pipeline
        pipeline.limit = (workflow.get("concurrency") or {}).get("limit", 0)
        names = [] if workflow.get("skip_clone") else list(workflow.get("clone") or {"clone": None})
        rows = [{"name": name, "kind": "clone", "image": "sh", "commands": self._clone_commands(commit)} for name in names] + steps
        for row in rows:
            if set(row) - STEP_KEYS - {"kind"}:
                raise Surprise(f"{sorted(set(row) - STEP_KEYS)} in a step is not modelled")
            self._steps += 1
            wanted = row.get("when", [{}])[0].get("status", ["success"])
            script = "".join(f"echo {shlex.quote('+ ' + command)}\n{command}\n" for command in row["commands"])
            pipeline.steps.append(Step(self._steps, len(pipeline.steps) + 2, row["name"], row.get("kind", "commands"), wanted,
                self._substitute(script, variables), row["image"]))
        self._dispatch()
        return pipeline

    def _add(self, user, variables, commit, now):
        pipeline = Pipeline(len(self.pipelines) + 1, dict(variables), user, commit, now)
        self.pipelines[pipeline.number] = pipeline
        return pipeline

    def _clone_commands(self, commit):
        return ["umask 0", "git init -q -b main", f"git remote add origin {self.forge.url}/{self.slug}.git",
            "git fetch -q origin main", f"git checkout -q {commit}"]

    @staticmethod
    def _substitute(script, variables):
        """${NAME} is replaced in the text, before any shell."""
        return re.sub(r"\$\$|\$\{(\w+)\}", lambda match: variables.get(match[1], "") if match[1] else "$", script)

    # ================================================================ the agent

    def _dispatch(self):
        with self.lock:
            rows = sorted((row for row in self.pipelines.values() if not row.is_forgotten), key=lambda row: row.number)
            busy = sum(row.state == "running" for row in rows)
            for row in rows:
                before = [other for other in rows if other.number < row.number and other.state in OPEN]
                if not self.has_agent or busy >= self.capacity:
                    return
                if row.state != "pending" or (row.limit and len(before) >= row.limit):
                    continue
                busy += 1
                row.state = row.status = "running"
                row.started = int(self.clock())
                threading.Thread(target=self._run, args=(row,), daemon=True).start()

    def _run(self, pipeline):
        top = tempfile.mkdtemp(prefix="woodpecker-local-", dir=self.root)
        deadline = time.monotonic() + self.timeout * self.seconds_per_minute
        for name in ("workspace", "home"):
            os.mkdir(os.path.join(top, name), 0o700)
        failed = False
        for step in pipeline.steps:
            with self.lock:
                if step.state != "pending":
                    continue
                if ("failure" if failed else "success") not in step.wanted:
                    step.state = "skipped"
                    continue
                process = self._begin(pipeline, step, top, failed)
            failed = not self._wait(pipeline, step, process, deadline) or failed
            if pipeline.error:
                break
        shutil.rmtree(top, ignore_errors=True)
        with self.lock:
            self._end(pipeline, failed)
        self._dispatch()

    def _begin(self, pipeline, step, top, failed):
        step.state, step.started = "running", int(self.clock())
        process = subprocess.Popen([step.shell, "-e", "-c", step.script], cwd=os.path.join(top, "workspace"),
            env=self._environment(pipeline, step, top, failed), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, process_group=0)
        pipeline.process = process
        return process

    def _wait(self, pipeline, step, process, deadline):
        """Until the shell is gone and everybody closed its output; then its process group dies. True: it was good."""
        timer = threading.Timer(max(deadline - time.monotonic(), 0), self._time_out, (pipeline,))
        timer.daemon = True
        timer.start()
        with process.stdout:
            while data := os.read(process.stdout.fileno(), 65536):
                with self.lock:
                    step.log, step.spoke = step.log + data, time.monotonic()
        process.wait()
        timer.cancel()
        with self.lock:
            self._kill_group(process.pid)
            pipeline.process = None
            step.finished = int(self.clock())
            if pipeline.error == "timeout":
                step.state, step.error = "failure", "context deadline exceeded"
            elif pipeline.error:
                step.state, step.error = "killed", "Canceled"
            else:
                step.exit_code = process.returncode if process.returncode >= 0 else -1
                step.state = "failure" if process.returncode else "success"
            return step.state == "success"

    def _time_out(self, pipeline):
        with self.lock:
            pipeline.error = "timeout"
            self._kill(pipeline)

    def _end(self, pipeline, failed):
        was_killed = bool(pipeline.error)
        for step in pipeline.steps:
            if was_killed and step.state == "pending":
                step.state = "killed"
        pipeline.finished = int(self.clock())
        pipeline.state = "killed" if was_killed else "failure" if failed else "success"
        pipeline.error = "Canceled" if was_killed else ""
        has_canceled = any(step.state == "canceled" for step in pipeline.steps)
        if not (pipeline.canceled_by and has_canceled):      # a lost cancel of the last step is forgotten
            pipeline.status = pipeline.state

    @staticmethod
    def _kill_group(group):
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _kill(self, pipeline):
        pipeline.error = pipeline.error or "Canceled"
        if pipeline.process is not None:
            self._kill_group(pipeline.process.pid)

    def _environment(self, pipeline, step, top, failed):
        """Names of samples: the agent's own, the variables, and what is the server's to say."""
        page = f"{self.url}/repos/{self.repo_id}/pipeline/{pipeline.number}"
        owner, name = self.slug.split("/")
        own = {"CI": "woodpecker", "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": pipeline.commit, "CI_MACHINE": "lab",
            "CI_PIPELINE_CREATED": str(pipeline.created), "CI_PIPELINE_EVENT": "manual",
            "CI_PIPELINE_NUMBER": str(pipeline.number), "CI_PIPELINE_STARTED": str(pipeline.started),
            "CI_PIPELINE_STATUS": "failure" if failed else "success", "CI_PIPELINE_URL": page, "CI_REPO": self.slug,
            "CI_REPO_NAME": name, "CI_REPO_OWNER": owner, "CI_STEP_NAME": step.name, "CI_STEP_NUMBER": "0",
            "CI_SYSTEM_HOST": f"127.0.0.1:{self.port}", "CI_SYSTEM_NAME": "woodpecker", "CI_SYSTEM_URL": self.url,
            "CI_WORKSPACE": os.path.join(top, "workspace"), "HOME": os.path.join(top, "home"), "SHELL": "/bin/sh"}
        agent = {"PATH": self.agent_path, "USER": os.environ.get("USER", "root"), "WOODPECKER_BACKEND": "local",
            "WOODPECKER_HOSTNAME": "lab"}
        return {**agent, **pipeline.variables, **own}

    # ================================================================ shapes

    def pipeline_json(self, pipeline, workflows=True):
        value = {"id": pipeline.number + 1, "number": pipeline.number, "author": pipeline.user, "parent": 0, "event": "manual",
            "event_reason": None, "status": pipeline.status, "errors": pipeline.errors, "created": pipeline.created,
            "updated": pipeline.created, "started": pipeline.started, "finished": pipeline.finished, "deploy_to": "",
            "deploy_task": "", "commit": pipeline.commit, "branch": "main", "rerun_count": 0, "ref": "main", "refspec": "",
            "author_avatar": f"{self.forge.url}/avatars/0", "forge_url": f"{self.forge.url}/{self.slug}/commit/{pipeline.commit}",
            "reviewed_by": "", "reviewed": 0}
        if pipeline.canceled_by:
            value["cancel_info"] = {"canceled_by_user": pipeline.canceled_by}
        if workflows and pipeline.steps:
            value["workflows"] = [self.workflow_json(pipeline)]
        if pipeline.variables:
            value["variables"] = dict(sorted(pipeline.variables.items()))
        return value | {"version": "dev", "title": "", "message": "MANUAL PIPELINE @ main", "timestamp": pipeline.created,
            "sender": "", "author_email": f"{pipeline.user}@lab.invalid"}

    @staticmethod
    def _set_times(value, row):
        for name in ("error", "started", "finished"):
            if getattr(row, name):
                value[name] = getattr(row, name)

    def workflow_json(self, pipeline):
        value = {"id": pipeline.number, "pipeline_id": pipeline.number + 1, "pid": 1, "name": "woodpecker", "state": pipeline.state}
        self._set_times(value, pipeline)
        if pipeline.started:
            value["agent_id"] = 1
        return value | {"children": [self.step_json(pipeline, step) for step in pipeline.steps]}

    def step_json(self, pipeline, step):
        value = {"id": step.id, "uuid": f"{step.id:026}", "pipeline_id": pipeline.number + 1, "pid": step.pid, "ppid": 1,
            "name": step.name, "state": step.state, "exit_code": step.exit_code, "type": step.kind}
        self._set_times(value, step)
        return value

    # ================================================================ routes

    def caller(self, request):
        """(login, right), or None without a known token; a bad one is none."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return self.users.get(token) if kind == "Bearer" else None

    def writer(self, request, repo):
        """None when the caller may write the repository, else the answer that refuses."""
        caller = self.caller(request)
        if caller is None:
            return Answer(401)
        return Answer(404) if caller[1] == "read" or repo != str(self.repo_id) else None

    @route("GET", "/healthz")
    def get_health(self, _):
        return Answer(204)

    @route("GET", "/api/user")
    def get_user(self, request):
        caller = self.caller(request)
        if caller is None:
            return text(401, "User not authorized")
        return answer(200, {"id": 2, "login": caller[0], "email": "", "avatar_url": "", "admin": caller[1] == "admin"})

    @route("GET", "/api/repos/lookup/{owner}/{repo}")
    def lookup(self, _, owner, repo):
        return self.get_repo(_, str(self.repo_id)) if f"{owner}/{repo}" == self.slug else Answer(404)

    @route("GET", "/api/repos/{repo}")
    def get_repo(self, _, repo):
        if repo != str(self.repo_id):
            return Answer(404)
        owner, name = self.slug.split("/")
        return answer(200, {"id": self.repo_id, "forge_remote_id": "3", "owner": owner, "name": name, "full_name": self.slug,
            "default_branch": "main", "timeout": self.timeout, "visibility": "public", "private": False, "active": True})

    @route("PATCH", "/api/repos/{repo}")
    def patch_repo(self, request, repo):
        caller = self.caller(request)
        if caller is None or caller[1] != "admin":
            return text(401 if caller is None else 403, "User not authorized")
        body = request.json()
        if set(body) != {"timeout"}:
            raise Surprise(f"PATCH of {sorted(body)}")
        if body["timeout"] < 1:
            return text(400, "Timeout must be at least 1 minute")
        self.timeout = body["timeout"]
        return self.get_repo(request, repo)

    @route("POST", "/api/repos/{repo}/pipelines")
    def post_pipeline(self, request, repo):
        refusal = self.writer(request, repo)
        if refusal is not None:
            return refusal
        try:
            body = request.json()
            variables = body.get("variables") or {}
        except (ValueError, AttributeError):
            return Answer(400)
        if not all(isinstance(value, str) for value in variables.values()):
            return Answer(400)
        if any("\0" in value or len(value.encode()) > VARIABLE_MOST_BYTES for value in variables.values()):
            raise Surprise("a variable of which the agent would die")
        if self.forge.repo(self.slug).git.tip(f"refs/heads/{body.get('branch', '')}") is None or not self.forge.is_up:
            return Answer(500)
        with self.lock:
            pipeline = self._create(self.caller(request)[0], body["branch"], variables)
            if pipeline is None:
                return Answer(204, headers={"Pipeline-Filtered": "true"})
            value = self.pipeline_json(pipeline)
            if pipeline.steps:       # the answer shows the moment of creation
                value |= {"status": "pending", "started": 0}
                for flow in value["workflows"]:
                    flow["state"] = "pending"
                    for row in flow["children"]:
                        row["state"] = "pending"
            return answer(200, value)

    @route("GET", "/api/repos/{repo}/pipelines", query=("page", "perPage", "status"))
    def get_pipelines(self, request, repo):
        if repo != str(self.repo_id):
            return Answer(404)
        size = min(int(request.query.get("perPage", PAGE_MOST)), PAGE_MOST)
        first = (max(int(request.query.get("page", "1")), 1) - 1) * size
        with self.lock:
            rows = sorted(self.pipelines.values(), key=lambda row: -row.number)
            rows = [row for row in rows if request.query.get("status") in (None, row.status)][first:first + size]
            return answer(200, [self.pipeline_json(row, workflows=False) for row in rows])

    def found(self, repo, number):
        return self.pipelines.get(int(number)) if repo == str(self.repo_id) and number.isdigit() else None

    @route("GET", "/api/repos/{repo}/pipelines/{number}")
    def get_pipeline(self, _, repo, number):
        with self.lock:
            pipeline = self.found(repo, number)
            return Answer(404) if pipeline is None else answer(200, self.pipeline_json(pipeline))

    @route("POST", "/api/repos/{repo}/pipelines/{number}/cancel")
    def post_cancel(self, request, repo, number):
        refusal = self.writer(request, repo)
        if refusal is not None:
            return refusal
        with self.lock:
            pipeline = self.found(repo, number)
            if pipeline is None:
                return Answer(404)
            if pipeline.status not in OPEN:
                return text(400, "Cannot cancel a non-running or non-pending or non-blocked pipeline")
            self._cancel(pipeline, self.caller(request)[0])
        self._dispatch()
        return Answer(204)

    def _cancel(self, pipeline, user):
        pipeline.canceled_by = user
        for step in pipeline.steps:
            if step.state == "pending":
                step.state = "canceled"
        if pipeline.state == "pending":
            pipeline.status, pipeline.state, pipeline.finished = "canceled", "skipped", int(self.clock())
            return
        pipeline.status = "killed"           # whatever its step does: that is for the agent to say
        if not pipeline.is_lost:
            self._kill(pipeline)

    @route("GET", "/api/repos/{repo}/logs/{number}/{step}")
    def get_log(self, _, repo, number, step):
        with self.lock:
            pipeline = self.found(repo, number)
            steps = [row for row in pipeline.steps if str(row.id) == step] if pipeline else []
            if not steps:
                return Answer(404)
            rows = self._log_json(steps[0], max(row.spoke for row in pipeline.steps))
            return text(200, "null\n", "application/json") if rows is None else answer(200, rows)

    @staticmethod
    def _log_json(step, spoke):
        """None while the agent has not sent it: a second without a word of any step."""
        if not step.log or time.monotonic() - spoke < LOG_QUIET_S:
            return None
        return [{"id": index + 1, "step_id": step.id, "time": 0, "line": index,
            "data": base64.b64encode(line).decode() if line else None, "type": 0}
            for index, line in enumerate(step.log.removesuffix(b"\n").split(b"\n"))]
