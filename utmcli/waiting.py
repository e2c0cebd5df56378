"""A line on standard error while a command keeps a person waiting, erased once it ends. Programs never see one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from utmcli.pager import Screen

PATIENCE = 0.5
"""Seconds before the line appears."""
STEP = 1.0
"""Seconds between two of its states."""


@asynccontextmanager
async def patience_asked(screen: Screen, text: str, patience: float = PATIENCE) -> AsyncIterator[None]:
    """Show that it goes on for as long as the block lasts, if that is longer than `patience` seconds.

    Args:
        screen: of the terminal.
        text: what is being done.
        patience: seconds before the line appears.
    """
    shown: list[str] = []
    telling = asyncio.create_task(_tell(screen, text, patience, shown))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait((telling,))
        if shown:
            await screen.write_error(f"\r{' ' * len(shown[-1])}\r")  # understood by every terminal there is


async def _tell(screen: Screen, text: str, patience: float, shown: list[str]) -> None:
    await asyncio.sleep(patience)
    seconds = 0
    while True:
        shown.append(f"{text} ... {f'{seconds} s' if seconds else ''}".rstrip())
        await screen.write_error(f"\r{shown[-1]}")
        await asyncio.sleep(STEP)
        seconds += 1
