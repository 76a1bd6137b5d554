# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the canaries: busybox and one script each, imported without any registry; and two databases, which are the
real ones from Debian's packages.

    made = images.make()        # only those that are not there yet; their names
    images.make(["ccci-canary/redis:7"])        # a database is made for who names it
    images.remove(made)         # exactly these again

As a program, for ./dev and for people:

    python3 tests/lib/images.py make FILE [all]    # adds what it made to FILE; all: the databases too
    python3 tests/lib/images.py remove FILE        # removes what FILE names, then FILE
"""

import hashlib
import io
import os
import sys
import tarfile

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from lib import docker, packed

BUSYBOX = "/bin/busybox"
LABEL = "ccci.canary.sha256"
APPLETS = ("sh ash cat cp date echo env grep head httpd id kill ls mkdir mv nc printf ps pwd rm sed sleep stat sync tail "
           "tar test timeout touch true false tr wc wget find sha256sum hostname nslookup gzip gunzip od dd du df").split()

# What a web server of a canary does: it keeps its pages on its volume, whose place the recipe tells it, and writes
# the first one only when there is none. VERSION is the image's.
WEB = """#!/bin/sh
set -eu
docroot=${DOCROOT:-/data}
mkdir -p "$docroot"
[ -e "$docroot/index.html" ] || echo "hello from ${DOMAIN:-nowhere}" >"$docroot/index.html"
echo "web @VERSION@ serves $docroot"
sleep "${START_DELAY:-0}"
exec httpd -f -v -p 80 -h "$docroot"
"""

# A front end that is only as alive as its database: its one page asks for the number of visits.
# Debian 12's static busybox crashes on wget -T, hence timeout.
FRONT = """#!/bin/sh
set -eu
echo "front @VERSION@ asks ${DB_HOST:-db}"
exec httpd -f -v -p 80 -h /www
"""
FRONT_CGI = """#!/bin/sh
password=$(cat /run/secrets/db_password)
title=$(sed -n 's/^title=//p' /etc/site.conf)
if visits=$(timeout 3 wget -q -O - --header "Cookie: $password" "http://${DB_HOST:-db}/cgi-bin/add?visits"); then
	printf 'Content-Type: text/html\\r\\n\\r\\n<title>%s</title>visits: %s\\n' "$title" "$visits"
else
	printf 'Status: 503 Service Unavailable\\r\\nContent-Type: text/plain\\r\\n\\r\\nno database\\n'
fi
"""

# A database: counters on a volume, behind a password that it learns when its data is new, as real ones do.
DATABASE = """#!/bin/sh
set -eu
mkdir -p /var/lib/db
[ -e /var/lib/db/password ] || cat "$DB_PASSWORD_FILE" >/var/lib/db/password
echo "db @VERSION@ is up"
exec httpd -f -v -p 80 -h /www
"""
DATABASE_CGI = """#!/bin/sh
if [ "$HTTP_COOKIE" != "$(cat /var/lib/db/password)" ]; then
	printf 'Status: 403 Forbidden\\r\\nContent-Type: text/plain\\r\\n\\r\\nwrong password\\n'
	exit
fi
name=$(printf %s "$QUERY_STRING" | tr -cd a-z)
count=$(cat "/var/lib/db/$name.count" 2>/dev/null || echo 0)
count=$((count + 1))
echo "$count" >"/var/lib/db/$name.count"
printf 'Content-Type: text/plain\\r\\n\\r\\n%s\\n' "$count"
"""
DATABASE_HEALTH = """#!/bin/sh
timeout 3 wget -q -O /dev/null --header "Cookie: $(cat /var/lib/db/password)" "http://127.0.0.1/cgi-bin/add?health"
"""

# Dies again and again, with last words a verdict can quote.
CRASHER = """#!/bin/sh
echo "crasher @VERSION@: reading /etc/crasher.conf"
sleep "${LIVES_FOR:-5}"
echo "crasher: line 3: unknown directive 'listn'" >&2
echo "crasher: giving up" >&2
exit 1
"""

# A backup-bot-two with tar for its restic. Whoever runs it says what (tests/standin/abra_standin/app_backup.py); like
# restic it passes over what is not there, and ends well.
BOT = """#!/bin/sh
mkdir -p /backups
exec tail -f /dev/null
"""
BOT_BACKUP = """#!/bin/sh
case $1 in
create)
	number=$(ls /backups | wc -l)
	cd /volumes && tar -cf "/backups/$number-$SERVICE.tar" $PATHS
	echo "backup finished" ;;
snapshots) ls /backups | grep -- "-$SERVICE.tar" || echo "no snapshots" ;;
*) exit 1 ;;
esac
"""
BOT_RESTORE = """#!/bin/sh
newest=$(ls /backups | grep -- "-$SERVICE.tar" | tail -n 1)
[ -n "$newest" ] || { echo "no snapshot of $SERVICE"; exit 1; }
tar -xf "/backups/$newest" -C /volumes
"""

# What a house app is to those who reconcile it: it wants what its recipe says it needs, and has the pages that it says.
HOUSE = """#!/bin/sh
set -eu
for name in ${NEEDS:-}; do
	eval "value=\\${$name:-}"
	[ -n "$value" ] || { echo "$name is not set" >&2; exit 1; }
done
for secret in ${SECRETS:-}; do
	[ -s "/run/secrets/$secret" ] || { echo "there is no secret $secret" >&2; exit 1; }
done
for page in index.html ${PAGES:-}; do
	case $page in */*) mkdir -p "/www/${page%/*}" ;; esac
	echo ok >"/www/$page"
done
exec httpd -f -v -p 80 -h /www
"""

WEB_FILES = {"start": WEB}
BOT_FILES = {"start": BOT, "bin/backup": BOT_BACKUP, "bin/restore": BOT_RESTORE}
FRONT_FILES = {"start": FRONT, "www/cgi-bin/index.cgi": FRONT_CGI}
DATABASE_FILES = {"start": DATABASE, "www/cgi-bin/add": DATABASE_CGI, "health": DATABASE_HEALTH}

IMAGES = {
    "ccci-canary/web:1.0": WEB_FILES,
    "ccci-canary/web:1.1": WEB_FILES,
    "ccci-canary/web:1.2": WEB_FILES,
    "ccci-canary/front:2.0": FRONT_FILES,
    "ccci-canary/front:2.1": FRONT_FILES,
    "ccci-canary/db:5.0": DATABASE_FILES,
    "ccci-canary/db:5.1": DATABASE_FILES,
    "ccci-canary/crasher:1.0": {"start": CRASHER},
    "ccci-canary/bot:1.0": BOT_FILES,
    "ccci-canary/house:1.0": {"start": HOUSE},
    "ccci-canary/house:1.1": {"start": HOUSE},
}

# As the official image starts it: its data is made when there is none, from the environment.
POSTGRES = """#!/bin/sh
set -eu
user=${POSTGRES_USER:-postgres}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then cat "$POSTGRES_PASSWORD_FILE"; else echo "$POSTGRES_PASSWORD"; fi >/tmp/pw
	initdb --no-sync -D "$PGDATA" --username="$user" --pwfile=/tmp/pw --auth-local=trust --auth-host=scram-sha-256 \\
		--encoding=UTF8 --locale=C >/dev/null
	echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
	[ "${POSTGRES_DB:-$user}" = postgres ] ||
		echo "CREATE DATABASE \\"${POSTGRES_DB:-$user}\\"" | postgres --single -D "$PGDATA" postgres >/dev/null
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c fsync=off "$@"
"""
REDIS = """#!/bin/sh
exec redis-server --protected-mode no "$@"
"""


# The user of both databases; all of /run/postgresql and the data is the user's, and of a fresh volume too.
DATABASE_USER = 999


class Packed:
    """An image with the programs of Debian's packages, files of ours: {path: text}, and programs of this machine:
    {path in the image: path here}."""

    def __init__(self, packages, paths, files, changes, own=()):
        self.packages, self.paths, self.files, self.changes = packages.split(), paths.split(), files, changes
        self.own = {name: (path, os.stat(path).st_mtime_ns) for name, path in dict(own).items()}

    def digest(self):
        """What it is made from, without making it: that takes seconds."""
        return hashlib.sha256(repr(sorted(vars(self).items())).encode()).hexdigest()

    def file_system(self):
        return packed_file_system(self, ROOT)


class Database(Packed):
    """Run by a user of its own, its data on a volume."""

    def __init__(self, start, data, packages, paths):
        super().__init__(packages, paths, {"start": start}, f"""ENTRYPOINT ["/start"]
CMD []
USER {DATABASE_USER}
ENV PGDATA=/{data}
ENV PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin
VOLUME /{data}
WORKDIR /{data}""")
        self.data = data

    def file_system(self):
        return packed_file_system(self, f"{ROOT}postgres:x:{DATABASE_USER}:{DATABASE_USER}::/:/bin/sh\n",
                                  (self.data, "run/postgresql"))


LIBRARIES = "libssl3 libsystemd0 libgcrypt20 libgpg-error0 liblz4-1 libzstd1 liblzma5 libcap2"
DATABASES = {
    "ccci-canary/postgres:15": Database(POSTGRES, "var/lib/postgresql/data", f"""postgresql-15 postgresql-client-15 libpq5
        libicu72 libxml2 libldap-2.5-0 libsasl2-2 libpam0g libaudit1 libcap-ng0 libgssapi-krb5-2 libkrb5-3 libkrb5support0
        libk5crypto3 libkeyutils1 libcom-err2 libgnutls30 libhogweed6 libnettle8 libgmp10 libidn2-0 libp11-kit0 libtasn1-6
        libunistring2 libffi8 libreadline8 libtinfo6 libstdc++6 libgcc-s1 zlib1g {LIBRARIES}""",
        """usr/lib/postgresql/15/bin/postgres usr/lib/postgresql/15/bin/initdb usr/lib/postgresql/15/bin/psql
        usr/lib/postgresql/15/bin/pg_dump
        usr/lib/postgresql/15/lib/plpgsql.so usr/lib/postgresql/15/lib/dict_snowball.so usr/share/postgresql/15"""),
    "ccci-canary/redis:7": Database(REDIS, "data", f"""redis-tools libatomic1 libjemalloc2 liblzf1 {LIBRARIES}""",
        """usr/bin/redis-check-rdb usr/bin/redis-cli"""),
}


ROOT = "root:x:0:0:root:/:/bin/sh\n"
DIRECTORIES = ("bin", "etc", "run", "tmp", "var", "var/lib", "www", "www/cgi-bin")


def packed_file_system(image, users, own=()):
    """The same with what the packages bring, and places that belong to the database's user."""
    files = packed.files(image.packages, image.paths, {name: path for name, (path, _) in image.own.items()})
    if "usr/bin/redis-check-rdb" in files:  # one program: its name says what it is to be
        files["usr/bin/redis-server"] = files.pop("usr/bin/redis-check-rdb")
    above = {parent for path in (*files, *image.files, *own) for parent in _parents(path)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        _add_base(tar, sorted({*DIRECTORIES, *above}), users)
        _add_link(tar, "var/run", "../run")
        for path in own:
            _add_directory(tar, path, 0o700, DATABASE_USER)
        for name, data in sorted(files.items()):
            _add(tar, name, data, 0o755 if data.startswith(b"\x7fELF") else 0o644)
        for name, text in sorted(image.files.items()):
            _add(tar, name, text, 0o755)
    return out.getvalue()


def _parents(path):
    while path := os.path.dirname(path):
        yield path


def root_file_system(version, scripts):
    """The image's files as a tar: busybox, its applets as links, the scripts."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        _add_base(tar, DIRECTORIES, ROOT)
        for name, text in sorted(scripts.items()):
            _add(tar, name, text.replace("@VERSION@", version), 0o755)
    return out.getvalue()


def _add_base(tar, directories, users):
    for name in directories:
        _add_directory(tar, name, 0o1777 if name == "tmp" else 0o755)
    with open(BUSYBOX, "rb") as file:
        _add(tar, "bin/busybox", file.read(), 0o755)
    for applet in sorted(set(APPLETS)):
        _add_link(tar, f"bin/{applet}", "busybox")
    _add(tar, "etc/passwd", users, 0o644)


def _add_link(tar, name, target):
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def _add_directory(tar, name, mode, user=0):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, user, user
    tar.addfile(entry)


def _add(tar, name, text, mode):
    entry = tarfile.TarInfo(name)
    data = text.encode() if isinstance(text, str) else text
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def make(names=None, more=()):
    """Imports the named images, all but the databases by default, that the engine does not have; the names of those it
    made. One that was made from other files, by another state of this module, is made again but belongs to who made it
    first. more: {name: Packed} of who has images of its own."""
    made = []
    for name in names or IMAGES:
        repository, _, version = name.partition(":")
        image = {**DATABASES, **dict(more)}.get(name)
        files = None if image else root_file_system(version, IMAGES[name])
        digest = image.digest() if image else hashlib.sha256(files).hexdigest()
        old = _look(name)
        if old and (old["Config"].get("Labels") or {}).get(LABEL) == digest:
            continue
        changes = f'CMD ["/start"]\nLABEL {LABEL}={digest}'
        if image:
            files = image.file_system()
            changes += f"\n{image.changes}"
        docker.raw("POST", "/images/create", {"fromSrc": "-", "repo": repository, "tag": version, "changes": changes},
                   files, "application/x-tar")
        if old:
            remove([old["Id"]])
        else:
            made.append(name)
    return made


def _look(name):
    try:
        return docker.get(f"/images/{name}/json")
    except docker.EngineError as error:
        if error.status != 404:
            raise
        return None


def remove(names):
    for name in names:
        try:
            docker.raw("DELETE", f"/images/{name}")
        except docker.EngineError as error:
            if error.status != 404:
                raise


def main(argv):
    if argv[1:2] not in (["make"], ["remove"]) or not (len(argv) == 3 or argv[1::2] == ["make", "all"]):
        sys.exit("usage: images.py make FILE [all] | remove FILE")
    if argv[1] == "make":
        if not os.path.exists(BUSYBOX):
            sys.exit(f"images.py: there is no {BUSYBOX}: apt-get install busybox-static")
        with open(argv[2], "a", encoding="utf-8") as file:
            for name in [*IMAGES, *(DATABASES if len(argv) > 3 else ())]:
                for made in make([name]):
                    print(made, file=file, flush=True)
        return
    with open(argv[2], encoding="utf-8") as file:
        remove(file.read().split())
    os.unlink(argv[2])


if __name__ == "__main__":
    main(sys.argv)
