"""Where a session talks: the `Console` that all sessions see, and the one of a thin client.

A thin client is a command line and its terminal, over one unix connection.

Frames both ways: one byte for the type, four bytes of big-endian length, the payload.

Client to host::

    A   once, first: joined by NUL: protocol version, TERM, columns, rows, then for standard input, output and
        error "1" if it is a terminal else "0", the working directory, and the arguments as typed
    I   bytes of standard input, at most 64 KiB; empty: its end. One for each N
    W   "columns rows": the window changed its size
    C   Ctrl-C, in mode 2
    F   what became of a file: "+" and its path, or "-" and a sentence; once after F, once after the last D

Host to client::

    O   bytes for standard output
    E   bytes for standard error
    N   the session wants standard input; the client reads none unasked, so that a command which
        takes no input leaves it to the next program of a script
    R   mode of the terminal: "0" as the client found it, Ctrl-C ends the client; "1" raw, Ctrl-C is a key;
        "2" as found, Ctrl-C comes as C
    F   name of a new file in the user's ~/utmcli, for `| save` (keeping.py); then, once that is answered,
    D   its bytes, in parts; an empty part ends it
    X   exit code, in decimal; the last frame

A one-shot client that was interrupted simply hangs up, which cancels its command.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from cluster.errors import ProtocolError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

PROTOCOL_VERSION = "1"
SOCKET_FILE = "console.sock"
"""Name of the socket in the run directory."""
MAX_HELLO = 256 * 1024
"""Longest first frame, bytes: twice the longest single argument Linux passes on."""
MAX_FRAME = 64 * 1024
"""Longest other frame of a client, bytes."""
BY_HAND = 3
"""Single keys in one line from which somebody sits there: programs write lines whole."""
MONOCHROME = "xterm-mono"
"""TERM of whoever has colours and wants none: with NO_COLOR in the environment (https://no-color.org)."""
MAX_UNREAD = 1024 * 1024
"""Bytes of output that may wait for a client that does not read while its editor goes on drawing."""

_HEADER = 5
_CHUNK = 32 * 1024
GATHER = 0.002
"""Seconds that output waits for what follows it, mostly a prompt or the exit code: the client wakes up once."""
_TO_KEEP = 30.0
"""Seconds a client has to make a file, or to finish one."""


class Hello(NamedTuple):
    """The first frame: what was typed, and where.

    Attributes:
        term: the environment's TERM.
        columns: of the terminal; 0 without one.
        rows: of the terminal; 0 without one.
        terminals: whether standard input, output and error are terminals.
        directory: working directory of the client.
        arguments: as typed, without the program's name and the run directory.
    """

    term: str
    columns: int
    rows: int
    terminals: tuple[bool, bool, bool]
    directory: str
    arguments: tuple[str, ...]

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read the payload of an `A` frame.

        Raises:
            ProtocolError: it is of another version, or none at all.
        """
        version, *fields = payload.decode("utf-8", "surrogateescape").split("\0")
        if version != PROTOCOL_VERSION:
            raise ProtocolError(
                f"the client speaks protocol {version[:20]!r}, the shell host {PROTOCOL_VERSION}: the software was "
                "updated meanwhile, restart the shell host"
            )
        if len(fields) < 7:
            raise ProtocolError(f"the client's first frame has {len(fields)} of at least 7 fields")
        term, columns, rows, *rest = fields
        return cls(
            term,
            _number(columns),
            _number(rows),
            (rest[0] == "1", rest[1] == "1", rest[2] == "1"),
            rest[3],
            tuple(rest[4:]),
        )


class Console(Protocol):
    """A terminal or a pair of streams that a session talks to, whoever carries it: a thin client, an SSH channel.

    Attributes:
        hello: what was typed to get here, and where.
        columns: of the terminal now; 0 where it does not say.
        rows: of the terminal now; 0 where it does not say.
        resized: called when the window changed its size.
        interrupted: called at Ctrl-C in mode 2.
        by_hand: in mode 2 somebody was seen to press keys one by one; never where lines come whole, from a kernel.
    """

    hello: Hello
    columns: int
    rows: int
    by_hand: bool
    resized: Callable[[], None] | None
    interrupted: Callable[[], None] | None

    async def read(self) -> bytes:
        """Some of what was typed; empty at its end, then always."""

    def set_mode(self, mode: str) -> None:
        """Choose a mode of the terminal: 0, 1 or 2, as above. Without a terminal nothing happens."""

    def set_echo(self, *, shown: bool) -> None:
        """Whether what is typed in mode 2 shows, where that is decided here."""

    def draw(self, text: str) -> None:
        """Write to standard output without waiting: for the line editor, which cannot wait."""

    async def write(self, text: str) -> None:
        """Write to standard output, at the speed of whoever reads it."""

    async def write_error(self, text: str) -> None:
        """Write to standard error, at the speed of whoever reads it."""


class ClientConsole:
    """One connection of a thin client, after its first frame: a `Console`.

    Args:
        reader: of the connection.
        writer: of the connection.
        hello: the first frame.

    Attributes:
        resized: called when the window changed its size.
        interrupted: called at Ctrl-C in mode 2.
    """

    by_hand = False  # who types shows in mode 1 only: in mode 2 the kernel at the client's end makes lines

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: Hello) -> None:
        self._reader = reader
        self._writer = writer
        self.hello = hello
        self.columns = hello.columns
        self.rows = hello.rows
        self.resized: Callable[[], None] | None = None
        self.interrupted: Callable[[], None] | None = None
        self._typed: asyncio.Queue[bytes] = asyncio.Queue()
        self._asked = False
        self._ended = False
        self._kept: asyncio.Future[bytes] | None = None
        self._gathered = bytearray()
        self._sending: asyncio.TimerHandle | None = None

    @classmethod
    async def accept(cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ClientConsole:
        """Wait for the first frame.

        Raises:
            ProtocolError: something else came.
            asyncio.IncompleteReadError: the client hung up.
        """
        kind, payload = await _frame(reader, MAX_HELLO)
        if kind != b"A":
            raise ProtocolError(f"a connection began with a frame of type {kind!r}")
        return cls(reader, writer, Hello.decode(payload))

    async def listen(self) -> None:
        """Take in what the client sends, until it hangs up.

        Raises:
            ProtocolError: a frame that is none of the protocol's, too long, or out of turn.
        """
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._take(*await _frame(self._reader, MAX_FRAME))

    def _take(self, kind: bytes, payload: bytes) -> None:
        if kind == b"I" and self._asked:
            self._asked = False
            self._typed.put_nowait(payload)
        elif kind == b"W" and len(size := payload.split()) == 2:
            self.columns, self.rows = (_number(field.decode("ascii", "replace")) for field in size)
            if self.resized:
                self.resized()
        elif kind == b"F" and self._kept is not None and not self._kept.done():
            self._kept.set_result(payload)
        elif kind == b"C":
            if self.interrupted:
                self.interrupted()
        else:
            raise ProtocolError(f"a client sent a frame of type {kind!r} and {len(payload)} bytes out of turn")

    async def read(self) -> bytes:
        """Some standard input of the client; empty at its end, then always."""
        if self._ended:
            return b""
        if not self._asked and self._typed.empty():
            self._asked = True
            self._frame(b"N", b"")
        data = await self._typed.get()
        self._ended = not data
        return data

    async def save(self, name: str, text: str) -> str:
        """Keep a text in a new file of the user.

        Returns:
            Its path.

        Raises:
            RefusedError: the client could not, or does not know how.
        """
        await self._file_frames(b"F", name.encode())
        data = text.encode("utf-8", "replace")
        for start in range(0, len(data), _CHUNK):
            self._frame(b"D", data[start : start + _CHUNK])
            await self._writer.drain()
        return await self._file_frames(b"D", b"")

    async def _file_frames(self, kind: bytes, payload: bytes) -> str:
        """Send a frame that is answered with F, and take the answer."""
        self._kept = asyncio.get_running_loop().create_future()
        self._frame(kind, payload)
        try:
            async with asyncio.timeout(_TO_KEEP):
                answer = (await self._kept).decode("utf-8", "replace")
        except TimeoutError:
            raise RefusedError("the client does not know how to keep a file: the software was updated") from None
        finally:
            self._kept = None
        if not answer.startswith("+"):
            raise RefusedError(answer[1:])
        return answer[1:]

    def set_mode(self, mode: str) -> None:
        """Ask for a mode of the terminal: 0, 1 or 2, as above. Without a terminal nothing happens."""
        if self.hello.terminals[0]:
            self._frame(b"R", mode.encode())

    def set_echo(self, *, shown: bool) -> None:
        """The kernel at the client's end decides."""

    def draw(self, text: str) -> None:
        """Write to standard output without waiting: for the line editor, which cannot wait.

        A client that lets `MAX_UNREAD` pile up is hung up on.
        """
        if self._writer.transport.get_write_buffer_size() > MAX_UNREAD:
            self._writer.transport.abort()
        if not self._writer.transport.is_closing():
            self._frame(b"O", _encode(text))
            self._send()

    async def write(self, text: str) -> None:
        """Write to standard output, at the speed of whoever reads it."""
        await self._write(b"O", text)

    async def write_error(self, text: str) -> None:
        """Write to standard error, at the speed of whoever reads it."""
        await self._write(b"E", text)

    async def end(self, code: int) -> None:
        """Say how it ended, wait until everything is read, and hang up."""
        with suppress(ConnectionError):
            self._frame(b"X", str(code).encode())
            self._writer.close()
            await self._writer.wait_closed()

    async def _write(self, kind: bytes, text: str) -> None:
        data = _encode(text)
        for start in range(0, len(data), _CHUNK):
            self._frame(kind, data[start : start + _CHUNK])
            await self._writer.drain()

    def _frame(self, kind: bytes, payload: bytes) -> None:
        self._gathered += kind + len(payload).to_bytes(4, "big") + payload
        if kind not in b"OE" or len(self._gathered) >= _CHUNK:
            self._send()
        elif self._sending is None:
            self._sending = asyncio.get_running_loop().call_later(GATHER, self._send)

    def _send(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None
        if self._gathered and not self._writer.transport.is_closing():
            self._writer.write(bytes(self._gathered))
        self._gathered.clear()


async def refuse(writer: asyncio.StreamWriter, sentence: str, code: int) -> None:
    """End a connection that gets no session, with a sentence for standard error.

    Args:
        writer: of the connection.
        sentence: what the user reads.
        code: the exit code of the client.
    """
    text = _encode(sentence)
    status = str(code).encode()
    with suppress(ConnectionError):
        writer.write(b"E" + len(text).to_bytes(4, "big") + text + b"X" + len(status).to_bytes(4, "big") + status)
        writer.close()
        await writer.wait_closed()


async def _frame(reader: asyncio.StreamReader, longest: int) -> tuple[bytes, bytes]:
    header = await reader.readexactly(_HEADER)
    length = int.from_bytes(header[1:], "big")
    if length > longest:
        raise ProtocolError(f"a client announced a frame of {length} bytes, {longest} are allowed")
    return header[:1], await reader.readexactly(length)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _number(text: str) -> int:
    """A size as the client states it; what is none counts as unknown."""
    return min(int(text), 10_000) if text.isascii() and text.isdigit() else 0


def run_directory() -> str:
    """Where the sockets are, unless said otherwise on the command line."""
    return os.environ.get("UTMCLI_RUN_DIR") or "/run/utmcli"
