"""Rows of styled text, and the least that has to be written to turn what a terminal shows into something else."""

from __future__ import annotations

import unicodedata
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Sequence


class Look(Enum):
    """How a piece of text looks; the values are parameters of SGR (ECMA-48, 8.3.117)."""

    PLAIN = ""
    STRONG = "1"
    FAINT = "2"
    MARKED = "7"
    GOOD = "32"
    CAREFUL = "33"
    BAD = "1;31"


class Piece(NamedTuple):
    """Text of one look."""

    text: str
    look: Look = Look.PLAIN


Row = tuple[Piece, ...]
"""Pieces from left to right."""


class Drawing(Protocol):
    """The whole screen of a person, lent to one command, as an async context manager (see stage.py)."""

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns now."""

    async def __aenter__(self) -> Self:
        """Take the screen."""

    async def __aexit__(self, *_exc: object) -> None:
        """Give it back."""

    async def show(self, rows: Sequence[Row]) -> None:
        """Draw what changed since the last picture."""

    async def pause(self, seconds: float) -> str:
        """Wait for a key, a change of the window, or so many seconds; the key, or nothing."""


def is_farewell(key: str) -> bool:
    """Whether a key ends what is drawn; Ctrl-C may come as one."""
    return key in ("q", "Q", "\x03")


def row(*pieces: Piece | str) -> Row:
    """A row of pieces; a bare text is a plain one."""
    return tuple(piece if isinstance(piece, Piece) else Piece(piece) for piece in pieces)


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return len(text) if text.isascii() and text.isprintable() else sum(map(_columns_of, text))


def _columns_of(character: str) -> int:
    if unicodedata.combining(character) or not character.isprintable():
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(pieces: Row, columns: int) -> Row:
    """As much of a row as fits into so many columns."""
    fitting: list[Piece] = []
    for piece in pieces:
        kept = piece.text
        while width(kept) > columns:
            kept = kept[:-1]
        if kept:
            fitting.append(Piece(kept, piece.look))
        columns -= width(kept)
        if kept != piece.text:
            break
    return tuple(fitting)


def plain(pieces: Row) -> str:
    """A row without its looks."""
    return "".join(piece.text for piece in pieces).rstrip()


def fit(rows: Sequence[Row], height: int, columns: int) -> tuple[Row, ...]:
    """A picture as large as the terminal at most; the last column stays free, where terminals wrap."""
    return tuple(cut(pieces, max(1, columns - 1)) for pieces in rows[: max(1, height)])


def difference(before: Sequence[Row], after: Sequence[Row]) -> str:
    """What to write so that a screen which shows `before` shows `after`; rows that are equal are left alone."""
    written: list[str] = []
    for number in range(max(len(before), len(after))):
        old = before[number] if number < len(before) else ()
        new = after[number] if number < len(after) else ()
        if old != new:
            written.append(f"\x1b[{number + 1};1H{_dressed(new)}\x1b[K")
    return "".join(written)


def _dressed(pieces: Row) -> str:
    return "".join(
        f"\x1b[{piece.look.value}m{piece.text}\x1b[0m" if piece.look.value else piece.text for piece in pieces
    )
