"""An SSH channel as a console: what a session sees of it."""

from __future__ import annotations

import asyncio
import codecs
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from utmcli.console import BY_HAND, GATHER, MAX_UNREAD, Hello
from utmcli.sshd.discipline import Kind, LineDiscipline

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TYPED = 256 * 1024
"""Bytes that may wait for a session to read them; a client that sends more is not read from until it does."""
_CHUNK = 32 * 1024
_BARE_LINE_FEED = re.compile(r"(?<!\r)\n")
_STDERR = 1
"""SSH_EXTENDED_DATA_STDERR, RFC 4254 section 5.2."""


class ChannelConsole:
    """A `Console` on an SSH channel.

    With a terminal, output and errors are one stream, as on every terminal, and lines end as a raw terminal wants
    them. What is typed before the session has chosen a mode waits.

    Args:
        channel: asyncssh's, of bytes.
        hello: what it was opened for.
        now: monotonic seconds.

    Attributes:
        active: when something was typed or written last, monotonic seconds.
    """

    def __init__(self, channel: Any, hello: Hello, now: Callable[[], float]) -> None:
        self._channel = channel
        self.hello = hello
        self.columns = hello.columns
        self.rows = hello.rows
        self.resized: Callable[[], None] | None = None
        self.interrupted: Callable[[], None] | None = None
        self._now = now
        self.active = now()
        self.terminal = hello.terminals[0]
        self.by_hand = False
        self._strokes = 0
        self._mode = "" if self.terminal else "0"
        self._discipline = LineDiscipline()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._early = bytearray()
        self._typed: asyncio.Queue[bytes] = asyncio.Queue()
        self._waiting = 0
        self._ended = False
        self._gone = False
        self._gathered: list[str] = []
        self._size = 0
        self._stream: int | None = None
        self._sending: asyncio.TimerHandle | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    # --- what the client does -----------------------------------------------------------------------

    def typed(self, data: bytes) -> None:
        """The client sent something."""
        self.active = self._now()
        if not self._mode:
            if len(self._early) < MAX_TYPED:
                self._early += data
        elif self._mode == "2":
            self._edit(data)
        else:
            self._put(data)

    def end(self) -> None:
        """The client will send nothing more."""
        self._typed.put_nowait(b"")

    def resize(self, columns: int, rows: int) -> None:
        """The client's window has another size now."""
        self.columns, self.rows = min(columns, 10_000), min(rows, 10_000)
        if self.resized:
            self.resized()

    def interrupt(self) -> None:
        """The client sent a signal, or Ctrl-C where that is one."""
        if self.interrupted:
            self.interrupted()

    def pause_writing(self) -> None:
        """The client does not read fast enough."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """It does again."""
        self._writable.set()

    def lost(self) -> None:
        """The client is gone."""
        self._gone = True
        self._writable.set()
        self.end()

    # --- what the session does ----------------------------------------------------------------------

    async def read(self) -> bytes:
        """Some of what was typed; empty at its end, then always."""
        if self._ended:
            return b""
        data = await self._typed.get()
        self._ended = not data
        before, self._waiting = self._waiting, self._waiting - len(data)
        if before > MAX_TYPED >= self._waiting:
            with suppress(OSError):
                self._channel.resume_reading()
        return data

    async def read_secret(self, prompt: str) -> str | None:
        """A line that does not show; None if there was none (Ctrl-C, Ctrl-D, or the client is gone)."""
        interrupted = asyncio.Event()
        before, self.interrupted = self.interrupted, interrupted.set
        self.set_mode("2")
        self._discipline.echo = False
        await self.write(prompt)
        line = asyncio.ensure_future(self.read())
        stop = asyncio.ensure_future(interrupted.wait())
        try:
            await asyncio.wait((line, stop), return_when=asyncio.FIRST_COMPLETED)
            read = line.result() if line.done() else b""
        finally:
            line.cancel()
            stop.cancel()
            self._discipline.echo = True
            self.interrupted = before
        return read.decode("utf-8", "replace").rstrip("\n") if read else None

    def set_mode(self, mode: str) -> None:
        """Choose a mode of the terminal: 1 raw, 2 with a line discipline; 0 as it was before."""
        if not self.terminal:
            return
        self._mode = "" if mode == "0" else mode
        if self._mode and self._early:
            early, self._early = bytes(self._early), bytearray()
            self.typed(early)

    def set_echo(self, *, shown: bool) -> None:
        """Whether what is typed in mode 2 shows."""
        self._discipline.echo = shown

    def draw(self, text: str) -> None:
        """Write without waiting; a client that lets `MAX_UNREAD` pile up is hung up on."""
        if self._gone:
            return
        if self._channel.get_write_buffer_size() > MAX_UNREAD:
            self._channel.abort()
            return
        self._gather(text, None)
        self.flush()

    async def write(self, text: str) -> None:
        """Write to standard output, at the speed of whoever reads it.

        Raises:
            ConnectionError: nobody does any more.
        """
        await self._write(text, None)

    async def write_error(self, text: str) -> None:
        """Write to standard error, where there is no terminal.

        Raises:
            ConnectionError: nobody reads it any more.
        """
        await self._write(text, None if self.terminal else _STDERR)

    # --- how ----------------------------------------------------------------------------------------

    async def _write(self, text: str, stream: int | None) -> None:
        for start in range(0, len(text), _CHUNK):
            self._gather(text[start : start + _CHUNK], stream)
            await self._writable.wait()
        if self._gone:
            raise ConnectionResetError("the client is gone")

    def _gather(self, text: str, stream: int | None) -> None:
        """Every piece would be a packet of its own, encrypted and signed, which costs more than what is in it."""
        self.active = self._now()
        if stream != self._stream:
            self.flush()
        self._stream = stream
        self._gathered.append(text)
        self._size += len(text)
        if self._size >= _CHUNK:
            self.flush()
        elif self._sending is None:
            self._sending = asyncio.get_running_loop().call_later(GATHER, self.flush)

    def flush(self) -> None:
        """Send what waits for what follows it."""
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        text = "".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        if self._gone or not text:
            return
        data = (_BARE_LINE_FEED.sub("\r\n", text) if self.terminal else text).encode("utf-8", "replace")
        with suppress(OSError):  # it closed this very moment; whoever waits will be told
            self._channel.write(data, self._stream)

    def _put(self, data: bytes) -> None:
        if not data:
            return
        self._typed.put_nowait(data)
        self._waiting += len(data)
        if self._waiting > MAX_TYPED:
            with suppress(OSError):
                self._channel.pause_reading()

    def _edit(self, data: bytes) -> None:
        self._strokes = 0 if data in (b"\r", b"\n") else self._strokes + (len(data) == 1 and data.isascii())
        self.by_hand = self.by_hand or self._strokes >= BY_HAND
        for kind, text in self._discipline.feed(self._decoder.decode(data)):
            if kind is Kind.ECHO:
                self.draw(text)
            elif kind is Kind.LINE:
                self._put(text.encode("utf-8", "replace"))
            elif kind is Kind.INTERRUPT:
                self.interrupt()
            else:
                self.end()
