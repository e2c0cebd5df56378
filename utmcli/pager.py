"""Where output goes, and output in portions that fit, for people whose screen is shorter (`terminal length`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from utmcli.canvas import width

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

QUIT = "qQ"
ONE_LINE = "\r\n"


class Screen(Protocol):
    """Where a session writes; each call waits until the reader keeps up."""

    async def write(self, text: str) -> None:
        """To standard output."""

    async def write_error(self, text: str) -> None:
        """To standard error."""


class EnoughError(Exception):
    """Whoever reads has seen enough."""


class Pager:
    """A screen that pauses.

    Args:
        screen: what it writes to.
        length: lines of the terminal.
        more: asks for a key while output pauses.
        columns: of the terminal, where longer lines go on in another row; 0 where that is not known.
    """

    def __init__(
        self, screen: Screen, length: int, more: Callable[[], Awaitable[str]], columns: int = 0
    ) -> None:
        self._screen = screen
        self._page = max(1, length - 1)  # the last line is for the question
        self._left = self._page
        self._fresh = True  # a line that is taller than the page is shown all the same
        self._more = more
        self._columns = columns

    async def write(self, text: str) -> None:
        """To standard output, as fast as it is read.

        Raises:
            EnoughError: the reader does not want the rest.
        """
        portion: list[str] = []
        for line in text.splitlines(keepends=True):
            rows = self._rows(line)
            if rows > self._left and not self._fresh:
                await self._screen.write("".join(portion))
                portion = []
                await self._pause()
            portion.append(line)
            self._left -= rows
            self._fresh = False
        await self._screen.write("".join(portion))

    def _rows(self, line: str) -> int:
        if not self._columns:
            return 1
        return max(1, -(-width(line.expandtabs()) // self._columns))

    async def write_error(self, text: str) -> None:
        """To standard error, without a pause: it is short, and must not be missed."""
        await self._screen.write_error(text)

    async def _pause(self) -> None:
        key = await self._more()
        if key in QUIT:
            raise EnoughError
        self._left = 1 if key in ONE_LINE else self._page
        self._fresh = True
