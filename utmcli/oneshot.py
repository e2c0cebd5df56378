"""Lines without an editor: one-shot commands, scripts and transcripts.

A script (several ``-c``, or standard input that is no terminal) stops at its first line that fails, so that a
half-done edit is never saved; its exit code is that line's. A transcript (``--interactive`` without a terminal)
shows prompt and line before each output as a terminal would, goes on after errors as a person would, and ends
with the exit code of its last line. Empty lines and lines that begin with ``#`` are skipped in both.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from utmcli.commands import GRAMMAR
from utmcli.parser import without_secrets
from utmcli.render import EXIT_OK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from utmcli.pager import Screen
    from utmcli.session import Session

MAX_LINE = 1024 * 1024
"""Longest line of a script, characters."""
MAX_INPUT = 12 * 1024 * 1024
"""Longest input of one command, bytes: what still fits into a message to clusterd."""


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
    return b"".join(parts).decode("utf-8", "replace")


async def lines_of(read: Callable[[], Awaitable[bytes]]) -> AsyncIterator[str]:
    """The lines of standard input, as they come.

    Raises:
        ClusterError: a line does not end within `MAX_LINE`.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
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


async def run_commands(session: Session, lines: Iterable[str], screen: Screen) -> int:
    """Run lines that were given as arguments; the first failure ends it."""
    for line in lines:
        if code := await session.run(line, screen):
            return code
        if session.closed:
            break
    return EXIT_OK


async def run_script(session: Session, lines: AsyncIterator[str], screen: Screen) -> int:
    """Run a script silently; the first failure ends it and is said with its line number."""
    number = 0
    async for line in lines:
        number += 1
        if not is_command(line):
            continue
        if code := await session.run(line, screen):
            await screen.write_error(f"utmcli: the script ended at line {number}\n")
            return code
        if session.closed:
            break
    return EXIT_OK


async def run_transcript(
    session: Session, lines: AsyncIterator[str], screen: Screen, prompt: Callable[[], Awaitable[str]]
) -> int:
    """Run lines as if they were typed, and show what a terminal would have shown.

    The prompt comes before its line is read: a program may wait for it.
    """
    code = EXIT_OK
    await screen.write(await prompt())
    async for line in lines:
        await screen.write(f"{without_secrets(GRAMMAR, line)}\n")
        if is_command(line):
            code = await session.run(line, screen)
        if session.closed:
            return code
        await screen.write(await prompt())
    await screen.write("\n")
    return code
