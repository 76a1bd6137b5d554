# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in forge's webhooks: payloads, signatures, and deliveries as the real server makes them."""
import hashlib
import hmac
import http.client
import json
import queue
import threading
import time
import urllib.parse
import uuid

from standin.forge_state import Delivery

DELIVER_TIMEOUT_S = 5


class Webhooks:
    def __init__(self):
        self.deliveries = []
        self.hook_delay_s = 0.0            # the real server: 0.3 to 0.4
        self._outbox = queue.Queue()
        self._deliverer = None

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
