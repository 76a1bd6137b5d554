# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, rooms and messages by the client API (the spec, recalled), and Synapse's admin API, which its documents have. This
recipe leads nobody from outside to the latter, so it is asked inside of service app, at Synapse's own port."""

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.parse

sys.path.insert(0, os.getcwd())
from app import AGAIN_S, TRIES, Answer, fail  # noqa: E402  where the suite's programs start

PASSWORD = "ccci-user-of-a-test"
INSIDE = "http://localhost:8008"
DONE_S = 120
# The image is Python's own; curl is not in every version.
ASK = """import json, sys, urllib.request, urllib.error
method, url, token, body = json.load(sys.stdin)
request = urllib.request.Request(url, body.encode() or None, method=method, headers={"Content-Type": "application/json"})
if token: request.add_header("Authorization", "Bearer " + token)
try: answer = urllib.request.urlopen(request, timeout=60)
except urllib.error.HTTPError as error: answer = error
print(answer.status); print(answer.read().decode())"""


def quote(text):
    return urllib.parse.quote(text, safe="")


class User:
    """One who is logged in."""

    def __init__(self, app, name):
        self.app, self.name, self.token = app, name, None

    def register(self):
        self.app.ask("POST", "/_matrix/client/v3/register", json={
            "username": self.name, "password": PASSWORD, "auth": {"type": "m.login.dummy"},
        }).expect(200, f"to register {self.name}")
        return self.log_in()

    def log_in(self):
        answer = self.app.ask("POST", "/_matrix/client/v3/login", json={
            "type": "m.login.password", "identifier": {"type": "m.id.user", "user": self.name}, "password": PASSWORD,
        }).expect(200, f"{self.name} logs in")
        self.token, self.id = answer.json["access_token"], answer.json["user_id"]
        return self

    def ask(self, method, path, why, json=None):
        return self.app.ask(method, f"/_matrix/client/v3{path}", json=json, token=self.token).expect(200, f"{self.name}: {why}").json

    def make_room(self, *invited):
        return self.ask("POST", "/createRoom", "to make a room", {
            "preset": "private_chat", "invite": [user.id for user in invited]})["room_id"]

    def join(self, room):
        self.ask("POST", f"/join/{quote(room)}", "to join", {})

    def send(self, room, text, number=1):
        return self.ask("PUT", f"/rooms/{quote(room)}/send/m.room.message/ccci{number}-{int(time.time() * 1000)}", "to send a message",
                        {"msgtype": "m.text", "body": text})["event_id"]

    def set_topic(self, room, text):
        return self.ask("PUT", f"/rooms/{quote(room)}/state/m.room.topic", "to set a topic", {"topic": text})["event_id"]

    def redact(self, room, event):
        self.ask("PUT", f"/rooms/{quote(room)}/redact/{quote(event)}/ccci{int(time.time() * 1000)}", "to take a message back", {})

    def texts(self, room):
        """Of the room's messages, the newest first."""
        events = self.ask("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=100", "to read messages")["chunk"]
        return [event.get("content", {}).get("body") for event in events if event["type"] == "m.room.message"]

    def state(self, room):
        """Of the room, as pairs that can be compared."""
        events = self.ask("GET", f"/rooms/{quote(room)}/state", "to read the state of a room")
        return sorted((event["type"], event.get("state_key", ""), json.dumps(event["content"], sort_keys=True)) for event in events)


class Admin:
    """One who was made with the shared secret."""

    def __init__(self, app, name):
        self.app, self.token = app, ""
        nonce = self.ask("GET", "/v1/register").expect(200, "Synapse's admin API").json["nonce"]
        secret = app.secret("registration")  # recalled: registration, or registration_shared_secret
        mac = hmac.new(secret.encode(), "\0".join((nonce, name, PASSWORD, "admin")).encode(), hashlib.sha1).hexdigest()
        self.token = self.ask("POST", "/v1/register", {
            "nonce": nonce, "username": name, "password": PASSWORD, "admin": True, "mac": mac,
        }).expect((200, 201), "to make an administrator with the shared secret").json["access_token"]

    def ask(self, method, path, body=None):
        # The first write after a database was put back is answered with 500.
        for left in reversed(range(TRIES)):
            said = self.app.inside("app", "python3", "-c", ASK, text=json.dumps([
                method, f"{INSIDE}/_synapse/admin{path}", self.token, "" if body is None else json.dumps(body)]))
            status, _, text = said.partition("\n")
            answer = Answer(f"{method} {path.partition('?')[0]}", int(status), {}, text.encode())
            if answer.status < 500 or not left:
                return answer
            time.sleep(AGAIN_S)

    def wait(self, path, why):
        """Until what goes on in the background is complete."""
        deadline = time.monotonic() + DONE_S
        while (status := self.ask("GET", path).expect(200, why).json["status"]) in ("active", "scheduled"):
            if time.monotonic() > deadline:
                fail(f"{why}: still {status} after {DONE_S} s")
            time.sleep(1)
        if status != "complete":
            fail(f"{why}: {status}")


class Database:
    """Its Postgres, by psql in service db, as the variables of the official image name user and database."""

    def __init__(self, app):
        environment = app.environment("db")
        self.app, self.user = app, environment.get("POSTGRES_USER", "postgres")
        self.name = environment.get("POSTGRES_DB", self.user)

    def ask(self, statement):
        return self.app.inside("db", "psql", "-U", self.user, "-d", self.name, "-w", "-At", "-q", "-v", "ON_ERROR_STOP=1",
                               "-c", statement).strip()
