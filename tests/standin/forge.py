#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A stand-in for Gitea 1.26 as far as ccci-bridge and ccci-run use it; statuses and shapes were
observed on the real server (tests/data, tests/standin/README.md) and are compared with it by
tests/lab/test_contract_servers.py.

    forge = Forge(directory); forge.start()
    token = forge.add_user("member"); forge.add_org("recipe-maintainers", {"member": "write"})
    forge.add_repo("recipe-maintainers/custom-html", files={"compose.yml": "..."})
    number = forge.open_pr("recipe-maintainers/custom-html", "fix", {"compose.yml": "..."}, user="member")
    comment = forge.comment("recipe-maintainers/custom-html", number, "member", "!testme")

What it knows and what tests do is forge_state.py, its JSON forge_shapes.py, its hooks forge_webhooks.py; here are the
routes. What tests do through methods is not in the request log; what programs ask over HTTP is.
Run as a program it serves a filled forge and prints its address and tokens as one JSON line.
"""
import base64
import datetime
import gzip
import json
import os
import re
import subprocess
import sys
import time

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from standin.forge_shapes import Shapes, stamp
from standin.forge_state import Caller, Hook, State
from standin.forge_webhooks import Webhooks
from standin.git import ENVIRONMENT
from standin.server import Answer, Refused, Server, Surprise, answer, route, text

PAGE_DEFAULT, PAGE_MAX = 30, 50
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


class Forge(State, Shapes, Webhooks, Server):
    """The routes; what they work on is State's, what they answer Shapes'."""

    def __init__(self, directory, clock=time.time):
        Server.__init__(self)
        State.__init__(self, directory, clock)
        Shapes.__init__(self)
        Webhooks.__init__(self)

    # ================================================================ refusals

    def error(self, status, message, errors=False, headers=None):
        value = {"message": message, "url": f"{self.url}/api/swagger"}
        if errors is not False:
            value = {"errors": errors, **value}
        return answer(status, value, headers)

    def not_found(self):
        return self.error(404, "not found", None)

    # ================================================================ who may what

    def caller(self, request):
        """The caller, nobody without a token; a bad token is refused."""
        header = request.headers.get("Authorization")
        if header is None:
            return Caller(None, ())
        kind, _, value = header.partition(" ")
        if kind.lower() == "basic":
            try:
                value = base64.b64decode(value).decode().partition(":")[2]
            except ValueError:
                value = ""
        elif kind.lower() not in ("token", "bearer"):
            value = ""
        caller = self.tokens.get(value)
        if caller is None:
            raise Refused(self.error(401, "invalid username, password or token"))
        return caller

    def scope(self, caller, scope):
        if caller.person is not None and not caller.has(scope):
            raise Refused(self.error(403, "token does not have at least one of required scope(s), "
                f"required=[{scope}], token scope={','.join(caller.scopes)}"))

    def login(self, request, scope):
        caller = self.caller(request)
        if caller.person is None:
            raise Refused(self.error(401, "token is required"))
        self.scope(caller, scope)
        return caller

    def seen_repo(self, request, owner, repo, scope):
        """The caller and the repository, or the answer that says there is none."""
        caller = self.caller(request)
        self.scope(caller, scope)
        name = f"{owner}/{repo}"
        found = self.repos.get(name.lower())
        if found is None and name.lower() in self.redirects:
            raise Refused(self.moved(request, name, self.redirects[name.lower()]))
        if found is None or self.role(found, caller.person) is None:
            raise Refused(self.not_found())
        return caller, found

    def moved(self, request, name, repo):
        """Told to everybody, also to those who may not see the repository."""
        if repo.deleted:
            return self.not_found()
        target = request.target.replace(f"/repos/{name}", f"/repos/{repo.full_name}", 1)
        body = f'<a href="{target}">Moved Permanently</a>.\n\n' if request.method == "GET" else ""
        return text(301, body, "text/html; charset=utf-8", {"Location": target})

    def refuse_archived(self, repo):
        if repo.archived:
            raise Refused(self.error(423, f"{repo.full_name} is archived"))

    def dispatch(self, request):
        with self.lock:
            return super().dispatch(request)

    # ================================================================ lists

    def instant(self, request, name):
        value = request.query.get(name, "")
        if not value:
            return None
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value):
                raise ValueError
            return int(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp())
        except ValueError:
            raise Refused(self.error(422,
                f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"')) from None

    def updated_between(self, request, rows):
        since, before = self.instant(request, "since"), self.instant(request, "before")
        return [row for row in rows if (since is None or int(row.updated) >= since)
            and (before is None or int(row.updated) <= before)]

    @staticmethod
    def page(request, rows):
        try:
            limit, number = int(request.query.get("limit", "0")), int(request.query.get("page", "1"))
        except ValueError:
            raise Surprise("a page or limit that is no number") from None
        limit = PAGE_DEFAULT if limit <= 0 else min(limit, PAGE_MAX)
        first = (max(number, 1) - 1) * limit
        return rows[first:first + limit]

    @staticmethod
    def counted(rows, shown):
        return answer(200, shown, {"X-Total-Count": str(len(rows)), "Access-Control-Expose-Headers": "X-Total-Count"})

    # ================================================================ routes: the server

    @route("GET", "/api/v1/version")
    def get_version(self, request):
        self.caller(request)
        return answer(200, {"version": "1.26.0"})

    @route("GET", "/api/v1/settings/api")
    def get_settings(self, request):
        self.caller(request)
        return answer(200, {"max_response_items": PAGE_MAX, "default_paging_num": PAGE_DEFAULT,
            "default_git_trees_per_page": 1000, "default_max_blob_size": 10485760,
            "default_max_response_size": 104857600})

    @route("GET", "/api/healthz", query=None)
    def get_health(self, _):
        return answer(200, {"status": "pass", "description": "lab", "checks": {}})

    @route("GET", "/api/v1/user")
    def get_user(self, request):
        return answer(200, self.user_json(self.login(request, "read:user").person, own=True))

    # ================================================================ routes: organisations

    @route("GET", "/api/v1/orgs/{org}/members/{user}")
    def get_member(self, request, org, user):
        caller = self.login(request, "read:organization")
        found = self.people.get(org.lower())
        if found is None or not found.is_org:
            return self.error(404, "GetOrgByName", [f"user redirect does not exist [name: {org}]"])
        person = self.people.get(user.lower())
        if person is None or person.is_org:
            return self.error(404, "GetUserByName", [f"user does not exist [uid: 0, name: {user}]"])
        is_member = person.login.lower() in found.roles
        if caller.person.login.lower() in found.roles or caller.person.is_admin:
            return Answer(204) if is_member else self.not_found()
        if not is_member:
            return self.not_found()
        location = f"/api/v1/orgs/{found.login}/public_members/{person.login}"
        return text(303, f'<a href="{location}">See Other</a>.\n\n', "text/html; charset=utf-8", {"Location": location})

    @route("GET", "/api/v1/orgs/{org}/public_members/{user}")
    def get_public_member(self, request, org, user):
        self.login(request, "read:organization")
        found = self.people.get(org.lower())
        is_public = found is not None and found.is_org and user.lower() in found.public_members
        return Answer(204) if is_public else self.not_found()

    @route("GET", "/api/v1/orgs/{org}/repos", query=("page", "limit"))
    def get_org_repos(self, request, org):
        caller = self.caller(request)
        self.scope(caller, "read:organization")
        found = self.people.get(org.lower())
        if found is None or not found.is_org:
            return self.error(404, "GetOrgByName", [f"user redirect does not exist [name: {org}]"])
        rows = [repo for repo in self.repos.values() if repo.owner is found and self.role(repo, caller.person)]
        return self.counted(rows, [self.repo_json(repo, caller.person) for repo in self.page(request, rows)])

    # ================================================================ routes: repositories

    @route("GET", "/api/v1/repos/{owner}/{repo}")
    def get_repo(self, request, owner, repo):
        caller, found = self.seen_repo(request, owner, repo, "read:repository")
        return answer(200, self.repo_json(found, caller.person))

    def at_ref(self, request, repo):
        self.repo(repo.full_name)
        ref = request.query.get("ref", "") or "main"
        sha = repo.git.tip(f"refs/heads/{ref}") or repo.git.tip(f"refs/tags/{ref}") or \
            (repo.git.tip(ref) if re.fullmatch("[0-9a-f]{40}", ref) else None)
        if sha is None:
            raise Refused(self.error(404, "not found", [f"object does not exist [id: {ref}, rel_path: ]"]))
        return ref, sha

    @route("GET", "/api/v1/repos/{owner}/{repo}/contents", query=("ref",))
    def get_contents_root(self, request, owner, repo):
        return self.get_contents(request, owner, repo, "")

    @route("GET", "/api/v1/repos/{owner}/{repo}/contents/{path...}", query=("ref",))
    def get_contents(self, request, owner, repo, path):
        _, found = self.seen_repo(request, owner, repo, "read:repository")
        ref, sha = self.at_ref(request, found)
        path = path.strip("/")
        rows = found.git.tree(sha, path)
        if rows is not None:
            return answer(200, [self.content_json(found, ref, sha, f"{path}/{row[0]}".lstrip("/"), row) for row in rows])
        folder, _, name = path.rpartition("/")
        for row in found.git.tree(sha, folder) or []:
            if row[0] == name:
                return answer(200, self.content_json(found, ref, sha, path, row, found.git.read(sha, path)))
        first = path.split("/")[0]
        missing = path
        for depth in range(1, path.count("/") + 2):
            part = "/".join(path.split("/")[:depth])
            if found.git.git("cat-file", "-e", f"{sha}:{part}", check=False) is None:
                missing = part
                break
        return self.error(404, "GetContentsOrList", [f"object does not exist [id: , rel_path: {missing or first}]"])

    @route("GET", "/api/v1/repos/{owner}/{repo}/raw/{path...}", query=("ref",))
    def get_raw(self, request, owner, repo, path):
        _, found = self.seen_repo(request, owner, repo, "read:repository")
        _, sha = self.at_ref(request, found)
        content = found.git.read(sha, path)
        return self.not_found() if content is None else text(200, content)

    @route("GET", "/api/v1/repos/{owner}/{repo}/branches/{branch}")
    def get_branch(self, request, owner, repo, branch):
        _, found = self.seen_repo(request, owner, repo, "read:repository")
        self.repo(found.full_name)
        sha = found.git.tip(f"refs/heads/{branch}")
        if sha is None:
            return self.not_found()
        return answer(200, {"name": branch, "commit": {"id": sha, "message": found.git.message(sha)},
            "protected": False})

    @route("GET", "/api/v1/repos/{owner}/{repo}/commits", query=("limit", "stat", "verification", "files"))
    def get_commits(self, request, owner, repo):
        """Of the default branch, as no other is named, the newest alone; of it only its sha."""
        _, found = self.seen_repo(request, owner, repo, "read:repository")
        self.repo(found.full_name)
        if request.query.get("limit") != "1":
            raise Surprise(f"commits are listed with {request.query}")
        return answer(200, [{"sha": found.git.tip("refs/heads/main")}])

    @route("POST", "/api/v1/repos/{owner}/{repo}/statuses/{sha}")
    def post_status(self, request, owner, repo, sha):
        caller, found = self.seen_repo(request, owner, repo, "write:repository")
        if self.role(found, caller.person) not in ("owner", "write"):
            return self.error(403, "user should have a permission to write to a repo")
        body = self.body(request, {"state", "target_url", "description", "context"})
        if not found.git.has(sha):
            return self.error(500, f"GetCommit[{sha}]: object does not exist [id: {sha}, rel_path: ]")
        row = {"id": self._next("status"), "status": body["state"], "target_url": body.get("target_url", ""),
            "description": body.get("description", ""), "url": f"{self.url}/api/v1/repos/{found.full_name}/statuses/{sha}",
            "context": body.get("context", ""), "creator": self.user_json(caller.person, own=True),
            "created_at": stamp(self.clock()), "updated_at": stamp(self.clock())}
        self.statuses.append((found, sha, row))
        return answer(201, row)

    @route("GET", "/api/v1/repos/{owner}/{repo}/commits/{sha}/statuses", query=("sort", "page", "limit"))
    def get_statuses(self, request, owner, repo, sha):
        """leastindex is the newest first, as on the real server; nobody here asks for another order."""
        _, found = self.seen_repo(request, owner, repo, "read:repository")
        if request.query.get("sort") != "leastindex":
            raise Surprise("commit statuses in another order")
        rows = [row for of, at, row in reversed(self.statuses) if of is found and at == sha]
        return self.counted(rows, self.page(request, rows))

    # ================================================================ routes: hooks

    def owned_repo(self, request, owner, repo, scope):
        caller, found = self.seen_repo(request, owner, repo, scope)
        if self.role(found, caller.person) != "owner":
            raise Refused(self.error(403, "user should be an owner or a collaborator with admin write of a repository"))
        return found

    @route("GET", "/api/v1/repos/{owner}/{repo}/hooks", query=("page", "limit"))
    def get_hooks(self, request, owner, repo):
        found = self.owned_repo(request, owner, repo, "read:repository")
        rows = [hook for hook in self.hooks.values() if hook.target == found.full_name.lower()]
        return self.counted(rows, [self.hook_json(hook) for hook in self.page(request, rows)])

    def hook_events(self, body):
        """None given is "push"; an unknown event name is stored as nothing, as the real server does."""
        events = body.get("events") or ["push"]
        if "pull_request" in events:
            raise Surprise("hook event pull_request")
        return [event for event in events if event in ("pull_request_comment", "issue_comment", "push")]

    @route("POST", "/api/v1/repos/{owner}/{repo}/hooks")
    def post_hook(self, request, owner, repo):
        found = self.owned_repo(request, owner, repo, "write:repository")
        body = self.body(request, {"type", "active", "events", "config"})
        config = body["config"]
        hook = Hook(self._next("hook"), found.full_name.lower(), config["url"], config.get("secret", ""),
            self.hook_events(body), config["content_type"], body.get("active", False))
        self.hooks[hook.id] = hook
        return answer(201, self.hook_json(hook))

    @route("PATCH", "/api/v1/repos/{owner}/{repo}/hooks/{number}")
    def patch_hook(self, request, owner, repo, number):
        self.owned_repo(request, owner, repo, "write:repository")
        hook = self.hooks.get(int(number))
        if hook is None or hook.target != f"{owner}/{repo}".lower():
            return self.not_found()
        body = self.body(request, {"active", "events", "config"})
        config = body.get("config", {})
        hook.url = config.get("url", hook.url)       # the secret stays what it was when the hook was made
        hook.content_type = config.get("content_type", hook.content_type)
        hook.events = self.hook_events(body)
        hook.active = body.get("active", hook.active)
        return answer(200, self.hook_json(hook))

    @route("DELETE", "/api/v1/repos/{owner}/{repo}/hooks/{number}")
    def delete_hook(self, request, owner, repo, number):
        self.owned_repo(request, owner, repo, "write:repository")
        hook = self.hooks.get(int(number))
        if hook is None or hook.target != f"{owner}/{repo}".lower():
            return self.not_found()
        del self.hooks[hook.id]
        return Answer(204)

    # ================================================================ routes: issues, pull requests, comments

    @route("GET", "/api/v1/repos/issues/search",
        query=("type", "state", "owner", "since", "before", "page", "limit"))
    def search_issues(self, request):
        caller = self.caller(request)
        self.scope(caller, "read:issue")
        owner = request.query.get("owner")
        if owner is None:
            raise Surprise("search without an owner")
        if owner.lower() not in self.people:
            return self.error(400, f"user does not exist [uid: 0, name: {owner}]")
        state, kind = request.query.get("state", "open"), request.query.get("type")
        if state not in ("open", "closed", "all") or kind not in ("pulls", "issues", None):
            raise Surprise(f"state {state} or type {kind}")
        rows = [issue for repo in self.repos.values() if repo.owner.login.lower() == owner.lower()
            and self.role(repo, caller.person) for issue in repo.issues.values()
            if state in ("all", issue.state) and kind in (None, "pulls" if issue.is_pull else "issues")]
        rows = self.updated_between(request, rows)
        rows.sort(key=lambda issue: (issue.created, issue.id), reverse=True)
        return self.counted(rows, [self.issue_json(issue) for issue in self.page(request, rows)])

    def seen_issue(self, request, owner, repo, number, scope):
        caller, found = self.seen_repo(request, owner, repo, scope)
        issue = found.issues.get(int(number)) if number.isdigit() else None
        return caller, found, issue

    @route("GET", "/api/v1/repos/{owner}/{repo}/pulls/{number}")
    def get_pull(self, request, owner, repo, number):
        caller, _, issue = self.seen_issue(request, owner, repo, number, "read:repository")
        if issue is None or not issue.is_pull:
            return self.not_found()
        return answer(200, self.pull_json(issue, caller.person))

    @route("GET", "/api/v1/repos/{owner}/{repo}/compare/{pair}")
    def get_comparison(self, request, owner, repo, pair):
        """Commits of the second that the first has not, newest first; of each only its sha."""
        _, found = self.seen_repo(request, owner, repo, "read:repository")
        shas = pair.split("...")
        if len(shas) != 2 or not all(re.fullmatch("[0-9a-f]{40}", sha) for sha in shas):
            raise Surprise(f"a comparison of {pair} is not modelled")
        if not all(found.git.has(sha) for sha in shas):
            return self.not_found()
        commits = found.git.between(*shas)[::-1]
        return answer(200, {"total_commits": len(commits), "commits": [{"sha": sha} for sha in commits]})

    @route("GET", "/api/v1/repos/{owner}/{repo}/issues/comments", query=("since", "before", "page", "limit"))
    def get_repo_comments(self, request, owner, repo):
        _, found = self.seen_repo(request, owner, repo, "read:issue")
        rows = [entry for issue in found.issues.values() for entry in issue.entries if entry.kind == "comment"]
        rows = self.updated_between(request, rows)
        rows.sort(key=lambda entry: (entry.created, entry.id))
        return self.counted(rows, [self.comment_json(entry) for entry in self.page(request, rows)])

    @route("GET", "/api/v1/repos/{owner}/{repo}/issues/{number}/comments", query=("since", "before"))
    def get_issue_comments(self, request, owner, repo, number):
        _, _, issue = self.seen_issue(request, owner, repo, number, "read:issue")
        if issue is None:
            return self.error(500, "")
        rows = self.updated_between(request, [entry for entry in issue.entries if entry.kind == "comment"])
        return self.counted(rows, [self.comment_json(entry) for entry in rows])

    @route("GET", "/api/v1/repos/{owner}/{repo}/issues/{number}/timeline", query=("since", "before", "page", "limit"))
    def get_timeline(self, request, owner, repo, number):
        _, _, issue = self.seen_issue(request, owner, repo, number, "read:issue")
        if issue is None:
            return self.error(500, "")
        rows = sorted(self.updated_between(request, issue.entries), key=lambda entry: (entry.created, entry.id))
        rows = self.page(request, rows)          # the count is of the page here
        reply = self.counted(rows, [self.event_json(entry) for entry in rows])
        if not rows:
            reply.body = b"null\n"
        return reply

    @route("POST", "/api/v1/repos/{owner}/{repo}/issues/{number}/comments")
    def post_comment(self, request, owner, repo, number):
        self.login(request, "write:issue")
        caller, found, issue = self.seen_issue(request, owner, repo, number, "write:issue")
        self.refuse_archived(found)
        body = self.comment_body(request)
        if issue is None:
            return self.error(500, "")
        if issue.is_locked and self.role(found, caller.person) == "read":
            return self.error(403, "You cannot comment on a locked issue.")
        return answer(201, self.comment_json(self._comment(issue, caller.person, body)))

    def body(self, request, known):
        try:
            value = request.json()
        except ValueError:
            raise Refused(self.error(422, "[]: unexpected EOF")) from None
        unknown = set(value) - known
        if unknown:
            raise Surprise(f"body members {sorted(unknown)}")
        return value

    def comment_body(self, request):
        body = self.body(request, {"body"}).get("body", "")
        if not isinstance(body, str):
            raise Surprise("a comment body that is no text")
        if body == "":
            raise Refused(self.error(422, "[Body]: Required"))
        return body

    def seen_comment(self, request, owner, repo, number, scope):
        caller, found = self.seen_repo(request, owner, repo, scope)
        if not number.isdigit():
            raise Surprise("a comment id that is no number")
        entry = self.comments_by_id.get(int(number))
        if entry is None or entry.issue.repo is not found:
            raise Refused(self.error(404, "not found", [f"comment does not exist [id: {number}, issue_id: 0]"]))
        return caller, found, entry

    @route("GET", "/api/v1/repos/{owner}/{repo}/issues/comments/{number}")
    def get_comment(self, request, owner, repo, number):
        _, _, entry = self.seen_comment(request, owner, repo, number, "read:issue")
        if entry.user.number < 0:
            return self.error(500, "")
        return answer(200, self.comment_json(entry)) if entry.kind == "comment" else Answer(204)

    def own_comment(self, request, owner, repo, number):
        self.login(request, "write:issue")
        caller, found, entry = self.seen_comment(request, owner, repo, number, "write:issue")
        self.refuse_archived(found)
        if entry.user is not caller.person and self.role(found, caller.person) != "owner":
            raise Refused(Answer(403))
        return caller, entry

    @route("PATCH", "/api/v1/repos/{owner}/{repo}/issues/comments/{number}")
    def patch_comment(self, request, owner, repo, number):
        caller, entry = self.own_comment(request, owner, repo, number)
        body = self.comment_body(request)
        self._edit(entry, body, caller.person)
        return answer(200, self.comment_json(entry))

    @route("DELETE", "/api/v1/repos/{owner}/{repo}/issues/comments/{number}")
    def delete_own_comment(self, request, owner, repo, number):
        caller, entry = self.own_comment(request, owner, repo, number)
        self._delete(entry, caller.person)
        return Answer(204)

    @route("GET", "/api/v1/repos/{owner}/{repo}/issues/comments/{number}/reactions")
    def get_reactions(self, request, owner, repo, number):
        _, _, entry = self.seen_comment(request, owner, repo, number, "read:issue")
        return answer(200, [self.reaction_json(*row) for row in entry.reactions])

    def reaction(self, request, owner, repo, number):
        self.login(request, "write:issue")
        caller, _, entry = self.seen_comment(request, owner, repo, number, "write:issue")
        content = self.body(request, {"content"}).get("content")
        if content not in REACTIONS:
            raise Refused(self.error(403, f"'{content}' is not an allowed reaction"))
        own = [row for row in entry.reactions if row[0] is caller.person and row[1] == content]
        return caller.person, entry, content, own

    @route("POST", "/api/v1/repos/{owner}/{repo}/issues/comments/{number}/reactions")
    def post_reaction(self, request, owner, repo, number):
        person, entry, content, own = self.reaction(request, owner, repo, number)
        if not own:
            entry.reactions.append((person, content, self.clock()))
        return answer(200 if own else 201, self.reaction_json(*(own or entry.reactions[-1:])[0]))

    @route("DELETE", "/api/v1/repos/{owner}/{repo}/issues/comments/{number}/reactions")
    def delete_reaction(self, request, owner, repo, number):
        _, entry, _, own = self.reaction(request, owner, repo, number)
        entry.reactions = [row for row in entry.reactions if row not in own]
        return Answer(204)

    # ================================================================ git over HTTP

    def git_repo(self, request, owner, repo):
        refusal = {"Www-Authenticate": 'Basic realm="Gitea"'}
        try:
            caller = self.caller(request)
        except Refused:
            raise Refused(text(401, "Failed to authenticate user\n")) from None
        name = repo[:-4] if repo.endswith(".git") else repo
        found = self.repos.get(f"{owner}/{name}".lower())
        if found is None or self.role(found, caller.person) is None:
            if caller.person is None:
                raise Refused(text(401, "Unauthorized\n", headers=refusal))
            raise Refused(text(404, "Repository not found\n"))
        if caller.person is not None and not caller.has("read:repository"):
            raise Refused(text(403, "token does not have the scope\n"))
        return self.repo(found.full_name)

    @route("GET", "/{owner}/{repo}/info/refs", query=("service",))
    def git_refs(self, request, owner, repo):
        if request.query.get("service") != "git-upload-pack":
            raise Surprise("git without upload-pack")
        return self.git_backend(request, self.git_repo(request, owner, repo), "info/refs")

    @route("POST", "/{owner}/{repo}/git-upload-pack")
    def git_upload_pack(self, request, owner, repo):
        return self.git_backend(request, self.git_repo(request, owner, repo), "git-upload-pack")

    @staticmethod
    def git_backend(request, repo, what):
        body = request.body
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        environment = {**ENVIRONMENT, "GIT_PROJECT_ROOT": repo.git.path, "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": f"/{what}", "REQUEST_METHOD": request.method, "QUERY_STRING": request.raw_query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""), "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1", "GIT_PROTOCOL": request.headers.get("Git-Protocol", "")}
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers, status = {}, 200
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            elif name:
                headers[name] = value
        return Answer(status, content, headers)

    @route("GET", "/{owner}/{repo}/raw/branch/{branch}/{path...}")
    def get_page_raw(self, request, owner, repo, branch, path):
        _, found = self.seen_repo(request, owner, repo, "read:repository")
        self.repo(found.full_name)
        content = found.git.read(f"refs/heads/{branch}", path)
        return text(404, "Not found.\n") if content is None else text(200, content)


def main():
    """Serves the lab's people and repositories until stdin ends; prints {"url", "tokens"}."""
    import tempfile
    from lib.world import fill_forge
    with tempfile.TemporaryDirectory(prefix="ccci-forge-") as directory:
        forge = Forge(directory)
        tokens = fill_forge(forge)
        forge.start(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
        print(json.dumps({"url": forge.url, "tokens": tokens}), flush=True)
        sys.stdin.read()
        forge.stop()


if __name__ == "__main__":
    main()
