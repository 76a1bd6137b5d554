# SPDX-License-Identifier: GPL-3.0-or-later
"""For bluesky-pds: accounts and their posts in files below /pds."""

import base64
import json
import os
import shutil
import uuid

import web

DATA = "/pds/accounts"
if web.is_wrong("moved"):
    DATA = "/pds/actors"
os.makedirs(DATA, exist_ok=True)
invites = set()


@web.route("GET", "/xrpc/_health")
def health(_):
    return 200, {"version": web.version()}


@web.route("GET", "/")
def front(_):
    return 200, "This is an AT Protocol Personal Data Server"


@web.route("GET", "/xrpc/com.atproto.server.describeServer")
def describe(_):
    return 200, {"did": f"did:web:{os.environ['PDS_HOSTNAME']}", "availableUserDomains": [f".{os.environ['PDS_HOSTNAME']}"],
                 "inviteCodeRequired": True}


@web.route("GET", "/xrpc/com.atproto.server.getSession")
def session(_):
    return 401, {"error": "AuthMissing"}


def need_admin(request):
    wanted = "Basic " + base64.b64encode(f"admin:{web.secret('admin_password')}".encode()).decode()
    if request.headers.get("Authorization") != wanted:
        raise web.Refused(401, {"error": "AuthenticationRequired"})


@web.route("POST", "/xrpc/com.atproto.server.createInviteCode")
def invite(request):
    need_admin(request)
    invites.add(made := uuid.uuid4().hex)
    return 200, {"code": made}


@web.route("POST", "/xrpc/com.atproto.server.createAccount")
def make_account(request):
    name = request.json["handle"].partition(".")[0]
    if request.json["inviteCode"] not in invites:
        return 400, {"error": "InvalidInviteCode"}
    if not 3 <= len(name) <= 18 or request.json["handle"] != f"{name}.{os.environ['PDS_HOSTNAME']}":
        return 400, {"error": "InvalidHandle", "message": request.json["handle"]}
    did = f"did:plc:{uuid.uuid4().hex[:24]}"
    os.makedirs(f"{DATA}/{did}")
    return 200, {"did": did, "accessJwt": did}


@web.route("POST", "/xrpc/com.atproto.repo.createRecord")
def post(request):
    did, key = request.json["repo"], uuid.uuid4().hex[:13]
    if request.bearer != did:
        return 401, {"error": "AuthMissing"}
    with open(f"{DATA}/{did}/{key}", "w", encoding="utf-8") as file:
        json.dump(request.json["record"], file)
    return 200, {"uri": f"at://{did}/{request.json['collection']}/{key}", "cid": "x"}


@web.route("GET", "/xrpc/com.atproto.repo.getRecord")
def read(request):
    try:
        with open(f"{DATA}/{os.path.basename(request.query['repo'])}/{os.path.basename(request.query['rkey'])}", encoding="utf-8") as file:
            return 200, {"value": json.load(file)}
    except FileNotFoundError:
        return 400, {"error": "RecordNotFound", "message": "Could not locate record"}


@web.route("POST", "/xrpc/com.atproto.admin.deleteAccount")
def delete(request):
    need_admin(request)
    shutil.rmtree(f"{DATA}/{os.path.basename(request.json['did'])}")
    return 200, {}


web.serve(3000)
