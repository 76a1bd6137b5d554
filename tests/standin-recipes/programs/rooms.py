# SPDX-License-Identifier: GPL-3.0-or-later
"""For matrix-synapse: users, rooms, messages, and state in groups with edges as Synapse keeps it. What is under /_synapse is
answered for those alone that ask from inside. Each third registration within a moment is one too many."""

import hashlib
import hmac
import os
import time
import uuid

import web

DOMAIN = os.environ["DOMAIN"]
SCHEMA = """
CREATE TABLE IF NOT EXISTS users (name text PRIMARY KEY, password text, is_admin bool);
CREATE TABLE IF NOT EXISTS tokens (token text PRIMARY KEY, name text);
CREATE TABLE IF NOT EXISTS rooms (id text PRIMARY KEY, state_group bigint);
CREATE TABLE IF NOT EXISTS members (room text, name text, membership text);
CREATE TABLE IF NOT EXISTS events (number bigserial, id text, room text, sender text, type text, state_key text, content text, ms bigint);
CREATE TABLE IF NOT EXISTS state_groups (id bigserial PRIMARY KEY, room_id text, event_id text);
CREATE TABLE IF NOT EXISTS state_group_edges (state_group bigint, prev_state_group bigint);
CREATE TABLE IF NOT EXISTS state_groups_state (state_group bigint, room_id text, type text, state_key text, event_id text);
"""
STATE = """WITH RECURSIVE chain(state_group, depth) AS (
    SELECT state_group, 0 FROM rooms WHERE id = :'room'
    UNION ALL SELECT edge.prev_state_group, depth + 1 FROM chain JOIN state_group_edges edge USING (state_group))
SELECT DISTINCT ON (type, state_key) row.type, row.state_key, row.event_id
FROM chain JOIN state_groups_state row USING (state_group) ORDER BY type, state_key, depth"""
db = web.Database(SCHEMA)
registrations = []
nonces, purges = set(), {}


def now_ms():
    return int(time.time() * 1000)


def user_of(request):
    found = db.ask("SELECT name FROM tokens WHERE token = :'token'", token=request.bearer)
    if not found:
        raise web.Refused(401, {"errcode": "M_UNKNOWN_TOKEN"})
    return found[0][0]


def member(request, room):
    name = user_of(request)
    if not db.ask("SELECT 1 FROM members WHERE room = :'room' AND name = :'name' AND membership = 'join'", room=room, name=name):
        raise web.Refused(403, {"errcode": "M_FORBIDDEN"})
    return name


def add_event(room, sender, kind, content, state_key=None):
    event = f"${uuid.uuid4().hex}"
    db.ask("INSERT INTO events (id, room, sender, type, content, ms) VALUES (:'id', :'room', :'sender', :'type', :'content', :ms)",
             id=event, room=room, sender=sender, type=kind, content=content, ms=now_ms())
    if state_key is not None:
        db.ask("""WITH made AS (INSERT INTO state_groups (room_id, event_id) VALUES (:'room', :'id') RETURNING id),
edge AS (INSERT INTO state_group_edges SELECT made.id, rooms.state_group FROM made, rooms
    WHERE rooms.id = :'room' AND rooms.state_group IS NOT NULL),
row AS (INSERT INTO state_groups_state SELECT made.id, :'room', :'type', :'key', :'id' FROM made)
UPDATE rooms SET state_group = made.id FROM made WHERE rooms.id = :'room'""", room=room, id=event, type=kind, key=state_key)
    return event


@web.route("GET", "/_matrix/client/versions")
def versions(_):
    return 200, {"versions": ["v1.11"]}


@web.route("GET", "/_matrix/federation/v1/version")
def federation(_):
    return 200, {"server": {"name": "nginx" if web.is_wrong("federation") else "Synapse", "version": web.version()}}


@web.route("GET", "/_matrix/federation/unstable/rooms/[^/]+/complexity")
def complexity(_):
    return 401, {"errcode": "M_UNAUTHORIZED", "error": "Missing Authorization headers"}


@web.route("GET", "/health")
def health(_):
    return 200, "OK"


@web.route("POST", "/_matrix/client/v3/register")
def register(request):
    if os.environ.get("ENABLE_REGISTRATION") != "true":
        return 403, {"errcode": "M_FORBIDDEN", "error": "Registration has been disabled"}
    if "auth" not in request.json:
        return 401, {"flows": [{"stages": ["m.login.dummy"]}], "session": "x"}
    registrations[:] = [then for then in registrations if then > time.time() - 1]
    if len(registrations) == 2:
        return 429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1000}
    registrations.append(time.time())
    return add_user(request.json["username"], request.json["password"], False)


def add_user(name, password, is_admin):
    if db.ask("SELECT 1 FROM users WHERE name = :'name'", name=name):
        return 400, {"errcode": "M_USER_IN_USE"}
    db.ask("INSERT INTO users VALUES (:'name', :'password', :'admin')", name=name, password=password, admin=is_admin)
    return give_token(name)


def give_token(name):
    token = uuid.uuid4().hex
    db.ask("INSERT INTO tokens VALUES (:'token', :'name')", token=token, name=name)
    return 200, {"access_token": token, "user_id": f"@{name}:{DOMAIN}"}


@web.route("POST", "/_matrix/client/v3/login")
def log_in(request):
    name = request.json["identifier"]["user"]
    if not db.ask("SELECT 1 FROM users WHERE name = :'name' AND password = :'password'", name=name, password=request.json["password"]):
        return 403, {"errcode": "M_FORBIDDEN", "error": "Invalid username or password"}
    return give_token(name)


@web.route("POST", "/_matrix/client/v3/createRoom")
def make_room(request):
    name, room = user_of(request), f"!{uuid.uuid4().hex[:12]}:{DOMAIN}"
    db.ask("INSERT INTO rooms VALUES (:'room', NULL)", room=room)
    add_event(room, name, "m.room.create", "", "")
    for other, membership in ((name, "join"), *((guest[1:].partition(":")[0], "invite") for guest in request.json["invite"])):
        db.ask("INSERT INTO members VALUES (:'room', :'name', :'membership')", room=room, name=other, membership=membership)
        add_event(room, name, "m.room.member", membership, other)
    return 200, {"room_id": room}


@web.route("POST", "/_matrix/client/v3/join/([^/]+)")
def join(request, room):
    name = user_of(request)
    if not db.ask("UPDATE members SET membership = 'join' WHERE room = :'room' AND name = :'name' RETURNING 1", room=room, name=name):
        return 403, {"errcode": "M_FORBIDDEN"}
    add_event(room, name, "m.room.member", "join", name)
    return 200, {"room_id": room}


@web.route("PUT", "/_matrix/client/v3/rooms/([^/]+)/send/m.room.message/[^/]+")
def send(request, room):
    return 200, {"event_id": add_event(room, member(request, room), "m.room.message", request.json["body"])}


@web.route("PUT", "/_matrix/client/v3/rooms/([^/]+)/state/m.room.topic")
def topic(request, room):
    return 200, {"event_id": add_event(room, member(request, room), "m.room.topic", request.json["topic"], "")}


@web.route("PUT", "/_matrix/client/v3/rooms/([^/]+)/redact/([^/]+)/[^/]+")
def redact(request, room, event):
    member(request, room)
    db.ask("UPDATE events SET content = '' WHERE room = :'room' AND id = :'event'", room=room, event=event)
    return 200, {"event_id": event}


@web.route("GET", "/_matrix/client/v3/rooms/([^/]+)/messages")
def messages(request, room):
    member(request, room)
    rows = db.ask("SELECT type, content FROM events WHERE room = :'room' ORDER BY number DESC LIMIT 100", room=room)
    return 200, {"chunk": [{"type": kind, "content": {"body": text} if text else {}} for kind, text in rows]}


@web.route("GET", "/_matrix/client/v3/rooms/([^/]+)/state")
def state(request, room):
    member(request, room)
    rows = db.ask(f"SELECT s.type, s.state_key, e.content FROM ({STATE}) s JOIN events e ON e.id = s.event_id", room=room)
    return 200, [{"type": kind, "state_key": key, "content": {"value": content}} for kind, key, content in rows]


# --- only inside

def need_inside(request, is_open=False):
    if request.client_address[0] != "127.0.0.1":
        raise web.Refused(404, {"errcode": "M_UNRECOGNIZED"})
    if not is_open and not db.ask("SELECT 1 FROM users JOIN tokens USING (name) WHERE is_admin AND token = :'token'", token=request.bearer):
        raise web.Refused(403, {"errcode": "M_FORBIDDEN", "error": "You are not a server admin"})


@web.route("GET", "/_synapse/admin/v1/register")
def nonce(request):
    need_inside(request, is_open=True)
    nonces.add(made := uuid.uuid4().hex)
    return 200, {"nonce": made}


@web.route("POST", "/_synapse/admin/v1/register")
def register_by_secret(request):
    need_inside(request, is_open=True)
    asked = request.json
    text = "\0".join((asked["nonce"], asked["username"], asked["password"], "admin" if asked["admin"] else "notadmin"))
    mac = hmac.new(web.secret("registration").encode(), text.encode(), hashlib.sha1).hexdigest()
    if asked["nonce"] not in nonces or mac != asked["mac"]:
        return 403, {"errcode": "M_FORBIDDEN", "error": "HMAC incorrect"}
    nonces.remove(asked["nonce"])
    return add_user(asked["username"], asked["password"], asked["admin"])


@web.route("POST", "/_synapse/admin/v1/purge_history/([^/]+)")
def purge_history(request, room):
    need_inside(request)
    if request.json.get("delete_local_events"):
        db.ask("""DELETE FROM events WHERE room = :'room' AND type = 'm.room.message' AND ms < :ts AND number <
(SELECT max(number) FROM events WHERE room = :'room' AND type = 'm.room.message')""", room=room, ts=request.json["purge_up_to_ts"])
    purges[made := uuid.uuid4().hex[:12]] = time.time() + 1
    return 200, {"purge_id": made}


@web.route("GET", "/_synapse/admin/(?:v1/purge_history_status|v2/rooms/delete_status)/([^/]+)")
def purge_status(request, purge):
    need_inside(request)
    return 200, {"status": "complete" if purges[purge] < time.time() else "active"}


@web.route("DELETE", "/_synapse/admin/v2/rooms/([^/]+)")
def purge_room(request, room):
    need_inside(request)
    db.ask("""DELETE FROM events WHERE room = :'room'; DELETE FROM members WHERE room = :'room';
DELETE FROM rooms WHERE id = :'room'""", room=room)
    purges[made := uuid.uuid4().hex[:12]] = time.time() + 1
    return 200, {"delete_id": made}


@web.route("GET", "/_synapse/admin/v1/rooms/([^/]+)")
def room_info(request, room):
    need_inside(request)
    found = db.ask("SELECT 1 FROM rooms WHERE id = :'room'", room=room)
    return (200, {"room_id": room}) if found else (404, {"errcode": "M_NOT_FOUND"})


web.serve(8008)
