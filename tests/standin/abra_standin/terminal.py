# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for people: log lines on stderr, tables and JSON on stdout, prompts (H4, H5, H29)."""

import json
import os
import shutil
import sys
import unicodedata

from . import switches

is_quiet = False  # with -m nothing but JSON is written, and FATA
is_debug = False


class Fatal(Exception):
    """Ends the program with a FATA line and exit code 1."""


def human(text):
    """H29: no caller may depend on the words."""
    return text.upper() if switches.is_on("k29") else text


def _log(level, text):
    sys.stderr.write(f"{level} {human(text)}\n")
    sys.stderr.flush()


def debug(text):
    if is_debug and not is_quiet:
        _log("DEBU", text)


def info(text):
    if not is_quiet:
        _log("INFO", text)


def warn(text):
    if not is_quiet:
        _log("WARN", text)


def fatal(text):
    _log("FATA", text)


def say(text):
    print(human(text), flush=True)


def print_json(value):
    print(json.dumps(value), flush=True)


def table(headers, rows):
    """Cells are data and stay as they are; the head is for people."""
    rows = [[str(cell) for cell in row] for row in rows]
    headers = [human(header) for header in headers]
    widths = [max(len(row[i]) for row in [headers, *rows]) for i in range(len(headers))]
    for row in [headers, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    sys.stdout.flush()


def require_terminal():
    """H33: a table is fitted to a terminal, and without one there is none."""
    if not (os.isatty(0) and os.isatty(1)):
        raise Fatal("inappropriate ioctl for device")


def _width(text):
    return sum(2 if unicodedata.east_asian_width(letter) == "W" else 1 for letter in text)


def box(headers, rows):
    """The same between box characters. What is wider than the terminal would be broken in lines, which nobody can read."""
    rows = [[human(header) for header in headers], *([str(cell) for cell in row] for row in rows)]
    widths = [max(_width(row[i]) for row in rows) for i in range(len(headers))]
    room = shutil.get_terminal_size().columns - sum(width + 3 for width in widths[:-1]) - 4
    if widths[-1] > room:
        raise Fatal("stand-in: the terminal is too narrow for the table")

    def rule(left, middle, right):
        return left + middle.join("─" * (width + 2) for width in widths) + right

    print(rule("┌", "┬", "┐"))
    for number, row in enumerate(rows):
        cells = (f" {cell}{' ' * (width - _width(cell))} " for cell, width in zip(row, widths))
        print("│" + "│".join(cells) + "│")
        if number == 0:
            print(rule("├", "┼", "┤"))
    print(rule("└", "┴", "┘"), flush=True)


def _ask(question):
    sys.stdout.write(human(question) + " ")
    sys.stdout.flush()
    answer = sys.stdin.readline()
    if not answer:
        print()
        raise Fatal("EOF")
    return answer.strip()


def confirm(context, question="proceed?"):
    """Goes on at once with -n; else only a typed yes does."""
    if context.no_input:
        return
    if _ask(f"{question} (y/N)").lower() not in ("y", "yes"):
        raise Fatal("deployment cancelled" if question == "proceed?" else "aborting as requested")


def ask(context, question, otherwise):
    """A value that was not given: asked for, or with -n refused with the text `otherwise`."""
    if context.no_input:
        raise Fatal(otherwise)
    answer = _ask(question)
    if not answer:
        raise Fatal(otherwise)
    return answer
