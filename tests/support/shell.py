"""The shell as its users have it: an installed client, a running shell host, a person at a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pexpect
import pyte

import utmcli

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PATIENCE = 30.0
_NOT_FOR_PYTE = re.compile(rb"\x1b\[[<=>?][0-9;]*u|\x1bP[^\x1b]*\x1b\\")
"""What a shell asks newer terminals for (fish 4: the keyboard protocol); pyte would print it."""


@contextlib.contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose sockets fit into an address, and which every account may enter (pytest's has neither)."""
    path = Path(tempfile.mkdtemp(prefix="utm-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def install_client(directory: Path) -> Path:
    """The client as an installer leaves it: a copy beside a python."""
    python = directory / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    client = directory / "utmcli"
    shutil.copy(Path(utmcli.__file__).with_name("client.py"), client)
    for file in (python, client):
        file.chmod(0o755)
    return client


class Shell:
    """A run directory with the client that talks to it.

    Attributes:
        run_dir: of the sockets.
        client: the installed program.
    """

    def __init__(self, run_dir: Path, client: Path) -> None:
        self.run_dir = run_dir
        self.client = client
        self.environment = {**os.environ, "UTMCLI_RUN_DIR": str(run_dir), "TERM": "xterm"}

    def run(self, *words: str, stdin: str = "", **options: object) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        argv = [str(self.client), *words]
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            argv, input=stdin, env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
            **options,
        )

    def start(self, *words: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """One command, left running."""
        return subprocess.Popen(
            [str(self.client), *words], env=self.environment,
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    def person(
        self, *words: str, rows: int = 24, columns: int = 80, term: str = "xterm", tells_size: bool = True
    ) -> Person:
        """Somebody at a terminal."""
        environment = {**self.environment, "TERM": term}
        return Person(self.client, words, environment, (rows, columns), tells_size=tells_size)


class ShellHost:
    """`utmcli serve` as a process, as a context manager."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self.log = run_dir / f"host-{time.monotonic_ns()}.log"

    def __enter__(self) -> Self:
        argv = [sys.executable, "-m", "utmcli", "serve", "--run-dir", str(self._run_dir)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=log)
        wait_until(lambda: "serving consoles" in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)


class Person:
    """Somebody at a terminal: types, and sees what pyte sees."""

    def __init__(
        self, client: Path, words: Sequence[str], environment: dict[str, str], size: tuple[int, int],
        *, tells_size: bool,
    ) -> None:
        rows, columns = size
        self.screen = pyte.HistoryScreen(columns, rows, history=1000)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._child = pexpect.spawn(
            str(client), list(words), env=environment, dimensions=size if tells_size else (0, 0), timeout=PATIENCE
        )

    def types(self, text: str) -> None:
        """Press these keys."""
        self._child.send(text)

    def sees(self, *texts: str) -> str:
        """Wait until all of these stand on the screen; what stands there."""
        for text in texts:
            wait_until(lambda t=text: t in self.look(), lambda t=text: f"{t!r} is not in\n{self.look()}")
        return self.look()

    def sees_prompt(self, prompt: str = "master.cluster.local> ") -> None:
        """Wait until the cursor stands behind an empty prompt."""
        wait_until(lambda: self.line() == prompt, lambda: f"{self.line()!r} is no prompt in\n{self.look()}")

    def sees_line(self, *lines: str) -> None:
        """Wait until the line with the cursor, up to the cursor, is this, or one of these."""
        wait_until(lambda: self.line() in lines, lambda: f"{self.line()!r} is not {lines!r} in\n{self.look()}")

    def line(self) -> str:
        """The line with the cursor, up to the cursor."""
        self.look()
        cursor = self.screen.cursor
        return self.screen.display[cursor.y][: cursor.x]

    def look(self) -> str:
        """The screen, lines without trailing blanks."""
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                data = self._child.read_nonblocking(65536, 0.02)
                self.raw += data
                self._stream.feed(_NOT_FOR_PYTE.sub(b"", data))
        return "\n".join(line.rstrip() for line in self.screen.display)

    def resizes(self, rows: int, columns: int) -> None:
        """Pull at the corner of the window."""
        self.screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def leaves(self) -> int:
        """Wait for the end; the exit code."""
        wait_until(lambda: (self.look(), not self._child.isalive())[1], "the client did not end")
        return int(self._child.exitstatus if self._child.exitstatus is not None else -self._child.signalstatus)

    def is_raw(self) -> bool:
        """Whether the terminal was left without echo."""
        return not self._child.getecho()

    @property
    def pid(self) -> int:
        """Of the client."""
        return int(self._child.pid)

    def gone(self) -> None:
        """Close the window."""
        self._child.close(force=True)


def wait_until(condition: object, message: object = "it never happened") -> None:
    """Wait for something that other processes do."""
    assert callable(condition)
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, message() if callable(message) else message
        time.sleep(0.01)


def mode_of(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.stat().st_mode)
