"""From results to text: the documented table style, JSON, or plain lines for shell scripts.

Table style: header, separator, rows; ``|`` and ``+`` at the column joints with no blanks beside them; every
column but the last padded to its widest cell; the last one unpadded, its dashes as long as its header.

JSON: exactly one document a command, on one line: a table is an array of objects, a record one object, the
documented single value ``{"value": ..}``, success ``{"result": "OK"}``, text ``{"text": ..}``, a report one
object by title. A stream is one document a line.

Plain: cells separated by tabulators, without a header.

All of it comes in pieces: between two of them whoever renders gives other sessions their turn, so that ten thousand
rows hold nobody up (output.py).
"""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, Literal

import tabulate
from wcwidth import wcswidth

from cluster.errors import ClusterError, LockedError, NotAuthorisedError, UnreachableError
from utmcli.results import Cell, Done, Record, Report, Result, Table, Text, cell_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Style = Literal["table", "json", "plain"]

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_AMBIGUOUS = 3
EXIT_NOT_AUTHORISED = 4
EXIT_LOCKED = 5
EXIT_UNREACHABLE = 6
EXIT_INTERRUPTED = 130

BATCH = 100
"""Rows of a piece: two to three milliseconds of work."""
_CHARACTERS = 16 * 1024
"""Of a text in a piece."""


def render(result: Result, style: Style = "table") -> str:
    """A result as text for standard output, ending with a newline unless it is empty."""
    return "".join(pieces(result, style))


def pieces(result: Result, style: Style = "table") -> Iterator[str]:
    """The same in pieces, of which each is little work; an empty one is only a place to pause."""
    if style == "json":
        yield from _document(result)
        yield "\n"
        return
    last = ""
    for piece in _plain(result) if style == "plain" else _table(result):
        last = piece or last
        yield piece
    if last and not last.endswith("\n"):
        yield "\n"


def warnings_text(result: Result) -> str:
    """The warnings of a result, for standard error; empty when there are none."""
    warnings = result.warnings if isinstance(result, Done | Table) else ()
    return "".join(f"% Warning: {printable(warning)}\n" for warning in warnings)


def error_text(error: ClusterError) -> str:
    """An error for standard error: its sentence, then its details, one a line."""
    lines = [f"% Error: {printable(error.message)}", *(f"  {printable(detail)}" for detail in error.details)]
    return "\n".join(lines) + "\n"


def exit_code(error: ClusterError) -> int:
    """The exit code of a command that ended with this error."""
    if isinstance(error, NotAuthorisedError):
        return EXIT_NOT_AUTHORISED
    if isinstance(error, LockedError):
        return EXIT_LOCKED
    if isinstance(error, UnreachableError):
        return EXIT_UNREACHABLE
    return EXIT_FAILED


def printable(text: str, *, keep: str = "") -> str:
    """Text without characters that steer a terminal.

    Values come from configurations and from the network; an escape sequence in one must not reach the
    administrator's terminal, and neither must a character that reorders what is read (bidirectional controls).

    Args:
        text: anything.
        keep: control characters that stay, e.g. a newline.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or unicodedata.category(c) not in _STEERING else "\ufffd" for c in text)


_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


# --- the documented table style ---------------------------------------------------------------------


def _table(result: Result) -> Iterator[str]:
    match result:
        case Table():
            yield from _grid(result)
        case Record(attributes):
            yield from _grid(Table(("attribute", "value"), attributes))
        case Done():
            yield "OK"
        case Text(text):
            for start in range(0, len(text), _CHARACTERS):
                yield printable(text[start : start + _CHARACTERS], keep="\n\t")
        case Report(sections):
            for number, (title, section) in enumerate(sections):
                yield ("\n\n" if number else "") + f"{title}\n"
                yield from _without_end(_table(section))


def _grid(table: Table) -> Iterator[str]:
    """A table: all cells are measured before the first row is laid out."""
    header = _texts(table.columns)
    widths = [
        max(_width(name), least) for name, least in zip(header, table.widths or (0,) * len(header), strict=True)
    ]
    rows: list[list[str]] = []
    for batch in _batches(table.rows):
        texts = [_texts(row) for row in batch]
        widths = [max(widest, *map(_width, cells)) for widest, *cells in zip(widths, *texts, strict=True)]
        rows += texts
        if len(rows) < len(table.rows):
            yield ""
    if not table.continues:
        first = _laid_out([header], widths)
        separator = "".join("+" if character == "|" else "-" for character in first)
        yield f"{first}\n{separator}" + ("\n" if rows else "")
    shown = 0
    for batch in _batches(rows):
        shown += len(batch)
        yield _laid_out(batch, widths) + ("\n" if shown < len(rows) else "")


def _texts(cells: Iterable[Cell]) -> list[str]:
    return [printable(cell_text(cell)).strip() for cell in cells]


def _row(cells: list[str], _widths: list[int], _aligns: list[str]) -> str:
    return "|".join([*cells[:-1], cells[-1].rstrip()])


DOCUMENTED_STYLE = tabulate.TableFormat(
    lineabove=None,
    linebelowheader=None,
    linebetweenrows=None,
    linebelow=None,
    headerrow=None,
    datarow=_row,
    padding=0,
    with_header_hide=None,
)
"""The header goes in as a row: tabulate pads a header of its own by two columns more than it needs."""


def _laid_out(rows: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    """Some rows of a table; a row of the widths of all, cut off again, makes them line up with the others."""
    measure = ["x" * wide for wide in widths]
    text = tabulate.tabulate([*rows, measure], tablefmt=DOCUMENTED_STYLE, disable_numparse=True, stralign="left")
    return text.rpartition("\n")[0]


def _width(text: str) -> int:
    """Columns of a text on a terminal."""
    return len(text) if text.isascii() else max(0, wcswidth(text))


def _without_end(parts: Iterable[str]) -> Iterator[str]:
    """The same text without the white space at its end."""
    held = ""
    for part in parts:
        text = held + part
        kept = text.rstrip()
        held = text[len(kept) :]
        yield kept


# --- JSON and plain ---------------------------------------------------------------------------------


def _document(result: Result) -> Iterator[str]:
    match result:
        case Table((name,), ((value,),), is_single=True):
            yield _json({name: _json_cell(value)})
        case Table(columns, rows):
            yield "["
            for number, batch in enumerate(_batches(rows)):
                objects = [dict(zip(columns, map(_json_cell, row), strict=True)) for row in batch]
                yield f"{', ' if number else ''}{_json(objects)[1:-1]}"
            yield "]"
        case Record(attributes):
            yield _json({name: _json_cell(value) for name, value in attributes})
        case Done(warnings):
            yield _json({"result": "OK", "warnings": list(warnings)} if warnings else {"result": "OK"})
        case Text(text):
            yield _json({"text": text})
        case Report(sections):
            yield "{"
            for number, (title, section) in enumerate(dict(sections).items()):
                yield f"{', ' if number else ''}{_json(title)}: "
                yield from _document(section)
            yield "}"


def _json(document: Any) -> str:
    """JSON that can be shown: what would steer a terminal is escaped, and stays the same value."""
    text = json.dumps(document, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(json.dumps(c)[1:-1] if unicodedata.category(c) in _STEERING else c for c in text)


def _json_cell(cell: Cell) -> Any:
    return list(cell) if isinstance(cell, tuple) else cell


def _plain(result: Result) -> Iterator[str]:
    match result:
        case Table(rows=rows):
            yield from _lines(rows)
        case Record(attributes):
            yield from _lines(attributes)
        case Report(sections):
            parted = False
            for _, section in sections:
                lines = "".join(_plain(section))
                yield ("\n" if parted and lines else "") + lines
                parted = parted or bool(lines)
        case Done() | Text():
            yield from _table(result)


def _lines(rows: Sequence[Sequence[Cell]]) -> Iterator[str]:
    for number, batch in enumerate(_batches(rows)):
        lines = "\n".join("\t".join(printable(cell_text(cell)) for cell in row) for row in batch)
        yield ("\n" if number else "") + lines
