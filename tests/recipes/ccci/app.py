# SPDX-License-Identifier: GPL-3.0-or-later
"""The app under test, as a program of a suite reaches it. Each suite has this file: what runs is a copy of one suite alone.

    from app import App, fail
    app = App()                                       # by its name, through the proxy
    answer = app.ask("POST", "/login", json={"user": "a"})
    answer.expect(200, "login")                       # else the program ends: failed, and says what came instead
    answer.json["token"], answer.text, answer.headers["Content-Type"]
    app.inside("db", "psql", "-c", "select 1")        # in the container of a service; its standard output
    app.secret("admin", "password")                   # the one secret with these words in its name
    app.volume("app", "html")                         # where the volume is mounted whose place has this word
"""

import functools
import http.client
import json as json_module
import os
import secrets
import socket
import ssl
import subprocess
import sys
import time
import urllib.parse

TRIES = 5  # an app whose database was put back answers its first requests with an error of its own
AGAIN_S = 2
CONTAINER_S = 60
MAX_BYTES = 8 << 20


def end(status, sentence):
    print(sentence)
    sys.exit(status)


fail = functools.partial(end, 1)
not_run = functools.partial(end, 77)


class Answer:
    def __init__(self, what, status, headers, body):
        self.what, self.status, self.headers, self.body = what, status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        try:
            return json_module.loads(self.body)
        except ValueError:
            fail(f"{self.what} answers no JSON: {self.text[:120]!r}")

    def expect(self, status, why):
        """Itself, when it has one of these statuses."""
        statuses = status if isinstance(status, tuple) else (status,)
        if self.status not in statuses:
            fail(f"{why}: {self.what} answers {self.status} instead of {' or '.join(map(str, statuses))}: {self.text[:160]!r}")
        return self


class App:
    def __init__(self, domain=None, stack=None, secret_dir=None, direct=None):
        """Another one than that under test by its domain, stack and directory of secrets. direct: (service, port) of one
        that no proxy leads to in plain HTTP; only from the engine's own host."""
        self.domain = domain or os.environ["CCCI_DOMAIN"]
        self.stack = stack or os.environ["CCCI_STACK"]
        self.secret_dir = secret_dir or os.environ.get("CCCI_SECRET_DIR", "")
        self.direct = direct

    # --- by HTTP

    def ask(self, method, path, json=None, form=None, text=None, token=None, headers=(), tries=TRIES):
        """Asked again when it answers 5xx, or 429 after the time that it asks for."""
        headers, body = {"Accept": "*/*", **dict(headers)}, None if text is None else text.encode()
        if json is not None:
            headers["Content-Type"], body = "application/json", json_module.dumps(json).encode()
        elif form is not None:
            headers["Content-Type"], body = "application/x-www-form-urlencoded", urllib.parse.urlencode(form).encode()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        for left in reversed(range(tries)):
            answer = self._ask(method, path, body, headers)
            if not left or (answer.status < 500 and answer.status != 429):
                return answer
            time.sleep(self._pause(answer))

    @staticmethod
    def _pause(answer):
        if answer.status != 429:
            return AGAIN_S
        try:
            return min(json_module.loads(answer.body)["retry_after_ms"] / 1000, 60)
        except (ValueError, KeyError, TypeError):
            return AGAIN_S

    def _ask(self, method, path, body, headers):
        what = f"{method} {path.partition('?')[0]}"
        try:
            connection = self._connect()
            connection.request(method, path, body, {**headers, "Host": self.domain})
            response = connection.getresponse()
            return Answer(what, response.status, response.headers, response.read(MAX_BYTES))
        except (OSError, http.client.HTTPException) as error:
            fail(f"{what} of {self.domain}: {error}")

    def _connect(self):
        if self.direct:
            return http.client.HTTPConnection(self.address(self.direct[0]), self.direct[1], timeout=60)
        connection = http.client.HTTPSConnection(self.domain, timeout=60)
        connection.sock = self.tls(self.domain, ssl.create_default_context(cafile=os.environ.get("CCCI_CA_FILE")))
        return connection

    @staticmethod
    def tls(name, context):
        """A connection to the proxy, whatever DNS says of the name."""
        address, _, port = os.environ["CCCI_CONNECT"].rpartition(":")
        return context.wrap_socket(socket.create_connection((address, int(port)), 60), server_hostname=name)

    # --- in its containers

    def container(self, service):
        """Its newest; waited for, as one may be on its way."""
        deadline = time.monotonic() + CONTAINER_S
        while not (found := self._docker("ps", "-q", "--no-trunc", "--filter",
                                         f"label=com.docker.swarm.service.name={self.stack}_{service}").split()):
            if time.monotonic() > deadline:
                fail(f"service {service} has no container on this host")
            time.sleep(0.5)
        return found[0]

    def inside(self, service, *command, text="", check=True, environment=()):
        options = [word for name in dict(environment) for word in ("-e", name)]  # by name: others may read arguments
        return self._docker("exec", "-i", *options, self.container(service), *command, text=text, check=check,
                            environment=environment)

    def environment(self, service):
        """What the recipe and abra gave the service, by name."""
        rows = json_module.loads(self._docker("inspect", "--format", "{{json .Config.Env}}", self.container(service)))
        return dict(row.split("=", 1) for row in rows or ())

    def volume(self, service, word):
        """Where a volume is mounted in the service, the one of its places that has the word in it."""
        mounts = json_module.loads(self._docker("inspect", "--format", "{{json .Mounts}}", self.container(service)))
        places = sorted(mount["Destination"] for mount in mounts if mount["Type"] == "volume")
        fitting = [place for place in places if word in place]
        return fitting[0] if fitting else fail(
            f"no volume of service {service} is mounted at a place with {word!r} in it, only at: {', '.join(places) or 'none'}")

    def address(self, service):
        """Of its container, as this host reaches it: on the bridge that every task has."""
        if not os.environ.get("DOCKER_HOST", "unix:").startswith("unix:"):
            not_run(f"service {service} is reached from its engine's own host alone")
        network = json_module.loads(self._docker("network", "inspect", "--format", "{{json .Containers}}", "docker_gwbridge"))
        sandbox = self._docker("inspect", "--format", "{{.NetworkSettings.SandboxID}}", self.container(service)).strip()
        for endpoint in network.values():
            if endpoint["Name"] == f"gateway_{sandbox[:12]}":
                return endpoint["IPv4Address"].partition("/")[0]
        return fail(f"service {service} has no address on docker_gwbridge: it is in no network but internal ones")

    @staticmethod
    def _docker(*words, text="", check=True, environment=()):
        done = subprocess.run(["docker", *words], input=text, capture_output=True, text=True, check=False,
                              env={**os.environ, **dict(environment)})
        if check and done.returncode:
            fail(f"docker {words[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    # --- what ccci knows of it

    def secret(self, *words):
        names = sorted(os.listdir(self.secret_dir)) if self.secret_dir else []
        fitting = [name for name in names if all(word in name for word in words)]
        if len(fitting) != 1:
            fail(f"wanted the one secret with {' and '.join(words)} in its name; the recipe has: {', '.join(names) or 'none'}")
        with open(os.path.join(self.secret_dir, fitting[0]), encoding="utf-8") as file:
            return file.read().strip()


def run_name():
    """What a run calls its things in the app: letters and digits, the same in all programs of one run."""
    return "ccci" + os.environ["CCCI_STACK"].partition("_")[0].rpartition("-")[2]


def new_name():
    """One that nothing in the app has: a check is run again after each deploy, in the same app."""
    return run_name() + secrets.token_hex(3)


def note(name, value=None):
    """What a seed leaves for the check: written with a value, read without."""
    path = os.path.join(os.environ["CCCI_RUN_DIR"], name)
    if value is None:
        try:
            with open(path, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            fail(f"the seed has left no {name}: it did not run, or failed")
    with open(path, "w", encoding="utf-8") as file:
        file.write(value)
    return value
