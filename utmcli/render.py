"""From results to text: the documented table style, JSON, or plain lines for shell scripts.

Table style: header, separator, rows; ``|`` and ``+`` at the column joints with no blanks beside them; every
column but the last padded to its widest cell; the last one unpadded, its dashes as long as its header.

JSON: exactly one document a command, on one line: a table is an array of objects, a record one object, the
documented single value ``{"value": ..}``, success ``{"result": "OK"}``, text ``{"text": ..}``, a report one
object by title. A stream is one document a line.

Plain: cells separated by tabulators, without a header.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any, Literal

import tabulate

from cluster.errors import ClusterError, LockedError, NotAuthorisedError, UnreachableError
from utmcli.results import Cell, Done, Record, Report, Result, Table, Text, cell_text

Style = Literal["table", "json", "plain"]

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_AMBIGUOUS = 3
EXIT_NOT_AUTHORISED = 4
EXIT_LOCKED = 5
EXIT_UNREACHABLE = 6
EXIT_INTERRUPTED = 130


def render(result: Result, style: Style = "table") -> str:
    """A result as text for standard output, ending with a newline unless it is empty."""
    if style == "json":
        return json.dumps(_document(result), ensure_ascii=False) + "\n"
    text = _plain(result) if style == "plain" else _table(result)
    return text + "\n" if text and not text.endswith("\n") else text


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


# --- the documented table style ---------------------------------------------------------------------


def _table(result: Result) -> str:
    match result:
        case Table():
            return _grid(result)
        case Record(attributes):
            return _grid(Table(("attribute", "value"), attributes))
        case Done():
            return "OK"
        case Text(text):
            return printable(text, keep="\n\t")
        case Report(sections):
            return "\n\n".join(f"{title}\n{_table(section).rstrip()}" for title, section in sections)


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
"""The header goes in as the first row: tabulate pads a header of its own by two columns more than it needs."""


def _grid(table: Table) -> str:
    rows = [[printable(cell_text(cell)) for cell in row] for row in table.rows]
    # A row of the least widths, cut off again, makes the parts of a stream line up.
    measure = ["x" * width for width in table.widths]
    lines = tabulate.tabulate(
        [table.columns, *rows, measure], tablefmt=DOCUMENTED_STYLE, disable_numparse=True, stralign="left"
    ).split("\n")[:-1]
    if table.continues:
        return "\n".join(lines[1:])
    separator = "".join("+" if character == "|" else "-" for character in lines[0])
    return "\n".join([lines[0], separator, *lines[1:]])


# --- JSON and plain ---------------------------------------------------------------------------------


def _document(result: Result) -> Any:
    match result:
        case Table((name,), ((value,),), is_single=True):
            return {name: _json_cell(value)}
        case Table(columns, rows):
            return [dict(zip(columns, map(_json_cell, row), strict=True)) for row in rows]
        case Record(attributes):
            return {name: _json_cell(value) for name, value in attributes}
        case Done(warnings):
            return {"result": "OK", "warnings": list(warnings)} if warnings else {"result": "OK"}
        case Text(text):
            return {"text": text}
        case Report(sections):
            return {title: _document(section) for title, section in sections}


def _json_cell(cell: Cell) -> Any:
    return list(cell) if isinstance(cell, tuple) else cell


def _plain(result: Result) -> str:
    match result:
        case Table(rows=rows):
            return "\n".join("\t".join(printable(cell_text(cell)) for cell in row) for row in rows)
        case Record(attributes):
            return "\n".join(f"{name}\t{printable(cell_text(value))}" for name, value in attributes)
        case Report(sections):
            return "\n".join(filter(None, (_plain(section) for _, section in sections)))
        case Done() | Text():
            return _table(result)
