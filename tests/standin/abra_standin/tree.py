# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of commands with their flags, and the reading of a command line as cobra reads one (H2, H3).

    sys.exit(tree.main(sys.argv))

Handlers are named by module and function and imported when they run, so that a small command starts fast. What is
not in the tree does not exist: exit code 1 and a line on stderr.
"""

import importlib
import signal
import sys

from . import switches, terminal

VERSION = "0.13.0-beta-06a57de"


class UsageError(Exception):
    pass


class Flag:
    def __init__(self, long, short="", value="", text=""):
        self.long, self.short, self.value, self.text = long, short, value, text


class Command:
    def __init__(self, name, handler="", *, aliases=(), arguments="", count=(0, 0), flags=(), text="", children=()):
        self.name, self.handler, self.aliases, self.text = name, handler, aliases, text
        self.arguments, self.count, self.flags = arguments, count, list(flags)
        self.children = {}
        self.path = name
        for child in children:
            for word in (child.name, *child.aliases):
                self.children[word] = child

    def set_paths(self, prefix):
        self.path = f"{prefix} {self.name}".strip()
        for child in self.children.values():
            child.set_paths(self.path)


class Context:
    """What a handler gets: positional arguments, how many of them stood before `--`, flags."""

    def __init__(self, command, args, dash, flags):
        self.command, self.args, self.dash, self.flags = command, args, dash, flags
        self.no_input = self.flag("no-input")
        self.offline = self.flag("offline")
        self.chaos = self.flag("chaos")
        self.machine = self.flag("machine")

    def flag(self, name):
        return self.flags.get(name, False)

    def text(self, name):
        return self.flags.get(name) or ""

    def arg(self, index):
        return self.args[index] if index < len(self.args) else ""


GLOBAL = (
    Flag("no-input", "n", text="toggle non-interactive mode"),
    Flag("offline", "o", text="prefer offline & filesystem access"),
    Flag("debug", "d", text="show debug messages"),
    Flag("help", "h", text="help for this command"),
)
CHAOS = Flag("chaos", "C", text="ignore uncommitted recipes changes")
MACHINE = Flag("machine", "m", text="print machine-readable output")
FORCE = Flag("force", "f", text="perform action without further prompt")
NO_DOMAIN = Flag("no-domain-checks", "D", text="disable public DNS checks")
NO_CONVERGE = Flag("no-converge-checks", "c", text="disable converge logic checks")
ALL = Flag("all", "a", text="all of them")
USER = Flag("user", "u", "string", "user inside the container")
D = "<domain>"


def _secret():
    return Command("secret", aliases=("s",), text="manage app secrets", children=(
        Command("generate", "app_secret:generate", aliases=("g",), arguments=f"{D} [[secret] [version] | --all]",
                count=(1, 3), flags=(ALL, Flag("pass", "p", text="store in a local pass store"), MACHINE, CHAOS)),
        Command("insert", "app_secret:insert", aliases=("i",), arguments=f"{D} <secret> <version> [data]", count=(3, 4),
                flags=(Flag("file", "f", text="treat input as a file"), Flag("trim", "t", text="trim newlines"),
                       Flag("pass", "p", text="store in a local pass store"), CHAOS)),
        Command("remove", "app_secret:remove", aliases=("rm",), arguments=f"{D} [[secret] | --all]", count=(1, 2),
                flags=(ALL, Flag("pass", "p", text="remove from a local pass store"))),
        Command("list", "app_secret:show", aliases=("ls",), arguments=D, count=(1, 1), flags=(MACHINE, CHAOS)),
    ))


def _backup():
    snapshot = Flag("snapshot", "s", "string", "which snapshot")
    path = Flag("path", "p", "string", "which path")
    return Command("backup", aliases=("b",), text="manage app backups", children=(
        Command("create", "app_backup:create", aliases=("c",), arguments=D, count=(1, 1),
                flags=(Flag("retries", "r", "string", "number of retries"), CHAOS)),
        Command("list", "app_backup:show", aliases=("ls",), arguments=D, count=(1, 1), flags=(snapshot, path)),
        Command("snapshots", "app_backup:snapshots", aliases=("s",), arguments=D, count=(1, 1)),
        Command("download", "app_backup:download", aliases=("d",), arguments=D, count=(1, 1),
                flags=(snapshot, path, Flag("volumes", text="with volumes"), Flag("secrets", text="with secrets"))),
    ))


def _app():
    return Command("app", aliases=("a",), text="manage apps", children=(
        Command("new", "app_life:new", aliases=("n",), arguments="[recipe] [version]", count=(0, 2), flags=(
            Flag("server", "s", "string", "server of the new app"), Flag("domain", "D", "string", "domain name"),
            Flag("secrets", "S", text="generate secrets"), Flag("pass", "p", text="store secrets in pass"), CHAOS)),
        Command("deploy", "app_life:deploy", aliases=("d",), arguments=f"{D} [version]", count=(1, 2), flags=(
            CHAOS, FORCE, NO_DOMAIN, NO_CONVERGE, Flag("latest", "l", text="deploy the latest version"))),
        Command("upgrade", "app_life:upgrade", aliases=("up",), arguments=f"{D} [version]", count=(1, 2), flags=(
            FORCE, NO_DOMAIN, NO_CONVERGE, Flag("releasenotes", "r", text="only show release notes"))),
        Command("rollback", "app_life:rollback", aliases=("rl",), arguments=f"{D} [version]", count=(1, 2), flags=(
            FORCE, NO_DOMAIN, NO_CONVERGE)),
        Command("undeploy", "app_life:undeploy", aliases=("un",), arguments=D, count=(1, 1), flags=(
            Flag("prune", "p", text="prune unused containers, networks and images"),)),
        Command("remove", "app_life:remove", aliases=("rm",), arguments=D, count=(1, 1), flags=(FORCE,)),
        Command("restart", "app_life:restart", aliases=("re",), arguments=f"{D} [[service] | --all-services]",
                count=(1, 2), flags=(Flag("all-services", "a", text="restart all services"), CHAOS)),
        Command("list", "app_look:show", aliases=("ls",), flags=(
            Flag("server", "s", "string", "only this server"), Flag("recipe", "r", "string", "only this recipe"),
            Flag("status", "S", text="show deployment status"), MACHINE)),
        Command("ps", "app_look:ps", aliases=("p",), arguments=D, count=(1, 1), flags=(MACHINE, CHAOS)),
        Command("services", "app_look:services", aliases=("sr",), arguments=D, count=(1, 1), flags=(CHAOS,)),
        Command("logs", "app_look:logs", aliases=("l",), arguments=f"{D} [service]", count=(1, 2), flags=(
            Flag("stdout", "s", text="only stdout"), Flag("since", "S", "string", "since this time"))),
        Command("check", "app_look:check", aliases=("chk",), arguments=D, count=(1, 1), flags=(CHAOS,)),
        Command("env", aliases=("e",), text="manage app env vars", children=(
            Command("check", "app_look:check", aliases=("c",), arguments=D, count=(1, 1), flags=(CHAOS,)),
            Command("list", "app_look:env", aliases=("ls",), arguments=D, count=(1, 1), flags=(CHAOS,)),
            Command("pull", "app_look:env_pull", aliases=("pl",), arguments=D, count=(1, 1)))),
        Command("labels", "app_look:labels", aliases=("lb",), arguments=D, count=(1, 1), flags=(CHAOS,)),
        Command("config", "app_inside:config", aliases=("cfg",), arguments=D, count=(1, 1)),
        Command("run", "app_inside:run", aliases=("r",), arguments=f"{D} <service> -- <cmd> [args]", count=(3, None),
                flags=(Flag("no-tty", "t", text="do not request a TTY"), USER)),
        Command("command", "app_inside:command", aliases=("cmd",), arguments=f"{D} [service] <cmd> [-- args]",
                count=(2, None), flags=(Flag("local", "l", text="run on this host"),
                                        Flag("tty", "T", text="disable remote TTY"), USER, CHAOS), children=(
                    Command("list", "app_inside:command_list", aliases=("ls",), arguments=D, count=(1, 1),
                            flags=(CHAOS,)),)),
        Command("cp", "app_inside:copy", aliases=("c",), arguments=f"{D} <src> <dst>", count=(3, 3)),
        Command("volume", aliases=("vl",), text="manage app volumes", children=(
            Command("list", "app_volume:show", aliases=("ls",), arguments=D, count=(1, 1)),
            Command("remove", "app_volume:remove", aliases=("rm",), arguments=f"{D} [volume]", count=(1, 2),
                    flags=(FORCE,)))),
        _secret(),
        _backup(),
        Command("restore", "app_backup:restore", aliases=("rs",), arguments=D, count=(1, 1), flags=(
            Flag("snapshot", "s", "string", "which snapshot"), Flag("target", "t", "string", "path inside"),
            Flag("volumes", text="restore volumes"), Flag("container", text="restore container files"),
            Flag("hooks", text="run restore hooks"), CHAOS)),
    ))


def _recipe():
    return Command("recipe", aliases=("r",), text="manage recipes", children=(
        Command("fetch", "recipe_commands:fetch", aliases=("f",), arguments="[recipe | --all]", count=(0, 1),
                flags=(ALL, Flag("force", "f", text="clone again"), Flag("ssh", "s", text="clone over ssh"))),
        Command("lint", "recipe_commands:lint", aliases=("l",), arguments="<recipe>", count=(1, 1),
                flags=(CHAOS, Flag("error", "e", text="only show errors"))),
        Command("versions", "recipe_commands:versions", aliases=("v", "version"), arguments="<recipe>", count=(1, 1),
                flags=(MACHINE,)),
        Command("list", "recipe_commands:show", aliases=("ls",), flags=(
            MACHINE, Flag("pattern", "p", "string", "filter by name"))),
        Command("reset", "recipe_commands:reset", aliases=("rs",), arguments="<recipe>", count=(1, 1)),
        Command("diff", "recipe_commands:diff", aliases=("df",), arguments="<recipe>", count=(1, 1)),
    ))


def _server():
    return Command("server", aliases=("s",), text="manage servers", children=(
        Command("add", "server_commands:add", aliases=("a",), arguments="[[server] | --local]", count=(0, 1),
                flags=(Flag("local", "l", text="use the local server"),)),
        Command("list", "server_commands:show", aliases=("ls",), flags=(MACHINE,)),
    ))


def root():
    top = Command("abra", text="the Co-op Cloud command-line (stand-in)",
                  flags=(Flag("version", "v", text="version for abra"),), children=(_app(), _recipe(), _server()))
    for child in top.children.values():
        child.set_paths("")
    return top


def find(top, argv):
    """The command that argv names, and argv without the words that named it. Only flags without a value may stand
    before a command's name, as only those are persistent."""
    command, rest = top, []
    for index, word in enumerate(argv):
        if word == "--":
            return command, rest + argv[index:]
        if word.startswith("-") and word != "-":
            rest.append(word)
        elif word in command.children:
            command = command.children[word]
        elif command.handler or not command.children:
            return command, rest + argv[index:]
        else:
            raise UsageError(f'unknown command "{word}" for "{_full(command)}"')
    return command, rest


def _full(command):
    return "abra" if command.path == "abra" else f"abra {command.path}"


def flags_of(command):
    """Flag by long and by short name; H32 takes one away."""
    flags = {}
    scope, _, gone = switches.value("k32").rpartition(":")
    for flag in (*GLOBAL, *command.flags):
        if f"--{flag.long}" == gone and scope in ("", command.path):
            continue
        flags[flag.long] = flag
        if flag.short:
            flags[f"-{flag.short}"] = flag
    return flags


def parse(command, argv):
    known, values, args, dash = flags_of(command), {}, [], None
    words = list(argv)
    while words:
        word = words.pop(0)
        if word == "--":
            dash = len(args)
            args += words
            break
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if name not in known or name.startswith("-"):
                raise UsageError(f"unknown flag: --{name}")
            _take(known[name], value if equals else None, words, values, f"--{name}")
        elif word.startswith("-") and word != "-":
            _parse_short(word, known, words, values)
        else:
            args.append(word)
    return Context(command, args, dash, values)


def _parse_short(word, known, words, values):
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = known.get(f"-{letter}")
        if not flag:
            raise UsageError(f"unknown shorthand flag: '{letter}' in {word}")
        attached = None
        if letters.startswith("="):
            attached, letters = letters[1:], ""
        elif flag.value and letters:
            attached, letters = letters, ""
        _take(flag, attached, words, values, f"'{letter}' in {word}")


def _take(flag, attached, words, values, shown):
    if not flag.value:
        if attached not in (None, "true", "false"):
            raise UsageError(f'invalid argument "{attached}" for "{shown}" flag')
        values[flag.long] = attached != "false"
    elif attached is not None:
        values[flag.long] = attached
    elif words:
        values[flag.long] = words.pop(0)
    else:
        raise UsageError(f"flag needs an argument: {shown}")


def check_count(command, given):
    least, most = command.count
    if least == most and given != least:
        raise UsageError(f"accepts {least} arg(s), received {given}")
    if given < least:
        raise UsageError(f"requires at least {least} arg(s), only received {given}")
    if most is not None and given > most:
        raise UsageError(f"accepts between {least} and {most} arg(s), received {given}")


def usage(command):
    lines = [command.text, "", "Usage:", f"  {_full(command)} {command.arguments or '[command]'} [flags]", ""]
    children = {child.name: child for child in command.children.values()}
    if children:
        lines.append("Available Commands:")
        lines += [f"  {child.name:<12} {child.text} (aliases: {', '.join(child.aliases)})" for child in children.values()]
        lines.append("")
    lines.append("Flags:")
    for flag in dict.fromkeys(flags_of(command).values()):
        short = f"-{flag.short}, " if flag.short else "    "
        lines.append(f"  {short}--{flag.long} {flag.value}".ljust(34) + flag.text)
    return "\n".join(lines)


def _run(argv):
    command, rest = find(root(), argv)
    context = parse(command, rest)
    if context.flag("help"):
        print(usage(command))
        return 0
    if context.flag("version"):
        print(f"abra version {VERSION}")
        return 0
    if not command.handler:
        if context.args:
            raise UsageError(f'unknown command "{context.args[0]}" for "{_full(command)}"')
        print(usage(command))
        return 0
    check_count(command, len(context.args))
    terminal.is_quiet, terminal.is_debug = context.machine, context.flag("debug")
    module, _, function = command.handler.partition(":")
    return getattr(importlib.import_module(f"abra_standin.{module}"), function)(context) or 0


def main(argv):
    # Python would turn an interrupt into an exception and run on for a while; abra just ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = 1
    try:
        switches.start(argv)
        code = _run(argv[1:])
    except UsageError as error:
        sys.stderr.write(terminal.human(f"Error: {error}") + "\n")
    except (terminal.Fatal, switches.SwitchError) as error:
        terminal.fatal(str(error))
    except BrokenPipeError:
        sys.stderr.close()
    switches.end(code)
    return code
