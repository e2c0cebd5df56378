"""docs/CLI.md, generated from the grammar: ``python -m utmcli.manual > docs/CLI.md``."""

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
  is one document a line.
- What is wrong with a line is said with a caret below its column, on standard error, and nothing is changed:
  `% Invalid input`, `% Incomplete command`, `% Ambiguous command`. What could not be done starts with `% Error:`.
- Exit codes: 0 ok, 1 failed, 2 usage, 3 ambiguous, 4 not authorised, 5 locked, 6 daemon unreachable,
  130 interrupted.
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


if __name__ == "__main__":
    sys.stdout.write(manual(GRAMMAR))
