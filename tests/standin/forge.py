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

What tests do through these methods is not in the request log; what programs ask over HTTP is.
Run as a program it serves a filled forge and prints its address and tokens as one JSON line.
"""
import base64
import datetime
import gzip
import hashlib
import hmac
import http.client
import json
import os
import queue
import re
import secrets
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid

if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from standin.git import BareRepo, ENVIRONMENT
from standin.server import Answer, Refused, Server, Surprise, answer, route, text

ALL_SCOPES = ("write:issue", "write:repository", "write:organization", "write:user", "write:notification")
BOT_SCOPES = ("read:repository", "read:organization", "read:user", "write:issue")
PAGE_DEFAULT, PAGE_MAX = 30, 50
DELIVER_TIMEOUT_S = 5
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def stamp(seconds):
    """RFC 3339 in UTC; the forge's precision is one second."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Person:
    def __init__(self, number, login, is_admin, created):
        self.number, self.login, self.is_admin, self.created = number, login, is_admin, created
        self.is_org = False


class Org:
    def __init__(self, number, login, roles, created):
        self.number, self.login, self.roles, self.created = number, login, dict(roles), created
        self.is_admin, self.is_org = False, True
        self.public_members = set()


class Repo:
    def __init__(self, number, owner, name, private, git, created):
        self.number, self.owner, self.name, self.private, self.git = number, owner, name, private, git
        self.created = self.updated = created
        self.parent = None
        self.issues = {}
        self.next_number = 1
        self.deleted = False

    @property
    def full_name(self):
        return f"{self.owner.login}/{self.name}"


class Issue:
    """An issue or a pull request."""

    def __init__(self, number, repo, title, user, created):
        self.id, self.number, self.repo, self.title, self.user = 0, number, repo, title, user
        self.created = self.updated = created
        self.closed = None
        self.is_locked = False
        self.is_pull = False
        self.entries = []            # comments and events, oldest first

    state = property(lambda self: "open" if self.closed is None else "closed")


class Pull(Issue):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.is_pull = True
        self.head_repo, self.branch, self.head_sha = None, "", ""


class Entry:
    """A comment or an event of a timeline; ids of both are one sequence."""

    def __init__(self, number, kind, issue, user, body, created):
        self.id, self.kind, self.issue, self.user, self.body = number, kind, issue, user, body
        self.created = self.updated = created
        self.reactions = []          # (person, content, when)


class Hook:
    def __init__(self, number, target, url, secret, events, content_type, active):
        self.id, self.target, self.url, self.secret = number, target, url, secret
        self.events, self.content_type, self.active = events, content_type, active
        self.created = time.time()


class Delivery:
    """One webhook delivery: what was sent, and the status it met (None: no answer)."""

    def __init__(self, hook, headers, body):
        self.hook, self.headers, self.body = hook, headers, body
        self.status, self.error, self.seconds = None, "", 0.0


class Caller:
    """Who asks: a person and the scopes of the token, or nobody."""

    def __init__(self, person, scopes):
        self.person, self.scopes = person, scopes

    def has(self, scope):
        kind, _, category = scope.partition(":")
        return scope in self.scopes or (kind == "read" and f"write:{category}" in self.scopes)


class Forge(Server):
    def __init__(self, directory, clock=time.time):
        super().__init__()
        self.directory, self.clock = directory, clock
        self.people, self.repos, self.tokens, self.hooks = {}, {}, {}, {}
        self.comments_by_id = {}
        self.deliveries = []
        self.push_event_delay_s = 0.0      # the real server: 1.2 after a git push, 0.3 after the contents API
        self.hook_delay_s = 0.0            # the real server: 0.3 to 0.4
        self._numbers = {}
        self._outbox = queue.Queue()
        self._deliverer = None
        self._merge_bases = {}
        os.makedirs(directory, exist_ok=True)

    def _next(self, what):
        self._numbers[what] = self._numbers.get(what, 0) + 1
        return self._numbers[what]

    # ================================================================ what tests do

    def add_user(self, login, admin=False, scopes=ALL_SCOPES):
        """Makes a user and returns a token."""
        with self.lock:
            self.people[login.lower()] = Person(self._next("user"), login, admin, self.clock())
        return self.add_token(login, scopes)

    def add_token(self, login, scopes=ALL_SCOPES):
        token = secrets.token_hex(20)
        with self.lock:
            self.tokens[token] = Caller(self.person(login), tuple(scopes))
        return token

    def add_org(self, login, roles):
        """roles: login -> owner, write or read; all are members."""
        with self.lock:
            self.people[login.lower()] = Org(self._next("user"), login,
                {name.lower(): role for name, role in roles.items()}, self.clock())

    def set_role(self, org, login, role):
        """role None takes the user out of the organisation."""
        with self.lock:
            roles = self.person(org).roles
            roles.pop(login.lower(), None)
            if role is not None:
                roles[login.lower()] = role

    def person(self, login):
        return self.people[login.lower()]

    def add_repo(self, full_name, private=False, files=None, tags=(), author="lab-admin"):
        """A repository with one commit on main; files=None: with a README only, written at first use."""
        owner, name = full_name.split("/")
        with self.lock:
            number = self._next("repo")
            git = BareRepo(os.path.join(self.directory, owner, f"{name}.git"))
            repo = Repo(number, self.person(owner), name, private, git, self.clock())
            self.repos[full_name.lower()] = repo
            if files is not None:
                git.create()
                git.commit("main", {"README.md": f"# {name}\n", **files}, "first", author, when=self.clock())
                for tag in tags:
                    git.tag(tag, "main")
            return repo

    def import_repo(self, full_name, path, private=False):
        """A repository with all branches and tags of a local one."""
        with self.lock:
            repo = self.add_repo(full_name, private)
            repo.git.create()
            repo.git.git("fetch", "-q", path, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            return repo

    def repo(self, full_name):
        repo = self.repos[full_name.lower()]
        if not os.path.isdir(repo.git.path):
            repo.git.create()
            repo.git.commit("main", {"README.md": f"# {repo.name}\n"}, "first", when=self.clock())
        return repo

    def put_files(self, full_name, files, branch="main", message="change", user="lab-admin", tag=None):
        """One commit on a branch; pull requests from that branch move with it. Returns the sha."""
        with self.lock:
            repo = self.repo(full_name)
            old = repo.git.tip(f"refs/heads/{branch}")
            sha = repo.git.commit(branch, files, message, user, parent=old or repo.git.tip("refs/heads/main"),
                when=self.clock())
            if tag is not None:
                repo.git.tag(tag, sha)
            self._moved(repo, branch, old, sha, self.person(user))
            return sha

    def fork(self, full_name, user):
        with self.lock:
            parent = self.repo(full_name)
            name = f"{user}/{parent.name}"
            if name.lower() not in self.repos:
                self.import_repo(name, parent.git.path, parent.private).parent = parent
            return name

    def delete_repo(self, full_name):
        with self.lock:
            self.repos.pop(full_name.lower()).deleted = True

    def open_pr(self, full_name, branch, files=None, user="member", title=None, fork=False):
        """A pull request of one commit on a new branch to main; returns its number."""
        with self.lock:
            repo = self.repo(full_name)
            source = self.fork(full_name, user) if fork else full_name
            self.put_files(source, files or {"change.txt": f"{branch}\n"}, branch, f"change {branch}", user)
            pull = self._number(Pull(0, repo, title or branch, self.person(user), self.clock()))
            pull.head_repo, pull.branch = self.repo(source), branch
            self._set_head(pull, pull.head_repo.git.tip(f"refs/heads/{branch}"))
            base = repo.git.tip("refs/heads/main")
            self._push_event(pull, False, repo.git.between(base, pull.head_sha), pull.user)
            return pull.number

    def open_issue(self, full_name, user="member", title="an issue"):
        with self.lock:
            return self._number(Issue(0, self.repo(full_name), title, self.person(user), self.clock())).number

    def _number(self, issue):
        issue.id, issue.number = self._next("issue"), issue.repo.next_number
        issue.repo.next_number += 1
        issue.repo.issues[issue.number] = issue
        return issue

    def pull(self, full_name, number):
        return self.repos[full_name.lower()].issues[number]

    def push(self, full_name, number, files=None, user=None, force=False, event_delay_s=None):
        """
        A push to the head branch of a pull request; returns the new head. The head is new at once;
        its timeline event is written event_delay_s later (default: push_event_delay_s), never when
        the pull request is closed: as seen on the real server.
        """
        with self.lock:
            pull = self.pull(full_name, number)
            old = pull.head_sha
            repo = pull.head_repo
            parent = repo.git.tip(f"{old}~1") if force else old
            sha = repo.git.commit(pull.branch, files or {"push.txt": f"{time.time_ns()}\n"}, "push",
                (user or pull.user.login), parent=parent, when=self.clock())
            self._moved(repo, pull.branch, old, sha, self.person(user or pull.user.login), event_delay_s)
            return sha

    def _set_head(self, pull, sha):
        pull.head_sha = sha
        if pull.head_repo is not pull.repo:
            pull.repo.git.git("fetch", "-q", pull.head_repo.git.path, f"+{sha}:refs/pull/{pull.number}/head")
        else:
            pull.repo.git.set_ref(f"refs/pull/{pull.number}/head", sha)

    def _moved(self, repo, branch, old, new, user, delay=None):
        """A branch moved: every pull request from it gets a new head and, when open, an event."""
        repo.updated = self.clock()
        delay = self.push_event_delay_s if delay is None else delay
        pulls = [issue for other in self.repos.values() for issue in other.issues.values()
            if issue.is_pull and issue.head_repo is repo and issue.branch == branch]
        for pull in pulls:
            self._set_head(pull, new)
            if pull.closed is not None:
                continue
            pull.updated = self.clock()
            if delay > 0:
                timer = threading.Timer(delay, self._push_events, (pull, old, new, user))
                timer.daemon = True
                timer.start()
            else:
                self._push_events(pull, old, new, user)

    def _push_events(self, pull, old, new, user):
        """
        A push makes one event of its commits, oldest first. A forced one first takes the commits that
        left the pull request out of earlier events (an event left empty goes), and last makes a second
        event of its own: old head, new head.
        """
        with self.lock:
            git = pull.head_repo.git
            brought = git.between(old, new)
            if git.is_ancestor(old, new):
                self._push_event(pull, False, brought, user)
                return
            whole = set(git.between(pull.repo.git.tip("refs/heads/main"), new))
            for entry in [entry for entry in pull.entries if entry.kind == "pull_push"]:
                event = json.loads(entry.body)
                if event["is_force_push"]:
                    continue
                event["commit_ids"] = [sha for sha in event["commit_ids"] if sha in whole]
                entry.body = json.dumps(event, separators=(",", ":"))
                if not event["commit_ids"]:
                    pull.entries.remove(entry)
                    del self.comments_by_id[entry.id]
            if brought:
                self._push_event(pull, False, brought, user)
            self._push_event(pull, True, [old, new], user)

    def _push_event(self, pull, is_forced, ids, user):
        body = json.dumps({"is_force_push": is_forced, "commit_ids": ids}, separators=(",", ":"))
        self._entry("pull_push", pull, user, body)

    def _entry(self, kind, issue, user, body, when=None):
        entry = Entry(self._next("comment"), kind, issue, user, body, when or self.clock())
        issue.entries.append(entry)
        self.comments_by_id[entry.id] = entry
        return entry

    def comment(self, full_name, number, user, body, age_s=0):
        """Comments as that user (age_s: so long ago); returns the id."""
        with self.lock:
            return self._comment(self.pull(full_name, number), self.person(user), body, age_s).id

    def _comment(self, issue, person, body, age_s=0):
        when = self.clock() - age_s
        entry = self._entry("comment", issue, person, body, when)
        issue.updated = max(issue.updated, when)
        self._notify("created", entry)
        return entry

    def edit_comment(self, comment_id, body, user=None):
        with self.lock:
            entry = self.comments_by_id[comment_id]
            self._edit(entry, body, self.person(user) if user else entry.user)

    def _edit(self, entry, body, sender):
        before, entry.body, entry.updated = entry.body, body, self.clock()
        self._notify("edited", entry, sender, before)

    def delete_comment(self, comment_id, user=None):
        with self.lock:
            entry = self.comments_by_id[comment_id]
            self._delete(entry, self.person(user) if user else entry.user)

    def _delete(self, entry, sender):
        entry.issue.entries.remove(entry)
        del self.comments_by_id[entry.id]
        self._notify("deleted", entry, sender)

    def close_pr(self, full_name, number, user="member"):
        with self.lock:
            pull = self.pull(full_name, number)
            pull.closed = pull.updated = self.clock()
            self._entry("close", pull, self.person(user), "")

    def reopen_pr(self, full_name, number, user="member"):
        with self.lock:
            pull = self.pull(full_name, number)
            pull.closed, pull.updated = None, self.clock()
            self._entry("reopen", pull, self.person(user), "")

    def lock_pr(self, full_name, number):
        with self.lock:
            self.pull(full_name, number).is_locked = True

    def comments(self, full_name, number, user=None):
        """The comments of a pull request, oldest first, as API objects."""
        with self.lock:
            return [self.comment_json(entry) for entry in self.pull(full_name, number).entries
                if entry.kind == "comment" and user in (None, entry.user.login)]

    def reactions(self, comment_id):
        """[(login, content)]"""
        with self.lock:
            entry = self.comments_by_id[comment_id]
            return [(person.login, content) for person, content, _ in entry.reactions]

    def add_hook(self, target, url, secret, events=("pull_request_comment",), content_type="json"):
        """target: "owner/repo" or an organisation."""
        unknown = set(events) - {"pull_request_comment", "issue_comment"}
        if unknown:
            raise NotImplementedError(f"hook events {unknown}")
        with self.lock:
            hook = Hook(self._next("hook"), target.lower(), url, secret, list(events), content_type, True)
            self.hooks[hook.id] = hook
            return hook.id

    # ================================================================ webhooks

    def _notify(self, action, entry, sender=None, before=None):
        event = "pull_request_comment" if entry.issue.is_pull else "issue_comment"
        repo = entry.issue.repo
        targets = (repo.full_name.lower(), repo.owner.login.lower())
        for hook in self.hooks.values():
            if not hook.active or hook.target not in targets or event not in hook.events:
                continue
            payload = self._payload(action, entry, sender or entry.user, before)
            document = json.dumps(payload, ensure_ascii=False, indent=2).encode()
            self._outbox.put(self._delivery(hook, event, document))
            if self._deliverer is None:
                self._deliverer = threading.Thread(target=self._deliver_all, daemon=True)
                self._deliverer.start()

    def _payload(self, action, entry, sender, before):
        issue = entry.issue
        payload = {"action": action, "issue": self.issue_json(issue)}
        if issue.is_pull:
            payload["pull_request"] = self.pull_json(issue, entry.user)
        payload["comment"] = self.comment_json(entry)
        if before is not None:
            payload["changes"] = {"body": {"from": before}, "added_labels": None, "removed_labels": None}
        payload["repository"] = self.repo_json(issue.repo, entry.user)
        payload["sender"] = self.user_json(sender)
        payload["is_pull"] = issue.is_pull
        return payload

    @staticmethod
    def _delivery(hook, event, document):
        delivery = str(uuid.uuid4())
        key = hook.secret.encode()
        sha256 = hmac.new(key, document, hashlib.sha256).hexdigest()
        sha1 = hmac.new(key, document, hashlib.sha1).hexdigest()
        is_json = hook.content_type == "json"
        body = document if is_json else b"payload=" + urllib.parse.quote_plus(document).encode()
        kind = "repository" if "/" in hook.target else "organization"
        headers = {"User-Agent": "Go-http-client/1.1",
            "Content-Type": "application/json" if is_json else "application/x-www-form-urlencoded"}
        for brand in ("GitHub", "Gitea", "Gogs"):
            headers[f"X-{brand}-Delivery"] = delivery
            headers[f"X-{brand}-Event"] = "issue_comment"
            headers[f"X-{brand}-Event-Type"] = event
            if brand != "Gogs":
                headers[f"X-{brand}-Hook-Installation-Target-Type"] = kind
            if brand != "GitHub":
                headers[f"X-{brand}-Signature"] = sha256
        headers["X-Hub-Signature"] = f"sha1={sha1}"
        headers["X-Hub-Signature-256"] = f"sha256={sha256}"
        headers["Accept-Encoding"] = "gzip"
        return Delivery(hook, headers, body)

    def _deliver_all(self):
        """Serial over the whole server, at most once, five seconds each."""
        while True:
            delivery = self._outbox.get()
            time.sleep(self.hook_delay_s)
            self.deliver(delivery)
            with self.lock:
                self.deliveries.append(delivery)
            self._outbox.task_done()

    @staticmethod
    def deliver(delivery):
        """Sends it once (again, when a test wants a replay); fills in status and error."""
        target = urllib.parse.urlsplit(delivery.hook.url)
        started = time.monotonic()
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=DELIVER_TIMEOUT_S)
        try:
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            connection.request("POST", path, delivery.body, delivery.headers)
            delivery.status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            delivery.error = repr(error)
        finally:
            connection.close()
            delivery.seconds = time.monotonic() - started

    def deliveries_done(self, timeout_s=10):
        """Waits until nothing is left to deliver; returns all deliveries made."""
        deadline = time.monotonic() + timeout_s
        while self._outbox.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)
        with self.lock:
            return list(self.deliveries)

    # ================================================================ shapes

    def user_json(self, person, own=False):
        mail = f"{person.login}@lab.invalid" if own else f"{person.number}+{person.login}@noreply.localhost"
        digest = hashlib.md5(person.login.encode()).hexdigest()
        return {"id": person.number, "login": person.login, "login_name": "", "source_id": 0, "full_name": "",
            "email": "" if person.is_org else mail, "avatar_url": f"{self.url}/avatars/{digest}",
            "html_url": f"{self.url}/{person.login}", "language": "en-US" if own else "", "is_admin": own and person.is_admin,
            "last_login": "0001-01-01T00:00:00Z", "created": stamp(person.created), "restricted": False,
            "active": own, "prohibit_login": False, "location": "", "website": "", "description": "",
            "visibility": "public", "followers_count": 0, "following_count": 0, "starred_repos_count": 0,
            "username": person.login}

    def repo_json(self, repo, person, permissions=True):
        page = f"{self.url}/{repo.full_name}"
        role = self.role(repo, person)
        pulls = [issue for issue in repo.issues.values() if issue.state == "open"]
        value = {"id": repo.number, "owner": self.user_json(repo.owner), "name": repo.name, "full_name": repo.full_name,
            "description": "", "empty": False, "private": repo.private, "fork": repo.parent is not None, "template": False}
        if repo.parent is not None:
            value["parent"] = self.repo_json(repo.parent, person)
        value |= {"mirror": False, "size": 26, "language": "",
            "languages_url": f"{self.url}/api/v1/repos/{repo.full_name}/languages", "html_url": page,
            "url": f"{self.url}/api/v1/repos/{repo.full_name}", "link": "",
            "ssh_url": f"root@localhost:{repo.full_name}.git", "clone_url": f"{page}.git", "original_url": "",
            "website": "", "stars_count": 0, "forks_count": 0, "watchers_count": 3, "branch_count": 1,
            "open_issues_count": sum(not issue.is_pull for issue in pulls),
            "open_pr_counter": sum(issue.is_pull for issue in pulls), "release_counter": 0, "default_branch": "main",
            "archived": False, "created_at": stamp(repo.created), "updated_at": stamp(repo.updated),
            "archived_at": "1970-01-01T00:00:00Z",
            "permissions": {"admin": role == "owner", "push": role in ("owner", "write"), "pull": True},
            "has_code": True, "has_issues": True,
            "internal_tracker": {"enable_time_tracker": True, "allow_only_contributors_to_track_time": True,
                "enable_issue_dependencies": True},
            "has_wiki": True, "has_pull_requests": True, "has_projects": True, "projects_mode": "all",
            "has_releases": True, "has_packages": True, "has_actions": False, "ignore_whitespace_conflicts": False,
            "allow_merge_commits": True, "allow_rebase": True, "allow_rebase_explicit": True,
            "allow_squash_merge": True, "allow_fast_forward_only_merge": True, "allow_rebase_update": True,
            "allow_manual_merge": False, "autodetect_manual_merge": False, "default_delete_branch_after_merge": False,
            "default_merge_style": "merge", "default_allow_maintainer_edit": True, "avatar_url": "", "internal": False,
            "mirror_interval": "", "object_format_name": "sha1", "mirror_updated": "0001-01-01T00:00:00Z",
            "topics": [], "licenses": []}
        return value

    def issue_page(self, issue):
        return f"{self.url}/{issue.repo.full_name}/{'pulls' if issue.is_pull else 'issues'}/{issue.number}"

    @staticmethod
    def comment_count(issue):
        return sum(entry.kind == "comment" for entry in issue.entries)

    def issue_json(self, issue):
        repo = issue.repo
        return {"id": issue.id, "url": f"{self.url}/api/v1/repos/{repo.full_name}/issues/{issue.number}",
            "html_url": self.issue_page(issue), "number": issue.number, "user": self.user_json(issue.user),
            "original_author": "", "original_author_id": 0, "title": issue.title, "body": "", "ref": "", "assets": [],
            "labels": [], "milestone": None, "assignee": None, "assignees": None, "state": issue.state,
            "is_locked": issue.is_locked, "comments": self.comment_count(issue), "created_at": stamp(issue.created),
            "updated_at": stamp(issue.updated), "closed_at": stamp(issue.closed) if issue.closed else None,
            "due_date": None, "time_estimate": 0,
            "pull_request": {"merged": False, "merged_at": None, "draft": False, "html_url": self.issue_page(issue)}
                if issue.is_pull else None,
            "repository": {"id": repo.number, "name": repo.name, "owner": repo.owner.login, "full_name": repo.full_name},
            "pin_order": 0, "content_version": 0}

    def pull_json(self, pull, person):
        page = self.issue_page(pull)
        base_sha = pull.repo.git.tip("refs/heads/main")
        pair = (base_sha, pull.head_sha)
        if pair not in self._merge_bases:
            self._merge_bases[pair] = pull.repo.git.merge_base(*pair)
        head_gone = pull.head_repo.deleted
        ref = f"refs/pull/{pull.number}/head" if head_gone else pull.branch
        base_repo = self.repo_json(pull.repo, person)
        return {"id": pull.id, "url": page, "number": pull.number, "user": self.user_json(pull.user),
            "title": pull.title, "body": "", "labels": [], "milestone": None, "assignee": None, "assignees": [],
            "requested_reviewers": [], "requested_reviewers_teams": [], "state": pull.state, "draft": False,
            "is_locked": pull.is_locked, "comments": self.comment_count(pull), "additions": 1, "deletions": 0,
            "changed_files": 1, "html_url": page, "diff_url": f"{page}.diff", "patch_url": f"{page}.patch",
            "mergeable": True, "merged": False, "merged_at": None, "merge_commit_sha": None, "merged_by": None,
            "allow_maintainer_edit": True,
            "base": {"label": "main", "ref": "main", "sha": base_sha, "repo_id": pull.repo.number, "repo": base_repo},
            "head": {"label": ref, "ref": ref, "sha": pull.head_sha,
                "repo_id": -1 if head_gone else pull.head_repo.number,
                "repo": None if head_gone else self.repo_json(pull.head_repo, person)},
            "merge_base": self._merge_bases[pair], "due_date": None, "created_at": stamp(pull.created),
            "updated_at": stamp(pull.updated), "closed_at": stamp(pull.closed) if pull.closed else None,
            "pin_order": 0, "content_version": 0}

    def comment_json(self, entry):
        page = self.issue_page(entry.issue)
        return {"id": entry.id, "html_url": f"{page}#issuecomment-{entry.id}",
            "pull_request_url": page if entry.issue.is_pull else "", "issue_url": "" if entry.issue.is_pull else page,
            "user": self.user_json(entry.user), "original_author": "", "original_author_id": 0, "body": entry.body,
            "assets": [], "created_at": stamp(entry.created), "updated_at": stamp(entry.updated)}

    def event_json(self, entry):
        value = self.comment_json(entry)
        return {"id": entry.id, "type": entry.kind, "html_url": value["html_url"],
            "pull_request_url": value["pull_request_url"], "issue_url": value["issue_url"], "user": value["user"],
            "body": entry.body, "created_at": value["created_at"], "updated_at": value["updated_at"],
            "old_project_id": 0, "project_id": 0, "old_milestone": None, "milestone": None, "tracked_time": None,
            "old_title": "", "new_title": "", "old_ref": "", "new_ref": "", "ref_issue": None, "ref_comment": None,
            "ref_action": "none", "ref_commit_sha": "", "review_id": 0, "label": None, "assignee": None,
            "assignee_team": None, "removed_assignee": False, "resolve_doer": None, "dependent_issue": None}

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

    def role(self, repo, person):
        """owner, write, read or None."""
        if person is None:
            return None if repo.private else "read"
        if person.is_admin or person is repo.owner:
            return "owner"
        role = repo.owner.roles.get(person.login.lower()) if repo.owner.is_org else None
        return role or (None if repo.private else "read")

    def seen_repo(self, request, owner, repo, scope):
        """The caller and the repository, or the answer that says there is none."""
        caller = self.caller(request)
        self.scope(caller, scope)
        found = self.repos.get(f"{owner}/{repo}".lower())
        if found is None or self.role(found, caller.person) is None:
            raise Refused(self.not_found())
        return caller, found

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

    def content_json(self, repo, ref, sha, path, row, content=None):
        name, kind, _, object_sha, size = row
        api = f"{self.url}/api/v1/repos/{repo.full_name}"
        is_file = kind == "blob"
        own = f"{api}/contents/{path}?ref={ref}"
        page = f"{self.url}/{repo.full_name}/src/branch/{ref}/{path}"
        git_url = f"{api}/git/{'blobs' if is_file else 'trees'}/{object_sha}"
        return {"name": name, "path": path, "sha": object_sha, "last_commit_sha": sha,
            "last_committer_date": stamp(repo.updated), "last_author_date": stamp(repo.updated),
            "type": "file" if is_file else "dir", "size": size,
            "encoding": None if content is None else "base64",
            "content": None if content is None else base64.b64encode(content).decode(), "target": None, "url": own,
            "html_url": page, "git_url": git_url,
            "download_url": f"{self.url}/{repo.full_name}/raw/branch/{ref}/{path}" if is_file else None,
            "submodule_git_url": None, "_links": {"self": own, "git": git_url, "html": page}}

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

    @route("POST", "/api/v1/repos/{owner}/{repo}/statuses/{sha}")
    def post_status(self, request, owner, repo, sha):
        caller, found = self.seen_repo(request, owner, repo, "write:repository")
        if self.role(found, caller.person) not in ("owner", "write"):
            return self.error(403, "user should have a permission to write to a repo")
        body = self.body(request, {"state", "target_url", "description", "context"})
        return answer(201, {"id": self._next("status"), "status": body["state"], **body})

    # ================================================================ routes: hooks

    def owned_repo(self, request, owner, repo, scope):
        caller, found = self.seen_repo(request, owner, repo, scope)
        if self.role(found, caller.person) != "owner":
            raise Refused(self.error(403, "user should be an owner or a collaborator with admin write of a repository"))
        return found

    def hook_json(self, hook):
        return {"id": hook.id, "name": "", "type": "gitea", "branch_filter": "",
            "config": {"content_type": hook.content_type, "url": hook.url}, "events": hook.events,
            "authorization_header": "", "active": hook.active, "updated_at": stamp(hook.created),
            "created_at": stamp(hook.created)}

    @route("GET", "/api/v1/repos/{owner}/{repo}/hooks", query=("page", "limit"))
    def get_hooks(self, request, owner, repo):
        found = self.owned_repo(request, owner, repo, "read:repository")
        rows = [hook for hook in self.hooks.values() if hook.target == found.full_name.lower()]
        return self.counted(rows, [self.hook_json(hook) for hook in self.page(request, rows)])

    def hook_events(self, body):
        """An unknown event name is stored as nothing, as the real server does."""
        events = body.get("events", [])
        if "pull_request" in events:
            raise Surprise("hook event pull_request")
        return [event for event in events if event in ("pull_request_comment", "issue_comment")]

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
        hook.url, hook.secret = config.get("url", hook.url), config.get("secret", hook.secret)
        hook.content_type = config.get("content_type", hook.content_type)
        hook.events = self.hook_events(body) if "events" in body else hook.events
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
        return answer(200, self.comment_json(entry)) if entry.kind == "comment" else Answer(204)

    def own_comment(self, request, owner, repo, number):
        self.login(request, "write:issue")
        caller, found, entry = self.seen_comment(request, owner, repo, number, "write:issue")
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

    def reaction_json(self, person, content, when):
        return {"user": self.user_json(person, own=True), "content": content, "created_at": stamp(when)}

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
