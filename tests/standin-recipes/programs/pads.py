# SPDX-License-Identifier: GPL-3.0-or-later
"""For cryptpad: two names, a script that says which, uploads."""

import json
import os

import web

MAIN, SANDBOX = (f"https://{os.environ[name]}" for name in ("DOMAIN", "SANDBOX_DOMAIN"))
SCRIPT = {"Content-Type": "text/javascript"}


@web.route("GET", "/")
def front(_):
    return 200, "<title>CryptPad</title>", {"Content-Type": "text/html", "Cross-Origin-Embedder-Policy": "require-corp"}


@web.route("GET", "/api/config")
def config(_):
    origins = {"httpUnsafeOrigin": MAIN, "httpSafeOrigin": MAIN if web.is_wrong("sandbox") else SANDBOX}
    return 200, f"define(function(){{\nreturn {json.dumps(origins)}\n}});", SCRIPT


@web.route("GET", "/api/broadcast")
def broadcast(_):
    return 200, "define(function(){return {}});", SCRIPT


@web.route("GET", "/datastore/.*")
def datastore(_):
    return 403, "forbidden"


@web.route("GET", "/cryptpad_websocket")
def websocket(request):
    return (101, "") if request.headers.get("Upgrade") == "websocket" else (400, "no upgrade")


@web.route("GET", "/blob/(.+)")
def blob(_, path):
    try:
        with open("/cryptpad/blob" + os.path.normpath(f"/{path}"), "rb") as file:
            return 200, file.read(), {"Cache-Control": "max-age=31536000"}
    except OSError:
        return 404, "<title>not found</title>", {"Content-Type": "text/html"}


web.serve(3000)
