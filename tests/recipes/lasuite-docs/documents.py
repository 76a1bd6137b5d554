# SPDX-License-Identifier: GPL-3.0-or-later
"""A document, made as another server would make it, and its two halves: a row in Postgres and an object in MinIO.

The route is upstream's. Recalled are: the table's name, the services' names db and minio, that the object's key begins with
the document's id, and that MinIO keeps it below a directory of that name.
"""

import os
import sys

sys.path.insert(0, os.getcwd())
from app import App, fail  # noqa: E402  where the suite's programs start

TOKEN = "ccci-server-to-server"  # as in compose.ccci.yml
PATH = "/api/v1.0/documents/create-for-owner/"


def make(app, title, token=TOKEN):
    return app.ask("POST", PATH, token=token, json={
        "title": title, "content": f"# {title}", "sub": "ccci-of-a-test", "email": "ada@example.org"})


class Document:
    def __init__(self, identity):
        self.app, self.id = App(), identity
        environment = self.app.environment("db")
        self.user = environment.get("POSTGRES_USER", "postgres")
        self.database = environment.get("POSTGRES_DB", self.user)

    def sql(self, statement):
        return self.app.inside("db", "psql", "-U", self.user, "-d", self.database, "-w", "-At", "-q", "-v", "ON_ERROR_STOP=1",
                               "-c", f"{statement} WHERE id = '{self.id}'").strip()

    def objects(self):
        """Paths of MinIO's that have the document's id."""
        return self.app.inside("minio", "sh", "-c", 'ls -d "$1"/*/"$2"*', "sh", self.app.volume("minio", "data"), self.id,
                               check=False).split()

    def require(self, title):
        found = self.sql("SELECT title FROM impress_document")
        if found != title:
            fail(f"the database has {found!r} as the document's title, not {title!r}" if found
                 else "the document's row is gone from the database")
        if not self.objects():
            fail("the document's object is gone from the bucket")

    def wipe(self):
        self.sql("UPDATE impress_document SET title = 'wiped'")
        self.app.inside("minio", "rm", "-r", *self.objects())
