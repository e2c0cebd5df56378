"""What the editor shows around a line: completion menu, colours of known words, the hint of what is expected."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.layout.processors import AfterInput
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from utmcli.commands import GRAMMAR
from utmcli.completion import complete, which_live
from utmcli.console import MONOCHROME
from utmcli.highlight import Part, expectation, spans
from utmcli.live import fetch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from utmcli.completion import Candidate
    from utmcli.session import Session

STYLE = Style.from_dict({
    Part.COMMAND.value: "bold",
    Part.KEY.value: "ansicyan",
    Part.VALUE.value: "ansigreen",
    Part.FILTER.value: "ansimagenta",
    Part.MISTAKE.value: "ansired underline",
    "hint": "ansibrightblack",
})
MOST_OFFERED = 200
"""Words in a menu: more than anybody walks through, and each one costs time before it is drawn."""
_MONOCHROME = ("vt", "ansi-m", MONOCHROME, "linux-m")
"""Beginnings of TERM for terminals without colours."""


def color_depth(term: str) -> ColorDepth | None:
    """One bit for terminals without colours; None where prompt_toolkit knows better.

    Args:
        term: the environment's TERM.
    """
    return ColorDepth.DEPTH_1_BIT if term.startswith(_MONOCHROME) else None


class GrammarCompleter(Completer):
    """Completion from the grammar, with the names that exist now."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get_completions(self, _document: Document, _event: CompleteEvent) -> Iterator[Completion]:
        """Never called: completion has to ask clusterd, and waits for it."""
        raise NotImplementedError

    async def get_completions_async(
        self, document: Document, _event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """The words that can stand at the cursor."""
        line = document.text_before_cursor
        live = await fetch(self._session.ask, which_live(GRAMMAR, line))
        candidates = complete(GRAMMAR, line, live)
        for candidate in candidates[:MOST_OFFERED]:
            yield Completion(
                candidate.text + " " * candidate.ends_word,
                start_position=candidate.start - len(line),
                display=candidate.text,
                display_meta=candidate.description,
            )
        if len(candidates) > MOST_OFFERED:
            yield _others(candidates, line)


def _others(candidates: list[Candidate], line: str) -> Completion:
    """The last row of a menu that does not show all; what it stands for is what all of them begin with.

    So Tab puts that into the line, as it does where all are shown.
    """
    start = candidates[0].start
    texts = [candidate.text for candidate in candidates]
    ends = zip(min(texts), max(texts), strict=False)  # what these two begin with, all between them begin with
    common = "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], ends))
    return Completion(
        common if common.startswith(line[start:]) else line[start:],
        start_position=start - len(line),
        display="..",
        display_meta=f"{len(candidates) - MOST_OFFERED} more; the first letters narrow them down",
    )


class GrammarLexer(Lexer):
    """Colours of the words that the grammar knows."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Fragments of one line of the document; of a pasted block each line is a command."""
        return lambda number: _coloured(document.lines[number] if number < len(document.lines) else "")


def _coloured(line: str) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = []
    at = 0
    for span in spans(GRAMMAR, line):
        fragments.append(("", line[at : span.start]))
        fragments.append((f"class:{span.part.value}", line[span.start : span.end]))
        at = span.end
    fragments.append(("", line[at:]))
    return fragments


def expected_behind(document: Callable[[], Document], room: Callable[[], int]) -> AfterInput:
    """The hint behind the cursor: what is expected there. It is shown and never part of the line.

    Args:
        document: what is edited.
        room: columns that are free in the row of the cursor.
    """

    def text() -> StyleAndTextTuples:
        edited = document()
        if edited.text_after_cursor or "\n" in edited.text:
            return []
        return [("class:hint", fitting(expectation(GRAMMAR, edited.text), room()))]

    return AfterInput(text)


def fitting(text: str, room: int) -> str:
    """As much of a hint as the row has room for, with a mark where it is cut; nothing where that says nothing."""
    if get_cwidth(text) <= room:
        return text
    kept = text[: max(0, room - 2)].rstrip()
    return f"{kept}.." if len(kept) > 4 else ""
