# SPDX-License-Identifier: GPL-3.0-or-later
"""
The HTTP server below every stand-in: routes, request log, surprises, fault switches.

    class Forge(Server):
        @route("GET", "/api/v1/repos/{owner}/{repo}", query=("ref",))
        def get_repo(self, request, owner, repo): return answer(200, {...})

Fails on surprise: a request that no route models, or a query name its route does not know, is
answered 599, recorded in `surprises`, and makes check() raise. Faults are switched on by tests:

    fault = server.fault("cut", "POST", "/comments$", times=1)    took effect, answer never arrives
    server.refuse(); server.accept()                               as when the server is down

Used by standin/forge.py, standin/drone.py and standin/woodpecker.py only.
"""
import http.server
import json
import re
import socket
import socketserver
import threading
import time
import urllib.parse

SURPRISE = 599


class Surprise(Exception):
    """A request that the stand-in does not model."""


class Refused(Exception):
    """Ends a handler early with the answer that it carries."""

    def __init__(self, reply):
        super().__init__()
        self.reply = reply


class Answer:
    """What goes back: status, headers, body bytes."""

    def __init__(self, status, body=b"", headers=None):
        self.status, self.body, self.headers = status, body, dict(headers or {})


def answer(status, value=None, headers=None):
    """A JSON answer; None is an answer without a body."""
    if value is None:
        return Answer(status, b"", headers)
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return Answer(status, body, {"Content-Type": "application/json;charset=utf-8", **(headers or {})})


def text(status, value, content_type="text/plain; charset=utf-8", headers=None):
    return Answer(status, value if isinstance(value, bytes) else value.encode(),
        {"Content-Type": content_type, **(headers or {})})


class Request:
    """One request as it arrived, and (later, in the log) how it was answered."""

    def __init__(self, method, target, headers, body):
        self.method, self.target, self.headers, self.body = method, target, headers, body
        path, _, query = target.partition("?")
        self.raw_query = query
        self.path = urllib.parse.unquote(path)
        self.query_pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
        self.query = {}
        for name, value in self.query_pairs:
            self.query.setdefault(name, value)
        self.when = time.time()
        self.status = None
        self.fault = None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.method} {self.target} -> {self.status}" + (f" ({self.fault})" if self.fault else "")


class Fault:
    """One switched-on fault; `hits` counts the requests that met it."""

    KINDS = ("status", "slow", "reset", "cut", "late", "drop", "raw", "hang")

    def __init__(self, kind, method, path, times, after, options):
        if kind not in self.KINDS:
            raise ValueError(f"no fault {kind}: {self.KINDS}")
        self.kind, self.method, self.path = kind, method, re.compile(path)
        self.times, self.after, self.options = times, after, options
        self.hits = 0
        self.skipped = 0
        self.met = threading.Event()

    def matches(self, request):
        if self.method not in (None, request.method) or not self.path.search(request.target):
            return False
        return self.times is None or self.hits < self.times


def route(method, pattern, query=()):
    """Marks a method of a Server as the handler of a path; {name} matches one segment, {name...} the rest."""
    expression = re.sub(r"\{(\w+)\.\.\.\}", r"(?P<\1>.*)", pattern)
    expression = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", expression)

    def mark(function):
        function.routes = getattr(function, "routes", []) + [
            (method, re.compile(expression + r"\Z"), None if query is None else frozenset(query))]
        return function
    return mark


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "standin", ""
    disable_nagle_algorithm = True
    timeout = 120

    def log_message(self, *_):
        pass

    def _read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                parts.append(self.rfile.read(size))
                self.rfile.readline()
                if size == 0:
                    return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _close_now(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _send(self, reply, limit=None):
        lines = [f"HTTP/1.1 {reply.status} {self.responses.get(reply.status, ('Surprise',))[0]}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines.append(f"Date: {self.date_time_string()}")
        if reply.status != 204 and "Content-Length" not in reply.headers:
            lines.append(f"Content-Length: {len(reply.body)}")
        if self.close_connection:
            lines.append("Connection: close")
        data = "\r\n".join(lines).encode() + b"\r\n\r\n"
        if self.command != "HEAD" and reply.status != 204:
            data += reply.body
        if limit is not None:
            data = data[:limit]
        self.connection.sendall(data)

    def _handle(self):
        try:
            if self.headers.get("Expect", "").lower() == "100-continue":
                self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self._read_body()
            request = Request(self.command, self.path, self.headers, body)
            request.peer = self.client_address
            self.server.owner.exchange(self, request)
        except (OSError, ValueError):
            self._close_now()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _handle


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, owner, port):
        self.owner, self.live, self.live_lock = owner, set(), threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)     # without the name lookup of HTTPServer
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request, client_address):
        with self.live_lock:
            self.live.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        with self.live_lock:
            self.live.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass

    def cut_all(self):
        with self.live_lock:
            for connection in self.live:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Server:
    """A stand-in: subclasses add routes, state and the Python interface for tests."""

    def __init__(self):
        self.lock = threading.RLock()
        self.log, self.surprises, self.faults = [], [], []
        self.port = 0
        self._listener = None
        self._routes = []
        for name in dir(type(self)):
            function = getattr(type(self), name)
            for method, pattern, query in getattr(function, "routes", []):
                self._routes.append((method, pattern, query, getattr(self, name)))
        # A path with fewer free parts wins: /issues/comments before /issues/{number}.
        self._routes.sort(key=lambda row: (row[1].pattern.count("(?P<"), -len(row[1].pattern)))

    # ---- life

    def start(self, port=0):
        if self._listener is not None:
            raise RuntimeError("runs already")
        self._listener = _Listener(self, port or self.port)
        self.port = self._listener.server_port
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Stops listening and cuts every connection; state stays, start() goes on with it."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown()
            listener.server_close()
            listener.cut_all()

    refuse = stop
    accept = start

    @property
    def is_up(self):
        return self._listener is not None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    # ---- faults

    def fault(self, kind, method=None, path="", times=1, after=0, **options):
        """
        Switches a fault on for the next `times` requests (None: until cleared) that match, after
        letting `after` of them pass:
          status  answers options status, body, headers; no effect
          slow    waits `seconds`, then goes on as usual
          reset   closes the connection; no effect
          cut     takes effect, then closes the connection without an answer
          late    closes the connection without an answer, and takes effect after `seconds`
          drop    takes effect, sends `size` bytes of the answer, then closes
          raw     answers 200 (or `status`) with `body` as it is; no effect
          hang    takes no effect and answers nothing for `seconds`, then closes
        """
        fault = Fault(kind, method, path, times, after, options)
        with self.lock:
            self.faults.append(fault)
        return fault

    def clear_faults(self):
        with self.lock:
            self.faults.clear()

    def _take_fault(self, request):
        with self.lock:
            for fault in self.faults:
                if not fault.matches(request):
                    continue
                if fault.skipped < fault.after:
                    fault.skipped += 1
                    continue
                fault.hits += 1
                fault.met.set()
                request.fault = fault.kind
                return fault
        return None

    # ---- one exchange

    def exchange(self, handler, request):
        fault = self._take_fault(request)
        kind, options = (fault.kind, fault.options) if fault else (None, {})
        if kind == "late":
            handler._close_now()
        if kind in ("slow", "late"):
            time.sleep(options["seconds"])
        if kind in ("reset", "hang"):
            self._record(request, 0)
            time.sleep(options.get("seconds", 0))
            handler._close_now()
            return
        if kind == "status":
            reply = Answer(options["status"], options.get("body", b""), options.get("headers"))
        elif kind == "raw":
            reply = Answer(options.get("status", 200), options["body"],
                {"Content-Type": "application/json", **options.get("headers", {})})
        else:
            reply = self.dispatch(request)
        self._record(request, reply.status)
        if kind in ("cut", "late"):
            handler._close_now()
            return
        handler._send(reply, options["size"] if kind == "drop" else None)
        if kind == "drop":
            handler._close_now()

    def _record(self, request, status):
        with self.lock:
            request.status = status
            self.log.append(request)

    def dispatch(self, request):
        try:
            for method, pattern, query, function in self._routes:
                match = pattern.match(request.path)
                if match is None or method != request.method:
                    continue
                unknown = [] if query is None else [name for name in request.query if name not in query]
                if unknown:
                    raise Surprise(f"query {unknown} is not modelled")
                return function(request, **match.groupdict())
            if request.method == "HEAD":
                return Answer(405)
            raise Surprise("no route")
        except Refused as refused:
            return refused.reply
        except Surprise as surprise:
            return self.surprise(request, str(surprise))
        except Exception as error:        # a mistake of the stand-in must not look like a server's 500
            import traceback
            return self.surprise(request, f"{error!r}\n{traceback.format_exc()}")

    def surprise(self, request, why):
        line = f"{type(self).__name__}: {request.method} {request.target}: {why}"
        if request.body:
            line += f"; body {request.body[:300]!r}"
        with self.lock:
            self.surprises.append(line)
        return text(SURPRISE, line + "\n")

    # ---- what tests ask

    def check(self):
        """Raises when anything surprised the stand-in."""
        with self.lock:
            if self.surprises:
                raise AssertionError("requests that the stand-in does not model:\n  " + "\n  ".join(self.surprises))

    def mark(self):
        """A position in the log, for requests(since=...)."""
        with self.lock:
            return len(self.log)

    def requests(self, method=None, path="", since=0):
        """The logged requests that match, oldest first."""
        expression = re.compile(path)
        with self.lock:
            return [request for request in self.log[since:]
                if method in (None, request.method) and expression.search(request.target)]

    def count(self, method=None, path="", since=0):
        return len(self.requests(method, path, since))
