# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge's store, read and written. The bridge has its SQLite file for itself, so both go the way that a backup goes:
/backup.sh makes a copy, what is in it is looked at or changed here, and the bridge is restored to it.

    with store.changed() as database: database.execute(...)
    with store.opened() as database: ...
"""

import contextlib
import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, os.getcwd())
from app import App, fail  # noqa: E402  where the suite's programs start

NAME = "bridge.db"


def copy(source, target):
    done = subprocess.run(["docker", "cp", source, target], capture_output=True, text=True, check=False)
    if done.returncode:
        fail(f"docker cp: {done.stderr.strip()[-200:]}")


@contextlib.contextmanager
def opened(will_write=False):
    app = App()
    with tempfile.TemporaryDirectory(dir=os.environ["CCCI_RUN_DIR"]) as directory:
        app.inside("app", "/backup.sh", "backup")
        where = f"{app.container('app')}:{app.volume('app', 'ccci-bridge')}/backup.tar"
        copy(where, directory)
        with tarfile.open(os.path.join(directory, "backup.tar")) as tar:
            for name in tar.getnames():
                if name in (NAME, f"{NAME}-wal"):
                    tar.extract(name, directory)
        with contextlib.closing(sqlite3.connect(os.path.join(directory, NAME))) as database:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                fail("the backup is no whole SQLite database")
            yield database
            database.commit()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if will_write:
            with tarfile.open(os.path.join(directory, "backup.tar"), "w") as tar:
                tar.add(os.path.join(directory, NAME), NAME)
            copy(os.path.join(directory, "backup.tar"), where)
            app.inside("app", "/backup.sh", "restore")


def changed():
    return opened(will_write=True)
