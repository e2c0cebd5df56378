"""What a line means while it is typed: the kind of each word, and what is expected next.

Both come from the parser's own reader, so that a word is coloured as what it will be understood as.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from utmcli.reader import ProblemError, Reader
from utmcli.tokens import TokenKind, tokenize
from utmcli.usage import form, value_form

if TYPE_CHECKING:
    from utmcli.grammar import Grammar
    from utmcli.tokens import Token


class Part(Enum):
    """What a word of a line is; the values name styles of the editor."""

    COMMAND = "command"
    KEY = "key"
    VALUE = "value"
    FILTER = "filter"
    MISTAKE = "mistake"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line: from `start` up to `end`, columns from 0."""

    start: int
    end: int
    part: Part


def spans(grammar: Grammar, line: str) -> list[Span]:
    """The known words of a line, in order; behind a mistake nothing is known.

    A word that touches the end of the line may go on: it counts as a mistake only when a blank follows it.

    Args:
        grammar: what can be said.
        line: as far as it is typed.
    """
    reader = Reader(grammar)
    found: list[Span] = []
    for token in tokenize(line):
        part = _part(reader)
        try:
            reader.feed(token)
        except ProblemError:
            if token.end < len(line):
                found.append(Span(token.start, token.end, Part.MISTAKE))
            break
        found.append(Span(token.start, token.end, Part.FILTER if token.kind is TokenKind.PIPE else part))
    return found


def expectation(grammar: Grammar, line: str) -> str:
    """What is expected behind a line that ends with a blank, in a few words; empty where a menu says it better.

    A value that is awaited is named with its meaning, else the keys that can follow.

    Args:
        grammar: what can be said.
        line: what stands before the cursor.
    """
    if not line[-1:].isspace():
        return ""
    reader = Reader(grammar)
    tokens = tokenize(line)
    if _is_open(tokens):
        return ""
    try:
        for token in tokens:
            reader.feed(token)
    except ProblemError:
        return ""
    if reader.pipe_word is not None:
        return f"{reader.pipe_word.argument}  {reader.pipe_word.help}"
    if reader.command is None or reader.pipe_open or reader.pipes:
        return ""
    if reader.pending is not None:
        wanted = reader.pending.type.metavar if reader.elements is not None else value_form(reader.pending)
        return f"{wanted}  {reader.pending.help}"
    names = reader.open_keys()
    return " ".join(form(key) for key in reader.command.keys if key.name in names)


def _part(reader: Reader) -> Part:
    """What the next word is, if it is understood."""
    if reader.pipe_open or reader.pipe_word is not None or reader.pipes:
        return Part.FILTER
    if reader.command is None:
        return Part.COMMAND
    return Part.VALUE if reader.pending is not None else Part.KEY


def _is_open(tokens: tuple[Token, ...]) -> bool:
    return bool(tokens) and not tokens[-1].closed
