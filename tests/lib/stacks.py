# SPDX-License-Identifier: GPL-3.0-or-later
"""Random stacks of one to three compose files: every key and form that docker's schema knows, and mistakes in them.

    text = stacks.make(random.Random(1))         all of them, with stacks.NEXT between two

About half of them are meant well: what stands in them is of the right kind, though odd in its form. The others have one
to three mistakes at random places.
"""

import copy

ENV = {
    "STACK_NAME": "cust-9f2c1a_ci_test", "DOMAIN": "cust-9f2c1a.ci.test", "TAG": "1.28", "EMPTY": "", "REPLICAS": "3", "YES": "yes",
    "NO": "False", "FLOAT": "0.5", "SIZE": "64m", "PATH_": "/srv/x", "WORDS": "two words", "NULL_": "null", "NEG": "-1",
    "PORT": "8080", "TIME": "1m30s", "QUOTE": "it's", "DOLLAR": "$TAG", "HOME": "/root",
}


NEXT = "\n# the next file\n"


class Raw(str):
    """A scalar as it stands in the file."""


class Tagged:
    def __init__(self, tag, value):
        self.tag, self.value = tag, value


class Pairs(list):
    """A mapping as a list of keys and values, so that a key may stand in it twice."""

    def __add__(self, other):
        return Pairs([*self, *other])


# --- scalars ---

NAMES = ["app", "db", "web", "a.b", "x_y", "A-1", "9"]
WORDS = ["nginx", "data", "x", "value", "true-ish", "1.2.3", "a b", "it's", "#no", "a:b", "a: b", "é", "", "-", "*", "0x", "1.2.3.4"]
DURATIONS = ["5s", "1m30s", "1h", "500ms", "0", "1.5h", "10us", ".5s", "+3s", "2µs"]
SIZES = ["64m", "1g", "1.5GiB", "300 kb", "1024", "10b", "0", "1_0m", "2TB", "1e3k", ".5g", "007"]
TARGETS = ["/data", "/var/lib/x", "/etc/x", "/", "x", "/data"]
VOLUMES = ["data", "cache", "a.b", "none"]
SOURCES = ["/srv/x", "./x", "../x", "~/x", "~", ".", "d:/data", "c:\\x", "x/../y", "/a/../b", "./.x", "\\\\.\\pipe\\x"]
NETWORKS = ["proxy", "internal", "default", "a.b"]
KEYS = ["token", "conf", "a.b"]


def text(chance, *words):
    return chance.choice(words or WORDS)


def variable(chance, value=None):
    """A form of a variable, that mostly stands for what is asked for."""
    if value is None:
        return chance.choice([
            "$TAG", "${TAG}", "${TAG:-x}", "${NONE:-x}", "${NONE-x}", "${EMPTY:-x}", "${EMPTY-x}", "$NONE", "$$TAG", "$$", "${TAG:?no}",
            "$TAG-alpine", "${NONE:-${TAG}}", "${NONE:-a-b}", "${NONE:-}", "$TAG$TAG", "a${TAG}b", "$WORDS", "${NULL_}", "$DOLLAR",
            "${TAG:-?x}", "$TAG:-x", "$NONE:-x y", "$QUOTE", "$STACK_NAME-x", "${tag}", "$TAG.x", "${TAG}:${TAG}"])
    return chance.choice(["${NONE:-%s}", "${NONE-%s}", "${EMPTY:-%s}"]) % value


def either(chance, value):
    """The value, sometimes out of a variable."""
    return variable(chance, value) if chance.random() < 0.1 else value


def number(chance, *values):
    value = chance.choice(values or [0, 1, 2, 3, 80, 8080])
    kind = chance.random()
    if kind < 0.8:
        return value
    if kind < 0.86:
        return Raw(chance.choice([f"0x{value:x}", f"0o{value:o}", f"0{value:o}", f"+{value}", f"{value}.0", f"0b{value:b}"]))
    return Raw(f'"{variable(chance, value)}"' if kind < 0.95 else "$REPLICAS")


def boolean(chance):
    return chance.choice([True, False, Raw("yes"), Raw("No"), Raw("on"), Raw("OFF"), Raw("y"), Raw("True"), Raw("FALSE"), "$YES", "${NO}",
                          "${NONE:-true}", "${NONE:-Off}"])


def some(chance, make, most=3):
    return [make(chance) for _ in range(chance.randrange(most + 1))]


def unique(items):
    return [item for at, item in enumerate(items) if item not in items[:at]]


def texts(chance, *words):
    return unique(some(chance, lambda c: either(c, text(c, *words))))


def text_or_texts(chance, *words):
    return either(chance, text(chance, *words)) if chance.random() < 0.4 else texts(chance, *words)


def pick(chance, rows, share=0.4):
    """Some of the rows of a mapping; a row: its key and what makes its value."""
    keys = [key for key in rows if chance.random() < share]
    chance.shuffle(keys)
    return Pairs([key, rows[key](chance)] for key in keys)


def pairs(chance):
    """environment, labels and the like."""
    keys = ["A", "B", "a.b", "C=D", "x y", "backupbot.backup", "coop-cloud.${STACK_NAME}.version", "$TAG"]
    values = [lambda c: text(c), variable, lambda c: c.randrange(1000), lambda c: None,
              lambda c: Raw(c.choice(["1.0", "1e6", "010", "1_000", ".5", "0.1", "12345678", "1e-7", "08", "3.14", "0x1F", "'yes'", '"5"',
                                      "12:30", "2001-01-01", "-1", "+5", "1e21", "100000.0"]))]
    if chance.random() < 0.5:
        return Pairs([key, chance.choice(values)(chance)] for key in unique(some(chance, lambda c: c.choice(keys))))
    return unique(some(chance, lambda c: c.choice(["A=b", "A", "=x", "A=b=c", "B=$TAG", "A=c", "backupbot.backup=true", "C=",
                                                   "coop-cloud.${STACK_NAME}.version=1.0.0+$TAG", "x"])))


def options(chance):
    return Pairs([key, chance.choice([text(chance), variable(chance), chance.randrange(99), Raw("1.50")])]
                 for key in unique(some(chance, lambda c: c.choice(["type", "o", "device", "a.b"]))))


# --- a service ---

def short_mount(chance):
    source = chance.choice([either(chance, chance.choice(VOLUMES)), chance.choice(SOURCES), "$PATH_", "${NONE:-data}"])
    end = chance.choice(["", "", ":ro", ":rw", ":ro,nocopy", ":z", ":rshared,ro"])
    return chance.choice([f"{source}:{chance.choice(TARGETS)}{end}", f"{source}:{chance.choice(TARGETS)}", chance.choice(TARGETS),
                          chance.choice(["d:/data", "/x", "ab", "a", "é:/x"])])


def long_mount(chance):
    kind = chance.choice(["volume", "bind", "tmpfs", "npipe", "cluster", "volume", "bind", "odd"])
    made = Pairs([["type", either(chance, kind)], ["target", either(chance, chance.choice(TARGETS))]])
    if kind == "bind" or chance.random() < 0.6:
        made.append(["source", either(chance, chance.choice(SOURCES + ["x"]) if kind == "bind" else chance.choice(VOLUMES))])
    made += pick(chance, {
        "read_only": boolean, "consistency": text,
        "bind": lambda c: pick(c, {"propagation": lambda c: "rshared"}),
        "volume": lambda c: pick(c, {"nocopy": boolean, "other": text}),
        "tmpfs": lambda c: pick(c, {"size": lambda c: c.choice([0, 1000, Raw("1e3")])}),
    }, 0.2)
    chance.shuffle(made)
    return made


def mount(chance):
    return long_mount(chance) if chance.random() < 0.4 else short_mount(chance)


def port(chance):
    kind = chance.random()
    if kind < 0.1:
        return chance.choice([80, 443, 9000])
    if kind < 0.6:
        host = chance.choice(["", "", "80:", "8080:", "$PORT:", "127.0.0.1:80:", "[::1]:81:", "::1:82:", ":", "0.0.0.0::"])
        return chance.choice([f"{host}80", f"{host}443/udp", "8000-8002:80-82", "90-91:99", "3000-3001", "8080-8081:80-81/TCP",
                              "5000:5000/sctp", "1-2:3-4/udp", "80/", "8:$PORT"])
    return pick(chance, {
        "target": lambda c: number(c, 80, 443), "published": lambda c: number(c, 8080, 8443, 0),
        "mode": lambda c: c.choice(["host", "ingress", "host", "odd"]), "protocol": lambda c: c.choice(["tcp", "udp"]),
    }, 0.8)


def reference(chance):
    source = either(chance, chance.choice(KEYS))
    if chance.random() < 0.5:
        return source
    return pick(chance, {
        "source": lambda c: source, "target": lambda c: c.choice(["/run/x", "x", "$TAG"]), "uid": lambda c: "103", "gid": lambda c: "${TAG}",
        "mode": lambda c: number(c, 0o440, 288), "Source": lambda c: "odd", "other": lambda c: 1,
    }, 0.5)


def networks(chance):
    if chance.random() < 0.5:
        return texts(chance, *NETWORKS)
    return Pairs([key, None if chance.random() < 0.5 else pick(chance, {
        "aliases": lambda c: texts(c, "a", "b"), "ipv4_address": lambda c: "10.0.0.1", "ipv6_address": lambda c: "::1",
        "driver_opts": options,
    })] for key in unique(some(chance, lambda c: c.choice(NETWORKS))))


def test(chance):
    return chance.choice(["curl localhost", "NONE", "", "$TAG", ["CMD", "true"], ["NONE"], ["CMD-SHELL", "a b"], [], ["$NONE"],
                          ["${NONE:-NONE}"], [""], ["x"]])


def duration(chance):
    return either(chance, chance.choice(DURATIONS))


def healthcheck(chance):
    return pick(chance, {"test": test, "interval": duration, "timeout": duration, "start_period": duration,
                         "retries": number, "disable": boolean, "start_interval": duration}, 0.5)


def update(chance):
    return pick(chance, {
        "parallelism": number, "delay": duration, "failure_action": text, "monitor": duration,
        "max_failure_ratio": lambda c: c.choice([0, Raw("0.5"), "${FLOAT}", 1]), "order": lambda c: c.choice(["start-first", "stop-first"])})


def deploy(chance):
    return pick(chance, {
        "mode": lambda c: either(c, c.choice(["replicated", "global", "replicated-job", "global-job", "globalish", "odd", ""])),
        "replicas": number, "endpoint_mode": lambda c: "vip", "labels": pairs, "update_config": update, "rollback_config": update,
        "restart_policy": lambda c: pick(c, {
            "condition": lambda c: c.choice(["none", "any", "on-failure", "$NONE", "odd"]), "delay": duration, "max_attempts": number,
            "window": duration}),
        "resources": lambda c: pick(c, {
            "limits": lambda c: pick(c, {"cpus": lambda c: c.choice(["0.5", "$FLOAT"]), "memory": lambda c: either(c, c.choice(SIZES)),
                                         "pids": number}),
            "reservations": lambda c: pick(c, {"cpus": lambda c: "1", "memory": lambda c: c.choice(SIZES + ["$SIZE"]),
                                               "generic_resources": lambda c: [Pairs([["discrete_resource_spec", Pairs(
                                                   [["kind", "gpu"], ["value", 2]])]])]})}),
        "placement": lambda c: pick(c, {
            "constraints": lambda c: some(c, lambda c: c.choice(["node.role == manager", "node.labels.$TAG==x", ""])),
            "preferences": lambda c: [Pairs([["spread", "node.labels.x"]])], "max_replicas_per_node": number}),
    }) if chance.random() < 0.95 else None


def ulimits(chance):
    return Pairs([key, number(chance, 100, 20000) if chance.random() < 0.5 else Pairs([["soft", 1], ["hard", "${REPLICAS}"]])]
                 for key in unique(some(chance, lambda c: c.choice(["nofile", "nproc"]))))


def command(chance):
    return chance.choice(["echo x", "sh -c 'echo $$A'", 'a "b c" d', "", "a # it's", "a \\' b", "# '", ["a", "$TAG"], [], ["it's"], "$TAG"])


SERVICE = {
    "image": lambda c: c.choice(["nginx:1", "nginx:$TAG", "nginx:${TAG:-1}", "a/b@sha256:12", "", variable(c)]),
    "volumes": lambda c: some(c, mount), "ports": lambda c: unique(some(c, port)), "secrets": lambda c: some(c, reference),
    "configs": lambda c: some(c, reference), "networks": networks, "healthcheck": healthcheck, "deploy": deploy,
    "environment": pairs, "labels": pairs, "command": command, "entrypoint": command, "env_file": lambda c: c.choice(["app.env", ["app.env"], []]),
    "cap_add": lambda c: texts(c, "NET_ADMIN", "SYS_ADMIN", "ALL"), "cap_drop": lambda c: texts(c, "ALL"), "build": lambda c: c.choice([
        ".", Pairs([["context", "."], ["args", ["a=b"]]]), Pairs([["dockerfile", "x"], ["shm_size", 5]])]),
    "depends_on": lambda c: texts(c, "db", "web"), "devices": lambda c: texts(c, "/dev/x:/dev/x"), "dns": text_or_texts,
    "dns_search": text_or_texts, "domainname": text, "expose": lambda c: unique([c.choice([80, "81", Raw("82.0")]) for _ in range(2)]),
    "external_links": texts, "extra_hosts": lambda c: c.choice([["a:1.2.3.4", "b=::1"], Pairs([["a", "1.2.3.4"], ["b", "[::1]"]])]),
    "hostname": text, "init": lambda c: c.choice([True, False]), "ipc": text, "isolation": text, "links": texts,
    "logging": lambda c: pick(c, {"driver": lambda c: c.choice(["json-file", "syslog", "$NONE"]), "options": lambda c: Pairs(
        [["max-size", c.choice(["1m", 10, None])], ["a", "$TAG"]])}, 0.7),
    "mac_address": text, "network_mode": lambda c: "host", "pid": lambda c: c.choice(["host", None]), "privileged": boolean,
    "read_only": boolean, "restart": lambda c: c.choice(["always", "no", "unless-stopped"]), "security_opt": texts,
    "shm_size": lambda c: "64m", "stdin_open": boolean, "stop_grace_period": duration, "stop_signal": text, "sysctls": pairs,
    "tmpfs": text_or_texts, "tty": boolean, "ulimits": ulimits, "user": lambda c: c.choice(["1000", "$TAG"]), "userns_mode": lambda c: "host",
    "working_dir": text, "cgroup_parent": text, "cgroupns_mode": text, "container_name": text, "oom_score_adj": number,
    "credential_spec": lambda c: pick(c, {"file": text, "registry": text, "config": text}), "x-more": lambda c: c.choice([1, [], Pairs()]),
}
OFTEN = ("image", "volumes", "ports", "secrets", "configs", "networks", "healthcheck", "deploy", "environment")


def service(chance):
    made = pick(chance, {key: SERVICE[key] for key in OFTEN}, 0.35)
    return made + pick(chance, {key: SERVICE[key] for key in SERVICE if key not in OFTEN}, chance.choice([0, 0.03, 0.1]))


# --- the other sections ---

def external(chance):
    return chance.choice([True, False, "$YES", Raw("yes"), Pairs([["name", "other-$TAG"]]), Pairs()])


def name(chance):
    return chance.choice(["${STACK_NAME}_x_v1", "other", "$TAG"])


def volume(chance):
    if chance.random() < 0.4:
        return None
    if chance.random() < 0.3:
        return Pairs([["external", external(chance)]])
    return Pairs(pick(chance, {"name": name, "driver": text, "driver_opts": options, "labels": pairs, "x-more": text,
                               "external": lambda c: False}, 0.3))


def network(chance):
    if chance.random() < 0.3:
        return None
    return pick(chance, {"external": external, "driver": lambda c: c.choice(["overlay", "bridge"]), "driver_opts": options, "internal": boolean,
                         "attachable": boolean, "labels": pairs, "x-more": text,
                         "ipam": lambda c: Pairs([["driver", "default"], ["config", [Pairs([["subnet", "10.0.0.0/24"]])]]])}, 0.25)


def secret(chance):
    made = pick(chance, {"external": external, "labels": pairs, "template_driver": lambda c: "golang", "x-more": text}, 0.4)
    made += pick(chance, {"name": name}, 0.3) if not any(isinstance(value, Pairs) for _, value in made) else []
    return made + (Pairs([["file", chance.choice(["./x", "/etc/shadow", "../x", "$TAG"])]]) if chance.random() < 0.5
                   else pick(chance, {"driver": text, "driver_opts": options}, 0.15))


def config(chance):
    return Pairs([key, value] for key, value in secret(chance) if key not in ("driver", "driver_opts"))


SECTIONS = {"services": (service, NAMES), "volumes": (volume, VOLUMES), "networks": (network, NETWORKS),
            "secrets": (secret, KEYS), "configs": (config, KEYS)}

# Below which version a key is not known, where that is not the oldest.
SINCE = {"init": 7, "isolation": 5, "cgroupns_mode": 9, "oom_score_adj": 13, "credential_spec": 3, "configs": 3, "secrets": 1,
         "x-more": 7, "x-top": 4, "endpoint_mode": 2, "rollback_config": 7, "preferences": 3, "max_replicas_per_node": 8, "pids": 9,
         "generic_resources": 5, "start_period": 4, "start_interval": 12, "template_driver": 8, "tmpfs": 6, "name": 5, "attachable": 2,
         "driver_opts": 13, "driver": 8}


def prune(chance, value, minor):
    """Mostly without the keys that the version does not know."""
    if isinstance(value, Pairs):
        return Pairs([key, prune(chance, item, minor)] for key, item in value
                     if SINCE.get(key, 0) <= minor or chance.random() < 0.02)
    if isinstance(value, list):
        return [prune(chance, item, minor) for item in value]
    return value


def make_file(chance, version):
    made = Pairs()
    if version is not None:
        made.append(["version", version])
    for section, (make_one, keys) in SECTIONS.items():
        if section == "services" or chance.random() < 0.4:
            some_keys = unique(some(chance, lambda c, keys=keys: c.choice(keys), 3))
            made.append([section, Pairs([key, make_one(chance)] for key in some_keys)])
    if chance.random() < 0.1:
        made.append(["x-top", chance.choice([1, "$TAG", Pairs([["a", ["b"]]])])])
    chance.shuffle(made)
    minor = version and version.startswith("3.") and int(version[2:])
    return prune(chance, made, minor) if minor is not None and minor is not False and minor < 13 else made


# --- oddities that docker looks through, and mistakes ---

def places(value, into=None):
    """(holder, index) of every value below."""
    into = [] if into is None else into
    if isinstance(value, Pairs):
        for row in value:
            into.append((row, 1))
            places(row[1], into)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            into.append((value, at))
            places(item, into)
    return into


def mappings(value):
    found = [value] if isinstance(value, Pairs) else []
    items = [row[1] for row in value] if isinstance(value, Pairs) else value if isinstance(value, list) else []
    for item in items:
        found += mappings(item)
    return found


JUNK = [lambda c: True, lambda c: c.choice([0, 1, -1, 99999999999, 18446744073709551615]), lambda c: Raw(c.choice(["0.5", "-2.5", "1e400", ".inf", ".nan"])), lambda c: None,
        text, variable, lambda c: [], lambda c: Pairs(), lambda c: ["a"], lambda c: Pairs([["a", "b"]]), lambda c: ["a", "a"],
        lambda c: c.choice(["${", "${TAG", "$", "${1}", "${TAG:+x}", "${}", "${NONE:?must be set}", "${EMPTY:?must}", "$NONE", "${NONE}x"]),
        lambda c: c.choice(["-1", "1.5", "5", "true", "1d", "1x", "5 s", "64q", "a:b:c:d", ":/x", "x:", "::", "99999", "80:x", "80/xyz",
                            "1.2.3:80:80", "5-3:1-2", "1-2:1-3", "-80", "'", 'a "b']),
        lambda c: Raw(c.choice(["yes", "~", "'5'", "!!str 5", "!!int x", "!!float 3", "!!bool yes", "! 7", "!x null"]))]
STRANGE_KEYS = ["extends", "name", "pull_policy", "mem_limit", "Image", "image ", "x-more", "X-more", "", "a", "volume", "env", "labels", "driver",
                "external", "version", "$TAG", "profiles", "cpus", "type", "disable", "mode"]
STRANGE_ROWS = [Raw("1"), Raw("yes"), Raw("~"), Raw("1.5"), Raw("'yes'"), Raw("2001-01-01"), Raw("!x a")]


def spoil(chance, tree):
    """One mistake, or what may be one."""
    kind = chance.random()
    where = places(tree)
    if kind < 0.5 and where:
        holder, at = chance.choice(where)
        holder[at] = chance.choice(JUNK)(chance)
    elif kind < 0.6 and where:
        lists = [holder[at] for holder, at in where if isinstance(holder[at], list) and holder[at]]
        if lists:
            chosen = chance.choice(lists)
            chosen.append(copy.deepcopy(chance.choice(chosen)))
    elif kind < 0.7:
        rows = [row for mapping in mappings(tree) for row in mapping]
        if rows:
            chance.choice(rows)[0] = chance.choice(STRANGE_KEYS + STRANGE_ROWS)
    elif kind < 0.85:
        chosen = chance.choice(mappings(tree))
        chosen.insert(chance.randrange(len(chosen) + 1), [chance.choice(STRANGE_KEYS + list(SERVICE)), chance.choice(JUNK)(chance)])
    elif where:
        mapping = chance.choice(mappings(tree))
        if mapping:
            del mapping[chance.randrange(len(mapping))]


def oddity(chance, tree):
    """What docker looks through: tags, a key given twice."""
    where = places(tree)
    if not where:
        return
    holder, at = chance.choice(where)
    if chance.random() < 0.5 and isinstance(holder[at], list):
        holder[at] = Tagged(chance.choice(["!override", "!reset", "!!map", "!x/y"]), holder[at])
    else:
        mapping = chance.choice(mappings(tree))
        if mapping:
            mapping.insert(0, [mapping[-1][0], chance.choice(JUNK)(chance)])


# --- YAML ---

PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+${}-")
WORDS_OF_YAML = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", ""}


def is_plain(word):
    return (set(word) <= PLAIN and word.lower() not in WORDS_OF_YAML and not word[0] in "0123456789+-.${}" and
            "{" not in word and "}" not in word)


def quoted(chance, word):
    if is_plain(word) and chance.random() < 0.7:
        return word
    if chance.random() < 0.5:
        return "'" + word.replace("'", "''") + "'"
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def scalar(chance, value):
    if isinstance(value, Raw):
        return str(value)
    if value is None:
        return chance.choice(["null", "~", ""])
    if isinstance(value, bool):
        return "true" if value else "false"
    return quoted(chance, value) if isinstance(value, str) else str(value)


def key_text(chance, key):
    return str(key) if isinstance(key, Raw) else quoted(chance, key)


def flow(chance, value):
    if isinstance(value, Tagged):
        return f"{value.tag} {flow(chance, value.value)}"
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{key_text(chance, key)}: {flow(chance, item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(chance, item) or "null" for item in value) + "]"
    made = scalar(chance, value)
    return made if made or not isinstance(value, str) else "''"


def block(chance, value, depth):
    """Behind a key or a "-": what stands on that line, and the lines below."""
    if isinstance(value, Tagged):
        first, lines = block(chance, value.value, depth)
        return f" {value.tag}{first}", lines
    if not isinstance(value, list) or not value or chance.random() < 0.15:
        made = flow(chance, value) if isinstance(value, list) else scalar(chance, value)
        return f" {made}" if made else "", []
    lines = []
    margin = "  " * depth
    for row in value:
        key, item = row if isinstance(value, Pairs) else (None, row)
        first, below = block(chance, item, depth + 1)
        lines.append(margin + ("-" if key is None else key_text(chance, key) + ":") + (first or (" null" if key is None and not below else "")))
        lines += below
    return "", lines


def with_anchor(chance, lines):
    """A service's lines once more, merged into another one by name."""
    return lines if chance.random() < 0.97 else lines + ["x-anchor: &anchor {image: merged, labels: {merged: 'yes'}}",
                                                         "services: {merged: {image: own, <<: *anchor}}"]


def yaml(chance, tree):
    first, lines = block(chance, tree, 0)
    made = "\n".join(([first.strip()] if first.strip() else []) + lines) + "\n"
    if not first.strip():
        made = "\n".join(with_anchor(chance, lines)) + "\n"
    if chance.random() < 0.02:
        made += chance.choice(["---\nservices: [\n", "---\na: 1\n", "...\n", "# end\n", "...\n---\nx\n"])
    return made


SOUP = ["", " ", "\n", "  ", "-", ":", ": ", "#", " #", "'", '"', "{", "}", "[", "]", ",", "&a ", "*a", "!", "!!str ", "|", ">", "|-\n ", "<<: ", "? ",
        "\t", "%", "@", "`", "---\n", "...\n", "$", "~", "\\", "\r\n", "\u00e9", "\u2028", "\x07", "x", "0", "_", "="]


def mutate(chance, made):
    """The text changed at a place or two: most of it is no YAML any more, and both should say so."""
    for _ in range(chance.randrange(1, 3)):
        at = chance.randrange(len(made) + 1)
        made = made[:at] + chance.choice(SOUP) + made[at + chance.choice([0, 0, 1, 1, 3]):]
    return made


def make(chance):
    version = chance.choice([None, "3", "3.8", "3.8", "3.8", f"3.{chance.randrange(14)}"])
    files = [make_file(chance, version) for _ in range(chance.choice([1, 1, 1, 2, 2, 3]))]
    for _ in range(chance.choice([0, 0, 0, 0, 1, 1, 2, 3])):
        spoil(chance, chance.choice(files))
    for _ in range(chance.choice([0] * 9 + [1])):
        oddity(chance, chance.choice(files))
    if chance.random() < 0.02:
        files[-1] = Pairs([row for row in files[-1] if row[0] != "version"] + [["version", chance.choice(["3.7", Raw("3.8"), "2.4", "3.99", ""])]])
    made = [yaml(chance, tree) for tree in files]
    if chance.random() < 0.05:
        made[0] = mutate(chance, made[0])
    return NEXT.join(made)
