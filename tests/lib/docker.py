# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine as tests and stand-ins see it: its socket, and what it holds at one moment.

    before = docker.snapshot()
    ...
    left = docker.wait_for(before, seconds=20)      # {} when Docker holds again what it held
    self.assertEqual(left, {})

Hides the HTTP and the way there: this machine's socket, unless use() or use_context() says another. DOCKER_HOST is not
looked at: abra, as far as is known, does not look at it either. Needs nothing but the standard library.
"""

import http.client
import json
import os
import socket
import time
import urllib.parse

SOCKET = "/var/run/docker.sock"
STACK_LABEL = "com.docker.stack.namespace"
# Made by the engine itself, once and for all; whether they exist says nothing about a test.
OWN_NETWORKS = ("bridge", "host", "none", "ingress", "docker_gwbridge")


class EngineError(Exception):
    """The engine answered with a status of 400 or more, or did not answer."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


_engine = {"host": f"unix://{SOCKET}", "certificates": None}


def use(host=f"unix://{SOCKET}", certificates=None):
    """From now on this engine: unix://, tcp:// with a directory of ca.pem, cert.pem and key.pem, or ssh://."""
    _engine.update(host=host, certificates=certificates)


def use_context(name, config):
    """The engine of a docker context; False: there is none of that name. config: docker's directory."""
    import hashlib  # what few calls need is loaded for them alone: abra's stand-in has to start quickly

    identity = hashlib.sha256(name.encode()).hexdigest()
    try:
        with open(os.path.join(config, "contexts/meta", identity, "meta.json"), encoding="utf-8") as file:
            host = json.load(file)["Endpoints"]["docker"]["Host"]
    except FileNotFoundError:
        return False
    certificates = os.path.join(config, "contexts/tls", identity, "docker")
    use(host, certificates if os.path.isdir(certificates) else None)
    return True


def options():
    """What docker's own program has to be told to use the same engine."""
    certificates = _engine["certificates"]
    words = ["-H", _engine["host"]]
    if certificates:
        words += ["--tlsverify", "--tlscacert", f"{certificates}/ca.pem", "--tlscert", f"{certificates}/cert.pem",
                  "--tlskey", f"{certificates}/key.pem"]
    return words


class _Connection(http.client.HTTPConnection):
    program = None

    def connect(self):
        kind, _, address = _engine["host"].partition("://")
        if kind == "ssh":
            self._connect_by_ssh(urllib.parse.urlsplit(_engine["host"]))
            return
        if kind == "unix":
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(self.timeout)
            self.sock.connect(address)
            return
        host, _, port = address.rpartition(":")
        self.sock = socket.create_connection((host, int(port)), self.timeout)
        if _engine["certificates"]:
            import ssl

            certificates = _engine["certificates"]
            tls = ssl.create_default_context(cafile=f"{certificates}/ca.pem")
            tls.load_cert_chain(f"{certificates}/cert.pem", f"{certificates}/key.pem")
            self.sock = tls.wrap_socket(self.sock, server_hostname=host)

    def _connect_by_ssh(self, url):
        import subprocess

        self.sock, its = socket.socketpair()
        self.sock.settimeout(self.timeout)
        words = [*(["-l", url.username] if url.username else []), *(["-p", str(url.port)] if url.port else [])]
        with its:
            self.program = subprocess.Popen(["ssh", "-T", "-o", "BatchMode=yes", *words, "--", url.hostname, "docker",
                                             "system", "dial-stdio"], stdin=its, stdout=its)

    def close(self):
        super().close()
        if self.program:
            self.program.wait()
            self.program = None


def raw(method, path, query=None, body=None, content_type="application/json", timeout=60):
    """One request; the body of the answer as bytes. query's values may be dicts: they become JSON."""
    if query:
        path += "?" + urllib.parse.urlencode(
            {k: json.dumps(v) if isinstance(v, (dict, list)) else v for k, v in query.items()})
    headers = {"Host": "docker"}
    if body is not None:
        headers["Content-Type"] = content_type
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
    connection = _Connection("docker", timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        data = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(0, f"{method} {path}: {error}") from None
    finally:
        connection.close()
    if response.status >= 400:
        try:
            message = json.loads(data)["message"]
        except (ValueError, KeyError, TypeError):
            message = data.decode(errors="replace").strip()
        raise EngineError(response.status, message)
    return data


def request(method, path, query=None, body=None, timeout=60):
    """One request; the decoded JSON of the answer, None when it is empty."""
    data = raw(method, path, query, body, timeout=timeout)
    return json.loads(data) if data.strip() else None


def get(path, **query):
    return request("GET", path, query)


def stack_filter(stack):
    return {"label": [f"{STACK_LABEL}={stack}"]}


def services(stack):
    """The services of a stack, each as the engine gives it, by name."""
    return {s["Spec"]["Name"]: s for s in get("/services", filters=stack_filter(stack))}


def tasks(stack):
    return get("/tasks", filters=stack_filter(stack))


def service_labels(service):
    return service["Spec"].get("Labels") or {}


def is_current(task, service):
    """Whether a task is of the service's present specification. The service may carry a Runtime that its
    tasks do not."""
    template = dict(service["Spec"]["TaskTemplate"])
    template.pop("Runtime", None)
    spec = dict(task["Spec"])
    spec.pop("Runtime", None)
    return spec == template


def containers(stack, service=None, everything=False):
    """Ids of the stack's containers, running ones only unless everything is asked for."""
    labels = [f"{STACK_LABEL}={stack}"]
    if service:
        labels.append(f"com.docker.swarm.service.name={stack}_{service}")
    found = get("/containers/json", all=int(everything), filters={"label": labels})
    return [c["Id"] for c in found]


def execute(container, argv, env=(), user="", timeout=60):
    """Runs argv in a container; (exit code, what it wrote)."""
    made = request("POST", f"/containers/{container}/exec", body={
        "AttachStdout": True, "AttachStderr": True, "Tty": True, "Cmd": list(argv), "Env": list(env), "User": user})
    output = raw("POST", f"/exec/{made['Id']}/start", body={"Detach": False, "Tty": True}, timeout=timeout)
    code = get(f"/exec/{made['Id']}/json")["ExitCode"]
    return code, output.decode(errors="replace").replace("\r\n", "\n")


def gateway_address(container):
    """The address at which this host reaches a task's container: its own on docker_gwbridge; None without one."""
    sandbox = get(f"/containers/{container}/json")["NetworkSettings"]["SandboxID"]
    return gateway_addresses().get(sandbox)


def gateway_addresses():
    """The addresses on docker_gwbridge by the first 12 digits of a container's SandboxID."""
    try:
        network = get("/networks/docker_gwbridge")
    except EngineError as error:
        if error.status == 404:
            return {}
        raise
    return _Prefixes({
        endpoint["Name"].removeprefix("gateway_"): endpoint["IPv4Address"].partition("/")[0]
        for endpoint in network["Containers"].values()})


class _Prefixes(dict):
    def get(self, key, default=None):
        return super().get((key or "-")[:12], default)


def snapshot(is_manager=True):
    """Everything Docker holds that a test could leave behind: {kind: {name: what it is}}. A worker knows of no services."""
    held = {
        "service": {s["Spec"]["Name"]: s["ID"] for s in get("/services")} if is_manager else {},
        "container": {c["Names"][0].lstrip("/") if c["Names"] else c["Id"][:12]: c["Id"]
                      for c in get("/containers/json", all=1)},
        "volume": {v["Name"]: v["Mountpoint"] for v in get("/volumes")["Volumes"] or []},
        "secret": {s["Spec"]["Name"]: s["ID"] for s in get("/secrets")} if is_manager else {},
        "config": {c["Spec"]["Name"]: c["ID"] for c in get("/configs")} if is_manager else {},
        "network": {n["Name"]: n["Id"] for n in get("/networks") if n["Name"] not in OWN_NETWORKS},
        "image": {},
    }
    for image in get("/images/json"):
        for name in image["RepoTags"] or [image["Id"]]:
            held["image"][image["Id"] if name == "<none>:<none>" else name] = image["Id"]
    return held


def of_run(run_id):
    """What Docker holds of a run and of what it needed: everything with the six hex digits of its id in its name."""
    mark = f"-{run_id[-6:]}_"
    return sorted(f"{kind} {name}" for kind, names in snapshot().items() for name in names if mark in name)


def diff(before, after):
    """What differs: {kind: ["+ name" for what came, "- name" for what went, "~ name" for another of that name]}.
    Empty when nothing does."""
    changes = {}
    for kind in before:
        old, new = before[kind], after[kind]
        lines = [f"+ {name}" for name in sorted(new.keys() - old.keys())]
        lines += [f"- {name}" for name in sorted(old.keys() - new.keys())]
        lines += [f"~ {name}" for name in sorted(new.keys() & old.keys()) if new[name] != old[name]]
        if lines:
            changes[kind] = lines
    return changes


def wait_for(before, seconds, every=0.2):
    """Waits until Docker holds what it held, at most so long; what still differs then. Removal in Swarm is not
    instant: tasks run on for about 3.5 s and their containers go after 6 s."""
    deadline = time.monotonic() + seconds
    while True:
        changes = diff(before, snapshot())
        if not changes or time.monotonic() > deadline:
            return changes
        time.sleep(every)


def remove_stack(stack, seconds=30):
    """Takes a test's stack away with its volumes and secrets, through the engine alone; for the clean-up of tests."""
    for kind, name in (("services", "ID"), ("configs", "ID"), ("networks", "Id")):
        for thing in get(f"/{kind}", filters=stack_filter(stack)):
            _remove(f"/{kind}/{thing[name]}", seconds)
    for secret in get("/secrets"):
        if secret["Spec"]["Name"].startswith(stack + "_"):
            _remove(f"/secrets/{secret['ID']}", seconds)
    for volume in get("/volumes", filters=stack_filter(stack))["Volumes"] or []:
        _remove(f"/volumes/{volume['Name']}", seconds)
    deadline = time.monotonic() + seconds
    while containers(stack, everything=True) and time.monotonic() < deadline:
        time.sleep(0.2)


def _remove(path, seconds):
    deadline = time.monotonic() + seconds
    while True:
        try:
            raw("DELETE", path)
            return
        except EngineError as error:
            if error.status == 404:
                return
            if time.monotonic() > deadline:
                raise
        time.sleep(0.3)
