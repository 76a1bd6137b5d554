# SPDX-License-Identifier: GPL-3.0-or-later
"""
A machine whose house apps, proxy and Drone, the reconcilers of modules/reconcile/ keep: an engine of its own
(second_engine.py), the abra stand-in, recipes in tests/house/, an operator's files.

    with house.House(directory) as machine:
        done = machine.reconcile("proxy", "--dry-run")      a CompletedProcess; output in stdout
        machine.abra.calls()
        with machine.engine.used(): docker.snapshot()
        machine.leave()             nothing is left on the engine: no Swarm, no network, no container

What listens on port 443 is the stand-in for the proxy, whatever the recipe traefik deploys: it finds its routes in the
Swarm's labels as the real one does.
"""
import os
import subprocess

from lib import canary, docker, images, second_engine, standins
from lib.host import SYSTEM_PATH

RECIPES = os.path.join(os.path.dirname(canary.DIRECTORY), "house")
SCRIPTS = os.path.join(os.path.dirname(os.path.dirname(canary.DIRECTORY)), "modules", "reconcile")
ZONE = standins.Proxy.ZONE
PROXY, DRONE = f"traefik.{ZONE}", f"drone.{ZONE}"
IMAGES = ["ccci-canary/house:1.0", "ccci-canary/house:1.1"]
# What must never be seen.
CLIENT_SECRET = "gto_nobody-may-read-this"


class House:
    def __init__(self, directory):
        self.directory = directory
        self._swarm = second_engine.Swarm(os.path.join(directory, "engine"), is_bare=True)
        self.engine = self._swarm.manager
        with self.engine.used():
            images.make(IMAGES)
        self.bin, self.etc = (os.path.join(directory, name) for name in ("bin", "etc"))
        self.abra = standins.Abra(self.bin)
        self.sources = {}
        self._proxy = standins.Proxy(os.path.join(directory, "proxy"), inside=self.engine.inside(), port=443)
        self.reset()

    # --- the operator's side ---

    def reset(self):
        """The operator's files as they are on a fresh machine, an abra home that knows nothing but where recipes are."""
        for name in ("etc", "abra", "state"):
            subprocess.run(["rm", "-rf", os.path.join(self.directory, name)], check=True)
        os.makedirs(os.path.join(self.etc, "credentials"))
        os.makedirs(os.path.join(self.etc, "tls"))
        self.settings = {
            "ABRA_DIR": os.path.join(self.directory, "abra"), "ZONE": ZONE, "PROXY_DOMAIN": PROXY, "DRONE_DOMAIN": DRONE,
            "GITEA_URL": "https://git.example.org", "DRONE_CLIENT_ID": "0b1e-55", "DRONE_ADMIN": "member",
            "PROBE_CA_FILE": self._proxy.env["CA_FILE"], "MAX_TESTS": "1", "DOCKER_WAIT": "1", "SETTLE_TIMEOUT": "120",
            "ANSWER_WAIT": "60", "RUNNER_NAME": "host", "STATE_DIR": os.path.join(self.directory, "state")}
        self.new_certificate()
        self.write("credentials/drone_client_secret", CLIENT_SECRET + "\n")
        for name, first in (("traefik", "5.0.0+v3.5.0"), ("drone", "1.8.0+2.25.0")):
            path = os.path.join(self.directory, f"source-{name}")
            subprocess.run(["rm", "-rf", path], check=True)
            made = canary.make_repo(name, path, RECIPES)
            self.sources[name] = made
            self._git(name, "checkout", "--quiet", "main")
            for tag in made.tags:
                if tag != first:
                    self._git(name, "tag", "--delete", tag)
        self.write("../abra/catalogue/recipes.json",
                   "{%s}" % ", ".join(f'"{name}": {{"repository": "{made.path}"}}' for name, made in self.sources.items()))
        self.configure()

    def new_certificate(self, names=f"DNS:*.{ZONE}", days=30, base="tls"):
        """days: how long it is good from now on, 0 for one that has ended."""
        os.makedirs(os.path.join(self.etc, base), exist_ok=True)
        second_engine.call(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days or 1),
            "-subj", "/CN=test", "-addext", f"subjectAltName={names}", "-keyout", f"{self.etc}/{base}/key.pem", "-out",
            f"{self.etc}/{base}/cert.pem")
        os.chmod(f"{self.etc}/{base}/key.pem", 0o600)
        if not days:
            self._end_certificate(f"{self.etc}/{base}", names)

    def _end_certificate(self, path, names):
        """The same once more, by an authority that may say which days: `req` knows only days to come."""
        work = os.path.join(self.directory, "authority")
        os.makedirs(work, exist_ok=True)
        for name, text in (("index.txt", ""), ("openssl.cnf", f"""\
[ca]
default_ca = own
[own]
database = {work}/index.txt
new_certs_dir = {work}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
subjectAltName = {names}
[req]
distinguished_name = any_name
[any_name]
""")):
            with open(os.path.join(work, name), "w", encoding="utf-8") as file:
                file.write(text)
        second_engine.call("openssl", "req", "-new", "-key", f"{path}/key.pem", "-subj", "/CN=test", "-out", f"{work}/request.pem",
                           "-config", f"{work}/openssl.cnf")
        second_engine.call("openssl", "ca", "-batch", "-notext", "-selfsign", "-config", f"{work}/openssl.cnf", "-keyfile",
                           f"{path}/key.pem", "-in", f"{work}/request.pem", "-out", f"{path}/cert.pem", "-startdate",
                           "20200101000000Z", "-enddate", "20200201000000Z")

    def publish(self, recipe, *versions):
        """These versions have been released meanwhile."""
        for version in versions:
            self._git(recipe, "-c", "user.name=T", "-c", "user.email=t@example.org", "tag", "-a", "-m", version, version,
                      self.sources[recipe].tags[version])

    def _git(self, recipe, *words):
        subprocess.run(["git", "-C", self.sources[recipe].path, *words], stdout=subprocess.DEVNULL, check=True)

    def write(self, name, text, mode=0o600):
        path = os.path.join(self.etc, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, mode)) as file:
            file.write(text)
        return path

    def read(self, name):
        with open(os.path.join(self.etc, name), encoding="utf-8") as file:
            return file.read()

    def configure(self, **settings):
        """Writes infra.conf; None leaves a setting away."""
        values = {**self.settings, **settings}
        self.write("infra.conf", "".join(f"{name}={value}\n" for name, value in values.items() if value is not None), 0o644)

    def env_path(self, domain):
        return os.path.join(self.directory, "abra/servers/default", f"{domain}.env")

    def env(self, domain):
        with open(self.env_path(domain), encoding="utf-8") as file:
            return file.read()

    # --- what is tried ---

    def inside(self, *argv):
        """What to start to be within, /proc too: bash's <(...) looks there."""
        return ["nsenter", "-t", str(self.engine.pid), "-m", "-n", "-u", "-p", *argv]

    def environment(self, **more):
        return {"PATH": f"{self.bin}:{SYSTEM_PATH}", "CCCI_ETC": self.etc, "TMPDIR": self.directory, **more}

    def run(self, *argv, environment=None, timeout=240):
        """Within the machine, as root there; stdout and stderr in one."""
        return subprocess.run(
            self.inside(*argv), env=self.environment(**(environment or {})),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout,
            check=False)

    def reconcile(self, script, *words, **environment):
        return self.run(os.path.join(SCRIPTS, f"{script}.sh"), *words, environment=environment)

    def docker(self, *words):
        return second_engine.call(*self.engine.inside("docker", *words))

    def holds(self):
        with self.engine.used():
            try:
                docker.get("/services")
                is_manager = True
            except docker.EngineError:
                is_manager = False
            return docker.snapshot(is_manager)

    def leave(self):
        """Until the node has forgotten the networks of the Swarm too: it shows them for a while, some for ever."""
        self.run("sh", "-c", """
            docker ps -aq | xargs -r docker rm -f; docker swarm leave --force; docker ps -aq | xargs -r docker rm -f
            docker volume prune -f
            for round in $(seq 150); do
                left=$(docker network ls --filter driver=overlay --format '{{.Name}}')
                [ -n "$left" ] || exit 0
                for name in $left; do docker network disconnect -f "$name" "$name-endpoint"; done 2>/dev/null
                docker network prune -f
                sleep 0.1
            done
            exit 1""")

    def close(self):
        self._proxy.close()
        self._swarm.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
