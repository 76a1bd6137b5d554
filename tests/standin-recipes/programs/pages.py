# SPDX-License-Identifier: GPL-3.0-or-later
"""For custom-html: files of a directory, by name what they are."""

import mimetypes
import os

import web

DOCROOT = "/usr/share/nginx/html"


@web.route("GET", "/(.*)")
def page(_, path):
    path = os.path.normpath("/" + (path or "index.html"))
    try:
        with open(DOCROOT + path, "rb") as file:
            kind = mimetypes.guess_type(path)[0]
            return 200, file.read(), {"Content-Type": "application/octet-stream" if web.is_wrong("types") else kind}
    except OSError:
        return 404, "not found\n"


if not os.path.exists(f"{DOCROOT}/index.html"):
    with open(f"{DOCROOT}/index.html", "w", encoding="ascii") as first:
        first.write("<title>Welcome</title>")
web.serve(80)
