#!/bin/sh
''':'
# The kernel starts this file with sh, which starts python on the same file; python sees these lines as a string.
# Python cannot stand in the first line: installers rewrite such a line and lose its options, and -I -S (no
# environment, no `site`) are half of the start time. Beside an installed script lies the python it belongs to.
self=$0; [ -L "$self" ] && self=$(readlink -f "$self")
bin=${self%/*} python=${self%/*}/python3; [ -x "$python" ] || python=python3
# To compile this file takes longer than all it does then, and python keeps what it compiled of modules, not of
# scripts. So the module of the same installation runs, where there is one; launcher.py does without sh as well.
# Beside a directory in a sticky one, as /tmp, others could put the module.
[ -k "$bin/.." ] && exec "$python" -I -S "$self" "$@"
exec "$python" -I -S -c '
import sys
from _frozen_importlib_external import SourceFileLoader
client = sys.argv[1] + "/../lib/python%d.%d/site-packages/utmcli/client.py" % sys.version_info[:2]
del sys.argv[:2]
try:
    code = SourceFileLoader("__main__", client).get_code("__main__")
except Exception: # there is none, or what was kept of it is damaged
    code = open(sys.argv[0]).read()
exec(code)
' "$bin" "$self" "$@"
'''
# ruff: noqa: D205, D300, D415, EXE003
# The thin client: hands a command line to the resident shell host and shows what comes back. Its start is all its
# cost: it imports nothing but built-in modules (not even __future__), keep it short. console.py describes the
# protocol. What it does not know (serve, lab, help, no shell host) is app.py's; once the host wants standard
# input or a mode of the terminal, terminal.py takes the connection over.

import posix
import sys
from _socket import AF_UNIX, MSG_NOSIGNAL, SOCK_STREAM, socket

GONE = b"% Error: the shell host went away\n"
UNREACHABLE = 6
INTERRUPTED = 130
FLAGS = (b"--json", b"-i", b"--interactive", b"--dry-run", b"--stop-on-error", b"--keep-going")
BROKEN_PIPE = 141  # what a shell reports of a program that SIGPIPE ended


def split(words: list[bytes]) -> tuple[bytes, list[bytes]] | None:
    """The run directory and the words for the shell host; None for a command line that is app.py's."""
    run_dir = posix.environ.get(b"UTMCLI_RUN_DIR", b"/run/utmcli")
    kept: list[bytes] = []
    at = 0
    while at < len(words) and words[at][:1] == b"-":
        word = words[at]
        if word in FLAGS:
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
    if words[at : at + 1] in ([b"serve"], [b"lab"], [b"completion"], [b"service"]):
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


def greet(host: socket, words: list[bytes]) -> None:
    """Say what is wanted, and where."""
    terminals = [b"1" if posix.isatty(fd) else b"0" for fd in (0, 1, 2)]
    term = posix.environ.get(b"TERM", b"")
    if posix.environ.get(b"NO_COLOR") and term not in (b"", b"dumb"):
        term = b"xterm-mono"  # MONOCHROME of console.py
    send(host, b"A", b"\0".join([b"1", term, *size(), *terminals, directory(), *words]))


def exactly(host: socket, count: int) -> bytes:
    """As many bytes from the host; none when it is gone."""
    data = b""
    while len(data) < count:
        try:
            part = host.recv(count - len(data))
        except ConnectionResetError:
            part = b""
        if not part:
            return b""
        data += part
    return data


def write(fd: int, data: bytes) -> None:
    """Write all of it, also to a descriptor that somebody else made non-blocking."""
    while data:
        try:
            data = data[posix.write(fd, data) :]
        except BlockingIOError:
            from select import select  # noqa: PLC0415 - rarely needed

            select((), (fd,), ())


def frame(host: socket) -> tuple[bytes, bytes]:
    """The next frame of the host; of an empty kind when the host is gone."""
    header = exactly(host, 5)
    length = int.from_bytes(header[1:], "big")
    payload = exactly(host, length)
    return (header[:1], payload) if len(payload) == length else (b"", b"")


def main(argv: list[str]) -> int:
    """Run the words in the shell host; become app.py or terminal.py where that takes more than this."""
    python = [sys.executable, "-P", "-m"]
    encoding = sys.getfilesystemencoding()
    asked = split([word.encode(encoding, "surrogateescape") for word in argv])
    host = socket(AF_UNIX, SOCK_STREAM)
    try:
        if not asked:
            raise FileNotFoundError
        host.connect(asked[0] + b"/console.sock")
    except OSError:
        posix.execv(sys.executable, [*python, "utmcli", *argv])
    try:
        greet(host, asked[1])
        while True:
            kind, payload = frame(host)
            if kind == b"O":
                write(1, payload)
            elif kind == b"E":
                write(2, payload)
            elif kind == b"X":
                return int(payload)
            elif kind:
                posix.set_inheritable(host.fileno(), True)
                first = (kind + payload).decode()
                posix.execv(sys.executable, [*python, "utmcli.terminal", str(host.fileno()), first])
            else:
                write(2, GONE)
                return UNREACHABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE


if __name__ == "__main__":
    posix._exit(main(sys.argv[1:]))  # noqa: SLF001 - public as os._exit; nothing is left to tidy up
