# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-ins for real apps are made of: routes, a database, and what is wrong with them.

    @web.route("POST", "/admin/realms/([^/]+)")
    def make(request, realm): return 201, {}
    web.serve(8080)

A fault is switched on by the recipe (FAULT) and is one of the newer version, so that an upgrade brings it.
"""

import http.server
import json
import os
import re
import subprocess
import threading
import time
import urllib.parse

ROUTES = []
NEW = "1.1"
END = "end-of-the-answer"


def version():
    with open("/version", encoding="ascii") as file:
        return file.read().strip()


def is_wrong(fault):
    return os.environ.get("FAULT") == fault and version() == NEW


def secret(name):
    with open(f"/run/secrets/{name}", encoding="utf-8") as file:
        return file.read().strip()


class Refused(Exception):
    def __init__(self, status, body):
        self.answer = (status, body)
        super().__init__(status)


def route(method, path):
    def add(function):
        ROUTES.append((method, re.compile(path), function))
        return function
    return add


class Request(http.server.BaseHTTPRequestHandler):
    """A function of a route is given this one, and gives (status, body) or (status, body, headers). A body is JSON, text, or
    bytes."""
    protocol_version = "HTTP/1.1"

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format, *args):
        print(format % args, flush=True)

    def _answer(self):
        path, _, query = self.path.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body, *headers = self._find(path)
        if status == 101:
            self.send_response(101)
            self.send_header("Connection", "Upgrade")
            self.send_header("Upgrade", "websocket")
            self.end_headers()
            self.close_connection = True
            return
        kind = "text/plain; charset=utf-8"
        if not isinstance(body, (str, bytes)):
            kind, body = "application/json", json.dumps(body)
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers[0] if headers else {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _find(self, path):
        for method, form, function in ROUTES:
            match = form.fullmatch(path)
            if match and method in (self.command, "*"):
                try:
                    return function(self, *map(urllib.parse.unquote, match.groups("")))
                except Refused as refused:
                    return refused.answer
        return 404, {"error": f"no route {self.command} {path}"}

    @property
    def json(self):
        return json.loads(self.body or b"{}")

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode()))

    @property
    def bearer(self):
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


def serve(port, host=""):
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 64
    print(f"version {version()} listens on {port}", flush=True)
    Server((host, port), Request).serve_forever()


class Database:
    """A Postgres, by a psql that stays. When the database is dropped under it the next request fails, as with a real pool."""

    def __init__(self, schema):
        self.lock = threading.Lock()
        self.environment = {"PATH": "/usr/lib/postgresql/15/bin:/bin", "PGHOST": os.environ["DB_HOST"], "PGUSER": "app",
                            "PGDATABASE": "site", "PGPASSWORD": secret("db_password")}
        self._start()
        while True:
            try:
                self.ask(schema)
                return
            except Refused:
                time.sleep(0.5)  # it is not up yet

    def _start(self):
        self.psql = subprocess.Popen(["psql", "-At", "-q", "-w", "-F", "\x1f", "-v", "ON_ERROR_STOP=1"], env=self.environment,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, statements, **values):
        """Rows of texts. :'name' in the statements is that value."""
        sets = "".join(f"\\set {name} '{_escape(value)}'\n" for name, value in values.items())
        with self.lock:
            rows = self._talk(f"{sets}{statements};\n\\echo {END}\n")
            if rows is None:
                self.psql.wait()
                self._start()
        if rows is None:
            raise Refused(500, {"errcode": "M_UNKNOWN", "error": "Internal server error"})
        return rows

    def _talk(self, text):
        """None when it ended, which it does on each error."""
        rows = []
        try:
            self.psql.stdin.write(text)
            self.psql.stdin.flush()
        except BrokenPipeError:
            return None
        for line in self.psql.stdout:
            if line == END + "\n":
                return rows
            rows.append(line.rstrip("\n").split("\x1f"))
        return None


def _escape(value):
    return str(value).replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
