"""A command line as tokens, each with its columns.

Bare words end at blanks and at ``|``; ``"..."`` and ``'...'`` hold anything, with a backslash before a quote or
a backslash. ``[`` at the start of a token opens a list and ``]`` closes it, with or without blanks beside them.
Tokenizing never fails: what is wrong with a line is for the parser to say, and it needs the columns to say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

QUOTES = "\"'"


class TokenKind(Enum):
    """What a token is; only WORD and QUOTED carry a value."""

    WORD = "word"
    QUOTED = "quoted"
    OPEN = "["
    CLOSE = "]"
    PIPE = "|"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the line.

    Attributes:
        kind: what it is.
        text: its value, quotes and escapes resolved.
        start: column of its first character, from 0.
        end: column after its last character.
        closed: False for a quotation that the line does not close.
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    closed: bool = True

    @property
    def is_value(self) -> bool:
        """Whether this can stand where a word or a value is expected."""
        return self.kind in (TokenKind.WORD, TokenKind.QUOTED)


def tokenize(line: str) -> tuple[Token, ...]:
    """Split a line; any text is accepted."""
    tokens: list[Token] = []
    position = 0
    in_list = False
    while position < len(line):
        character = line[position]
        if character.isspace():
            position += 1
            continue
        if character in QUOTES:
            token = _quoted(line, position)
        elif character in "[]|":
            token = Token(TokenKind(character), character, position, position + 1)
            in_list = character == "["
        else:
            token = _bare(line, position, in_list=in_list)
        tokens.append(token)
        position = token.end
    return tuple(tokens)


def _quoted(line: str, start: int) -> Token:
    quote = line[start]
    text: list[str] = []
    position = start + 1
    while position < len(line):
        character = line[position]
        if character == "\\" and line[position + 1 : position + 2] in (quote, "\\"):
            text.append(line[position + 1])
            position += 2
            continue
        position += 1
        if character == quote:
            return Token(TokenKind.QUOTED, "".join(text), start, position)
        text.append(character)
    return Token(TokenKind.QUOTED, "".join(text), start, position, closed=False)


def _bare(line: str, start: int, *, in_list: bool) -> Token:
    end = start
    while end < len(line) and not line[end].isspace() and line[end] != "|" and not (in_list and line[end] == "]"):
        end += 1
    return Token(TokenKind.WORD, line[start:end], start, end)


def quote(word: str) -> str:
    """One word of a program's argument vector as it has to stand in a command line.

    The shell has removed the quotes already, so a word with blanks is one value. Brackets and ``|`` keep
    their meaning when they are words of their own, and so do a list and a quotation passed as one word
    (``'[ "a" ]'``, ``'"a"'``): programs split a documented line at its blanks and pass on what they get.
    """
    if word in ("[", "]", "|") or (word.startswith("[") and word.endswith("]")) or _is_quotation(word):
        return word
    plain = word.split() == [word] and word[0] not in "\"'[]" and "|" not in word
    if plain and not word.endswith("]"):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_quotation(word: str) -> bool:
    if not word or word[0] not in QUOTES:
        return False
    token = _quoted(word, 0)
    return token.closed and token.end == len(word)


def in_quotation(line: str) -> bool:
    """Whether a quotation is open at the end of a line: there a question mark is a character like any other."""
    tokens = tokenize(line)
    return bool(tokens) and tokens[-1].kind is TokenKind.QUOTED and not tokens[-1].closed
