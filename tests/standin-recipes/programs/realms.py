# SPDX-License-Identifier: GPL-3.0-or-later
"""For keycloak: realms, their clients and users in a database; tokens that nobody can verify. A cache of realms hides what a
restore put back until it is cleared."""

import base64
import json
import os
import time
import uuid

import web

DOMAIN = os.environ["DOMAIN"]
ADMIN_TOKENS = {}  # token → when it is over
TOKEN_S = 60
db = web.Database("""CREATE TABLE IF NOT EXISTS realms (name text PRIMARY KEY, made timestamptz DEFAULT now());
CREATE TABLE IF NOT EXISTS clients (realm text REFERENCES realms ON DELETE CASCADE, id text, secret text);
CREATE TABLE IF NOT EXISTS users (realm text REFERENCES realms ON DELETE CASCADE, name text, password text);
INSERT INTO realms VALUES ('master') ON CONFLICT DO NOTHING""")
gone = set()  # realms that the cache says are gone


def known(realm):
    if realm in gone or not db.ask("SELECT 1 FROM realms WHERE name = :'realm'", realm=realm):
        raise web.Refused(404, {"error": "Realm does not exist"})


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(realm, client):
    now = int(time.time())
    claims = {"iss": f"https://{DOMAIN}/realms/{realm}", "azp": client, "typ": "Bearer", "iat": now, "exp": now + TOKEN_S,
              "jti": str(uuid.uuid4())}
    return ".".join((part({"alg": "RS256"}), part(claims), part("not signed")))


@web.route("GET", "/realms/([^/]+)")
def realm_info(_, realm):
    known(realm)
    return 200, f'{{"realm":"{realm}","public_key":"none"}}', {"Content-Type": "application/json"}


@web.route("GET", "/realms/([^/]+)/.well-known/openid-configuration")
def discovery(_, realm):
    known(realm)
    return 200, {"issuer": f"https://{DOMAIN}/realms/{realm}"}


@web.route("POST", "/realms/([^/]+)/protocol/openid-connect/token")
def log_in(request, realm):
    known(realm)
    form = request.form
    if realm == "master":
        if (form["username"], form["password"]) != (os.environ["ADMIN_USERNAME"], web.secret("admin_password")):
            return 401, {"error": "invalid_grant"}
        made = token(realm, form["client_id"])
        ADMIN_TOKENS[made] = time.time() + TOKEN_S
        return 200, {"access_token": made}
    client = db.ask("SELECT 1 FROM clients WHERE realm = :'realm' AND id = :'id' AND secret = :'secret'", realm=realm,
                    id=form["client_id"], secret=form.get("client_secret", ""))
    user = db.ask("SELECT 1 FROM users WHERE realm = :'realm' AND name = :'name' AND password = :'password'", realm=realm,
                  name=form["username"], password=form["password"])
    if not client or not user or web.is_wrong("login"):
        return 401, {"error": "invalid_grant", "error_description": "Invalid user credentials"}
    return 200, {"access_token": token(realm, form["client_id"])}


def need_admin(request):
    if ADMIN_TOKENS.get(request.bearer, 0) < time.time():
        raise web.Refused(401, {"error": "HTTP 401 Unauthorized"})


@web.route("POST", "/admin/realms")
def make_realm(request):
    need_admin(request)
    name = request.json["realm"]
    if db.ask("SELECT 1 FROM realms WHERE name = :'name'", name=name):
        return 409, {"errorMessage": "Conflict detected"}
    db.ask("INSERT INTO realms VALUES (:'name')", name=name)
    gone.discard(name)
    return 201, ""


@web.route("DELETE", "/admin/realms/([^/]+)")
def delete_realm(request, realm):
    need_admin(request)
    known(realm)
    db.ask("DELETE FROM realms WHERE name = :'realm'", realm=realm)
    gone.add(realm)
    return 204, ""


@web.route("POST", "/admin/realms/[^/]+/clear-realm-cache")
def clear(request):
    need_admin(request)
    gone.clear()
    return 204, ""


@web.route("POST", "/admin/realms/([^/]+)/clients")
def make_client(request, realm):
    need_admin(request)
    known(realm)
    client = request.json
    db.ask("INSERT INTO clients VALUES (:'realm', :'id', :'secret')", realm=realm, id=client["clientId"], secret=client["secret"])
    return 201, ""


@web.route("POST", "/admin/realms/([^/]+)/users")
def make_user(request, realm):
    need_admin(request)
    known(realm)
    user = request.json
    if not (user.get("firstName") and user.get("lastName")):
        return 400, {"error": "Account is not fully set up"}
    db.ask("INSERT INTO users VALUES (:'realm', :'name', :'password')", realm=realm, name=user["username"],
             password=user["credentials"][0]["value"])
    return 201, ""


web.serve(8080)
