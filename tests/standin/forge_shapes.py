# SPDX-License-Identifier: GPL-3.0-or-later
"""
The JSON of the stand-in forge: objects that the real server sent (tests/data/gitea), with our values in their places. What
no test changes stays as it was captured; a name that the real object does not have is a mistake and raises.
"""
import base64
import copy
import datetime
import hashlib
import json
import os

DATA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "gitea")


def stamp(seconds):
    """RFC 3339 in UTC; the forge's precision is one second."""
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _captured(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        return json.load(file)


_PULL = _captured("pull-get-fork.json")
_CAPTURED = {
    "user": _captured("user.json"), "pull": _PULL, "side": _PULL["base"], "repo": _PULL["base"]["repo"],
    "issue": _captured("issues-search.json")[0], "comment": _captured("comments-list.json")[0],
    "event": _captured("timeline.json")[0], "content": _captured("contents.json")[0],
}


def shape(kind, **values):
    """A captured object with these values in place of its own."""
    made = copy.deepcopy(_CAPTURED[kind])
    unknown = values.keys() - made.keys()
    if unknown:
        raise KeyError(f"a {kind} of the real server has no {sorted(unknown)}")
    made.update(values)
    return made


class Shapes:
    """Needs url, role() and git of the forge it is part of."""

    def __init__(self):
        self._merge_bases = {}

    def user_json(self, person, own=False):
        mail = f"{person.login}@lab.invalid" if own else f"{person.number}+{person.login}@noreply.localhost"
        digest = hashlib.md5(person.login.encode()).hexdigest()
        return shape("user", id=person.number, login=person.login, username=person.login,
            email="" if person.is_org else mail, avatar_url=f"{self.url}/avatars/{digest}",
            html_url=f"{self.url}/{person.login}", language="en-US" if own else "", is_admin=own and person.is_admin,
            last_login="0001-01-01T00:00:00Z", created=stamp(person.created), active=own)

    def repo_json(self, repo, person):
        page = f"{self.url}/{repo.full_name}"
        api = f"{self.url}/api/v1/repos/{repo.full_name}"
        role = self.role(repo, person)
        issues = [issue for issue in repo.issues.values() if issue.state == "open"]
        value = shape("repo", id=repo.number, owner=self.user_json(repo.owner), name=repo.name,
            full_name=repo.full_name, private=repo.private, fork=repo.parent is not None, html_url=page, url=api,
            languages_url=f"{api}/languages", ssh_url=f"root@localhost:{repo.full_name}.git", clone_url=f"{page}.git",
            open_issues_count=sum(not issue.is_pull for issue in issues),
            open_pr_counter=sum(issue.is_pull for issue in issues), created_at=stamp(repo.created),
            updated_at=stamp(repo.updated), archived=repo.archived,
            permissions={"admin": role == "owner", "push": role in ("owner", "write"), "pull": True})
        if repo.parent is not None:
            value["parent"] = self.repo_json(repo.parent, person)
        return value

    def issue_page(self, issue):
        return f"{self.url}/{issue.repo.full_name}/{'pulls' if issue.is_pull else 'issues'}/{issue.number}"

    @staticmethod
    def comment_count(issue):
        return sum(entry.kind == "comment" for entry in issue.entries)

    def issue_json(self, issue):
        repo = issue.repo
        return shape("issue", id=issue.id, url=f"{self.url}/api/v1/repos/{repo.full_name}/issues/{issue.number}",
            html_url=self.issue_page(issue), number=issue.number, user=self.user_json(issue.user), title=issue.title,
            state=issue.state, is_locked=issue.is_locked, comments=self.comment_count(issue),
            created_at=stamp(issue.created), updated_at=stamp(issue.updated),
            closed_at=stamp(issue.closed) if issue.closed else None,
            pull_request={"merged": False, "merged_at": None, "draft": False, "html_url": self.issue_page(issue)}
                if issue.is_pull else None,
            repository={"id": repo.number, "name": repo.name, "owner": repo.owner.login, "full_name": repo.full_name})

    def pull_json(self, pull, person):
        page = self.issue_page(pull)
        base_sha = pull.repo.git.tip("refs/heads/main")
        pair = (base_sha, pull.head_sha)
        if pair not in self._merge_bases:
            self._merge_bases[pair] = pull.repo.git.merge_base(*pair)
        head_gone = pull.head_repo.deleted
        ref = f"refs/pull/{pull.number}/head" if head_gone else pull.branch
        base = shape("side", label="main", ref="main", sha=base_sha, repo_id=pull.repo.number,
            repo=self.repo_json(pull.repo, person))
        head = shape("side", label=ref, ref=ref, sha=pull.head_sha,
            repo_id=-1 if head_gone else pull.head_repo.number,
            repo=None if head_gone else self.repo_json(pull.head_repo, person))
        return shape("pull", id=pull.id, url=page, number=pull.number, user=self.user_json(pull.user), title=pull.title,
            requested_reviewers=[], state=pull.state, is_locked=pull.is_locked, comments=self.comment_count(pull),
            review_comments=0, html_url=page, diff_url=f"{page}.diff", patch_url=f"{page}.patch", base=base, head=head,
            merge_base=self._merge_bases[pair], created_at=stamp(pull.created), updated_at=stamp(pull.updated),
            closed_at=stamp(pull.closed) if pull.closed else None)

    def _entry_values(self, entry):
        page = self.issue_page(entry.issue)
        return {"id": entry.id, "html_url": f"{page}#issuecomment-{entry.id}",
            "pull_request_url": page if entry.issue.is_pull else "", "issue_url": "" if entry.issue.is_pull else page,
            "user": self.user_json(entry.user), "body": entry.body, "created_at": stamp(entry.created),
            "updated_at": stamp(entry.updated)}

    def comment_json(self, entry):
        return shape("comment", **self._entry_values(entry))

    def event_json(self, entry):
        return shape("event", type=entry.kind, **self._entry_values(entry))

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

    def hook_json(self, hook):
        return {"id": hook.id, "name": "", "type": "gitea", "branch_filter": "",
            "config": {"content_type": hook.content_type, "url": hook.url}, "events": hook.events,
            "authorization_header": "", "active": hook.active, "updated_at": stamp(hook.created),
            "created_at": stamp(hook.created)}

    def reaction_json(self, person, content, when):
        return {"user": self.user_json(person, own=True), "content": content, "created_at": stamp(when)}
