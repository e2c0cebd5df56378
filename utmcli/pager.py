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
        size: both of them now, asked at every pause: the window may have changed meanwhile.
    """

    def __init__(
        self,
        screen: Screen,
        length: int,
        more: Callable[[], Awaitable[str]],
        columns: int = 0,
        size: Callable[[], tuple[int, int]] | None = None,
    ) -> None:
        self._screen = screen
        self._size = size
        self._page = max(1, length - 1)  # the last line is for the question
        self._left = self._page
        self._fresh = True  # a line that is taller than the page is shown all the same
        self._taken = 0  # columns of a line that goes on with the next text
        self._goes_on = False
        self._more = more
        self._columns = columns

    async def write(self, text: str) -> None:
        """To standard output, as fast as it is read; a line may come in several texts.

        Raises:
            EnoughError: the reader does not want the rest.
        """
        portion: list[str] = []
        for line in text.splitlines(keepends=True):
            taken = self._taken + (width(line.expandtabs()) if self._columns else 0)
            rows = self._rows(taken) - (self._rows(self._taken) if self._goes_on else 0)
            if rows > self._left and not self._fresh and not self._goes_on:
                await self._screen.write("".join(portion))
                portion = []
                await self._pause()
            portion.append(line)
            self._left -= rows
            self._fresh = False
            self._goes_on = not line.endswith("\n")
            self._taken = taken if self._goes_on else 0
        await self._screen.write("".join(portion))

    def _rows(self, columns: int) -> int:
        return max(1, -(-columns // self._columns)) if self._columns else 1

    async def write_error(self, text: str) -> None:
        """To standard error, without a pause: it is short, and must not be missed."""
        await self._screen.write_error(text)

    async def _pause(self) -> None:
        key = await self._more()
        if key in QUIT:
            raise EnoughError
        if self._size is not None:
            length, self._columns = self._size()
            self._page = max(1, length - 1)
        self._left = 1 if key in ONE_LINE else self._page
        self._fresh = True
