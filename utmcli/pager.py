"""Where output goes, and output in portions that fit, for those who asked for it with `terminal length`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

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
    """

    def __init__(self, screen: Screen, length: int, more: Callable[[], Awaitable[str]]) -> None:
        self._screen = screen
        self._page = max(1, length - 1)  # the last line is for the question
        self._left = self._page
        self._more = more

    async def write(self, text: str) -> None:
        """To standard output, as fast as it is read.

        Raises:
            EnoughError: the reader does not want the rest.
        """
        lines = text.splitlines(keepends=True)
        while lines:
            if not self._left:
                await self._pause()
            portion, lines = lines[: self._left], lines[self._left :]
            self._left -= len(portion)
            await self._screen.write("".join(portion))

    async def write_error(self, text: str) -> None:
        """To standard error, without a pause: it is short, and must not be missed."""
        await self._screen.write_error(text)

    async def _pause(self) -> None:
        key = await self._more()
        if key in QUIT:
            raise EnoughError
        self._left = 1 if key in ONE_LINE else self._page
