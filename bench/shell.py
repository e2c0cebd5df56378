"""How quick the shell feels: a whole command, Tab, the first prompt, Ctrl-C.

    python bench/shell.py [ROUNDS]

It builds a lab and measures inside its master, where clusterd and the shell host run:

    one command         oneshot.py, with the limits of the shell: 1.3 x bare Python, 0.7 x vtysh
    first prompt        from the start of `utmcli` in a terminal to its prompt, over the running shell host, and
                        with a shell host of its own (the local REPL)
    Tab to menu         from the key to the whole menu with its descriptions, in a session
    Ctrl-C              from the key to the last byte of output, where 200 commands were typed ahead
    exec                one command over a connection that is open already is measured by the SSH server's own tests

Medians are judged; the exit code is 1 when a limit is missed.
"""

from __future__ import annotations

import os
import pty
import select
import statistics
import subprocess
import sys
import termios
import time
from pathlib import Path

BIN = Path(sys.executable).parent
ROUNDS = 41
PROMPT = b"> "
OVER_HOST, LOCAL, TAB, STOP = 0.060, 0.400, 0.050, 0.100
PATIENCE = 20.0
QUIET = 0.25


def main() -> int:
    if sys.argv[1:2] == ["--inside"]:
        return measure(int(sys.argv[2]))
    rounds = sys.argv[1] if len(sys.argv) > 1 else str(ROUNDS)
    name = f"shell-{os.getpid()}"
    lab = [str(BIN / "utmcli"), "lab"]
    first = subprocess.run([sys.executable, str(Path(__file__).with_name("oneshot.py"))], check=False).returncode
    subprocess.run([*lab, "up", "--name", name], check=True, stdout=subprocess.DEVNULL)
    try:
        inside = [sys.executable, str(Path(__file__).resolve()), "--inside", rounds]
        second = subprocess.run([*lab, "exec", "--name", name, "master", "--", *inside], check=False).returncode
    finally:
        subprocess.run([*lab, "down", "--name", name], check=True)
    return first or second


class Terminal:
    """A program at a terminal, timed."""

    def __init__(self, words: list[str], environment: dict[str, str]) -> None:
        self.began = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execve(words[0], words, environment)
        termios.tcsetwinsize(self.fd, (24, 80))
        self.seen = b""

    def until(self, text: bytes) -> float:
        """Read until a text came; the moment it did."""
        end = time.perf_counter() + PATIENCE
        while text not in self.seen:
            if not select.select([self.fd], [], [], max(0.0, end - time.perf_counter()))[0]:
                raise SystemExit(f"{text!r} did not come, but {self.seen[-200:]!r}")
            self.seen += os.read(self.fd, 65536)
        return time.perf_counter()

    def press(self, keys: bytes) -> float:
        """Type; the moment of it. What came before is forgotten."""
        self.seen = b""
        os.write(self.fd, keys)
        return time.perf_counter()

    def close(self) -> None:
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def measure(rounds: int) -> int:
    environment = {**os.environ, "TERM": "xterm"}
    utmcli = [str(BIN / "utmcli")]
    good = True
    good &= report("first prompt over a shell host", first_prompts(utmcli, environment, rounds), OVER_HOST)
    alone = Path("/run/utmcli-alone")
    alone.mkdir(exist_ok=True)
    if not (alone / "clusterd.sock").exists():
        (alone / "clusterd.sock").symlink_to("/run/utmcli/clusterd.sock")
    own = {**environment, "UTMCLI_RUN_DIR": str(alone)}
    good &= report("first prompt of the local REPL", first_prompts(utmcli, own, rounds), LOCAL)
    terminal = Terminal(utmcli, environment)
    terminal.until(PROMPT)
    good &= report("Tab to menu, the editor up", tabs(terminal, rounds), TAB)
    good &= report("Ctrl-C to prompt, in a long output", interrupts(terminal, rounds), STOP)
    terminal.close()
    return 0 if good else 1


def first_prompts(words: list[str], environment: dict[str, str], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        terminal = Terminal(words, environment)
        times.append(terminal.until(PROMPT) - terminal.began)
        terminal.close()
    return times


def tabs(terminal: Terminal, rounds: int) -> list[float]:
    """Tab on `cluster `; its menu is whole with the last word of that module."""
    times = []
    for _ in range(rounds):
        terminal.press(b"\x1b[A\x03")
        terminal.until(PROMPT)
        terminal.press(b"cluster \x1b[C")  # the arrow brings the editor up; it is not what is timed
        terminal.until(b"cluster")
        settle(terminal)
        began = terminal.press(b"\t")
        times.append(terminal.until(b"live view of both nodes") - began)
    terminal.press(b"\x03")
    terminal.until(PROMPT)
    return times


def interrupts(terminal: Terminal, rounds: int) -> list[float]:
    """Ctrl-C while every advert, event and address is listed again and again, as fast as the terminal reads."""
    times = []
    for _ in range(rounds):
        settle(terminal)
        terminal.press(b"help | no-more\r" * 200)
        terminal.until(b"system")
        began = terminal.press(b"\x03")
        times.append(max(0.0, settle(terminal) - began))
    return times


def settle(terminal: Terminal) -> float:
    """Read until nothing comes any more; the moment of the last byte."""
    last = 0.0
    while select.select([terminal.fd], [], [], QUIET)[0]:
        terminal.seen += os.read(terminal.fd, 65536)
        last = time.perf_counter()
    return last


def report(what: str, times: list[float], limit: float) -> bool:
    """Print median and slowest beside the limit; whether it is met."""
    median = statistics.median(times)
    verdict = "met" if median <= limit else "MISSED"
    print(
        f"{what:44}{median * 1000:7.1f} ms   slowest {max(times) * 1000:.1f} ms   "
        f"at most {limit * 1000:.0f} ms: {verdict}"
    )
    return median <= limit


if __name__ == "__main__":
    sys.exit(main())
