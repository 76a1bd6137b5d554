# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stand-in for the forge knows, and what tests do with it: people, repositories, pull requests, comments. No
HTTP here. What changes is told to _notify(), which forge_webhooks.py turns into deliveries."""
import json
import os
import secrets
import threading
import time

from standin.git import BareRepo

BOT_SCOPES = ("read:repository", "read:organization", "read:user", "write:issue")
ALL_SCOPES = ("write:issue", "write:repository", "write:organization", "write:user", "write:notification")


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
        self.deleted = self.archived = False

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


class State:
    """The forge's memory. The lock is the server's: every change holds it."""

    def __init__(self, directory, clock):
        self.directory, self.clock = directory, clock
        self.people, self.repos, self.tokens, self.hooks = {}, {}, {}, {}
        self.redirects = {}          # a former name -> the repository
        self.comments_by_id = {}
        self.statuses = []           # of commits, as they came
        self.push_event_delay_s = 0.0      # the real server: 1.2 after a git push, 0.3 after the contents API
        self._numbers = {}
        os.makedirs(directory, exist_ok=True)

    def _next(self, what):
        self._numbers[what] = self._numbers.get(what, 0) + 1
        return self._numbers[what]

    # ---- who may what

    def role(self, repo, person):
        """owner, write, read or None."""
        if person is None:
            return None if repo.private else "read"
        if person.is_admin or person is repo.owner:
            return "owner"
        role = repo.owner.roles.get(person.login.lower()) if repo.owner.is_org else None
        return role or (None if repo.private else "read")

    # ---- what tests do

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

    def delete_user(self, login):
        """What the user wrote stays, and is a ghost's."""
        with self.lock:
            gone = self.people.pop(login.lower())
            ghost = Person(-1, "Ghost", False, 0)
            self.tokens = {token: caller for token, caller in self.tokens.items() if caller.person is not gone}
            for repo in self.repos.values():
                for issue in repo.issues.values():
                    for entry in issue.entries:
                        if entry.user is gone:
                            entry.user = ghost

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

    def rename_repo(self, full_name, new_name):
        """Another name, or with another owner a move: requests for the old one are redirected until it is taken again."""
        owner, name = new_name.split("/")
        with self.lock:
            repo = self.repos.pop(full_name.lower())
            repo.owner, repo.name = self.person(owner), name
            self.redirects[full_name.lower()] = repo
            self.redirects.pop(new_name.lower(), None)
            self.repos[new_name.lower()] = repo

    def archive_repo(self, full_name, is_archived=True):
        with self.lock:
            self.repo(full_name).archived = is_archived

    def migrate(self, full_name, new_name, user="lab-admin"):
        """
        A copy of a repository with its pull requests, as a new one. What people of this server wrote stays theirs, what
        others did shows as that user's; times are the old ones, and nothing tells that they are not from here.
        """
        with self.lock:
            source = self.repo(full_name)
            repo = self.repos.get(new_name.lower()) or self.import_repo(new_name, source.git.path, source.private)
            for pull in [issue for issue in source.issues.values() if issue.is_pull]:
                copy = self._number(Pull(0, repo, pull.title, self._migrated(pull.user, user), pull.created))
                copy.head_repo, copy.branch, copy.closed = repo, pull.branch, pull.closed
                repo.git.git("fetch", "-q", source.git.path, f"+{pull.head_sha}:refs/pull/{copy.number}/head")
                copy.head_sha = pull.head_sha
                for entry in [entry for entry in pull.entries if entry.kind == "comment"]:
                    made = self._entry("comment", copy, self._migrated(entry.user, user), entry.body, entry.created)
                    made.updated = entry.updated
                copy.updated = pull.updated
            return repo

    def _migrated(self, person, user):
        return person if person.login.lower() in self.people else self.person(user)

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
