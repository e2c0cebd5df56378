"""What may follow a command after ``|``: filters of its result, before anything is rendered.

They work on rows of data and not on lines of text, so a header always stays, a filtered table still is a table, and
``| match LAN2 | json`` is one JSON document. Texts are filtered line by line. A long table goes through in parts,
as a stream does, so that other sessions get their turn between them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from utmcli.results import Done, Record, Report, Result, Table, Text, cell_text, single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PART = 500
"""Rows that are filtered at once: about a millisecond of work."""


@dataclass(frozen=True, slots=True)
class PipeWord:
    """A filter as the grammar knows it.

    Attributes:
        name: as typed.
        help: half a sentence.
        argument: what has to follow, ``TEXT``, ``NUMBER``, ``SECONDS`` or ``NAME``, or empty.
    """

    name: str
    help: str
    argument: str = ""


PIPES = (
    PipeWord("match", "rows that contain a text (upper and lower case are the same)", "TEXT"),
    PipeWord("except", "rows that do not contain a text", "TEXT"),
    PipeWord("count", "the number of rows"),
    PipeWord("json", "one JSON document"),
    PipeWord("head", "the first rows", "NUMBER"),
    PipeWord("last", "the last rows", "NUMBER"),
    PipeWord("no-more", "everything at once, without the pager"),
    PipeWord("save", "into a new file in ~/utmcli at your end", "NAME"),
    PipeWord("watch", "again every so many seconds, changes marked, until q or Ctrl-C", "SECONDS"),
)


@dataclass(frozen=True, slots=True)
class Pipe:
    """A filter as typed; `argument` is a text, a number, or None."""

    name: str
    argument: str | int | None = None


class Pipeline:
    """The filters of one command, fed with its result or with every part of its stream.

    Args:
        pipes: in the order typed.

    Attributes:
        json: one JSON document is wanted.
        paged: the output may pause.
        file: name to save it under, or empty.
        interval: seconds between two times, 0 for once.
    """

    def __init__(self, pipes: Sequence[Pipe]) -> None:
        self.json = any(pipe.name == "json" for pipe in pipes)
        self.paged = not any(pipe.name == "no-more" for pipe in pipes)
        self.file = str(next((pipe.argument for pipe in pipes if pipe.name == "save"), ""))
        self.interval = int(next((pipe.argument or 0 for pipe in pipes if pipe.name == "watch"), 0))
        self._stages = [_STAGES[pipe.name](pipe) for pipe in pipes if pipe.name in _STAGES]

    @property
    def full(self) -> bool:
        """Whether further parts of a stream can change nothing: ``head`` has all its rows."""
        return any(stage.full for stage in self._stages)

    def feed(self, result: Result) -> list[Result]:
        """What is to be shown of one result now."""
        return self._through(0, [result])

    def feed_in_parts(self, result: Result) -> Iterator[Result | None]:
        """The same, with None for every place to pause on the way."""
        if not self._stages or not isinstance(result, Table) or len(result.rows) <= PART:
            yield from self.feed(result)
            return
        shown: list[Result] = []
        for start in range(0, len(result.rows), PART):
            rows = result.rows[start : start + PART]
            shown += self.feed(replace(result, rows=rows, continues=result.continues or start > 0))
            yield None
            if self.full:
                break
        yield from _rejoined(shown)

    def finish(self) -> list[Result]:
        """What could not be said before the end: a count, the last rows."""
        shown: list[Result] = []
        for position, stage in enumerate(self._stages):
            shown += self._through(position + 1, stage.finish())
        return shown

    def _through(self, position: int, results: list[Result]) -> list[Result]:
        for stage in self._stages[position:]:
            results = [out for result in results for out in stage.feed(result)]
        return results


class _Stage:
    full = False

    def feed(self, result: Result) -> list[Result]:
        raise NotImplementedError

    def finish(self) -> list[Result]:
        return []


class _Match(_Stage):
    def __init__(self, pipe: Pipe) -> None:
        self._wanted = str(pipe.argument).casefold()
        self._keep = pipe.name == "match"

    def feed(self, result: Result) -> list[Result]:
        filtered = filter_rows(result, self._passes)
        # A stream whose part lost all its rows has nothing to say; a whole table keeps its header.
        return [] if isinstance(filtered, Table) and filtered.continues and not filtered.rows else [filtered]

    def _passes(self, row: str) -> bool:
        return (self._wanted in row.casefold()) is self._keep


class _Head(_Stage):
    def __init__(self, pipe: Pipe) -> None:
        self._left = int(pipe.argument or 0)

    @property
    def full(self) -> bool:  # type: ignore[override]
        return self._left <= 0

    def feed(self, result: Result) -> list[Result]:
        if self.full and isinstance(result, Table) and result.continues:
            return []
        return [filter_rows(result, self._passes)]

    def _passes(self, _row: str) -> bool:
        self._left -= 1
        return self._left >= 0


class _Last(_Stage):
    def __init__(self, pipe: Pipe) -> None:
        self._wanted = int(pipe.argument or 0)
        self._seen: Result | None = None

    def feed(self, result: Result) -> list[Result]:
        self._seen = result if self._seen is None else _joined(self._seen, result)
        return []

    def finish(self) -> list[Result]:
        if self._seen is None:
            return []
        skip = count_rows(self._seen) - self._wanted
        numbers = iter(range(count_rows(self._seen)))
        return [filter_rows(self._seen, lambda _row: next(numbers) >= skip)]


class _Count(_Stage):
    def __init__(self, _pipe: Pipe) -> None:
        self._rows = 0

    def feed(self, result: Result) -> list[Result]:
        self._rows += count_rows(result)
        return []

    def finish(self) -> list[Result]:
        return [single(self._rows)]


_STAGES: dict[str, Callable[[Pipe], _Stage]] = {
    "match": _Match,
    "except": _Match,
    "head": _Head,
    "last": _Last,
    "count": _Count,
}


def filter_rows(result: Result, passes: Callable[[str], bool]) -> Result:
    """The same result with only the rows, attributes or lines whose text passes; success stays success.

    A table that loses all its rows keeps its header, a section of a report that does so goes with them.
    """
    match result:
        case Table():
            return replace(result, rows=tuple(row for row in result.rows if passes("|".join(map(cell_text, row)))))
        case Record(attributes):
            return Record(tuple((n, value) for n, value in attributes if passes(f"{n}|{cell_text(value)}")))
        case Text(text):
            return Text("".join(line for line in text.splitlines(keepends=True) if passes(line.rstrip("\n"))))
        case Report(sections):
            filtered = ((title, _section(section, passes)) for title, section in sections)
            return Report(tuple((title, section) for title, section in filtered if count_rows(section)))
        case Done():
            return result


def _section(section: Table | Record | Text, passes: Callable[[str], bool]) -> Table | Record | Text:
    filtered = filter_rows(section, passes)
    return filtered if isinstance(filtered, Table | Record | Text) else section


def count_rows(result: Result) -> int:
    """Rows, attributes or lines of a result."""
    match result:
        case Table(rows=rows):
            return len(rows)
        case Record(attributes):
            return len(attributes)
        case Text(text):
            return len(text.splitlines())
        case Report(sections):
            return sum(count_rows(section) for _, section in sections)
        case Done():
            return 1


def _rejoined(parts: Sequence[Result]) -> list[Result]:
    """The parts of one table as one table again; a filter may have left nothing of them."""
    tables = [part for part in parts if isinstance(part, Table)]
    return [replace(tables[0], rows=tuple(row for part in tables for row in part.rows))] if tables else []


def _joined(first: Result, further: Result) -> Result:
    if isinstance(first, Table) and isinstance(further, Table):
        return replace(first, rows=first.rows + further.rows)
    return further
