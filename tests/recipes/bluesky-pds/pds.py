# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts and posts by XRPC, without a client's library. That records are made so, and which handles are allowed (one label
below the host, 3 to 18 characters), is recalled."""

import base64
import os
import sys
import time
import urllib.parse

sys.path.insert(0, os.getcwd())
from app import App, fail, note  # noqa: E402  where the suite's programs start

PASSWORD = "ccci-user-of-a-test"
COLLECTION = "app.bsky.feed.post"


class Pds:
    def __init__(self):
        self.app = App(direct=("app", 3000))
        self.password = self.app.secret("admin", "password")

    def ask(self, method, name, token=None, as_admin=False, **more):
        headers = {}
        if as_admin:
            headers["Authorization"] = "Basic " + base64.b64encode(f"admin:{self.password}".encode()).decode()
        return self.app.ask(method, f"/xrpc/com.atproto.{name}", token=token, headers=headers, **more)

    def make_account(self, name):
        """(did, token)"""
        environment = self.app.environment("app")
        host = environment.get("PDS_HOSTNAME") or self.app.domain
        code = self.ask("POST", "server.createInviteCode", as_admin=True, json={"useCount": 1}).expect(200, "an invite").json["code"]
        answer = self.ask("POST", "server.createAccount", json={
            "email": f"{name}@example.org", "handle": f"{name}.{host}", "password": PASSWORD, "inviteCode": code})
        if answer.status >= 500:
            fail(f"createAccount answers {answer.status}: is {environment.get('PDS_DID_PLC_URL', 'the PLC directory')} reached "
                 f"from its container? {answer.text[:120]!r}")
        made = answer.expect(200, "to make an account").json
        return made["did"], made["accessJwt"]

    def post(self, did, token, text):
        """The record's key."""
        record = {"$type": COLLECTION, "text": text, "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        made = self.ask("POST", "repo.createRecord", token, json={
            "repo": did, "collection": COLLECTION, "record": record}).expect(200, "to post").json
        return made["uri"].rpartition("/")[2]

    def read(self, did, key):
        where = urllib.parse.urlencode({"repo": did, "collection": COLLECTION, "rkey": key})
        return self.ask("GET", f"repo.getRecord?{where}")

    def require(self, did, key, text):
        found = self.read(did, key).expect(200, "the post").json["value"]["text"]
        if found != text:
            fail(f"the post says {found!r} now, not {text!r}")

    def delete_account(self, did):
        self.ask("POST", "admin.deleteAccount", as_admin=True, json={"did": did}).expect(200, "to delete an account")


def seeded():
    return note("did"), note("post")
