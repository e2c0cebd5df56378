"""The whole screen of a person, lent to one command that draws on it: `cluster monitor`, `| watch`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from utmcli.canvas import difference, fit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from utmcli.canvas import Row
    from utmcli.console import Console

CTRL_C = "\x03"
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
"""The other screen, without a cursor, empty (xterm's ctlseqs, DECSET 1049 and DECTCEM)."""
_LEAVE = "\x1b[0m\x1b[?25h\x1b[?1049l"


def is_capable(console: Console) -> bool:
    """Whether a console can be drawn on: a terminal that knows cursor movement and says how large it is."""
    hello = console.hello
    known = hello.term not in ("", "dumb") and bool(console.columns and console.rows)
    return known and hello.terminals[0] and hello.terminals[1]


class Stage:
    """A screen to draw on, as an async context manager; what stood there before comes back at its end.

    Args:
        console: the terminal.
        key: waits for the next key; Ctrl-C may come as a key or as a cancellation.
        is_own: the terminal is in no session's hands and has to be made raw first.
    """

    def __init__(self, console: Console, key: Callable[[], Awaitable[str]], *, is_own: bool = False) -> None:
        self._console = console
        self._key = key
        self._is_own = is_own
        self._shown: tuple[Row, ...] = ()
        self._resized = asyncio.Event()
        self._waiting: asyncio.Future[str] | None = None

    @classmethod
    def of(cls, console: Console) -> Stage | None:
        """The screen of a command that was given on a command line; None where nobody looks at one."""
        if not is_capable(console):
            return None

        async def key() -> str:
            return (await console.read()).decode("utf-8", "replace")[:1]

        return cls(console, key, is_own=True)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns now."""
        return self._console.rows, self._console.columns

    async def __aenter__(self) -> Self:
        """Take the screen."""
        if self._is_own:
            self._console.set_mode("1")
        self._console.resized = self._forget
        await self._console.write(_ENTER)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Give it back."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._console.resized = None
        self._console.draw(_LEAVE)
        if self._is_own:
            self._console.set_mode("0")

    async def show(self, rows: Sequence[Row]) -> None:
        """Draw what changed since the last picture, at the speed of whoever looks."""
        height, columns = self.size
        picture = fit(rows, height, columns)
        changed = difference(self._shown, picture)
        self._shown = picture
        if changed:
            await self._console.write(changed)

    async def pause(self, seconds: float) -> str:
        """Wait for a key, a change of the window, or so many seconds.

        Returns:
            The key, or nothing.
        """
        if self._waiting is None:
            self._waiting = asyncio.ensure_future(self._key())
        resizing = asyncio.ensure_future(self._resized.wait())
        try:
            await asyncio.wait((self._waiting, resizing), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            resizing.cancel()
        if self._resized.is_set():
            self._resized.clear()
            self._shown = ()
            await self._console.write("\x1b[2J")
        if not self._waiting.done():
            return ""
        key, self._waiting = self._waiting.result() or CTRL_C, None
        return key

    def _forget(self) -> None:
        self._resized.set()

