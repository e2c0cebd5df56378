"""The client's side of a conversation: standard input, window size, Ctrl-C and the mode of the terminal.

client.py hands its connection over as soon as the shell host asks for more than showing output.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from utmcli.client import BROKEN_PIPE, GONE, INTERRUPTED, UNREACHABLE, frame, send, size, write

if TYPE_CHECKING:
    from types import FrameType

    from utmcli.keeping import Keeper

CHUNK = 64 * 1024
PIECE = 256
"""Bytes written to a terminal at once: Ctrl-C waits for no more of them, a quarter of a second at 9600 Bd."""
_BULK = 4 * 1024
"""Bytes of a frame that is output of a command; what the editor draws is shorter."""
_NOTHING = 1 << 32
"""Bytes that no frame has."""
_STAGE, _OFF_STAGE = b"\x1b[?1049h", b"\x1b[?1049l"
"""A command takes the other screen, and leaves it (stage.py). Who is not on it must not: that moves the cursor."""
_WHOLE = b"\x1b[0m\x1b[?25h\x1b[?7h\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l"
"""No colours, a cursor, long lines wrap, pastes are not marked, the mouse is the terminal's (xterm's ctlseqs)."""

_INPUT_FLAGS = termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR
_LOCAL_FLAGS = termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG


class Terminal:
    """Carries bytes both ways until the host says how it ended.

    Signals that the session wants to know of leave a byte in a pipe, so that nothing is ever sent in the middle of
    another frame. Ctrl-C ends the client in mode 0, is a key in mode 1, and is handed to the session in mode 2.

    A terminal may be far slower than the host. Output therefore goes to it in small pieces, and between them what
    is typed goes to the host. What a slow terminal has not shown yet when somebody presses Ctrl-C is thrown away,
    up to the next frame that is no output: the host sends one as soon as it has taken the key.

    Args:
        host: the connection.
    """

    def __init__(self, host: socket.socket) -> None:
        self._host = host
        self._wanted = False
        self._found: list[Any] | None = None
        self._drops = _NOTHING
        self._is_raw = False
        self._is_on_stage = False
        self._is_in_line = False
        self._keeper: Keeper | None = None
        self._is_terminal = os.isatty(1)
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGWINCH, _noted)
        signal.signal(signal.SIGTERM, _leave)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, _leave)

    def converse(self, kind: bytes, payload: bytes) -> int:
        """Do what the host says, from its first wish on.

        Returns:
            The exit code.

        Raises:
            BrokenPipeError: nobody reads our standard output any more.
            KeyboardInterrupt: Ctrl-C in mode 0.
        """
        is_over = False
        try:
            while kind:
                match kind:
                    case b"O":
                        self._follow(payload)
                        self._show(payload)
                    case b"E":
                        write(2, payload)
                    case b"N":
                        self._wanted, self._drops = True, _NOTHING
                    case b"F":
                        self._keep(os.fsdecode(payload))
                    case b"D":
                        self._add(payload)
                    case b"R":
                        self._drops = _NOTHING
                        self._set_mode(payload)
                    case b"X":
                        is_over = True
                        return int(payload)
                self._wait()
                kind, payload = frame(self._host)
        finally:
            if not is_over:
                self._tidy()
            self._put_back()
        write(2, GONE)
        return UNREACHABLE

    def _show(self, data: bytes) -> None:
        """Write to standard output; where that is a terminal, with an eye on the keyboard."""
        if not self._is_terminal:
            write(1, data)
            return
        if len(data) >= self._drops:
            return
        while data:
            sources, sinks, _ = select.select(self._watched(), (1,), ())
            if self._tell(sources):
                self._drops, data = 0, b""
                _flush()
            elif sinks:
                data = data[_written(data[:PIECE]) :]

    def _follow(self, data: bytes) -> None:
        """Keep in mind what a host that is killed leaves on the terminal."""
        if _STAGE in data:
            self._is_on_stage = True
        elif _OFF_STAGE in data:
            self._is_on_stage = False
        elif not self._is_on_stage:
            self._is_in_line = data[-1:] != b"\n"

    def _tidy(self) -> None:
        """Make the terminal whole when the host did not: it was killed, or we are."""
        if not self._is_terminal:
            return
        with suppress(OSError):  # the terminal may be what is gone
            if self._is_raw:
                write(1, _WHOLE + (_OFF_STAGE if self._is_on_stage else b""))
            if self._is_in_line:
                write(1, b"\r\n" + (b"\x1b[J" if self._is_raw else b""))

    def _put_back(self) -> None:
        if self._found is not None:
            termios.tcsetattr(0, termios.TCSADRAIN, self._found)

    def _keep(self, name: str) -> None:
        """Make the file that a `| save` asks for."""
        from pathlib import Path  # noqa: PLC0415 - half of a start, for what few sessions do

        from utmcli.keeping import Keeper, why  # noqa: PLC0415 - the same

        try:
            self._keeper = Keeper(Path.home(), name)
        except (OSError, ValueError, RuntimeError) as error:
            self._tell_kept("-", why(error, name))
        else:
            self._tell_kept("+", str(self._keeper.path))

    def _add(self, data: bytes) -> None:
        """Write a part of that file; the empty part is its end. What fails is said at the end."""
        keeper = self._keeper
        if keeper is None:
            return
        keeper.write(data)
        if not data:
            self._keeper = None
            failure = keeper.close()
            self._tell_kept(*(("-", failure) if failure else ("+", str(keeper.path))))

    def _tell_kept(self, sign: str, text: str) -> None:
        send(self._host, b"F", os.fsencode(sign + text))

    def _wait(self) -> None:
        """Until the host has something to say; what happens here meanwhile goes to it."""
        while True:
            sources = select.select([self._host.fileno(), *self._watched()], (), ())[0]
            ready = self._host.fileno() in sources
            if self._tell([source for source in sources if not ready or source == self._woken]):
                self._drops = _BULK
            if ready:
                return

    def _watched(self) -> list[int]:
        return [self._woken, *([0] if self._wanted else [])]

    def _tell(self, sources: list[int]) -> bool:
        """Hand what was typed, and signals, to the host; whether Ctrl-C was among it."""
        interrupted = self._woken in sources and self._tell_signals(os.read(self._woken, CHUNK))
        if 0 in sources and self._wanted:
            self._wanted = False
            typed = _typed()
            send(self._host, b"I", typed)
            interrupted |= self._is_raw and b"\x03" in typed
        return interrupted

    def _tell_signals(self, numbers: bytes) -> bool:
        for number in numbers:
            if number == signal.SIGWINCH:
                send(self._host, b"W", b" ".join(size()))
            elif number == signal.SIGINT:
                send(self._host, b"C", b"")
        return signal.SIGINT in numbers

    def _set_mode(self, mode: bytes) -> None:
        self._is_raw = mode == b"1"
        signal.signal(signal.SIGINT, _noted if mode == b"2" else signal.default_int_handler)
        if self._found is None:
            self._found = termios.tcgetattr(0)
        wanted = [*self._found[:6], [*self._found[6]]]
        if mode == b"1":
            wanted[0] &= ~_INPUT_FLAGS
            wanted[3] &= ~_LOCAL_FLAGS
            wanted[6][termios.VMIN], wanted[6][termios.VTIME] = 1, 0
        termios.tcsetattr(0, termios.TCSADRAIN, wanted)


def _typed() -> bytes:
    try:
        return os.read(0, CHUNK)
    except OSError:  # the terminal hung up, or standard input is closed
        return b""


def _written(data: bytes) -> int:
    """How much of it the terminal took; it may be non-blocking, and be full again by now."""
    try:
        return os.write(1, data)
    except BlockingIOError:
        return 0


def _flush() -> None:
    """Forget what the terminal has not sent yet; not every one can."""
    try:
        termios.tcflush(1, termios.TCOFLUSH)
    except termios.error:
        return


def _noted(_number: int, _frame: FrameType | None) -> None:
    """The wake-up pipe has the signal's number; that is all that is needed."""


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave in order, so that the terminal is put back as it was found."""
    raise SystemExit(128 + number)


def converse(host: socket.socket, kind: bytes, payload: bytes) -> int:
    """Carry a conversation to its end.

    Args:
        host: the connection.
        kind: of the frame that was read last.
        payload: of that frame.

    Returns:
        The exit code for the process.
    """
    try:
        return Terminal(host).converse(kind, payload)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE


if __name__ == "__main__":
    handed_over, first = int(sys.argv[1]), os.fsencode(sys.argv[2])
    sys.exit(converse(socket.socket(fileno=handed_over), first[:1], first[1:]))
