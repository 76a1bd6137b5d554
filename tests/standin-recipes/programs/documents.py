# SPDX-License-Identifier: GPL-3.0-or-later
"""For lasuite-docs: documents.py front | backend | converter | bucket | make-bucket. A document is a row and an object."""

import http.client
import os
import sys
import time
import urllib.parse
import uuid

import web

BUCKET = "impress-media-storage"
STACK = os.environ.get("STACK_NAME", "")


def call(service, port, method, path, body=b"", headers=()):
    connection = http.client.HTTPConnection(f"{STACK}_{service}", port, timeout=20)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    except OSError as error:
        print(f"{service}: {error}", flush=True)
        return 502, b"Bad Gateway", {}
    finally:
        connection.close()


def front():
    @web.route("*", "/api/.*")
    def api(request):
        status, body, headers = call("backend", 8000, request.command, request.path, request.body, request.headers)
        return status, body, {name: headers[name] for name in ("Content-Type", "Location") if name in headers}

    @web.route("GET", "/")
    def page(_):
        return 200, "<title>Docs</title>", {"Content-Type": "text/html"}

    web.serve(8083)


def backend():
    db = web.Database("CREATE TABLE IF NOT EXISTS impress_document (id uuid PRIMARY KEY, title text)")

    @web.route("GET", "/api/v1.0/config/")
    def config(_):
        db.ask("SELECT 1")
        return 200, {"ENVIRONMENT": "production"}

    @web.route("GET", "/api/v1.0/users/me/")
    def me(_):
        return 401, {"detail": "Authentication credentials were not provided."}

    @web.route("GET", "/api/v1.0/authenticate/")
    def authenticate(_):
        query = {"response_type": "code", "client_id": os.environ["OIDC_RP_CLIENT_ID"], "scope": os.environ["OIDC_RP_SCOPES"]}
        return 302, "", {"Location": os.environ["OIDC_OP_AUTHORIZATION_ENDPOINT"] + "?" + urllib.parse.urlencode(query)}

    @web.route("POST", "/api/v1.0/documents/create-for-owner/")
    def make(request):
        if request.bearer not in os.environ.get("DJANGO_SERVER_TO_SERVER_API_TOKENS", "").split(",") or not request.bearer:
            return 401, {"detail": "Invalid token."}
        made = str(uuid.uuid4())
        status, content, _ = call("y-provider", 4444, "POST", "/convert", request.json["content"].encode())
        if status == 200:
            status, _, _ = call("minio", 9000, "PUT", f"/{BUCKET}/{made}/file", content)
        if status != 200:
            return 500, {"detail": "a service does not answer"}
        db.ask("INSERT INTO impress_document VALUES (:'id', :'title')", id=made, title=request.json["title"])
        return 201, {"id": made}

    web.serve(8000)


def converter():
    @web.route("POST", "/convert")
    def convert(request):
        return 200, request.body[::-1]

    @web.route("GET", "/ping")
    def ping(_):
        return 200, "pong"

    web.serve(4444)


def bucket():
    @web.route("PUT", "/([^/]+)(/.+)?")
    def put(request, name, path=""):
        place = f"/data/{name}"
        if not path:
            os.makedirs(place, exist_ok=True)
        elif not os.path.isdir(place):
            return 404, "NoSuchBucket"
        else:
            os.makedirs(os.path.dirname(place + path), exist_ok=True)
            with open(place + path, "wb") as file:
                file.write(request.body)
        return 200, ""

    @web.route("GET", "/minio/health/live")
    def live(_):
        return 200, ""

    web.serve(9000)


def make_bucket():
    while call("minio", 9000, "PUT", f"/{BUCKET}")[0] != 200:
        time.sleep(0.5)


{"front": front, "backend": backend, "converter": converter, "bucket": bucket, "make-bucket": make_bucket}[sys.argv[1]]()
