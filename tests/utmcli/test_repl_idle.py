"""A session in which nobody types ends by itself, where that is wanted."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from utmcli.repl import Conversation


class Nobody:
    """A reader at which nobody types; `touched` as if somebody had until now, for `lasting` seconds."""

    def __init__(self, lasting: float = 0.0) -> None:
        self._began, self._lasting = time.monotonic(), lasting
        self.cancelled = False

    @property
    def touched(self) -> float:
        return min(time.monotonic(), self._began + self._lasting)

    async def read_line(self, _prompt: str) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return ""


class Quiet:
    """Session and console of that reader."""

    def __init__(self, minutes: float) -> None:
        self.timeout = minutes
        self.lines: Any = None
        self.said = ""

    async def write_error(self, text: str) -> None:
        self.said += text


class NoHistory:
    def get_strings(self) -> list[str]:
        return []


def waited(reader: Nobody, minutes: float, patience: float = 10.0) -> Quiet:
    quiet = Quiet(minutes)
    conversation = Conversation(*(cast("Any", part) for part in (quiet, quiet, NoHistory(), None)))

    async def scenario() -> None:
        async with asyncio.timeout(patience):
            await conversation._line(cast("Any", reader))

    with pytest.raises((EOFError, TimeoutError)) as ended:
        asyncio.run(scenario())
    quiet.timeout = 0.0 if ended.type is TimeoutError else minutes
    return quiet


def test_nobody_at_the_prompt_ends_the_session_with_a_sentence() -> None:
    reader = Nobody()
    quiet = waited(reader, 0.001)
    assert quiet.said == "\n% Note: no key for 0.001 min, the session ends\n"
    assert reader.cancelled


def test_a_key_starts_the_time_anew() -> None:
    began = time.monotonic()
    assert waited(Nobody(lasting=0.3), 0.001).said
    assert time.monotonic() - began >= 0.3


def test_without_a_limit_the_session_waits() -> None:
    quiet = waited(Nobody(), 0.0, patience=0.3)
    assert (quiet.said, quiet.timeout) == ("", 0.0)
