"""The resident shell host: every client is its own problem, and nobody else's."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import PATIENCE, ShellHost, mode_of, wait_until
from utmcli.host import MAX_SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers, FakeClusterd
    from tests.support.shell import Shell

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be several users")


def frame(kind: bytes, payload: bytes = b"", length: int | None = None) -> bytes:
    return kind + (len(payload) if length is None else length).to_bytes(4, "big") + payload


def hello(*words: bytes, version: bytes = b"1") -> bytes:
    return frame(b"A", b"\0".join([version, b"xterm", b"80", b"24", b"0", b"0", b"0", b"/", *words]))


class Wire:
    """A client of our own, free to break every rule."""

    def __init__(self, shell: Shell) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(shell.run_dir / "console.sock"))

    def says(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hears(self) -> list[tuple[bytes, bytes]]:
        """Every frame until the host hangs up."""
        data = b""
        try:
            while part := self.socket.recv(65536):
                data += part
        except ConnectionResetError:
            pass
        frames = []
        while data:
            end = 5 + int.from_bytes(data[1:5], "big")
            frames.append((data[:1], data[5:end]))
            data = data[end:]
        return frames

    def hears_one(self) -> tuple[bytes, bytes]:
        header = self.socket.recv(5, socket.MSG_WAITALL)
        return header[:1], self.socket.recv(int.from_bytes(header[1:], "big"), socket.MSG_WAITALL)


@pytest.fixture
def wire(shell: Shell) -> Iterator[Wire]:
    opened = Wire(shell)
    yield opened
    opened.socket.close()


def refused(frames: list[tuple[bytes, bytes]], why: bytes) -> bool:
    (kind, sentence), end = frames
    return kind == b"E" and sentence.startswith(b"% Error: ") and why in sentence and end == (b"X", b"1")


def serves(shell: Shell) -> bool:
    return shell.run("cluster", "info").returncode == 0


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"GET / HTTP/1.1\r\n\r\n" * 10, b"announced a frame of"),
        (frame(b"A", b"", length=2**32 - 1), b"announced a frame of 4294967295 bytes"),
        (frame(b"I", b"typed too early"), b"began with a frame of type"),
        (frame(b"A", b"1\0xterm"), b"has 1 of at least 7 fields"),
        (hello(b"cluster", b"info", version=b"9"), b"speaks protocol '9'"),
    ],
)
def test_what_is_no_greeting_is_refused_with_a_sentence(shell: Shell, wire: Wire, data: bytes, why: bytes) -> None:
    wire.says(data)
    assert refused(wire.hears(), why)
    assert serves(shell)


@pytest.mark.parametrize(
    "data",
    [
        frame(b"I", b"unasked for"),
        frame(b"Z"),
        frame(b"W", b"one"),
        frame(b"I", b"x" * 65537),
        b"\xff" * 4096,
    ],
)
def test_garbage_in_a_session_ends_that_session_only(
    shell: Shell, wire: Wire, answers: Answers, data: bytes
) -> None:
    wire.says(hello(b"cluster", b"events", b"follow", b"1"))
    assert answers.following.wait(PATIENCE)
    wire.says(data)
    assert (b"X", b"1") in wire.hears()
    assert answers.stopped_following.wait(PATIENCE)
    assert serves(shell)


def test_a_greeting_cut_short_harms_nobody(shell: Shell, wire: Wire) -> None:
    wire.says(hello(b"cluster", b"info")[:20])
    wire.socket.shutdown(socket.SHUT_WR)
    assert wire.hears() == []
    assert serves(shell)


def test_a_client_that_does_not_read_stalls_nobody(shell: Shell, wire: Wire, answers: Answers) -> None:
    answers.texts["big"] = "x" * 8_000_000
    wire.says(hello(b"system", b"config", b"export", b"name", b"big"))
    began = time.monotonic()
    assert all(serves(shell) for _ in range(5))
    assert time.monotonic() - began < PATIENCE
    output = b"".join(payload for kind, payload in wire.hears() if kind == b"O")
    assert len(output) == 8_000_001, "the slow reader got everything in the end"


def test_a_stream_goes_no_faster_than_its_reader(shell: Shell, wire: Wire, answers: Answers) -> None:
    answers.events = 10_000_000
    wire.says(hello(b"cluster", b"events", b"follow", b"1"))
    assert answers.following.wait(PATIENCE)
    seen = [-1]

    def stands_still() -> bool:
        time.sleep(0.3)  # nothing announces that nothing happens
        seen.append(answers.told)
        return seen[-1] == seen[-2]

    wait_until(stands_still)
    assert seen[-1] < 100_000
    assert serves(shell)


def test_there_are_only_so_many_sessions(shell: Shell, host: ShellHost) -> None:
    assert host
    wires = [Wire(shell) for _ in range(MAX_SESSIONS)]
    for wire in wires:
        wire.says(hello())
        assert wire.hears_one() == (b"N", b"")
    ended = shell.run("cluster", "info")
    assert (ended.returncode, ended.stderr) == (1, f"% Error: {MAX_SESSIONS} sessions are open already\n")
    for wire in wires:
        wire.socket.close()
    wait_until(lambda: serves(shell))


def test_a_restarted_clusterd_ends_no_session(shell: Shell, clusterd: FakeClusterd) -> None:
    child = shell.start("-i", stdin=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"cluster info\n")
    child.stdin.flush()
    assert b"master" in child.stdout.read1()
    clusterd.stop()
    clusterd.start()
    clusterd.answers.hostname = "renamed.local"
    output, error = child.communicate(b"cluster info\n", timeout=PATIENCE)
    assert child.returncode == 0, error
    assert b"\nmaintainance |false\nrenamed.local> \n" in output


def test_a_clusterd_that_is_away_is_said_and_survived(shell: Shell, clusterd: FakeClusterd) -> None:
    clusterd.stop()
    ended = shell.run("cluster", "info")
    assert (ended.stdout, ended.returncode) == ("", 6)
    clusterd.start()
    assert serves(shell)


def test_sigterm_tells_every_session_and_ends_with_0(shell: Shell, host: ShellHost, answers: Answers) -> None:
    child = shell.start("cluster", "events", "follow", "1")
    assert answers.following.wait(PATIENCE)
    host.process.send_signal(signal.SIGTERM)
    _, error = child.communicate(timeout=PATIENCE)
    assert (child.returncode, error) == (6, b"\n% Error: the shell host stops\n")
    assert host.process.wait(PATIENCE) == 0


def test_sigterm_does_not_wait_for_a_client_that_does_not_read(
    shell: Shell, host: ShellHost, wire: Wire, answers: Answers
) -> None:
    answers.texts["big"] = "x" * 8_000_000
    wire.says(hello(b"system", b"config", b"export", b"name", b"big"))
    assert wire.hears_one()[0] == b"O"
    assert serves(shell)
    host.process.send_signal(signal.SIGTERM)
    assert host.process.wait(PATIENCE) == 0


def test_a_second_host_takes_over_and_the_first_one_ends_its_sessions_in_peace(
    shell: Shell, host: ShellHost, answers: Answers
) -> None:
    child = shell.start("cluster", "events", "follow", "1")
    assert answers.following.wait(PATIENCE)
    with ShellHost(shell.run_dir) as second:
        assert serves(shell)
        assert child.poll() is None
        assert host.process.poll() is None
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 130
        assert host.process.wait(PATIENCE) == 0
        assert serves(shell)
        assert second.process.poll() is None


def test_the_log_speaks_the_common_form(host: ShellHost) -> None:
    lines = host.log.read_text().splitlines()
    assert all(line.split(": ")[0].endswith(f"utmcli[{host.process.pid}]") for line in lines)
    assert lines[-1].startswith(f"INFO utmcli[{host.process.pid}]: serving consoles on ")


@as_root
@pytest.mark.parametrize("account", ["daemon", "nobody"])
def test_another_user_is_told_that_they_may_not(shell: Shell, answers: Answers, account: str) -> None:
    user = pwd.getpwnam(account)
    ended = shell.run("cluster", "info", user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    assert (ended.stdout, ended.returncode) == ("", 4)
    assert ended.stderr == "% Error: only root may use this shell on the console\n"
    assert answers.asked == []


def test_histories_belong_to_the_host_alone(shell: Shell) -> None:
    assert mode_of(shell.run_dir / "shell") == 0o700


def test_a_run_directory_that_cannot_be_used_is_said_in_a_sentence(alone: Shell) -> None:
    (alone.run_dir / "file").write_text("")
    ended = alone.run("serve", "--run-dir", str(alone.run_dir / "file"))
    assert ended.returncode == 1
    assert ended.stderr.startswith("utmcli: the shell host cannot run: ")
    assert "Traceback" not in ended.stderr


def test_a_short_answer_and_its_exit_code_wake_the_client_once(shell: Shell, wire: Wire) -> None:
    wire.says(hello(b"cluster", b"info"))

    assert wire.socket.recv(65536).endswith(frame(b"X", b"0"))
