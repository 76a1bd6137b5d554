# SPDX-License-Identifier: GPL-3.0-or-later
"""Realms by the admin API. That names the statuses 201, 204, 404; 409 for a name that is taken is recalled."""

import os
import sys

sys.path.insert(0, os.getcwd())
from app import App, fail  # noqa: E402  where the suite's programs start

CLIENT = "ccci"
CLIENT_SECRET = "ccci-client-of-a-test"  # of a realm that goes with the run; suites that need keycloak say the same
USER = {"username": "ada", "email": "ada@example.org", "firstName": "Ada", "lastName": "Test"}
PASSWORD = "ccci-user-of-a-test"


def token_path(realm):
    return f"/realms/{realm}/protocol/openid-connect/token"


class Admin:
    """Its token lives a minute (recalled), so each call has a new one."""

    def __init__(self):
        self.app = App()
        environment = self.app.environment("app")
        # Up to 25 and from 26 on; the recipe's own name is recalled, and which secret is the password.
        names = ("KC_BOOTSTRAP_ADMIN_USERNAME", "KEYCLOAK_ADMIN", "ADMIN_USERNAME")
        self.name = next((environment[name] for name in names if environment.get(name)), "admin")
        self.password = self.app.secret("admin", "password")

    def token(self):
        return self.app.ask("POST", token_path("master"), form={
            "grant_type": "password", "client_id": "admin-cli", "username": self.name, "password": self.password,
        }).expect(200, f"a token for {self.name}").json["access_token"]

    def ask(self, method, path, **more):
        return self.app.ask(method, f"/admin/realms{path}", token=self.token(), **more)

    def make(self, realm):
        """Anew, when one that was killed has left it."""
        self.ask("DELETE", f"/{realm}").expect((204, 404), f"to delete a realm {realm}")
        self.ask("POST", "", json={"realm": realm, "enabled": True}).expect(201, f"to make the realm {realm}")

    def make_client(self, realm):
        # That any address of https may be gone back to is recalled; who needs this realm is not known here.
        client = {"clientId": CLIENT, "secret": CLIENT_SECRET, "publicClient": False, "directAccessGrantsEnabled": True,
                  "redirectUris": ["*"]}
        self.ask("POST", f"/{realm}/clients", json=client).expect(201, f"to make a client in {realm}")

    def make_user(self, realm):
        # Without a first and a last name 24 and later refuse the password ("not fully set up"; recalled).
        user = {**USER, "emailVerified": True, "enabled": True,
                "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}]}
        self.ask("POST", f"/{realm}/users", json=user).expect(201, f"to make a user in {realm}")

    def delete(self, realm):
        self.ask("DELETE", f"/{realm}").expect(204, f"to delete the realm {realm}")


def log_in(app, realm, password=PASSWORD):
    return app.ask("POST", token_path(realm), form={
        "grant_type": "password", "client_id": CLIENT, "client_secret": CLIENT_SECRET, "username": USER["username"],
        "password": password, "scope": "openid"})


def require(app, realm):
    app.ask("GET", f"/realms/{realm}").expect(200, f"the realm {realm}")
    issuer = app.ask("GET", f"/realms/{realm}/.well-known/openid-configuration").expect(200, "its discovery").json.get("issuer")
    if issuer != f"https://{app.domain}/realms/{realm}":
        fail(f"the realm {realm} calls itself {issuer}, not https://{app.domain}/realms/{realm}")
