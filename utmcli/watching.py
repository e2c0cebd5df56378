"""What ``| watch N`` shows: the same command again and again, and what changed from one time to the next.

Cells are compared where they stand in the rendered lines, between the bars, so that every kind of result can be
watched. A line is known again by its first cell as long as that names one line only, else by its place.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from utmcli.canvas import Look, Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from utmcli.canvas import Row


def marked(before: Sequence[str] | None, now: Sequence[str]) -> list[Row]:
    """The lines of a result, with the cells marked that were not there, or different, before.

    Args:
        before: lines of the last time; None at the first time, when nothing has changed yet.
        now: lines of this time.
    """
    if before is None:
        return [(Piece(line),) for line in now]
    known = _named(before)
    return [
        _row(known.get(name), line) for name, line in zip(_names(now), now, strict=True)
    ]


def _named(lines: Sequence[str]) -> dict[tuple[str, int], str]:
    return dict(zip(_names(lines), lines, strict=True))


def _names(lines: Sequence[str]) -> list[tuple[str, int]]:
    """A name for every line: its first cell, or its place where that cell is none or stands in several lines."""
    firsts = [line.split("|")[0].rstrip() if "|" in line else "" for line in lines]
    times = Counter(firsts)
    return [(first, 0) if first and times[first] == 1 else ("", number) for number, first in enumerate(firsts)]


def _row(before: str | None, line: str) -> Row:
    old = before.split("|") if before is not None else []
    pieces: list[Piece] = []
    for number, cell in enumerate(line.split("|")):
        if number:
            pieces.append(Piece("|"))
        same = number < len(old) and old[number].rstrip() == cell.rstrip()
        text = cell.rstrip()
        pieces += (Piece(text, Look.PLAIN if same else Look.MARKED), Piece(cell[len(text) :]))
    return tuple(piece for piece in pieces if piece.text)
