# SPDX-License-Identifier: GPL-3.0-or-later
"""For caddy: TLS with a certificate of its own, and the app behind it."""

import http.client
import http.server
import os
import ssl
import subprocess

import web

DOMAIN, PDS = os.environ["DOMAIN"], f"{os.environ['STACK_NAME']}_app"
if not os.path.exists("/data/pair.pem"):
    with open("/tmp/openssl.cnf", "w", encoding="ascii") as config:
        config.write("[req]\ndistinguished_name = dn\n[dn]\n")
    subprocess.run(["/usr/bin/openssl", "req", "-config", "/tmp/openssl.cnf", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
                    "-subj", f"/CN={DOMAIN}", "-keyout", "/data/key.pem", "-out", "/data/cert.pem"], check=True)
    with open("/data/pair.pem", "wb") as pair:
        for name in ("key", "cert"):
            with open(f"/data/{name}.pem", "rb") as half:
                pair.write(half.read())


@web.route("*", "/(.*)")
def forward(request, _):
    connection = http.client.HTTPConnection(PDS, 3000, timeout=20)
    connection.request(request.command, request.path, request.body, dict(request.headers))
    answer = connection.getresponse()
    return answer.status, answer.read(), {"Content-Type": answer.getheader("Content-Type", "")}


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/data/pair.pem")
server = http.server.ThreadingHTTPServer(("", 443), web.Request)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("listens on 443", flush=True)
server.serve_forever()
