# SPDX-License-Identifier: GPL-3.0-or-later
"""
What ccci relies on in forge and Drone, as one body of tests that runs against the stand-ins
(tests/flow) and against the real servers (tests/lab): a stand-in that is kinder or stranger than
the real server makes one of the two red.

    class TestServers(DroneContract, ForgeContract, unittest.TestCase): make_world = StandinWorld

A fact that the real servers show only after half a minute is checked there when CCCI_SLOW=1.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import time
import urllib.parse

from lib.world import CI_REPO, ORG, PRIVATE, PUBLIC, Receiver, exchange, wait_for
from standin.git import BareRepo

PIPELINE = """\
kind: pipeline
type: exec
name: contract

platform: {os: linux, arch: amd64}

trigger:
  event: [custom]

concurrency: {limit: 1}

steps:
  - name: one
    commands:
      - eval "$ONE"
  - name: two
    commands:
      - eval "$TWO"
  - name: ignored
    failure: ignore
    commands:
      - eval "$IGNORED"
  - name: onfail
    commands:
      - eval "$ONFAIL"
    when: {status: [failure]}
  - name: always
    commands:
      - eval "$ALWAYS"
    when: {status: [success, failure]}
  - name: after
    commands:
      - eval "$AFTER"
    when: {status: [success, failure, killed]}
"""

COMMENT_KEYS = "id html_url pull_request_url issue_url user original_author original_author_id body assets " \
    "created_at updated_at"
EVENT_KEYS = "id type html_url pull_request_url issue_url user body created_at updated_at old_project_id project_id " \
    "old_milestone milestone tracked_time old_title new_title old_ref new_ref ref_issue ref_comment ref_action " \
    "ref_commit_sha review_id label assignee assignee_team removed_assignee resolve_doer dependent_issue"
ISSUE_KEYS = "id url html_url number user original_author original_author_id title body ref assets labels milestone " \
    "assignee assignees state is_locked comments created_at updated_at closed_at due_date time_estimate pull_request " \
    "repository pin_order content_version"
PULL_KEYS = "id url number user title body labels milestone assignee assignees requested_reviewers " \
    "requested_reviewers_teams state draft is_locked comments additions deletions changed_files html_url diff_url " \
    "patch_url mergeable merged merged_at merge_commit_sha merged_by allow_maintainer_edit base head merge_base " \
    "due_date created_at updated_at closed_at pin_order content_version"
USER_KEYS = "id login login_name source_id full_name email avatar_url html_url language is_admin last_login created " \
    "restricted active prohibit_login location website description visibility followers_count following_count " \
    "starred_repos_count username"
CONTENT_KEYS = "name path sha last_commit_sha last_committer_date last_author_date type size encoding content target " \
    "url html_url git_url download_url submodule_git_url _links"
BUILD_KEYS = "id repo_id trigger number status event action link timestamp message before after ref source_repo " \
    "source target author_login author_name author_email author_avatar sender params started finished created " \
    "updated version"
STAGE_KEYS = "id repo_id build_id number name kind type status errignore exit_code machine os arch limit started " \
    "stopped created updated version on_success on_failure steps"
STEP_KEYS = "id step_id number name status exit_code started stopped version"
DRONE_REPO_KEYS = "id uid user_id namespace name slug scm git_http_url git_ssh_url link default_branch private " \
    "visibility active config_path trusted protected ignore_forks ignore_pull_requests auto_cancel_pull_requests " \
    "auto_cancel_pushes auto_cancel_running timeout counter synced created updated version archived"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z")


class Contract:
    """What both halves share: one world, started once for the class."""

    make_world = None
    world = None
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.world = cls.make_world()
        try:
            cls.fill()
        except BaseException:
            cls.world.down()
            raise

    @classmethod
    def fill(cls):
        world = cls.world
        world.put_files(CI_REPO, {".drone.yml": PIPELINE, "tests/recipes/custom-html/suite.yml": "weight: 1\n"})
        world.put_files(CI_REPO, {".drone.yml": PIPELINE.replace("[custom]", "[push]")}, branch="nomatch")
        world.put_files(CI_REPO, {".drone.yml": "a: b: c\n"}, branch="broken")
        if world.is_lab:  # Gitea tells Drone of a push when it comes to that, and of two in either order
            wait_for(lambda: len(world.builds()) >= 2, 60, "builds of the two pushes")

    @classmethod
    def tearDownClass(cls):
        try:
            cls.world.check()
        finally:
            cls.world.down()

    def keys(self, value, names):
        self.assertEqual(sorted(value), sorted(names.split()))

    def forge(self, user, method, path, wanted, body=None, message=None):
        """One forge call whose status (and message) must be this; returns the value."""
        status, value, head = self.world.forge_api(user, method, path, body)
        self.assertEqual(status, wanted, f"{method} {path} as {user}: {value!r}")
        if message is not None:
            self.assertIn(message, value["message"])
            self.assertIn("url", value)
        self.head = head
        return value

    def drone(self, user, method, path, wanted, body=None, message=None):
        status, value, _ = self.world.drone_api(user, method, path, body)
        self.assertEqual(status, wanted, f"{method} {path} as {user}: {value!r}")
        if message is not None:
            self.assertEqual(value, {"message": message})
        return value


class ForgeContract(Contract):
    repo = f"/repos/{ORG}/{PUBLIC}"
    private = f"/repos/{ORG}/{PRIVATE}"

    def pull_request(self, name, repo=PUBLIC, user="member"):
        return self.world.open_pr(repo, f"{name}-{time.time_ns()}", user=user)

    # ---------------------------------------------------------------- comments

    def test_forge_comments_list(self):
        world, number, issue = self.world, self.pull_request("list"), self.world.open_issue(PUBLIC)
        first = world.comment(PUBLIC, number, "member", "!testme\r\nline two")
        on_issue = world.comment(PUBLIC, issue, "member", "on an issue")
        second = world.comment(PUBLIC, number, "bot", "answer")
        rows = self.forge("bot", "GET", f"{self.repo}/issues/comments?limit=50", 200)
        self.assertEqual([row["id"] for row in rows][-3:], [first, on_issue, second])
        by_id = {row["id"]: row for row in rows}
        for row in rows:
            self.keys(row, COMMENT_KEYS)
            self.keys(row["user"], USER_KEYS)
            self.assertRegex(row["created_at"], STAMP)
        self.assertEqual(by_id[first]["body"], "!testme\r\nline two")
        self.assertEqual(by_id[first]["pull_request_url"], f"{world.forge_url}/{ORG}/{PUBLIC}/pulls/{number}")
        self.assertEqual(by_id[first]["issue_url"], "")
        self.assertEqual(by_id[on_issue]["pull_request_url"], "")
        self.assertEqual(by_id[on_issue]["issue_url"], f"{world.forge_url}/{ORG}/{PUBLIC}/issues/{issue}")
        self.assertEqual(by_id[first]["html_url"],
            f"{world.forge_url}/{ORG}/{PUBLIC}/pulls/{number}#issuecomment-{first}")
        self.assertEqual(by_id[first]["user"]["login"], "member")
        self.assertEqual(int(self.head["X-Total-Count"]), len(rows))
        self.assertIsNone(self.head["Link"])
        of_pull = self.forge("bot", "GET", f"{self.repo}/issues/{number}/comments", 200)
        self.assertEqual([row["id"] for row in of_pull], [first, second])

    def test_forge_comments_since(self):
        """since filters on updated_at, inclusive, in seconds: an edit brings an old comment back in its old place."""
        world, number = self.world, self.pull_request("since")
        old = world.comment(PUBLIC, number, "member", "old")
        created = self.forge("bot", "GET", f"{self.repo}/issues/comments/{old}", 200)["created_at"]
        time.sleep(1.1)
        new = world.comment(PUBLIC, number, "member", "new")
        now = self.forge("bot", "GET", f"{self.repo}/issues/comments/{new}", 200)["created_at"]
        self.assertGreater(now, created)
        listed = f"{self.repo}/issues/comments?limit=50&since="
        self.assertEqual([row["id"] for row in self.forge("bot", "GET", listed + now, 200)], [new])
        self.assertEqual([row["id"] for row in self.forge("bot", "GET", listed + now[:-1] + ".9Z", 200)], [new])
        shifted = urllib.parse.quote(now[:-1] + "+00:00")
        self.assertEqual([row["id"] for row in self.forge("bot", "GET", listed + shifted, 200)], [new])
        self.assertIn(old, [row["id"] for row in self.forge("bot", "GET", listed + created, 200)])
        self.assertNotIn(new, [row["id"] for row in self.forge("bot", "GET",
            f"{self.repo}/issues/comments?limit=50&before={created}", 200)])
        world.edit_comment(PUBLIC, old, "member", "edited")
        rows = self.forge("bot", "GET", listed + now, 200)
        self.assertEqual([row["id"] for row in rows], [old, new])
        self.assertEqual((rows[0]["created_at"], rows[0]["body"]), (created, "edited"))
        self.assertGreaterEqual(rows[0]["updated_at"], now)
        self.assertEqual(self.forge("bot", "GET", listed + "2030-01-01T00:00:00Z", 200), [])
        self.forge("bot", "GET", listed + "1795317886", 422, message="parsing time")

    def test_forge_comments_pages(self):
        world = self.world
        number = self.pull_request("pages", PRIVATE)
        for index in range(52):
            world.comment(PRIVATE, number, "member", f"comment {index}")
        listed = f"{self.private}/issues/comments"
        whole = int(self.forge("bot", "GET", listed, 200) and self.head["X-Total-Count"])
        self.assertGreaterEqual(whole, 52)
        self.assertEqual(len(self.forge("bot", "GET", listed, 200)), 30)
        self.assertEqual(len(self.forge("bot", "GET", listed + "?limit=0", 200)), 30)
        one = self.forge("bot", "GET", listed + "?limit=1000", 200)
        self.assertEqual(len(one), 50)
        two = self.forge("bot", "GET", listed + "?limit=50&page=2", 200)
        self.assertEqual(len(two), whole - 50)
        self.assertEqual(int(self.head["X-Total-Count"]), whole)
        ids = [row["id"] for row in one + two]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(self.forge("bot", "GET", listed + "?limit=50&page=9", 200), [])

    def test_forge_comment_alone(self):
        world, number = self.world, self.pull_request("alone")
        comment = world.comment(PUBLIC, number, "member", "text")
        self.keys(self.forge("bot", "GET", f"{self.repo}/issues/comments/{comment}", 200), COMMENT_KEYS)
        self.forge("bot", "GET", f"{self.private}/issues/comments/{comment}", 404, message="not found")
        event = self.forge("bot", "GET", f"{self.repo}/issues/{number}/timeline", 200)[0]["id"]
        self.assertEqual(self.forge("bot", "GET", f"{self.repo}/issues/comments/{event}", 204), b"")
        world.delete_comment(PUBLIC, comment, "member")
        gone = self.forge("bot", "GET", f"{self.repo}/issues/comments/{comment}", 404, message="not found")
        self.assertEqual(gone["errors"], [f"comment does not exist [id: {comment}, issue_id: 0]"])
        self.assertNotIn(comment, [row["id"] for row in
            self.forge("bot", "GET", f"{self.repo}/issues/{number}/comments", 200)])

    def test_forge_deleted_user(self):
        """Its comments stay as a ghost's in the lists; asked for alone they are the server's own mistake."""
        world, number = self.world, self.pull_request("ghost")
        world.new_person("leaving")
        comment = world.comment(PUBLIC, number, "leaving", "text")
        world.delete_person("leaving")
        row = self.forge("bot", "GET", f"{self.repo}/issues/{number}/comments", 200)[0]
        self.keys(row, COMMENT_KEYS)
        self.assertEqual((row["id"], row["user"]["id"], row["user"]["login"]), (comment, -1, "Ghost"))
        self.assertIn(row, self.forge("bot", "GET", f"{self.repo}/issues/comments?limit=50", 200))
        self.forge("bot", "GET", f"{self.repo}/issues/comments/{comment}", 500, message="")

    def test_forge_renamed_repository(self):
        """A redirect under the old name, for everybody and every method; lists name the new one only."""
        world = self.world
        world.new_recipe("wanderer")
        number = world.open_pr("wanderer", "fix")
        comment = world.comment("wanderer", number, "member", "text")
        old, new = f"/repos/{ORG}/wanderer", f"/repos/{ORG}/wandered"
        world.rename_repo("wanderer", "wandered")
        for user in ("bot", "outsider"):
            for method, path, body in (("GET", "", None), ("GET", "/issues/comments?since=2020-01-01T00:00:00Z", None),
                    ("GET", f"/issues/comments/{comment}", None), ("GET", f"/pulls/{number}", None),
                    ("GET", f"/issues/{number}/timeline", None), ("POST", f"/issues/{number}/comments", {"body": "x"}),
                    ("PATCH", f"/issues/comments/{comment}", {"body": "x"}),
                    ("POST", f"/issues/comments/{comment}/reactions", {"content": "eyes"})):
                self.forge(user, method, f"{old}{path}", 301, body)
                self.assertEqual(self.head["Location"], f"/api/v1{new}{path}")
        repo = self.forge("bot", "GET", new, 200)
        self.assertEqual((repo["full_name"], repo["archived"], repo["has_pull_requests"]), (f"{ORG}/wandered", False, True))
        row = self.forge("bot", "GET", f"{new}/issues/comments", 200)[0]
        self.assertEqual((row["id"], row["body"]), (comment, "text"))
        self.assertIn("/wandered/pulls/", row["pull_request_url"])
        self.assertEqual(self.found("wandered", number)["repository"]["id"], repo["id"])
        self.assertIsNone(self.found("wanderer", number))
        world.rename_repo("wandered", "wanderer")
        self.assertEqual(self.forge("bot", "GET", old, 200)["id"], repo["id"])
        self.forge("bot", "GET", new, 301)

    def test_forge_archived_repository(self):
        world = self.world
        world.new_recipe("asleep")
        number = world.open_pr("asleep", "fix")
        comment, own = (world.comment("asleep", number, user, "text") for user in ("member", "bot"))
        world.archive_repo("asleep")
        path = f"/repos/{ORG}/asleep"
        self.assertTrue(self.forge("bot", "GET", path, 200)["archived"])
        self.assertEqual(len(self.forge("bot", "GET", f"{path}/issues/comments", 200)), 2)
        self.forge("bot", "GET", f"{path}/pulls/{number}", 200)
        self.assertIsNotNone(self.found("asleep", number))
        words = f"{ORG}/asleep is archived"
        self.forge("bot", "POST", f"{path}/issues/{number}/comments", 423, {"body": "x"}, words)
        self.forge("bot", "PATCH", f"{path}/issues/comments/{own}", 423, {"body": "x"}, words)
        self.forge("bot", "POST", f"{path}/issues/comments/{comment}/reactions", 201, {"content": "eyes"})
        world.archive_repo("asleep", False)
        self.forge("bot", "POST", f"{path}/issues/{number}/comments", 201, {"body": "x"})

    def test_forge_migrated_repository(self):
        """Nothing of a comment says that it came with a migration; its time is older than the repository."""
        world = self.world
        world.new_recipe("origin")
        number = world.open_pr("origin", "fix")
        world.new_person("left")
        world.comment("origin", number, "left", "of nobody here")
        world.comment("origin", number, "member", "of somebody here")
        world.delete_person("left")
        time.sleep(1.1)
        world.migrate("origin", "copy")
        path = f"/repos/{ORG}/copy"
        rows = self.forge("bot", "GET", f"{path}/issues/comments", 200)
        self.assertEqual([(row["user"]["login"], row["body"], row["original_author"], row["original_author_id"])
            for row in rows], [("lab-admin", "of nobody here", "", 0), ("member", "of somebody here", "", 0)])
        repo = self.forge("bot", "GET", path, 200)
        self.assertTrue(all(row["created_at"] < repo["created_at"] for row in rows))
        self.assertIsNotNone(self.found("copy", number))

    # ---------------------------------------------------------------- one request for all repositories

    def search(self, user="bot", **query):
        query = {"type": "pulls", "state": "all", "owner": ORG, "limit": "50", **query}
        query = {name: value for name, value in query.items() if value is not None}
        return self.forge(user, "GET", "/repos/issues/search?" + urllib.parse.urlencode(query), 200)

    def found(self, repo, number, **query):
        rows = [row for row in self.search(**query)
            if row["repository"]["full_name"] == f"{ORG}/{repo}" and row["number"] == number]
        return rows[0] if rows else None

    def test_forge_search(self):
        world = self.world
        public, hidden = self.pull_request("search"), self.pull_request("search", PRIVATE)
        rows = self.search()
        for row in rows:
            self.keys(row, ISSUE_KEYS)
            self.keys(row["repository"], "id name owner full_name")
            self.assertRegex(row["updated_at"], STAMP)
        created = [row["created_at"] for row in rows]
        self.assertEqual(created, sorted(created, reverse=True))
        self.assertEqual(int(self.head["X-Total-Count"]), len(rows))
        self.assertIsNotNone(self.found(PUBLIC, public))
        self.assertIsNotNone(self.found(PRIVATE, hidden))
        self.assertIsNotNone(self.found(PUBLIC, public, user="outsider"))
        self.assertIsNone(self.found(PRIVATE, hidden, user="outsider"))
        self.assertIsNone(self.found(PRIVATE, hidden, user=None))
        self.assertEqual(len(self.search(limit="1")), 1)
        self.assertEqual(self.search(since="2030-01-01T00:00:00Z"), [])
        world.close_pr(PUBLIC, public)
        self.assertEqual(self.found(PUBLIC, public)["state"], "closed")
        self.assertIsNone(self.found(PUBLIC, public, state=None))
        self.forge("bot", "GET", "/repos/issues/search?type=pulls&state=all&owner=nosuch", 400, message="user does not exist")
        self.forge("bot", "GET", f"/repos/issues/search?type=pulls&owner={ORG}&since=12", 422, message="parsing time")

    def test_forge_search_sees_comments_not_edits(self):
        world, number = self.world, self.pull_request("moves")
        before = self.found(PUBLIC, number)["updated_at"]
        time.sleep(1.1)
        comment = world.comment(PUBLIC, number, "member", "text")
        after = self.found(PUBLIC, number)["updated_at"]
        self.assertGreater(after, before)
        self.assertIsNotNone(self.found(PUBLIC, number, since=after))
        time.sleep(1.1)
        world.edit_comment(PUBLIC, comment, "member", "edited")
        world.delete_comment(PUBLIC, comment, "member")
        self.assertEqual(self.found(PUBLIC, number)["updated_at"], after)
        world.push(PUBLIC, number)
        wait_for(lambda: self.found(PUBLIC, number)["updated_at"] > after, 5, "a push that moves updated_at")

    # ---------------------------------------------------------------- who may what

    def test_forge_membership(self):
        def member(user, login, wanted, message=None, org=ORG):
            return self.forge(user, "GET", f"/orgs/{org}/members/{login}", wanted, message=message)
        for login in ("member", "MEMBER", "bot", "lab-admin"):
            self.assertEqual(member("bot", login, 204), b"")
        member("bot", "outsider", 404, "not found")
        self.assertEqual(member("bot", "nosuch", 404, "GetUserByName")["errors"],
            ["user does not exist [uid: 0, name: nosuch]"])
        member("bot", "member", 404, "GetOrgByName", org="nosuch")
        member("outsider", "member", 303)
        self.assertEqual(self.head["Location"], f"/api/v1/orgs/{ORG}/public_members/member")
        member("outsider", "outsider", 404)
        member(None, "member", 401, "token is required")
        member("bad", "member", 401, "invalid username, password or token")
        self.forge("outsider", "GET", f"/orgs/{ORG}/public_members/member", 404)

    def test_forge_reader_rights(self):
        world, number = self.world, self.pull_request("rights")
        other = world.comment(PUBLIC, number, "member", "of another")
        comments = f"{self.repo}/issues/{number}/comments"
        own = self.forge("bot", "POST", comments, 201, {"body": "mine"})
        self.keys(own, COMMENT_KEYS)
        self.forge("bot", "POST", comments, 422, {"body": ""}, "[Body]: Required")
        self.forge("bot", "POST", f"{self.repo}/issues/99999/comments", 500, {"body": "x"}, "")
        self.forge("bot", "POST", "/repos/nosuch/nosuch/issues/1/comments", 404, {"body": "x"})
        path = f"{self.repo}/issues/comments"
        self.assertEqual(self.forge("bot", "PATCH", f"{path}/{own['id']}", 200, {"body": "changed"})["body"], "changed")
        self.assertEqual(self.forge("bot", "PATCH", f"{path}/{other}", 403, {"body": "x"}), b"")
        self.assertEqual(self.forge("bot", "DELETE", f"{path}/{other}", 403), b"")
        self.assertEqual(self.forge("bot", "DELETE", f"{path}/{own['id']}", 204), b"")
        self.forge("bot", "DELETE", f"{path}/{own['id']}", 404)
        self.forge("bot", "PATCH", f"{path}/{own['id']}", 404, {"body": "x"})
        self.forge("bot", "GET", f"{self.repo}/hooks", 403, message="should be an owner or a collaborator")
        scopes = "token does not have at least one of required scope(s), required=[write:repository]"
        self.forge("bot", "POST", f"{self.repo}/hooks", 403, {"type": "gitea"}, scopes)
        sha = world.head(PUBLIC, number)
        self.forge("bot", "POST", f"{self.repo}/statuses/{sha}", 403, {"state": "success"}, scopes)
        everything = world.new_token("bot", ("write:repository", "write:issue"))
        self.forge(everything, "GET", f"{self.repo}/hooks", 403, message="should be an owner or a collaborator")
        self.forge(everything, "POST", f"{self.repo}/statuses/{sha}", 403, {"state": "success"},
            "user should have a permission to write to a repo")
        self.forge(None, "POST", comments, 401, {"body": "x"}, "token is required")
        self.forge("bad", "GET", comments, 401, message="invalid username, password or token")
        self.assertEqual(self.world.forge_api("bot", "HEAD", comments)[0], 405)

    def test_forge_scopes(self):
        """Which scope each read needs: what an operator's token must have."""
        number = self.pull_request("scopes")
        needs = {f"/repos/issues/search?type=pulls&owner={ORG}": "read:issue", f"{self.repo}/issues/comments": "read:issue",
            f"{self.repo}/issues/{number}/timeline": "read:issue", f"{self.repo}/pulls/{number}": "read:repository",
            f"{self.repo}/contents": "read:repository", self.repo: "read:repository",
            f"/orgs/{ORG}/members/bot": "read:organization", "/user": "read:user"}
        for scope in set(needs.values()):
            token = self.world.new_token("member", (scope,))
            for path, needed in needs.items():
                status, value, _ = self.world.forge_api(token, "GET", path)
                self.assertEqual(status in (200, 204), needed == scope, f"{path} with {scope}: {status} {value!r}")
                if needed != scope:
                    self.assertEqual(status, 403)
                    self.assertIn(f"required=[{needed}]", value["message"])
        token = self.world.new_token("member", ("read:issue",))
        self.forge(token, "POST", f"{self.repo}/issues/{number}/comments", 403, {"body": "x"}, "required=[write:issue]")

    def test_forge_reactions(self):
        world, number = self.world, self.pull_request("react")
        comment = world.comment(PUBLIC, number, "member", "text")
        path = f"{self.repo}/issues/comments/{comment}/reactions"
        self.keys(self.forge("bot", "POST", path, 201, {"content": "eyes"}), "user content created_at")
        self.forge("bot", "POST", path, 200, {"content": "eyes"})
        self.assertEqual(world.reactions(PUBLIC, comment), [("bot", "eyes")])
        self.forge("bot", "POST", path, 403, {"content": "nosuch"}, "'nosuch' is not an allowed reaction")
        self.forge("bot", "POST", f"{self.repo}/issues/comments/99999999/reactions", 404, {"content": "eyes"})
        self.forge("bot", "DELETE", path, 204, {"content": "eyes"})
        self.assertEqual(world.reactions(PUBLIC, comment), [])

    def test_forge_private(self):
        number = self.pull_request("hidden", PRIVATE)
        for path in (self.private, f"{self.private}/pulls/{number}", f"{self.private}/issues/comments",
                     f"{self.private}/issues/{number}/timeline", f"{self.private}/contents"):
            self.forge("bot", "GET", path, 200)
            self.forge("outsider", "GET", path, 404, message="not found")
            self.forge(None, "GET", path, 404, message="not found")
        self.forge(None, "GET", self.repo, 200)

    def test_forge_small_reads(self):
        world = self.world
        self.assertRegex(self.forge("bot", "GET", "/version", 200)["version"], r"\A1\.")
        settings = self.forge("bot", "GET", "/settings/api", 200)
        self.assertEqual((settings["max_response_items"], settings["default_paging_num"]), (50, 30))
        user = self.forge("bot", "GET", "/user", 200)
        self.keys(user, USER_KEYS)
        self.assertEqual((user["login"], user["is_admin"]), ("bot", False))
        self.forge(None, "GET", "/user", 401, message="token is required")
        repo = self.forge("bot", "GET", self.repo, 200)
        self.assertEqual((repo["full_name"], repo["private"], repo["default_branch"], repo["permissions"]),
            (f"{ORG}/{PUBLIC}", False, "main", {"admin": False, "push": False, "pull": True}))
        self.assertEqual(repo["clone_url"], world.git_url(PUBLIC))
        self.forge("bot", "GET", f"/repos/{ORG}/nosuch", 404, message="not found")
        names = [row["full_name"] for row in self.forge("bot", "GET", f"/orgs/{ORG}/repos?limit=50", 200)]
        for name in (PUBLIC, PRIVATE, "cc-ci"):
            self.assertIn(f"{ORG}/{name}", names)

    def test_forge_contents(self):
        path = f"/repos/{CI_REPO}/contents"
        rows = self.forge("bot", "GET", f"{path}/tests/recipes", 200)
        self.keys(rows[0], CONTENT_KEYS)
        self.assertEqual([(row["name"], row["path"], row["type"]) for row in rows],
            [("custom-html", "tests/recipes/custom-html", "dir")])
        file = self.forge("bot", "GET", f"{path}/tests/recipes/custom-html/suite.yml?ref=main", 200)
        self.keys(file, CONTENT_KEYS)
        self.assertEqual((file["type"], file["encoding"], file["content"]), ("file", "base64", "d2VpZ2h0OiAxCg=="))
        self.assertIn("tests", [row["name"] for row in self.forge("bot", "GET", path, 200)])
        self.forge("bot", "GET", f"{path}/tests/nosuch", 404, message="GetContentsOrList")
        self.forge("bot", "GET", f"{path}/tests?ref=nosuch", 404, message="not found")
        self.assertEqual(self.forge("bot", "GET", f"/repos/{CI_REPO}/raw/tests/recipes/custom-html/suite.yml", 200),
            b"weight: 1\n")
        self.forge("bot", "GET", f"/repos/{CI_REPO}/raw/nosuch", 404)

    # ---------------------------------------------------------------- pull requests

    def test_forge_pull(self):
        world, number, issue = self.world, self.pull_request("pull"), self.world.open_issue(PUBLIC)
        pull = self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)
        self.keys({name: value for name, value in pull.items() if name != "review_comments"}, PULL_KEYS)
        self.assertEqual((pull["number"], pull["state"], pull["merged"], pull["draft"], pull["user"]["login"]),
            (number, "open", False, False, "member"))
        self.keys(pull["head"], "label ref sha repo_id repo")
        self.assertEqual(pull["head"]["repo"]["full_name"], f"{ORG}/{PUBLIC}")
        self.assertEqual((pull["base"]["ref"], pull["base"]["repo"]["full_name"]), ("main", f"{ORG}/{PUBLIC}"))
        self.assertEqual(pull["merge_base"], pull["base"]["sha"])
        self.forge("bot", "GET", f"{self.repo}/pulls/{issue}", 404, message="not found")
        self.forge("bot", "GET", f"{self.repo}/pulls/99999", 404, message="not found")
        new = world.push(PUBLIC, number)
        self.assertEqual(self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)["head"]["sha"], new)
        world.close_pr(PUBLIC, number)
        closed = self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)
        self.assertEqual(closed["state"], "closed")
        self.assertRegex(closed["closed_at"], STAMP)

    def test_forge_pull_of_a_fork(self):
        world, number = self.world, self.pull_request("fork", user="outsider")
        pull = self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)
        self.assertEqual(pull["head"]["repo"]["full_name"], f"outsider/{PUBLIC}")
        self.assertEqual(pull["user"]["login"], "outsider")
        self.assertTrue(pull["head"]["repo"]["fork"])
        self.assertEqual(self.fetch(PUBLIC, f"refs/pull/{number}/head"), pull["head"]["sha"])
        self.assertEqual(self.fetch(PUBLIC, pull["head"]["sha"]), pull["head"]["sha"])
        new = world.push(PUBLIC, number)
        self.assertEqual(self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)["head"]["sha"], new)
        self.settled(number)

    def test_forge_comparison(self):
        """Of the head with what its target has since, for a fork's as for a branch's."""
        for user in ("member", "outsider"):
            number = self.pull_request(f"behind-{user}", user=user)
            before = self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)
            pair = f"{before['head']['sha']}...{before['base']['sha']}"
            behind = self.forge("bot", "GET", f"{self.repo}/compare/{pair}", 200)["total_commits"]  # a fork may be old
            for index in range(2):
                self.world.put_files(PUBLIC, {f"{user}-{index}": "x\n"})
            pull = wait_for(lambda: (pull := self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200))
                and pull["base"]["sha"] != before["base"]["sha"] and pull, 10, "new tip of the target")
            self.assertEqual(pull["merge_base"], before["merge_base"])
            pair = f"{pull['head']['sha']}...{pull['base']['sha']}"
            told = self.forge("bot", "GET", f"{self.repo}/compare/{pair}", 200)
            self.keys(told, "total_commits commits")
            self.assertEqual((told["total_commits"], len(told["commits"])), (behind + 2, behind + 2))
            self.assertEqual(told["commits"][0]["sha"], pull["base"]["sha"])
            self.forge("bot", "GET", f"{self.repo}/compare/{pull['head']['sha']}...{'f' * 40}", 404, message="not found")

    def test_forge_head_of_the_default_branch(self):
        """The newest of its commits; of a private repository for whoever may read it."""
        query = "?limit=1&stat=false&verification=false&files=false"
        for name in (PUBLIC, PRIVATE):
            sha = self.world.put_files(name, {f"head-{name}": "x\n"})
            told = wait_for(lambda: (rows := self.forge("bot", "GET", f"/repos/{ORG}/{name}/commits{query}", 200))
                and rows[0]["sha"] == sha and rows, 10, "new head")
            self.assertEqual(len(told), 1)
        self.forge("outsider", "GET", f"/repos/{ORG}/{PRIVATE}/commits{query}", 404, message="not found")
        self.forge("bot", "GET", f"/repos/{ORG}/nobodys/commits{query}", 404, message="not found")

    def timeline(self, number, query="?limit=50", user="bot"):
        return self.forge(user, "GET", f"{self.repo}/issues/{number}/timeline{query}", 200) or []

    def settled(self, number):
        """Waits until the newest pull_push names the head; returns it."""
        def look():
            sha = self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)["head"]["sha"]
            pushes = [row for row in self.timeline(number) if row["type"] == "pull_push"]
            return pushes and json.loads(pushes[-1]["body"])["commit_ids"][-1] == sha and pushes[-1]
        return wait_for(look, 10, "the timeline's event of the newest push")

    def test_forge_timeline(self):
        world, number = self.world, self.pull_request("line")
        opened = self.settled(number)
        first = world.comment(PUBLIC, number, "member", "before")
        old = world.head(PUBLIC, number)
        new = world.push(PUBLIC, number)
        pushed = self.settled(number)
        second = world.comment(PUBLIC, number, "member", "after")
        rows = self.timeline(number)
        self.assertEqual([(row["type"], row["id"]) for row in rows],
            [("pull_push", opened["id"]), ("comment", first), ("pull_push", pushed["id"]), ("comment", second)])
        ids = [row["id"] for row in rows]
        self.assertEqual(ids, sorted(ids), "ids of comments and events are one sequence")
        for row in rows:
            self.keys(row, EVENT_KEYS)
        self.assertEqual(json.loads(opened["body"]), {"is_force_push": False, "commit_ids": [old]})
        self.assertEqual(json.loads(pushed["body"]), {"is_force_push": False, "commit_ids": [new]})
        self.assertEqual(pushed["user"]["login"], "member")
        self.assertEqual([row["id"] for row in self.timeline(number, "?limit=2&page=2")], ids[2:4])
        self.assertEqual(self.head["X-Total-Count"], "2")
        forced = world.push(PUBLIC, number, force=True)
        event = self.settled(number)
        self.assertEqual(json.loads(event["body"]), {"is_force_push": True, "commit_ids": [new, forced]})
        rows = self.timeline(number)
        self.assertEqual([(row["type"], row["id"]) for row in rows], [("pull_push", opened["id"]), ("comment", first),
            ("comment", second), ("pull_push", rows[3]["id"]), ("pull_push", event["id"])], "the lost commit's event is gone")
        self.assertEqual(json.loads(rows[3]["body"]), {"is_force_push": False, "commit_ids": [forced]})
        self.assertGreater(rows[3]["id"], second)
        status, raw, _ = exchange("GET", f"{world.forge_url}/api/v1{self.repo}/issues/{number}/timeline"
            "?since=2030-01-01T00:00:00Z", f"token {world.tokens['bot']}")
        self.assertEqual((status, raw.strip()), (200, b"null"))
        self.forge("bot", "GET", f"{self.repo}/issues/99999/timeline", 500, message="")

    def test_forge_timeline_of_a_closed_pull(self):
        """A push while the pull request is closed moves the head and makes no event, not even at reopen."""
        world, number = self.world, self.pull_request("closed")
        self.settled(number)
        world.close_pr(PUBLIC, number)
        new = world.push(PUBLIC, number)
        time.sleep(2.5 if world.is_lab else 0)
        world.reopen_pr(PUBLIC, number)
        kinds = wait_for(lambda: (rows := [row["type"] for row in self.timeline(number)]) and rows[-1] == "reopen" and rows,
            5, "the reopen event")
        self.assertEqual(kinds, ["pull_push", "close", "reopen"])
        self.assertEqual(self.forge("bot", "GET", f"{self.repo}/pulls/{number}", 200)["head"]["sha"], new)
        world.push(PUBLIC, number)
        self.assertEqual(self.settled(number)["type"], "pull_push")

    # ---------------------------------------------------------------- git over HTTP

    def git(self, *arguments, header=None, key="http.extraHeader"):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0"}
        if header is not None:
            environment |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": key, "GIT_CONFIG_VALUE_0": header}
        return subprocess.run(["git", *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=60, check=False)

    def fetch(self, repo, what, header=None, key="http.extraHeader", wanted=0, said=""):
        """Fetches at depth 1 into a new repository; returns the commit."""
        where = os.path.join(self.world.directory, f"fetch-{time.time_ns()}")
        self.assertEqual(self.git("init", "-q", where).returncode, 0)
        done = self.git("-C", where, "fetch", "-q", "--depth=1", self.world.git_url(repo), what, header=header, key=key)
        self.assertEqual(done.returncode, wanted, done.stdout)
        self.assertIn(said, done.stdout)
        return self.git("-C", where, "rev-parse", "FETCH_HEAD^{commit}").stdout.strip() if wanted == 0 else None

    def test_forge_git(self):
        world, number = self.world, self.pull_request("git", PRIVATE)
        old = world.head(PRIVATE, number)
        new = world.push(PRIVATE, number)
        token = f"Authorization: token {world.tokens['bot']}"
        self.assertEqual(self.fetch(PRIVATE, f"refs/pull/{number}/head", token), new)
        self.assertEqual(self.fetch(PRIVATE, new, token), new)
        self.assertEqual(self.fetch(PRIVATE, old, token), old, "a commit that is no ref's tip")
        self.assertEqual(self.fetch(PRIVATE, new, token, f"http.{world.forge_url}/.extraHeader"), new)
        self.assertEqual(self.fetch(PRIVATE, new, token.replace("token", "Bearer", 1)), new)
        self.fetch(PRIVATE, "0123456789" * 4, token, wanted=128, said="not our ref")
        self.fetch(PRIVATE, new, wanted=128, said="terminal prompts disabled")
        self.fetch(PRIVATE, new, "Authorization: token bad", wanted=128)
        self.fetch(PRIVATE, new, f"Authorization: token {world.tokens['outsider']}", wanted=128, said="not found")
        tags = self.git("ls-remote", "--tags", world.git_url(PUBLIC))
        self.assertIn("refs/tags/0.1.0+1.0.0\n", tags.stdout)

    def test_forge_imported_repository(self):
        """Executables, tags and branches of a local repository arrive as they are."""
        source = BareRepo(os.path.join(self.world.directory, f"source-{time.time_ns()}")).create()
        sha = source.commit("main", {"compose.yml": "x: 1\n", "check": "#!/bin/sh\n"}, "first")
        source.commit("pull", {"compose.yml": "x: 2\n"}, "second", parent=sha)
        source.tag("1.0.0+1.0.0", sha)
        self.world.import_repo("imported", source.path, private=True)
        token = f"Authorization: token {self.world.tokens['bot']}"
        self.assertEqual(self.fetch("imported", "refs/tags/1.0.0+1.0.0", token), sha)
        number = self.world.open_pr("imported", "pull", {"added": "x\n"})
        self.assertEqual(self.fetch("imported", f"refs/pull/{number}/head", token), self.world.head("imported", number))

    # ---------------------------------------------------------------- commit statuses

    def test_forge_commit_statuses(self):
        world, number = self.world, self.pull_request("status")
        sha, fork = world.head(PUBLIC, number), world.open_pr(PUBLIC, "status-of-a-fork", user="outsider")
        row = {"context": "ccci", "state": "pending", "description": "queued", "target_url": "http://127.0.0.1:9/41"}
        made = self.forge("lab-admin", "POST", f"{self.repo}/statuses/{sha}", 201, row)
        self.keys(made, "id status target_url description url context creator created_at updated_at")
        self.assertEqual((made["status"], made["context"], made["description"], made["target_url"]),
            ("pending", "ccci", "queued", row["target_url"]))
        for state in ("success", "failure", "error", "error"):
            self.forge("member", "POST", f"{self.repo}/statuses/{sha}", 201, {**row, "state": state})
        self.forge("member", "POST", f"{self.repo}/statuses/{sha}", 201, {**row, "context": "other", "state": "success"})
        path = f"{self.repo}/commits/{sha}/statuses?sort=leastindex"
        rows = self.forge("bot", "GET", f"{path}&page=1&limit=50", 200)
        self.assertEqual([(row["context"], row["status"]) for row in rows], [("other", "success"), ("ccci", "error"),
            ("ccci", "error"), ("ccci", "failure"), ("ccci", "success"), ("ccci", "pending")])
        self.assertEqual(self.head["X-Total-Count"], "6")
        self.assertEqual(sorted((row["id"] for row in rows), reverse=True), [row["id"] for row in rows])
        self.assertEqual(self.forge("bot", "GET", f"{path}&page=2&limit=2", 200), rows[2:4])
        self.forge("lab-admin", "POST", f"{self.repo}/statuses/{world.head(PUBLIC, fork)}", 201, row)
        self.forge("lab-admin", "POST", f"{self.repo}/statuses/{'0123456789' * 4}", 500, row, "object does not exist")

    # ---------------------------------------------------------------- webhooks

    def test_forge_webhooks(self):
        world, number, issue = self.world, self.pull_request("hook"), self.world.open_issue(PUBLIC)
        receiver, secret = Receiver(), "a-secret-of-the-test"
        try:
            world.add_hook(PUBLIC, receiver.url("/pulls"), secret)
            world.add_hook(PUBLIC, receiver.url("/issues"), secret, ("issue_comment",))
            world.comment(PUBLIC, issue, "member", "on an issue")
            comment = world.comment(PUBLIC, number, "member", '!testme\r\n"ünï"')
            world.edit_comment(PUBLIC, comment, "member", "edited")
            world.comment(PUBLIC, number, "bot", "of the bot")
            world.delete_comment(PUBLIC, comment, "member")
            wait_for(lambda: len(receiver.got) >= 5, 20, "five deliveries")
            time.sleep(0.5 if world.is_lab else 0.05)
            said = [(path, json.loads(body)["action"], json.loads(body)["comment"]["body"]) for path, _, body in receiver.got]
            self.assertEqual(said, [("/issues", "created", "on an issue"), ("/pulls", "created", '!testme\r\n"ünï"'),
                ("/pulls", "edited", "edited"), ("/pulls", "created", "of the bot"), ("/pulls", "deleted", "edited")])
            for path, headers, body in receiver.got:
                self.check_delivery(path, headers, body, secret)
            payload = json.loads(receiver.got[1][2])
            self.assertEqual(list(payload), "action issue pull_request comment repository sender is_pull".split())
            self.keys(payload["comment"], COMMENT_KEYS)
            self.assertEqual((payload["comment"]["id"], payload["issue"]["number"], payload["is_pull"]),
                (comment, number, True))
            self.assertEqual(payload["pull_request"]["head"]["sha"], world.head(PUBLIC, number))
            self.assertEqual((payload["repository"]["full_name"], payload["repository"]["private"],
                payload["sender"]["login"]), (f"{ORG}/{PUBLIC}", False, "member"))
            self.assertEqual(json.loads(receiver.got[2][2])["changes"]["body"]["from"], '!testme\r\n"ünï"')
            self.assertFalse(json.loads(receiver.got[0][2])["is_pull"])
            self.assertNotIn("pull_request", json.loads(receiver.got[0][2]))
            receiver.status = 500
            world.comment(PUBLIC, number, "member", "answered 500")
            wait_for(lambda: len(receiver.got) >= 6, 20, "the sixth delivery")
            time.sleep(1 if world.is_lab else 0.1)
            self.assertEqual(len(receiver.got), 6, "no retry")
            hook = self.forge("lab-admin", "GET", f"{self.repo}/hooks", 200)[0]
            self.forge("lab-admin", "PATCH", f"{self.repo}/hooks/{hook['id']}", 200, {"events": hook["events"],
                "config": {**hook["config"], "secret": "another-secret-of-the-test"}})
            world.comment(PUBLIC, number, "member", "after an edit of the secret")
            wait_for(lambda: len(receiver.got) >= 7, 20, "the seventh delivery")
            self.check_delivery(*receiver.got[6], secret)
        finally:
            receiver.close()
            for hook in self.forge("lab-admin", "GET", f"{self.repo}/hooks", 200):
                self.keys(hook, "id name type branch_filter config events authorization_header active updated_at created_at")
                self.assertNotIn("secret", hook["config"])
                self.forge("lab-admin", "DELETE", f"{self.repo}/hooks/{hook['id']}", 204)

    def check_delivery(self, path, headers, body, secret):
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Gitea-Signature"], digest)
        self.assertEqual(headers["X-Hub-Signature-256"], f"sha256={digest}")
        self.assertEqual(headers["X-Gitea-Event"], "issue_comment")
        self.assertEqual(headers["X-Gitea-Event-Type"], "pull_request_comment" if path == "/pulls" else "issue_comment")
        self.assertRegex(headers["X-Gitea-Delivery"], r"\A[0-9a-f-]{36}\Z")
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(int(headers["Content-Length"]), len(body))

    def test_forge_hook_events(self):
        hooks = f"{self.repo}/hooks"
        row = {"type": "gitea", "active": False, "events": ["nosuch", "pull_request_comment"],
            "config": {"url": "http://127.0.0.1:9/", "content_type": "json", "secret": "x"}}
        made = self.forge("lab-admin", "POST", hooks, 201, row)
        self.assertEqual(made["events"], ["pull_request_comment"])
        changed = self.forge("lab-admin", "PATCH", f"{hooks}/{made['id']}", 200, {"active": True})
        self.assertEqual((changed["active"], changed["events"], changed["config"]["url"]),
            (True, ["push"], row["config"]["url"]))
        changed = self.forge("lab-admin", "PATCH", f"{hooks}/{made['id']}", 200,
            {"active": True, "events": ["pull_request_comment"], "config": {"url": "http://127.0.0.1:9/b"}})
        self.assertEqual((changed["events"], changed["config"]),
            (["pull_request_comment"], {"url": "http://127.0.0.1:9/b", "content_type": "json"}))
        second = self.forge("lab-admin", "POST", hooks, 201, row)
        self.assertEqual([hook["id"] for hook in self.forge("lab-admin", "GET", f"{hooks}?page=1&limit=50", 200)],
            [made["id"], second["id"]])
        self.assertEqual(self.head["X-Total-Count"], "2")
        self.forge("lab-admin", "DELETE", f"{hooks}/{second['id']}", 204)
        self.forge("lab-admin", "PATCH", f"{hooks}/{second['id']}", 404, {"active": True})
        self.forge("lab-admin", "DELETE", f"{hooks}/{made['id']}", 204)
        self.forge("lab-admin", "DELETE", f"{hooks}/{made['id']}", 404)


class DroneContract(Contract):
    ci = f"/repos/{CI_REPO}"

    def create(self, query="", user="user", wanted=200, message=None):
        return self.drone(user, "POST", f"{self.ci}/builds?{query}", wanted, message=message)

    def start(self, **scripts):
        """A build whose steps run these scripts (ONE, TWO, ...); its number."""
        return self.create(urllib.parse.urlencode(scripts))["number"]

    def run_build(self, **scripts):
        build = self.world.wait_build(self.start(**scripts), seconds=30)
        return build, {step["name"]: step for step in build["stages"][0]["steps"]}

    @staticmethod
    def outcome(steps):
        return {name: (step["status"], step["exit_code"]) for name, step in steps.items() if name != "clone"}

    def test_drone_create(self):
        build = self.create("branch=main&RECIPE=custom-html&PR=7&RECIPE=second&EMPTY=&commit=")
        self.keys(build, BUILD_KEYS)
        self.assertEqual(build["params"], {"RECIPE": "custom-html", "PR": "7", "EMPTY": ""})
        self.assertEqual((build["status"], build["event"], build["trigger"], build["sender"], build["started"]),
            ("pending", "custom", "member", "member", 0))
        self.assertEqual((build["ref"], build["target"]), ("refs/heads/main", "main"))
        self.assertRegex(build["after"], r"\A[0-9a-f]{40}\Z")
        self.assertLess(abs(build["created"] - time.time()), 30)
        done = self.world.wait_build(build["number"])
        self.assertEqual(done["status"], "success")
        self.assertEqual(self.create("commit=" + build["after"])["number"], build["number"] + 1)
        self.create(user="reader", wanted=404, message="Not Found")
        self.create(user=None, wanted=401, message="Unauthorized")
        self.create(user="bad", wanted=401, message="Unauthorized")
        self.create("branch=nosuch", wanted=404, message="Not Found")
        self.create("commit=" + "0" * 40, wanted=404, message="Not Found")
        self.drone("user", "POST", "/repos/nosuch/nosuch/builds", 404, message="Not Found")
        self.assertIsNone(self.create("branch=nomatch"), "no pipeline matches: 200 null")
        broken = self.create("branch=broken")
        self.assertEqual(broken["status"], "error")
        self.assertTrue(broken["error"].startswith("yaml: "), broken["error"])
        self.assertNotIn("stages", self.drone("user", "GET", f"{self.ci}/builds/{broken['number']}", 200))

    def test_drone_reads(self):
        number = self.start(ONE="echo hello; echo two")
        build = self.world.wait_build(number)
        self.keys(build, BUILD_KEYS + " stages")
        stage = build["stages"][0]
        self.keys(stage, STAGE_KEYS)
        self.assertEqual((stage["number"], stage["name"], stage["type"], stage["status"], stage["limit"]),
            (1, "contract", "exec", "success", 1))
        for step in stage["steps"]:
            self.keys({name: value for name, value in step.items() if name != "errignore"}, STEP_KEYS)
        self.assertEqual([(step["number"], step["name"], step["status"]) for step in stage["steps"]],
            [(1, "clone", "success"), (2, "one", "success"), (3, "two", "success"), (4, "ignored", "success"),
             (5, "onfail", "skipped"), (6, "always", "success"), (7, "after", "success")])
        for user in ("reader", None):
            self.assertEqual(self.drone(user, "GET", f"{self.ci}/builds/{number}", 200)["number"], number)
            self.drone(user, "GET", f"{self.ci}/builds/{number}/logs/1/2", 200)
        rows = self.drone(None, "GET", f"{self.ci}/builds", 200)
        self.assertEqual(rows[0]["number"], number)
        self.keys(rows[0], BUILD_KEYS)
        numbers = [row["number"] for row in rows]
        made = [row["number"] for row in rows if row["event"] == "custom"]
        self.assertEqual(made, sorted(made, reverse=True), "only two of one instant, as of the two pushes, may change places")
        self.assertEqual(len(self.drone(None, "GET", f"{self.ci}/builds?per_page=1", 200)), 1)
        self.assertEqual([row["number"] for row in self.drone(None, "GET", f"{self.ci}/builds?per_page=1&page=2", 200)],
            numbers[1:2])
        self.drone("user", "GET", f"{self.ci}/builds/99999", 404, message="sql: no rows in result set")
        self.drone("user", "GET", f"{self.ci}/builds/x", 400)
        self.drone(None, "GET", "/repos/nosuch/nosuch", 401, message="Unauthorized")
        user = self.drone("user", "GET", "/user", 200)
        self.assertEqual((user["login"], user["admin"]), ("member", False))
        self.drone(None, "GET", "/user", 401, message="Unauthorized")

    def test_drone_logs(self):
        number = self.start(ONE="echo one; printf 'no newline'", TWO="sleep 3; printf 'ü\\377\\033[0m\\n'; head -c 40000 /dev/zero | tr '\\0' x")
        path = f"{self.ci}/builds/{number}/logs/1"
        self.world.wait_step(number, "two")
        rows = wait_for(lambda: (answer := self.world.drone_api(None, "GET", f"{path}/2"))[0] == 200 and answer[1], 3,
            "a log while a later step runs")
        self.keys(rows[0], "pos out time")
        self.assertEqual((rows[0]["pos"], rows[0]["out"]), (0, '+ eval "$ONE"\n'))
        self.assertEqual("".join(row["out"] for row in rows[1:]), "one\nno newline")
        self.drone(None, "GET", f"{path}/3", 404, message="sql: no rows in result set")
        self.world.wait_build(number)
        rows = self.drone(None, "GET", f"{path}/3", 200)
        self.assertEqual("".join(row["out"] for row in rows[1:]), "ü\N{REPLACEMENT CHARACTER}\x1b[0m\n" + "x" * 40000)
        self.assertLessEqual(max(len(row["out"].encode()) for row in rows), 32768)
        self.assertEqual([row["pos"] for row in rows], list(range(len(rows))))
        self.drone(None, "GET", f"{path}/5", 404, message="sql: no rows in result set")
        self.drone(None, "GET", f"{path}/99", 404, message="sql: no rows in result set")

    def test_drone_environment(self):
        odd = "$(touch /tmp/never)`id`\"';$HOME\n ü"
        build, _ = self.run_build(ONE="env -0 | base64 -w0; echo; pwd; git log --oneline | wc -l; [ ! -t 1 ]; cat < /dev/stdin",
            RECIPE=odd, HOME="/lost", CI="lost", DRONE_BUILD_NUMBER="lost", USER="won", EMPTY="")
        self.assertEqual(build["status"], "success")
        lines = self.world.log(build["number"], "one").split("\n")
        values = dict(entry.split("=", 1) for entry in base64.b64decode(lines[1]).decode().split("\0") if entry)
        self.assertEqual((values["RECIPE"], values["EMPTY"], values["USER"], values["CI"]), (odd, "", "won", "true"))
        self.assertEqual(values["DRONE_BUILD_NUMBER"], str(build["number"]))
        self.assertEqual(values["DRONE_REPO"], CI_REPO)
        self.assertEqual((values["DRONE_SYSTEM_PROTO"], values["DRONE_SYSTEM_HOST"]),
            ("http", self.world.drone_url.split("//")[1]))
        self.assertEqual(values["DRONE_BUILD_LINK"], f"{self.world.drone_url}/{CI_REPO}/{build['number']}")
        self.assertEqual(values["DRONE_STEP_NAME"], "one")
        self.assertEqual((values["DRONE_BUILD_STATUS"], values["DRONE_BUILD_EVENT"]), ("success", "custom"))
        self.assertAlmostEqual(int(values["DRONE_BUILD_STARTED"]), build["started"], delta=5,
            msg="the runner and the server each look at their clock")
        self.assertRegex(values["DRONE_WORKSPACE"], r"/drone-\w{16}/drone/src\Z")
        self.assertRegex(values["HOME"], r"/drone-\w{16}/home/drone\Z")
        self.assertEqual(lines[2], values["DRONE_WORKSPACE"])
        self.assertGreaterEqual(int(lines[3]), 1, "the clone step checked the repository out")
        self.assertEqual(set(values) - set(ENVIRONMENT.split()), {"RECIPE", "EMPTY", "ONE"})
        self.assertEqual(set(ENVIRONMENT.split()) - set(values), set())
        wait_for(lambda: not os.path.exists(values["DRONE_WORKSPACE"]) and not os.path.exists(values["HOME"]), 5,
            "removed workspace and HOME")

    def test_drone_path_parameter_wins(self):
        build, steps = self.run_build(PATH="/nowhere")
        self.assertEqual((build["status"], steps["clone"]["exit_code"]), ("failure", 127))

    def test_drone_steps(self):
        build, steps = self.run_build(ONE="exit 3", ONFAIL="echo status=$DRONE_BUILD_STATUS failed=$DRONE_FAILED_STEPS",
            AFTER="kill -9 $$")
        self.assertEqual(self.outcome(steps), {"one": ("failure", 3), "two": ("skipped", 0), "ignored": ("skipped", 0),
            "onfail": ("success", 0), "always": ("success", 0), "after": ("failure", -1)})
        self.assertEqual((build["status"], build["stages"][0]["status"], build["stages"][0]["exit_code"]),
            ("failure", "failure", 0))
        self.assertIn("status=failure failed=one\n", self.world.log(build["number"], "onfail"))
        build, steps = self.run_build(IGNORED="exit 5")
        self.assertEqual(build["status"], "success")
        self.assertEqual((steps["ignored"]["status"], steps["ignored"]["errignore"]), ("failure", True))
        self.assertEqual(steps["always"]["status"], "success")

    def test_drone_exit_78(self):
        build, steps = self.run_build(ONE="exit 78")
        self.assertEqual(self.outcome(steps), {"one": ("success", 78), "two": ("skipped", 0), "ignored": ("skipped", 0),
            "onfail": ("skipped", 0), "always": ("skipped", 0), "after": ("skipped", 0)})
        self.assertEqual(build["status"], "success")

    def test_drone_held_stdout(self):
        """A step lasts until everybody closed its output; a child that closed it outlives the build."""
        marker = os.path.join(self.world.directory, f"held-{time.time_ns()}")
        started = time.monotonic()
        build, _ = self.run_build(ONE="sleep 1.2 &",
            TWO=f"setsid sh -c 'sleep 6; touch {marker}' </dev/null >/dev/null 2>&1 &")
        self.assertEqual(build["status"], "success")
        self.assertGreater(time.monotonic() - started, 1.2)
        self.assertFalse(os.path.exists(marker))
        wait_for(lambda: os.path.exists(marker), 10, "the child that outlived the build")

    def start_long(self, **more):
        """A build in a step whose shell, child and session child write their pids; (number, pids, workspace)."""
        note = os.path.join(self.world.directory, f"pids-{time.time_ns()}")
        number = self.start(ONE="", TWO=f"""
            trap 'echo trapped >> {note}.trap' TERM INT HUP EXIT
            sleep 60 & echo $! >> {note}
            setsid sleep 61 & echo $! >> {note}
            echo $$ >> {note}; pwd >> {note}; mv {note} {note}.whole; wait""", **more)
        wait_for(lambda: os.path.exists(f"{note}.whole"), 30, f"the running step of build {number}")
        with open(f"{note}.whole", encoding="utf-8") as file:
            lines = file.read().split()
        return number, [int(pid) for pid in lines[:3]], lines[3], f"{note}.trap"

    @staticmethod
    def is_alive(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] != "Z"
        except OSError:
            return False

    def end_all(self, pids):
        for pid in pids:
            if self.is_alive(pid):
                os.kill(pid, 9)

    def test_drone_cancel_heard(self):
        """SIGKILL to the shell alone, workspace gone, no later step, slot free."""
        number, pids, workspace, trap = self.start_long(ALWAYS="echo ran", AFTER="echo ran")
        following = self.start()
        self.assertEqual(self.world.build(following)["status"], "pending")
        waiting = self.world.build(following)["stages"][0]
        self.assertEqual((waiting["status"], waiting["limit"], waiting["started"]), ("pending", 1, 0))
        self.assertNotIn("machine", waiting)
        self.assertNotIn("steps", waiting)
        try:
            answer = self.drone("user", "DELETE", f"{self.ci}/builds/{number}", 200)
            self.assertEqual((answer["number"], answer["status"]), (number, "killed"))
            wait_for(lambda: not self.is_alive(pids[2]), 5, "dead shell")
            wait_for(lambda: not os.path.exists(workspace), 5, "removed workspace")
            self.assertTrue(self.is_alive(pids[0]) and self.is_alive(pids[1]), "children survive")
            self.assertFalse(os.path.exists(trap), "no trap ran")
            wait_for(lambda: self.world.drone_api(None, "GET", f"{self.ci}/builds/{number}/logs/1/3")[0] == 200, 5,
                "the killed step's log, which a lost cancel never has")
            build = self.world.build(number)
            self.assertEqual((build["status"], build["stages"][0]["status"]), ("killed", "killed"))
            self.assertGreaterEqual(build["finished"], build["started"])
            self.check_killed(number, "two", ("ignored", "onfail", "always", "after"))
            self.assertEqual(self.world.wait_build(following)["status"], "success")
        finally:
            self.end_all(pids)
        again = self.drone("user", "DELETE", f"{self.ci}/builds/{number}", 200)
        self.assertEqual(again["status"], "killed")
        again = self.drone("user", "DELETE", f"{self.ci}/builds/{following}", 200)
        self.assertEqual(again["status"], "success")
        self.drone("user", "DELETE", f"{self.ci}/builds/99999", 404, message="sql: no rows in result set")
        self.drone("reader", "DELETE", f"{self.ci}/builds/{number}", 404, message="Not Found")
        self.drone(None, "DELETE", f"{self.ci}/builds/{number}", 401, message="Unauthorized")

    def check_killed(self, number, step, later):
        """The server's marks (130) and the runner's report (137, 0) race, step by step."""
        steps = self.outcome(self.world.steps(number))
        self.assertIn(steps[step], [("killed", 137), ("killed", 130)])
        for name in later:
            self.assertIn(steps[name], [("skipped", 0), ("skipped", 130)], name)

    def test_drone_cancel_after_a_failure(self):
        """Marks and report race for the build's status too: only the step always says killed."""
        for report_wins in (False, True):
            if not self.world.is_lab:
                self.world.drone.report_wins = report_wins
            number = self.start(ONE="exit 1", ALWAYS="sleep 60")
            self.world.wait_step(number, "always")
            time.sleep(0.2)
            self.world.cancel(number)
            wait_for(lambda: self.world.log(number, "always") is not None, 5, "the killed step's log")
            build = self.world.wait_build(number)
            self.assertIn(build["status"], ("killed", "failure"))
            if not self.world.is_lab:
                if report_wins:
                    wait_for(lambda: self.world.build(number)["status"] == "failure", 5, "the report's status")
                else:
                    time.sleep(0.2)
                    self.assertEqual(self.world.build(number)["status"], "killed")
                self.world.drone.report_wins = False
            self.check_killed(number, "always", ("after",))

    def test_drone_cancel_pending(self):
        number, pids, _, _ = self.start_long()
        waiting = self.start()
        try:
            answer = self.drone("user", "DELETE", f"{self.ci}/builds/{waiting}", 200)
            self.assertEqual(answer["status"], "killed")
            self.assertEqual(answer["stages"][0]["status"], "skipped")
            self.world.cancel(number)
            self.world.wait_build(number)
        finally:
            self.end_all(pids)

    def test_drone_queue(self):
        number, pids, _, _ = self.start_long()
        waiting = [self.start() for _ in range(3)]
        try:
            self.assertEqual([self.world.build(other)["status"] for other in [number, *waiting]],
                ["running", "pending", "pending", "pending"])
            self.world.cancel(number)
            builds = [self.world.wait_build(other) for other in waiting]
            started = [build["stages"][0]["started"] for build in builds]
            self.assertEqual(started, sorted(started), "first in, first out")
        finally:
            self.end_all(pids)

    def test_drone_timeout(self):
        repo = self.drone("user", "GET", self.ci, 200)
        self.keys(repo, DRONE_REPO_KEYS + " permissions")
        self.assertEqual(repo["permissions"], {"read": True, "write": True, "admin": False})
        self.assertEqual((repo["slug"], repo["active"], repo["config_path"]), (CI_REPO, True, ".drone.yml"))
        before = repo["timeout"]
        self.drone("user", "PATCH", self.ci, 404, {"timeout": 33}, "Not Found")
        self.drone("reader", "PATCH", self.ci, 404, {"timeout": 33}, "Not Found")
        self.drone(None, "PATCH", self.ci, 401, {"timeout": 33}, "Unauthorized")
        self.assertEqual(self.drone(None, "GET", self.ci, 200)["timeout"], before)
        changed = self.drone("admin", "PATCH", self.ci, 200, {"timeout": 33})
        self.keys(changed, DRONE_REPO_KEYS)
        self.assertEqual(changed["timeout"], 33)
        self.assertEqual(self.drone(None, "GET", self.ci, 200)["timeout"], 33)
        self.drone("admin", "PATCH", self.ci, 200, {"timeout": 0})
        build = self.world.wait_build(self.start(ONE="sleep 60"), seconds=20)
        self.assertEqual(build["status"], "killed", "a timeout of 0 kills every build")
        self.drone("admin", "PATCH", self.ci, 200, {"timeout": before})

    def test_drone_server_killed(self):
        """A build goes on while the server is away and is reported when it is back."""
        number = self.start(ONE="sleep 0.5; echo done")
        self.world.wait_step(number, "one")
        self.world.server("drone", "kill")
        self.world.server("drone", "start")
        self.assertEqual(self.world.wait_build(number, seconds=30)["status"], "success")
        self.assertIn("done\n", self.world.log(number, "one"))

    def test_drone_z_runner_killed(self):
        """Its build stays running for ever and blocks the queue until it is deleted."""
        number, pids, workspace, _ = self.start_long()
        waiting = self.start()
        try:
            self.world.server("runner", "kill")
            self.world.server("runner", "start")
            time.sleep(1.5)
            self.assertEqual([self.world.build(other)["status"] for other in (number, waiting)], ["running", "pending"])
            self.assertTrue(all(self.is_alive(pid) for pid in pids))
            self.assertTrue(os.path.exists(workspace))
            answer = self.drone("user", "DELETE", f"{self.ci}/builds/{number}", 200)
            self.assertEqual((answer["status"], answer["stages"][0]["exit_code"]), ("killed", 0))
            if self.world.is_lab:      # a DELETE does not wake a waiting runner: its next poll is up to 40 s away
                self.world.server("runner", "stop")
                self.world.server("runner", "start")
            self.assertEqual(self.world.wait_build(waiting)["status"], "success")
            self.assertEqual(self.outcome(self.world.steps(number))["two"], ("killed", 130))
        finally:
            self.end_all(pids)

    def test_drone_zz_cancel_lost(self):
        """Sent while the runner is deaf: the server says killed, the step runs on and keeps its slot."""
        world = self.world
        if world.is_lab and os.environ.get("CCCI_SLOW") != "1":
            self.skipTest("takes 35 s on the real servers: CCCI_SLOW=1")
        if not world.is_lab:
            world.drone.listen_s, world.drone.deaf_s = 0.3, 60.0
        number, pids, workspace, _ = self.start_long()
        following = self.start()
        try:
            time.sleep(33 if world.is_lab else 0.4)
            answer = self.drone("user", "DELETE", f"{self.ci}/builds/{number}", 200)
            self.assertEqual(answer["status"], "killed")
            time.sleep(2 if world.is_lab else 0.3)
            self.assertTrue(self.is_alive(pids[2]) and os.path.exists(workspace))
            build = world.build(number)
            self.assertEqual((build["status"], build["stages"][0]["status"], build["stages"][0]["exit_code"]),
                ("killed", "killed", 0))
            self.assertEqual(self.outcome(world.steps(number)), {"one": ("success", 0), "two": ("killed", 130),
                "ignored": ("skipped", 130), "onfail": ("skipped", 130), "always": ("skipped", 130),
                "after": ("skipped", 130)})
            self.drone(None, "GET", f"{self.ci}/builds/{number}/logs/1/3", 404, message="sql: no rows in result set")
            self.assertEqual(world.build(following)["status"], "pending", "the slot is still taken")
            self.end_all(pids)
            self.assertEqual(world.wait_build(following)["status"], "success")
            self.assertEqual(self.outcome(world.steps(number))["two"], ("killed", 130), "late reports are refused")
        finally:
            self.end_all(pids)
            if not world.is_lab:
                world.drone.listen_s, world.drone.deaf_s = 30.0, 10.0


ENVIRONMENT = """
CI CI_BUILD_CREATED CI_BUILD_EVENT CI_BUILD_FINISHED CI_BUILD_LINK CI_BUILD_NUMBER CI_BUILD_STARTED CI_BUILD_STATUS
CI_BUILD_TARGET CI_COMMIT_AUTHOR CI_COMMIT_AUTHOR_AVATAR CI_COMMIT_AUTHOR_EMAIL CI_COMMIT_AUTHOR_NAME CI_COMMIT_BRANCH
CI_COMMIT_MESSAGE CI_COMMIT_REF CI_COMMIT_SHA CI_PARENT_BUILD_NUMBER CI_REMOTE_URL CI_REPO CI_REPO_LINK CI_REPO_NAME
CI_REPO_PRIVATE CI_REPO_REMOTE DRONE DRONE_BRANCH DRONE_BUILD_ACTION DRONE_BUILD_CREATED DRONE_BUILD_EVENT
DRONE_BUILD_FINISHED DRONE_BUILD_LINK DRONE_BUILD_NUMBER DRONE_BUILD_PARENT DRONE_BUILD_STARTED DRONE_BUILD_STATUS
DRONE_COMMIT DRONE_COMMIT_AFTER DRONE_COMMIT_AUTHOR DRONE_COMMIT_AUTHOR_AVATAR DRONE_COMMIT_AUTHOR_EMAIL
DRONE_COMMIT_AUTHOR_NAME DRONE_COMMIT_BEFORE DRONE_COMMIT_BRANCH DRONE_COMMIT_LINK DRONE_COMMIT_MESSAGE
DRONE_COMMIT_REF DRONE_COMMIT_SHA DRONE_DEPLOY_TO DRONE_GIT_HTTP_URL DRONE_GIT_SSH_URL DRONE_HOME DRONE_REMOTE_URL
DRONE_REPO DRONE_REPO_BRANCH DRONE_REPO_LINK DRONE_REPO_NAME DRONE_REPO_NAMESPACE DRONE_REPO_OWNER DRONE_REPO_PRIVATE
DRONE_REPO_SCM DRONE_REPO_VISIBILITY DRONE_SOURCE_BRANCH DRONE_STAGE_ARCH DRONE_STAGE_DEPENDS_ON DRONE_STAGE_FINISHED
DRONE_STAGE_KIND DRONE_STAGE_MACHINE DRONE_STAGE_NAME DRONE_STAGE_NUMBER DRONE_STAGE_OS DRONE_STAGE_STARTED
DRONE_STAGE_STATUS DRONE_STAGE_TYPE DRONE_STAGE_VARIANT DRONE_STEP_NAME DRONE_STEP_NUMBER DRONE_SYSTEM_HOST
DRONE_SYSTEM_HOSTNAME DRONE_SYSTEM_PROTO DRONE_SYSTEM_VERSION DRONE_TARGET_BRANCH DRONE_WORKSPACE GIT_AUTHOR_EMAIL
GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL GIT_COMMITTER_NAME GIT_TERMINAL_PROMPT HOME HOMEPATH PATH PWD USER USERPROFILE
"""
