"""From a line to an invocation, or to a problem with its column and what was expected there."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from utmcli.reader import Invocation, Kind, Problem, ProblemError, Reader
from utmcli.tokens import tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utmcli.grammar import Grammar
    from utmcli.tokens import Token

__all__ = ["Invocation", "Kind", "Problem", "parse", "with_secrets_covered", "without_secrets"]

_ALIKE_KEY = 0.5
"""Likeness from which a word counts as a mistyped secret key of the command before it."""
_ALIKE_ANYWHERE = 0.8
"""The same where the command itself was mistyped, and its keys can be those of any."""
_TELLING = ("password", "passphrase", "secret")
"""Words that a secret follows, whatever the command; so many letters of them are enough."""
_TELLING_LETTERS = 3
_ASSIGNMENT = re.compile("[=:\"']")
"""What people put between a key and its value instead of a blank."""
_LONG = 64
"""Characters of a word that are compared."""


def parse(
    grammar: Grammar, line: str, *, has_input: bool = False, attended: bool = False
) -> Invocation | Problem:
    """Understand one line, whatever it holds.

    Args:
        grammar: what can be said.
        line: as typed.
        has_input: there is standard input to read: the key that a command takes from it need not be given.
        attended: a person sits there, who can be asked.
    """
    reader = Reader(grammar, has_input, attended)
    try:
        line.encode()
        for token in tokenize(line):
            reader.feed(token)
        return reader.finish()
    except ProblemError as found:
        return found.problem
    except UnicodeEncodeError as wrong:  # bytes of another encoding, as arguments carry them (PEP 383)
        return Problem(Kind.INVALID, wrong.start, "what begins here is no UTF-8 text")


def without_secrets(grammar: Grammar, line: str) -> str:
    """The line as a history may keep it: values of secret keys replaced, also where the line has a problem."""
    for start, end in reversed(_secrets(grammar, line)):
        line = f"{line[:start]}(secret){line[end:]}"
    return line


def with_secrets_covered(grammar: Grammar, line: str) -> str:
    """The line as a problem may show it: every character of a secret is a star, and every column as it was."""
    for start, end in _secrets(grammar, line):
        line = f"{line[:start]}{'*' * (end - start)}{line[end:]}"
    return line


def _secrets(grammar: Grammar, line: str) -> list[tuple[int, int]]:
    """Columns of what is a secret or, behind a mistake, may be one: from, and up to, in order."""
    reader = Reader(grammar)
    spans: list[tuple[int, int]] = []
    tokens = tokenize(line)
    for position, token in enumerate(tokens):
        is_secret = _awaits_secret(reader) or (reader.read_secret and token.is_value)
        try:
            reader.feed(token)
        except ProblemError:
            start = token.start if is_secret else _suspected(reader, tokens[position:])
            if start is not None:
                spans.append((start, len(line)))
            break
        if reader.read_secret:
            spans.append((token.start, token.end))
    return spans


def _awaits_secret(reader: Reader) -> bool:
    return reader.pending is not None and reader.pending.type.secret


def _suspected(reader: Reader, tokens: Sequence[Token]) -> int | None:
    """Where a secret may begin behind a mistake: after a word that seems to mean a secret key.

    Args:
        reader: stopped at the mistake.
        tokens: the rest of the line, the mistake first.
    """
    commands = (reader.command,) if reader.command is not None else reader.grammar.commands
    names = {key.name for command in commands for key in command.keys if key.type.secret}
    if names and not tokens[-1].closed:
        return tokens[-1].start  # nobody can tell what was meant to be inside that quotation
    keys = [key.name for command in commands for key in command.keys]
    if _lacks_secret(reader) and tokens[0].is_value and not get_close_matches(tokens[0].text[:_LONG], keys, 1):
        return tokens[0].start  # perhaps the secret itself, without the name of its key
    for at, token in enumerate(tokens):
        word = _ASSIGNMENT.split(token.text[:_LONG], maxsplit=1)
        if _seems_one_of(names, word[0].casefold(), known=reader.command is not None):
            if len(word) > 1:
                return token.start + len(word[0]) + 1
            if at + 1 < len(tokens):
                return tokens[at + 1].start
    return None


def _lacks_secret(reader: Reader) -> bool:
    """Whether a key is expected of a command that has no secret yet, and mostly or always has one."""
    if reader.command is None or reader.pending is not None:
        return False
    lacking = [key for key in reader.command.keys if key.type.secret and key.name not in reader.values]
    return any(key.required or key.name == "password" for key in lacking)


def _seems_one_of(names: set[str], word: str, *, known: bool) -> bool:
    """Whether a word is one of these keys, or perhaps one of them mistyped; `known`: the command is right."""
    if len(word) >= _TELLING_LETTERS and any(telling.startswith(word) for telling in _TELLING):
        return True
    if known and word and any(name.startswith(word) for name in names):
        return True
    if get_close_matches(word, _TELLING, 1, _ALIKE_ANYWHERE):
        return True
    return bool(get_close_matches(word, names, 1, _ALIKE_KEY if known else _ALIKE_ANYWHERE))
