#!/bin/sh
''':'
# The kernel starts this file with sh, which starts python on the same file; python sees these lines as a string.
# Python cannot stand in the first line: installers rewrite such a line and lose its options, and -I -S (no
# environment, no `site`) are half of the start time. Beside an installed script lies the python it belongs to.
self=$0; [ -L "$self" ] && self=$(readlink -f "$self")
python=${self%/*}/python3; [ -x "$python" ] || python=python3
exec "$python" -I -S "$self" "$@"
'''
# ruff: noqa: D205, D300, D415, EXE003
# The thin client: hands a command line and its terminal to the resident shell host and gets out of the way.
# It imports nothing but built-in modules and is compiled anew at each start: keep it short. The protocol is
# described in console.py. Whatever this file does not know (serve, lab, help, no shell host) is app.py's.

from __future__ import annotations

import posix
import sys
from _signal import (  # type: ignore[import-not-found] # `signal` builds enumerations that nobody needs here
    SIGHUP,
    SIGINT,
    SIGTERM,
    SIGWINCH,
    default_int_handler,
    set_wakeup_fd,
    signal,
)
from _socket import AF_UNIX, MSG_NOSIGNAL, SOCK_STREAM, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

VERSION = b"1"
UNREACHABLE = 6
INTERRUPTED = 130
BROKEN_PIPE = 141  # what a shell reports of a program that SIGPIPE ended
CHUNK = 65536


def split(words: list[bytes]) -> tuple[bytes, list[bytes]] | None:
    """The run directory and the words for the shell host; None for a command line that is app.py's."""
    run_dir = posix.environ.get(b"UTMCLI_RUN_DIR", b"/run/utmcli")
    kept: list[bytes] = []
    at = 0
    while at < len(words) and words[at][:1] == b"-":
        word = words[at]
        if word in (b"--json", b"-i", b"--interactive"):
            kept.append(word)
        elif word in (b"-c", b"--complete", b"--run-dir") and at + 1 < len(words):
            at += 1
            if word == b"--run-dir":
                run_dir = words[at]
            else:
                kept += (word, words[at])
        else:
            return None
        at += 1
    if words[at:at + 1] in ([b"serve"], [b"lab"], [b"completion"]):
        return None
    return run_dir, kept + words[at:]


def size() -> tuple[bytes, bytes]:
    """Columns and rows of the terminal, 0 and 0 without one."""
    for fd in (1, 0, 2):
        try:
            columns, rows = posix.get_terminal_size(fd)
        except OSError:
            continue
        return b"%d" % columns, b"%d" % rows
    return b"0", b"0"


def directory() -> bytes:
    """The working directory; empty when somebody removed it."""
    try:
        return posix.getcwdb()
    except OSError:
        return b""


def send(host: socket, kind: bytes, payload: bytes) -> None:
    """Send one frame. A host that is gone is noticed, and said, by the next read."""
    try:
        host.sendall(kind + len(payload).to_bytes(4, "big") + payload, MSG_NOSIGNAL)
    except (BrokenPipeError, ConnectionResetError):
        return


def write(fd: int, data: bytes) -> None:
    """Write all of it, also to a descriptor that somebody else made non-blocking."""
    while data:
        try:
            data = data[posix.write(fd, data):]
        except BlockingIOError:
            from select import select  # noqa: PLC0415 - rarely needed
            select((), (fd,), ())


def stop(number: int, _frame: object) -> None:
    """Leave orderly, so that the terminal is put back as it was."""
    raise SystemExit(128 + number)


class Person:
    """Standard input and its terminal, once the shell host has asked for them.

    Ctrl-C ends the client until the host has set a mode of its own; then it is a key, or handed to the session.
    """

    def __init__(self, host: socket) -> None:
        self.host = host
        self.wanted = False
        self.cooked: list[Any] | None = None
        self.woken, wake = posix.pipe2(posix.O_NONBLOCK | posix.O_CLOEXEC)
        set_wakeup_fd(wake)
        signal(SIGWINCH, lambda *_: None)
        signal(SIGTERM, stop)
        signal(SIGHUP, stop)

    def wait(self) -> None:
        """Until the host has something to say; what is typed meanwhile goes to it."""
        from select import select  # noqa: PLC0415 - a one-shot command has no use for it
        host = self.host.fileno()
        while True:
            ready = select((host, self.woken, 0) if self.wanted else (host, self.woken), (), ())[0]
            if self.woken in ready:
                for number in posix.read(self.woken, 64):
                    if number == SIGWINCH:
                        send(self.host, b"W", b" ".join(size()))
                    elif number == SIGINT:
                        send(self.host, b"C", b"")
            if host in ready:
                return
            if 0 in ready:
                self.wanted = False
                try:
                    typed = posix.read(0, CHUNK)
                except OSError:  # the terminal hung up
                    typed = b""
                send(self.host, b"I", typed)

    def serve(self, kind: bytes, payload: bytes) -> None:
        """Do what the host asks of standard input."""
        if kind == b"N":
            self.wanted = True
        elif kind == b"R":
            self.mode(payload)

    def mode(self, wish: bytes) -> None:
        """Put the terminal into the mode the host wishes: 0 as it was, 1 raw, 2 as it was with Ctrl-C handed on."""
        import termios as t  # noqa: PLC0415 - a one-shot command has no use for it
        signal(SIGINT, default_int_handler if wish == b"0" else lambda *_: None)
        if wish != b"1":
            if self.cooked:
                t.tcsetattr(0, t.TCSADRAIN, self.cooked)
            return
        now = t.tcgetattr(0)
        self.cooked = self.cooked or t.tcgetattr(0)
        now[0] &= ~(t.IXON | t.IXOFF | t.ICRNL | t.INLCR | t.IGNCR)
        now[3] &= ~(t.ECHO | t.ICANON | t.IEXTEN | t.ISIG)
        t.tcsetattr(0, t.TCSADRAIN, now)


def receive(host: socket, person: Person | None) -> bytes:
    """What the host says next; empty when it is gone."""
    if person:
        person.wait()
    try:
        return host.recv(CHUNK)
    except ConnectionResetError:
        return b""


def relay(host: socket) -> int:
    """Carry bytes both ways until the host says how it ended; its exit code."""
    person: Person | None = None
    frames = b""
    try:
        while data := receive(host, person):
            frames += data
            while len(frames) >= 5 and len(frames) >= (end := 5 + int.from_bytes(frames[1:5], "big")):
                kind, payload, frames = frames[:1], frames[5:end], frames[end:]
                if kind in b"OE":
                    write(1 if kind == b"O" else 2, payload)
                elif kind == b"X":
                    return int(payload)
                else:
                    person = person or Person(host)
                    person.serve(kind, payload)
    finally:
        if person and person.cooked:
            person.mode(b"0")
    write(2, b"utmcli: the shell host went away\n")
    return UNREACHABLE


def converse(host: socket, words: list[bytes]) -> int:
    """Say what is wanted, and where, then carry bytes; the exit code."""
    terminals = [b"1" if posix.isatty(fd) else b"0" for fd in (0, 1, 2)]
    term = posix.environ.get(b"TERM", b"")
    try:
        send(host, b"A", b"\0".join([VERSION, term, *size(), *terminals, directory(), *words]))
        return relay(host)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE


def main(argv: list[str]) -> int:
    """Run the words in the shell host; become app.py where that is not possible."""
    encoding = sys.getfilesystemencoding()
    asked = split([word.encode(encoding, "surrogateescape") for word in argv])
    host = socket(AF_UNIX, SOCK_STREAM)
    try:
        if not asked:
            raise FileNotFoundError
        host.connect(asked[0] + b"/console.sock")
    except OSError:
        posix.execv(sys.executable, [sys.executable, "-P", "-m", "utmcli", *argv])
    return converse(host, asked[1])


if __name__ == "__main__":
    posix._exit(main(sys.argv[1:]))  # noqa: SLF001 - public as os._exit; nothing is left to tidy up
