"""What a command returns: data, never text. Rendering decides what it looks like (render.py)."""

from __future__ import annotations

from dataclasses import dataclass, field

Cell = str | int | float | bool | None | tuple[str, ...]
"""Lists are shown joined with commas; booleans as true and false; None as an empty cell (JSON: null)."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header.

    Attributes:
        columns: the header.
        rows: one tuple of cells a row.
        continues: further rows of a table whose header was shown before (a stream).
        widths: least widths of the columns, so that the parts of a stream line up.
        is_single: the one cell is a value by itself; in JSON an object and no list of rows.
        failed: what was looked at is not as it should be; the line ends with exit code 1.
        warnings: for standard error, one line each.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    continues: bool = False
    widths: tuple[int, ...] = ()
    is_single: bool = False
    failed: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """Attributes of one thing, in order; shown as an ``attribute|value`` table, in JSON as one object."""

    attributes: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Done:
    """Success without data: ``OK``. Warnings go to standard error, one line each."""

    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """Text as it is (an exported configuration, a help page); no trailing newline needed."""

    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Several titled results, one below the other (`cluster status`); in JSON one object by title."""

    sections: tuple[tuple[str, Table | Record | Text], ...] = field(default=())


Result = Table | Record | Done | Text | Report


def single(value: Cell) -> Table:
    """A single value in its documented form, a table of one column."""
    return Table(("value",), ((value,),), is_single=True)


def cell_text(cell: Cell) -> str:
    """A cell as people read it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, tuple):
        return ",".join(cell)
    return str(cell)
