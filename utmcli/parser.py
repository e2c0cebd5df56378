"""From a line to an invocation, or to a problem with its column and what was expected there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utmcli.reader import Invocation, Kind, Problem, ProblemError, Reader
from utmcli.tokens import tokenize

if TYPE_CHECKING:
    from utmcli.grammar import Grammar

__all__ = ["Invocation", "Kind", "Problem", "parse", "without_secrets"]


def parse(grammar: Grammar, line: str, *, has_input: bool = False) -> Invocation | Problem:
    """Understand one line, whatever it holds.

    Args:
        grammar: what can be said.
        line: as typed.
        has_input: there is standard input to read: the key that a command takes from it need not be given.
    """
    reader = Reader(grammar, has_input)
    try:
        for token in tokenize(line):
            reader.feed(token)
        return reader.finish()
    except ProblemError as found:
        return found.problem


def without_secrets(grammar: Grammar, line: str) -> str:
    """The line as a history may keep it: values of secret keys replaced, also where the line has a problem."""
    reader = Reader(grammar)
    spans: list[tuple[int, int]] = []
    for token in tokenize(line):
        try:
            reader.feed(token)
        except ProblemError:
            # Behind a mistake nobody can tell a secret from a word: keep nothing of the rest.
            if reader.command is not None and any(key.type.secret for key in reader.command.keys):
                spans.append((token.start, len(line)))
            break
        if reader.read_secret:
            spans.append((token.start, token.end))
    for start, end in reversed(spans):
        line = f"{line[:start]}(secret){line[end:]}"
    return line
