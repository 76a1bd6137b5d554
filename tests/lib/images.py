# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the canaries: busybox and one script each, imported without any registry.

    made = images.make()        # only those that are not there yet; their names
    images.remove(made)         # exactly these again

As a program, for ./dev and for people:

    python3 tests/lib/images.py make FILE      # adds what it made to FILE
    python3 tests/lib/images.py remove FILE    # removes what FILE names, then FILE
"""

import hashlib
import io
import os
import sys
import tarfile

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
from lib import docker

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

WEB_FILES = {"start": WEB}
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
}


def root_file_system(version, scripts):
    """The image's files as a tar: busybox, its applets as links, the scripts."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("bin", "etc", "run", "tmp", "var", "var/lib", "www", "www/cgi-bin"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        with open(BUSYBOX, "rb") as file:
            _add(tar, "bin/busybox", file.read(), 0o755)
        for applet in sorted(set(APPLETS)):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
        _add(tar, "etc/passwd", "root:x:0:0:root:/:/bin/sh\n", 0o644)
        for name, text in sorted(scripts.items()):
            _add(tar, name, text.replace("@VERSION@", version), 0o755)
    return out.getvalue()


def _add(tar, name, text, mode):
    entry = tarfile.TarInfo(name)
    data = text.encode() if isinstance(text, str) else text
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))


def make(names=None):
    """Imports the named images, all by default, that the engine does not have; the names of those it made. One that
    was made from other files, by another state of this module, is made again but belongs to who made it first."""
    made = []
    for name in names or IMAGES:
        repository, _, version = name.partition(":")
        files = root_file_system(version, IMAGES[name])
        digest = hashlib.sha256(files).hexdigest()
        old = _look(name)
        if old and (old["Config"].get("Labels") or {}).get(LABEL) == digest:
            continue
        docker.raw("POST", "/images/create", {"fromSrc": "-", "repo": repository, "tag": version,
                                              "changes": f'CMD ["/start"]\nLABEL {LABEL}={digest}'},
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
    if len(argv) != 3 or argv[1] not in ("make", "remove"):
        sys.exit("usage: images.py make|remove FILE")
    if argv[1] == "make":
        with open(argv[2], "a", encoding="utf-8") as file:
            for name in IMAGES:
                for made in make([name]):
                    print(made, file=file, flush=True)
        return
    with open(argv[2], encoding="utf-8") as file:
        remove(file.read().split())
    os.unlink(argv[2])


if __name__ == "__main__":
    main(sys.argv)
