"""Lines without an editor: one-shot commands, scripts and transcripts.

A script (several ``-c``, or standard input that is no terminal) stops at its first line that fails, so that a
half-done edit is never saved, unless ``--keep-going``; its exit code is that of the first failure. A transcript
(``--interactive`` without a terminal) shows prompt and line before each output as a terminal would, goes on after
errors as a person would, unless ``--stop-on-error``, and ends with the exit code of its last line. Empty
lines and lines that begin with ``#`` are skipped in both.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING

from cluster.errors import ClusterError, RefusedError
from utmcli.commands import GRAMMAR
from utmcli.parser import Problem, parse, with_secrets_covered, without_secrets
from utmcli.render import EXIT_OK, render
from utmcli.results import Done

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from utmcli.arguments import Arguments
    from utmcli.pager import Screen
    from utmcli.session import Session

MAX_LINE = 1024 * 1024
"""Longest line of a script, characters."""
MAX_INPUT = 12 * 1024 * 1024
"""Longest input of one command, bytes: what still fits into a message to clusterd."""
LONGEST_ELEMENT = 16 * 1024 * 1024
"""Characters of what one command of several prints as JSON: it is kept until the command ends."""


async def whole_input(read: Callable[[], Awaitable[bytes]]) -> str:
    """All of standard input.

    Raises:
        ClusterError: it does not end within `MAX_INPUT`.
    """
    parts: list[bytes] = []
    size = 0
    while part := await read():
        parts.append(part)
        size += len(part)
        if size > MAX_INPUT:
            raise ClusterError(f"standard input is longer than {MAX_INPUT} bytes")
    return b"".join(parts).decode("utf-8-sig", "replace")


async def lines_of(read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[str]:
    """The lines of standard input, as they come.

    Raises:
        ClusterError: a line does not end within `MAX_LINE`.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")  # editors of Windows begin a file with a mark
    rest = ""
    while part := await read():
        *lines, rest = (rest + decoder.decode(part)).split("\n")
        for line in lines:
            yield line.rstrip("\r")
        if len(rest) > MAX_LINE:
            raise ClusterError(f"a line is longer than {MAX_LINE} characters")
    if rest:
        yield rest


def is_command(line: str) -> bool:
    """Whether a line of a script says anything."""
    stripped = line.strip()
    return bool(stripped) and not stripped.startswith("#")


def commands_in(text: str) -> list[str]:
    """The lines of a text that say anything; only what Enter sends ends one, all else may stand in a value."""
    return [line for line in re.split("[\r\n]", text) if is_command(line)]


class _Elements:
    """Standard output of several commands as one JSON array, an element for each command.

    Args:
        screen: where the array goes.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._written: list[str] = []
        self._errors: list[str] = []
        self._before = "[\n"
        self._size = 0

    async def write(self, text: str) -> None:
        """Take a document, or a piece of one; each ends with its line.

        Raises:
            RefusedError: the command goes on for longer than its documents can be kept.
        """
        self._size += len(text)
        if self._size > LONGEST_ELEMENT:
            raise RefusedError(f"that is more than the {LONGEST_ELEMENT} characters of an element of an array")
        self._written.append(text)

    async def write_error(self, text: str) -> None:
        """To standard error at once, and into the element of a command that fails."""
        self._errors += text.splitlines()[:1]
        await self._screen.write_error(text)

    async def settle(self, code: int) -> None:
        """A command ended; a stream becomes an array of its own, a failure an object that says why."""
        documents = "".join(self._written).split("\n")[:-1]
        if code:
            failure = {"error": self._errors[-1] if self._errors else "", "exit_code": code}
            documents.append(json.dumps(failure, ensure_ascii=False))
        element = documents[0] if len(documents) == 1 else f"[{', '.join(documents)}]"
        await self._screen.write(self._before + element)
        self._written, self._errors, self._before, self._size = [], [], ",\n", 0

    async def close(self) -> None:
        """The end of the array, also of an empty one."""
        await self._screen.write("\n]\n" if self._before == ",\n" else "[]\n")


async def run_one(
    session: Session, line: str, screen: Screen, wish: Arguments, read_input: Callable[[], Awaitable[str]] | None
) -> int:
    """Run the only command of this client, which may have standard input; it prints one document, not an array."""
    if wish.dry_run:
        return await check(line, screen, wish, has_input=read_input is not None)
    return await session.run(line, screen, read_input)


async def run_commands(session: Session, lines: Sequence[str], screen: Screen, wish: Arguments) -> int:
    """Run lines that were given as arguments.

    Args:
        session: whose.
        lines: in order.
        screen: where results go.
        wish: how.
    """

    async def numbered() -> AsyncIterator[str]:
        for line in lines:
            yield line

    return await _run(session, numbered(), screen, wish)


async def run_script(session: Session, lines: AsyncIterator[str], screen: Screen, wish: Arguments) -> int:
    """Run a script without showing its lines; a failure is said with its line number.

    Args:
        session: whose.
        lines: of the script.
        screen: where results go.
        wish: how.
    """
    return await _run(session, lines, screen, wish, place="line {}")


async def _run(
    session: Session, lines: AsyncIterator[str], screen: Screen, wish: Arguments, *, place: str = ""
) -> int:
    """Run lines; the exit code is that of the first failure, which ends it unless `wish` says otherwise."""
    elements = _Elements(screen) if wish.json else None
    first, number = EXIT_OK, 0
    async for line in lines:
        number += 1
        if not is_command(line):
            continue
        code = await _one(session, line, elements or screen, wish)
        if elements is not None:
            await elements.settle(code)
        first = first or code
        ends = code and not wish.dry_run and wish.stop is not False
        if code and place:
            what = "the script ended" if ends else "that was"
            await screen.write_error(f"utmcli: {what} at {place.format(number)}\n")
        if ends or session.closed:
            break
    if elements is not None:
        await elements.close()
    return first


async def _one(session: Session, line: str, screen: Screen, wish: Arguments) -> int:
    return await (check(line, screen, wish) if wish.dry_run else session.run(line, screen))


async def check(line: str, screen: Screen, wish: Arguments, *, has_input: bool = False) -> int:
    """What `--dry-run` does: understand a line, say what is wrong with it, ask nobody.

    Args:
        line: as typed.
        screen: where the answer goes.
        wish: how.
        has_input: standard input may hold the value of a key.
    """
    understood = parse(GRAMMAR, line, has_input=has_input)
    if isinstance(understood, Problem):
        await screen.write_error(understood.render(with_secrets_covered(GRAMMAR, line)))
        return understood.exit_code
    await screen.write(render(Done(), "json" if wish.json else "table"))
    return EXIT_OK


async def run_transcript(
    session: Session,
    lines: AsyncIterator[str],
    screen: Screen,
    prompt: Callable[[], Awaitable[str]],
    *,
    stop: bool = False,
) -> int:
    """Run lines as if they were typed, and show what a terminal would have shown.

    The prompt comes before its line is read: a program may wait for it.

    Args:
        session: whose.
        lines: as typed.
        screen: where to.
        prompt: makes the prompt before each line.
        stop: a line that fails is the last one.
    """
    code = EXIT_OK
    await screen.write(await prompt())
    async for line in lines:
        await screen.write(f"{without_secrets(GRAMMAR, line)}\n")
        if is_command(line):
            code = await session.run(line, screen)
        if session.closed or (code and stop):
            return code
        await screen.write(await prompt())
    await screen.write("\n")
    return code
