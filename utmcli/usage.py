"""The grammar as text for people: help pages and the manual (docs/CLI.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utmcli.pipes import PIPES
from utmcli.results import Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utmcli.grammar import Command, Grammar, Key, Node


def overview(grammar: Grammar) -> Table:
    """All commands, one a row."""
    return Table(("command", "meaning"), tuple((command.name, command.help) for command in grammar.commands))


def usage(grammar: Grammar, words: Sequence[str]) -> Table | Text:
    """Help for some words: a command in detail, the commands below a word, or what was not understood."""
    node: Node = grammar.root
    path: tuple[str, ...] = ()
    for word in words:
        found = grammar.match(node, word)
        if node.command is not None or len(found) != 1:
            meant = f"; it can mean {' or '.join(found)}" if found else ""
            return Text(f"there is no help for \"{' '.join((*path, word))}\"{meant}")
        path = (*path, found[0])
        node = node.children[found[0]]
    if node.command is not None:
        return Text(page(node.command))
    below = [command for command in grammar.commands if command.path[: len(path)] == path]
    return Table(("command", "meaning"), tuple((command.name, command.help) for command in below))


def page(command: Command) -> str:
    """One command in detail."""
    lines = [synopsis(command), f"    {command.help}"]
    width = max((len(key.name) for key in command.keys), default=0)
    for key in command.keys:
        lines += ["", f"{key.name:{width}}  {about(key)}"] if key is command.keys[0] else [
            f"{key.name:{width}}  {about(key)}"
        ]
    if command.note:
        lines += ["", command.note]
    return "\n".join(lines)


def synopsis(command: Command) -> str:
    """The form of a command, optional keys in brackets."""
    return " ".join((command.name, *map(_form, command.keys)))


def _form(key: Key) -> str:
    value = value_form(key)
    form = value if key.positional else f"{key.name} {value}"
    return form if key.required else f"[{form}]"


def value_form(key: Key) -> str:
    """How the value of a key is written."""
    if key.type.many and not key.positional:
        return f"[ {key.type.metavar} .. ]"
    words = key.type.words()
    return "|".join(word for word, _ in words) if 0 < len(words) <= 4 else key.type.metavar


def about(key: Key) -> str:
    """What a key means, in one line."""
    words = [f"{word}: {text}" for word, text in key.type.words() if text]
    details = f" ({'; '.join(words)})" if words else ""
    return f"{key.help}{details}"


# --- the manual -------------------------------------------------------------------------------------

INTRODUCTION = """\
# The command line

This page is generated from the grammar (`make docs`); edit the files in utmcli/commands/ instead.

    module [sub ...] verb [key value]... [| filter]...

- Keys come in any order. Words of commands, names of keys and filters may be abbreviated as long as they are
  unambiguous.
- Values are bare or quoted (`"..."`, `'...'`; a backslash before a quote or a backslash). Lists are `[ "a" "b" ]`
  and `[ ]`; a single value may stand for a list of one. Setting a list replaces it. `""` clears a value.
- Success without data prints `OK`. Data prints a table. `--json` and `| json` print exactly one JSON document: a
  table is an array of objects, an attribute table one object, a single value `{"value": ..}`, success
  `{"result": "OK"}`, text `{"text": ..}`, `cluster status` one object by section; a stream is one document a line.
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
