"""An SSH channel as a console: what is written together travels together, in order, and never late."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from utmcli.console import Hello
from utmcli.sshd.console import ChannelConsole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Story = Callable[[ChannelConsole], Awaitable[None]]


class Channel:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[tuple[bytes, int | None]] = []

    def write(self, data: bytes, stream: int | None) -> None:
        self.written.append((data, stream))

    def get_write_buffer_size(self) -> int:
        return 0


def sent(story: Story, *, terminal: bool = False) -> list[tuple[bytes, int | None]]:
    """What the client gets of a story that does not wait for anything."""
    channel = Channel()

    async def scenario() -> None:
        hello = Hello("xterm", 80, 24, (terminal,) * 3, "/", ())
        console = ChannelConsole(channel, hello, time.monotonic)
        await story(console)
        console.flush()

    asyncio.run(scenario())
    return channel.written


def test_a_line_its_answer_and_the_next_prompt_are_one_packet() -> None:
    async def story(console: ChannelConsole) -> None:
        for text in ("cluster info\n", "master\n", "utm> "):
            await console.write(text)

    assert sent(story) == [(b"cluster info\nmaster\nutm> ", None)]


def test_errors_keep_their_place_between_results() -> None:
    async def story(console: ChannelConsole) -> None:
        await console.write("a")
        await console.write_error("b")
        await console.write("c")

    assert sent(story) == [(b"a", None), (b"b", 1), (b"c", None)]


def test_what_the_editor_draws_comes_at_once_and_after_what_was_written_before() -> None:
    drawn = []

    async def story(console: ChannelConsole) -> None:
        await console.write("a\n")
        console.draw("b")
        drawn.extend(console._channel.written)

    assert sent(story, terminal=True) == drawn == [(b"a\r\nb", None)]


def test_what_nothing_follows_is_sent_all_the_same() -> None:
    async def story(console: ChannelConsole) -> None:
        await console.write("a")
        async with asyncio.timeout(20):
            while not console._channel.written:  # noqa: ASYNC110 - a timer is what is waited for
                await asyncio.sleep(0.001)
        assert console._channel.written == [(b"a", None)]

    sent(story)
