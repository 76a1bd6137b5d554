# SPDX-License-Identifier: GPL-3.0-or-later
"""
A Docker engine that holds nothing, on a unix socket, for tests of what surrounds the engine. It fails on surprise: a
request it does not know is answered 500 and kept in `surprises`.

    with EmptyEngine(path) as engine:
        ... DOCKER_HOST=engine.url ...
        assert not engine.surprises
        engine.gate.clear()                     who asks about the Swarm waits until gate.set()
        engine.is_swarm = True                  a Swarm's manager, with the network proxy
"""
import http.server
import json
import os
import re
import socketserver
import threading

LISTS = re.compile(r"/v1\.\d+/(services|tasks|networks|secrets|configs|volumes|containers/json)(\?.*)?$")


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class EmptyEngine:
    def __init__(self, path):
        self.path, self.url, self.surprises, self.requests = path, f"unix://{path}", [], []
        self.gate = threading.Event()
        self.gate.set()
        self.is_swarm = False
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def address_string(self):
                return "socket"

            def log_message(self, *_):
                pass

            def answer(self, status, body):
                data = json.dumps(body).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except BrokenPipeError:
                    pass  # who asked was killed meanwhile

            def do_GET(self):
                outer.requests.append(self.path)
                found = LISTS.match(self.path)
                if found and found[1] == "volumes":
                    self.answer(200, {"Volumes": [], "Warnings": None})
                elif found:
                    self.answer(200, [])
                elif self.path.endswith("/version"):
                    self.answer(200, {"Version": "20.10.24", "ApiVersion": "1.41", "MinAPIVersion": "1.12"})
                elif self.path.endswith("/info"):
                    outer.gate.wait()
                    self.answer(200, {"Swarm": {"LocalNodeState": "active" if outer.is_swarm else "inactive",
                                                "ControlAvailable": outer.is_swarm}})
                elif self.path.endswith("/networks/proxy") and outer.is_swarm:
                    self.answer(200, {"Name": "proxy", "Driver": "overlay"})
                else:
                    outer.surprises.append(self.path)
                    self.answer(500, {"message": f"the empty engine does not know {self.path}"})

        if os.path.exists(path):
            os.unlink(path)
        self.server = _Server(path, Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        os.unlink(self.path)
