"""How the results of one command reach whoever typed it: on paper, in a file, or again and again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from cluster.errors import ClusterError, RefusedError
from utmcli.canvas import Look, Piece, is_farewell, row
from utmcli.pipes import Pipeline
from utmcli.render import EXIT_FAILED, EXIT_OK, pieces, render, warnings_text
from utmcli.results import Done, Record, Table
from utmcli.watching import marked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from utmcli.canvas import Drawing
    from utmcli.grammar import Call
    from utmcli.pager import Screen
    from utmcli.reader import Invocation
    from utmcli.render import Style
    from utmcli.results import Result

LONGEST_FILE = 16 * 1024 * 1024
"""Characters that ``| save`` keeps."""
_PORTION = 8 * 1024
"""Characters that are written at once."""
_TO_END = 30.0
"""Seconds within which a command that is watched has to end by itself."""


class Means(NamedTuple):
    """What a session has for showing something.

    Attributes:
        paper: for a screen, the same in portions.
        patience: tells a person, for as long as its block lasts, what takes its time.
        stage: the whole screen, where somebody looks at one.
        save: keeps a text under a name at the user's end; returns where, raises ClusterError.
    """

    paper: Callable[[Screen], Screen]
    patience: Callable[[Invocation, Screen], AbstractAsyncContextManager[None]]
    stage: Callable[[], Drawing | None]
    save: Callable[[str, str], Awaitable[str]] | None


class Output:
    """Carries out one invocation and shows what comes of it.

    Args:
        invocation: what was typed.
        call: for the command.
        style: of results, unless a filter asks for another.
        means: what the session has.
    """

    def __init__(self, invocation: Invocation, call: Call, style: Style, means: Means) -> None:
        self._invocation = invocation
        self._call = call
        self._means = means
        self._failed = False
        self._first = Pipeline(invocation.pipes)
        self._style: Style = "json" if self._first.json else style

    async def to(self, screen: Screen) -> int:
        """Show it.

        Returns:
            The exit code.

        Raises:
            ClusterError: the command could not be carried out, or its results not be shown this way.
        """
        if self._first.interval:
            await self._watch(screen)
        elif self._first.file:
            await self._save(screen)
        else:
            await self._print(screen)
        return EXIT_FAILED if self._failed else EXIT_OK

    async def _print(self, screen: Screen) -> None:
        paper = self._means.paper(screen) if self._first.paged else screen
        async for result in self._results(self._first, screen):
            await paper.write_error(warnings_text(result))
            async for piece in self._pieces(result):
                await paper.write(piece)

    async def _pieces(self, result: Result) -> AsyncIterator[str]:
        """A result as text, piece by piece; the other sessions get their turn between two of them."""
        held = ""
        for piece in pieces(result, self._style):
            held += piece
            if len(held) > _PORTION:
                yield held
                held = ""
                await asyncio.sleep(0)
            elif not piece:
                await asyncio.sleep(0)
        if held:
            yield held

    async def _fed(self, pipeline: Pipeline, result: Result) -> AsyncIterator[Result]:
        """What the filters let through of one result; the other sessions get their turn on the way."""
        for shown in pipeline.feed_in_parts(result):
            if shown is None:
                await asyncio.sleep(0)
            else:
                yield shown

    async def _results(self, pipeline: Pipeline, screen: Screen) -> AsyncIterator[Result]:
        """What the filters let through of everything that the command returns."""
        outcome = self._invocation.command.run(self._call)
        if isinstance(outcome, AsyncIterator):
            async with aclosing(cast("Any", outcome)) as stream:
                async for result in stream:
                    async for shown in self._fed(pipeline, result):
                        yield shown
                    if pipeline.full:
                        break
        else:
            async with self._means.patience(self._invocation, screen):
                result = await outcome
            self._failed = isinstance(result, Table) and result.failed
            async for shown in self._fed(pipeline, result):
                yield shown
        for shown in pipeline.finish():
            yield shown

    # --- | save ------------------------------------------------------------------------------------

    async def _save(self, screen: Screen) -> None:
        if self._means.save is None:
            raise RefusedError("there is no place for files at your end: redirect the output of a single command")
        parts: list[str] = []
        size = 0
        async with aclosing(cast("Any", self._results(self._first, screen))) as results:
            async for result in results:
                await screen.write_error(warnings_text(result))
                async for piece in self._pieces(result):
                    parts.append(piece)
                    size += len(piece)
                    if size > LONGEST_FILE:
                        raise RefusedError(f"that is more than the {LONGEST_FILE} characters that save keeps")
        where = await self._means.save(self._first.file, "".join(parts))
        await screen.write(render(Record((("saved", where), ("characters", size))), self._style))

    # --- | watch -----------------------------------------------------------------------------------

    async def _watch(self, screen: Screen) -> None:
        if self._first.file:
            raise RefusedError("watch and save do not go together: what is watched has no end")
        lines, is_done = await self._once(screen)
        stage = self._means.stage() if self._style == "table" else None
        if is_done:
            await screen.write(_text(lines))
        elif stage is None:
            await self._append(screen, lines)
        else:
            lines = await self._redraw(stage, screen, lines)
            await screen.write(_text(lines))

    async def _append(self, screen: Screen, lines: list[str]) -> None:
        """Block under block, for programs and for terminals that cannot be drawn on."""
        while True:
            if self._style == "table":
                await screen.write(f"--- {_clock()}\n")
            await screen.write(_text(lines))
            await asyncio.sleep(self._first.interval)
            lines, _ = await self._once(screen)

    async def _redraw(self, stage: Drawing, screen: Screen, lines: list[str]) -> list[str]:
        """On the whole screen, until a key ends it; the last lines."""
        before: list[str] | None = None
        async with stage:
            while True:
                room = stage.size[0] - 2
                cut = f", the first {room} of {len(lines)} lines" if len(lines) > room > 0 else ""
                about = f"every {self._first.interval} s, q ends{cut}   {_clock()}"
                await stage.show([row(Piece(about, Look.FAINT)), (), *marked(before, lines)])
                if is_farewell(await stage.pause(self._first.interval)):
                    return lines
                before, (lines, _) = lines, await self._once(screen)

    async def _once(self, screen: Screen) -> tuple[list[str], bool]:
        """The lines of one time, and whether the command did something instead of showing something."""
        lines: list[str] = []
        is_done = False
        try:
            again = self._results(Pipeline(self._invocation.pipes), screen)
            async with asyncio.timeout(_TO_END), aclosing(cast("Any", again)) as results:
                async for result in results:
                    await screen.write_error(warnings_text(result))
                    lines += "".join([piece async for piece in self._pieces(result)]).splitlines()
                    is_done = is_done or isinstance(result, Done)
        except TimeoutError:
            raise ClusterError("watch repeats commands that end by themselves; this one does not") from None
        return lines, is_done


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _clock() -> str:
    return datetime.now(tz=UTC).astimezone().isoformat(sep=" ", timespec="seconds")
