"""docs/CLI.md and the man page, generated from the grammar.

python -m utmcli.manual > docs/CLI.md
python -m utmcli.manual man > docs/utmcli.1
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from utmcli.commands import GRAMMAR
from utmcli.pipes import PIPES
from utmcli.usage import about, synopsis

if TYPE_CHECKING:
    from utmcli.grammar import Command, Grammar

INTRODUCTION = """\
# The command line

This page is generated from the grammar (`python -m utmcli.manual`); edit the files in utmcli/commands/ instead.

    module [sub ...] verb [key value]... [| filter]...
    utmcli [--json] module [sub ...] verb [key value]... ['|' filter]...

- Keys come in any order. Words of commands, names of keys and filters may be abbreviated as long as they are
  unambiguous.
- Values are bare or quoted (`"..."`, `'...'`; a backslash before a quote or a backslash). Lists are `[ "a" "b" ]`
  and `[ ]`; a single value may stand for a list of one. Setting a list replaces it. `""` clears a value.
- Success without data prints `OK`. Data prints a table. `--json` (before or behind the words) and `| json` print
  exactly one JSON document: a table is an array of objects, an attribute table one object, a single value
  `{"value": ..}`, success `{"result": "OK"}`, text `{"text": ..}`, `cluster status` one object by section; a stream
  is one document a line. Several commands (`-c`, `-f`, standard input) print one array with an element for each;
  that of a command that failed is `{"error": .., "exit_code": ..}`.
- A script stops at its first line that fails (`--keep-going`: it does not). `--dry-run` understands and checks
  every line, names every mistake, and carries none out.
- What is wrong with a line is said with a caret below its column, on standard error, and nothing is changed:
  `% Invalid input`, `% Incomplete command`, `% Ambiguous command`. What could not be done starts with `% Error:`.
- Exit codes: 0 ok, 1 failed, 2 usage, 3 ambiguous, 4 not authorised, 5 locked, 6 clusterd or the partner
  unreachable, 130 interrupted.
- Life cycle: edit, `system update interface` applies, `system config save` keeps, `system config synchronize`
  sends the start configuration to the partner.

Commands marked D have the form that Securepoint documents.
"""


def manual(grammar: Grammar) -> str:
    """docs/CLI.md."""
    parts = [INTRODUCTION, *_chapters(grammar), "## Filters\n", _filters(), "## Other spellings\n"]
    parts.append("\n".join(f"- `{alias}` is `{word}`" for alias, word in sorted(grammar.aliases.items())) + "\n")
    return "\n".join(parts)


def _chapters(grammar: Grammar) -> list[str]:
    parts: list[str] = []
    for word, node in grammar.root.children.items():
        parts.append(f"## {word}\n\n{_sentence(node.help)}\n")
        parts += [_entry(command) for command in grammar.commands if command.path[0] == word]
    return parts


def _entry(command: Command) -> str:
    lines = [f"### `{command.name}`{' (D)' if command.documented else ''}\n", f"    {synopsis(command)}\n"]
    lines.append(" ".join(filter(None, (_sentence(command.help), command.note))))
    if command.keys:
        lines += ["", *(f"- `{key.name}`: {about(key)}" for key in command.keys)]
    return "\n".join(lines) + "\n"


def _filters() -> str:
    return "".join(f"- `{f'| {word.name} {word.argument}'.rstrip()}`: {word.help}\n" for word in PIPES)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


# --- the man page -----------------------------------------------------------------------------------

_MAN_BEGIN = r""".\" Generated from the grammar: python -m utmcli.manual man. Do not edit.
.TH UTMCLI 1 "" "utmcli" "User Commands"
.SH NAME
utmcli \- the command line of a hot\-standby firewall cluster
.SH SYNOPSIS
.B utmcli
.RI [ option ...]
.RI [ "module" " [" "sub ..." "] " "verb" " [" "key value" ]...]
.br
.B utmcli
.RI [ option ...]
.B \-c
.I COMMAND
.RB [ \-c
.IR COMMAND ]...
.br
.B utmcli
.RI [ option ...]
.B \-f
.I FILE
.SH DESCRIPTION
Without a command it opens the command line of the appliance: Tab completes, ? explains, exit leaves.
Standard input that is no terminal is a script.
.SH OPTIONS
"""
_MAN_OPTIONS = (
    ("--json", "print one JSON document for a command, one array for several"),
    ("-c COMMAND", "run a command line; may be repeated"),
    ("-f FILE", "run a script; - is standard input"),
    ("-i, --interactive", "show prompt and lines even if standard input is no terminal"),
    ("--dry-run", "understand and check every line, and carry none out"),
    ("--stop-on-error, --keep-going", "what follows a line that fails; a script stops, a session goes on"),
    ("--run-dir DIR", "where the sockets are, /run/utmcli if not given"),
    ("--complete LINE", "print what can come next in LINE, with descriptions"),
    ("--version, --help", "print the version, or help"),
)
_MAN_CODES = (
    ("0", "done"),
    ("1", "failed; the sentence on standard error says why"),
    ("2", "usage: unknown, missing, repeated or malformed input; nothing was sent"),
    ("3", "ambiguous abbreviation"),
    ("4", "not authorised"),
    ("5", "locked by somebody else"),
    ("6", "clusterd, or the partner, unreachable"),
    ("130", "interrupted"),
)


def man_page(grammar: Grammar) -> str:
    """utmcli.1, in the macros of man(7)."""
    parts = [_MAN_BEGIN, *(_item(name, f"{text}.") for name, text in _MAN_OPTIONS), ".SH COMMANDS\n"]
    for word, node in grammar.root.children.items():
        parts.append(f".SS {_roff(word)}\n{_roff(_sentence(node.help))}\n")
        parts += [_man_entry(command) for command in grammar.commands if command.path[0] == word]
    parts.append(".SH FILTERS\n")
    parts += [_item(f"| {word.name} {word.argument}".rstrip(), f"{word.help}.") for word in PIPES]
    parts.append(".SH EXIT STATUS\n")
    parts += [_item(code, f"{text}.") for code, text in _MAN_CODES]
    return "".join(parts)


def _man_entry(command: Command) -> str:
    text = " ".join(filter(None, (_sentence(command.help), command.note)))
    keys = (f".RS\n{_item(key.name, f'{about(key)}.')}.RE\n" for key in command.keys)
    return _item(synopsis(command), text) + "".join(keys)


def _item(name: str, text: str) -> str:
    return f".TP\n.B {_roff(name)}\n{_roff(text)}\n"


def _roff(text: str) -> str:
    """Text as roff reads it: backslashes and hyphens are spelled out, and no line begins with a request."""
    spelled = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line[:1] in (".", "'") else line for line in spelled.splitlines())


if __name__ == "__main__":
    sys.stdout.write(man_page(GRAMMAR) if sys.argv[1:] == ["man"] else manual(GRAMMAR))
