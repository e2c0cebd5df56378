"""What can come next in a line, with descriptions and with the names that exist now.

Completion reads the line with the parser's own reader up to the word at the cursor and asks it what may follow, so
whatever is offered parses, and whatever parses is offered.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from utmcli.reader import ProblemError, Reader
from utmcli.render import printable
from utmcli.results import Table, Text
from utmcli.tokens import Token, TokenKind, quote, tokenize
from utmcli.values import COMMAND_WORDS, Options, ValueType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from utmcli.grammar import Grammar


MOST_HELP = 100
"""Words that ``?`` shows: it answers at once and without a pause, and what rolls by helps nobody."""
_QUOTED_PIPE = re.compile(r"""(?<=\s)(?:'\|'|"\|"|\\\|)(?=\s)""")
"""A ``|`` that is ours, in the line of another shell."""
_EXPANDED = frozenset('$`\\!"')
"""What other shells look for also inside of quotes."""
_SPECIAL = _EXPANDED | frozenset("'&;<>(){}*?#~")


class Live(Protocol):
    """The names that exist now, from a snapshot fetched before (see live.py)."""

    def names(self, source: str) -> Sequence[tuple[str, str]]:
        """Names of one source, each with a description; none if the source is unknown or unreachable."""


class Candidate(NamedTuple):
    """A word that can stand at the cursor.

    Attributes:
        text: as it has to stand in the line, quoted where needed.
        start: column where the word it replaces begins.
        description: half a sentence.
        ends_word: a blank may follow; False for ``name=``, whose value comes next.
    """

    text: str
    start: int
    description: str
    ends_word: bool = True


class _Possible(NamedTuple):
    """Something that can come next; only a `typed` one can be inserted, the others say what is awaited."""

    text: str
    description: str
    typed: bool = True
    literal: bool = False


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The line up to the word at the cursor, and that word."""

    reader: Reader
    partial: str
    start: int
    whole: bool
    """The word is a closed quotation: nothing can be added to it."""


def complete(grammar: Grammar, line: str, live: Live) -> list[Candidate]:
    """The words that can stand at the end of a line.

    Args:
        grammar: what can be said.
        line: what stands before the cursor.
        live: names that exist now.
    """
    try:
        cursor = _read(grammar, line)
    except ProblemError:
        return []  # `?` and Enter say what is wrong; a completion menu has no place for it
    if cursor.whole:
        return []
    return [
        Candidate(
            possible.text if possible.literal else quote(possible.text),
            cursor.start,
            possible.description,
            ends_word=not possible.text.endswith("="),
        )
        for possible in _fitting(cursor, live)
        if possible.typed
    ]


def for_shells(grammar: Grammar, line: str, live: Live) -> str:
    """The same for the completion of another shell: a candidate a line, its description behind a tabulator.

    Such a shell puts a candidate into its own line, where it may mean something else. Names that it would expand
    are not offered: who may name things here must not be able to run commands there.

    Args:
        grammar: what can be said.
        line: of the other shell, up to the cursor, without the name of the program.
        live: names that exist now.
    """
    found = complete(grammar, _QUOTED_PIPE.sub("|", line), live)
    return "".join(f"{each.text}\t{printable(each.description)}\n" for each in found if _is_harmless(each.text))


def _is_harmless(text: str) -> bool:
    is_quoted = text.startswith('"') and text.endswith('"')
    return text.isprintable() and not (_EXPANDED & set(text[1:-1]) if is_quoted else _SPECIAL & set(text))


def help_at(grammar: Grammar, line: str, live: Live) -> Table | Text:
    """The answer to ``?``: what can come next, or what is wrong with the line so far."""
    try:
        cursor = _read(grammar, line)
    except ProblemError as found:
        return Text(found.problem.render(line))
    possible = [] if cursor.whole else list(_fitting(cursor, live))
    if not possible and cursor.partial:
        return _wrong(cursor, line)
    rows = [(entry.text, entry.description) for entry in possible]
    if len(rows) > MOST_HELP:
        rows[MOST_HELP:] = [("..", f"{len(rows) - MOST_HELP} more; the first letters of a word narrow them down")]
    if not cursor.partial and cursor.reader.can_end:
        rows.append(("<Enter>", "carry it out"))
    return Table(("word", "meaning"), tuple(rows))


def which_live(grammar: Grammar, line: str) -> frozenset[str]:
    """The live sources that completing this line can need."""
    try:
        reader = _read(grammar, line).reader
    except ProblemError:
        return frozenset()
    if reader.pending is None or reader.pipe_open or reader.pipes:
        return frozenset()
    kind = reader.pending.type
    sources = {kind.live}
    if isinstance(kind, Options):
        sources |= {option.type.live for option in kind.known.values()}
    return frozenset(sources - {"", COMMAND_WORDS})


def _read(grammar: Grammar, line: str) -> _Cursor:
    tokens = tokenize(line)
    reader = Reader(grammar)
    last = tokens[-1] if tokens else None
    touched = last is not None and last.end == len(line) and last.is_value
    for token in tokens[:-1] if touched else tokens:
        reader.feed(token)
    if last is None or not touched:
        return _Cursor(reader, "", len(line), whole=False)
    return _Cursor(reader, last.text, last.start, whole=last.kind is TokenKind.QUOTED and last.closed)


def _wrong(cursor: _Cursor, line: str) -> Table | Text:
    token = Token(TokenKind.QUOTED if cursor.whole else TokenKind.WORD, cursor.partial, cursor.start, len(line))
    try:
        cursor.reader.feed(token)
    except ProblemError as found:
        return Text(found.problem.render(line))
    # A value that cannot be listed but is right: what follows it is one blank further.
    return Table(("word", "meaning"), ((cursor.partial, "is understood; a blank goes on"),))


def _fitting(cursor: _Cursor, live: Live) -> Iterator[_Possible]:
    wanted = cursor.partial.casefold()
    for possible in _possible(cursor, live):
        if not possible.typed:
            if not wanted:
                yield possible
        elif possible.text.casefold().startswith(wanted):
            yield possible


def _possible(cursor: _Cursor, live: Live) -> Iterator[_Possible]:
    reader = cursor.reader
    if reader.pipe_word is not None:
        yield _Possible(reader.pipe_word.argument, reader.pipe_word.help, typed=False)
    elif reader.pipe_open:
        yield from (_Possible(word.name, word.help) for word in reader.open_filters())
    elif reader.command is None:
        yield from _words(cursor)
    elif reader.pending is not None:
        yield from _values(cursor, reader.pending.type, reader.pending.help, live)
    else:
        if not reader.pipes:
            names = reader.open_keys()
            yield from (_Possible(key.name, key.help) for key in reader.command.keys if key.name in names)
        if reader.can_end:
            yield _Possible("|", "filter the output", literal=True)


def _words(cursor: _Cursor) -> Iterator[_Possible]:
    node = cursor.reader.node
    for word, child in node.children.items():
        yield _Possible(word, child.help)
    if cursor.partial:
        for alias, word in cursor.reader.grammar.aliases.items():
            if word in node.children and not word.startswith(cursor.partial):
                yield _Possible(alias, f"the same as {word}")


def _values(cursor: _Cursor, kind: ValueType, about: str, live: Live) -> Iterator[_Possible]:
    reader = cursor.reader
    if kind.live == COMMAND_WORDS:
        given = reader.values.get(reader.pending.name, ()) if reader.pending is not None else ()
        node = reader.grammar.node(given)
        yield from (_Possible(word, child.help) for word, child in (node.children.items() if node else ()))
        return
    name, equals, _ = cursor.partial.partition("=")
    if isinstance(kind, Options) and equals and name in kind.known:
        option = kind.known[name].type
        for text, description in (*option.words(), *live.names(option.live)):
            yield _Possible(f"{name}={text}", description)
        return
    names = (*kind.words(), *(live.names(kind.live) if kind.live else ()))
    taken = {str(element) for element in reader.elements or ()}
    for text, description in names:
        if text not in taken:
            yield _Possible(text, description)
    if not kind.words():
        yield _Possible(kind.metavar, about, typed=False)
    if reader.elements is not None:
        yield _Possible("]", "end of the list", literal=True)
    elif kind.many:
        yield _Possible("[", "a list of several", literal=True)
