"""The grammar as text for people: what `help` prints, and the words the manual is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import NotFoundError
from utmcli.reader import suggestion
from utmcli.results import Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utmcli.grammar import Command, Grammar, Key, Node


def overview(grammar: Grammar) -> Table:
    """All commands, one a row."""
    return Table(("command", "meaning"), tuple((command.name, command.help) for command in grammar.commands))


def usage(grammar: Grammar, words: Sequence[str]) -> Table | Text:
    """Help for some words: a command in detail, or the commands below a word.

    Raises:
        NotFoundError: the words lead nowhere, or to several things.
    """
    node: Node = grammar.root
    path: tuple[str, ...] = ()
    for word in words:
        found = grammar.match(node, word)
        if node.command is not None or len(found) != 1:
            meant = f"; it can mean {' or '.join(found)}" if found else suggestion(word, node.children)
            raise NotFoundError(f"there is no help for \"{' '.join((*path, word))}\"{meant}")
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
    if command.keys:
        lines += ["", *(f"{key.name:{width}}  {about(key)}" for key in command.keys)]
    if command.note:
        lines += ["", command.note]
    return "\n".join(lines)


def synopsis(command: Command) -> str:
    """The form of a command, optional keys in brackets."""
    return " ".join((command.name, *map(form, command.keys)))


def form(key: Key) -> str:
    """How a key is given, in brackets where it need not be."""
    value = value_form(key)
    given = value if key.positional else f"{key.name} {value}"
    return given if key.required else f"[{given}]"


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
