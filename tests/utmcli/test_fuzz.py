"""Whatever comes over the console's connection: no traceback reaches anybody, nothing hangs, the host goes on."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.shell import short_directory
from utmcli.commands import GRAMMAR
from utmcli.completion import complete, help_at, which_live
from utmcli.highlight import expectation, spans
from utmcli.host import Host
from utmcli.live import Snapshot
from utmcli.parser import parse, with_secrets_covered, without_secrets
from utmcli.reader import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 20.0
WORDS = sorted({word for command in GRAMMAR.commands for word in (*command.path, *(k.name for k in command.keys))})
SIGNS = ["|", "[", "]", '"', "'", "?", "match", "watch", "1"]
LINES = st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(SIGNS), st.text())).map(" ".join)
KEYS = st.lists(
    st.one_of(
        st.sampled_from(WORDS).map(str.encode),
        st.sampled_from([
            b"\t", b"\r", b"\x03", b"\x12", b"?", b" ", b"\x7f", b"\x1b[A", b"\x1b[B", b"\x1b[D", b"\x1b[3~",
            b"\x1b[200~", b"\x1b[201~", b"\x1b", b"\x1b[", b"| watch 1", b"\x1a", b"\x00", b"\n",
            b"\x1b[31m", b"\x1b[<0;1;1M", b"\x1b[M", b"\x1b[1;1R", b"\x11", b"\x18", b"\x1bx", b"\x1f",
        ]),
        st.binary(max_size=20),
    ),
    max_size=30,
)  # fmt: skip
FRAMES = st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary(max_size=64), st.booleans()), max_size=8)
QUICKLY = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # an example that hangs would hang at every step of its shrinking
)  # fmt: skip


def frame(kind: bytes, payload: bytes) -> bytes:
    return kind + len(payload).to_bytes(4, "big") + payload


def hello(*words: bytes, terminal: bool = False, term: bytes = b"xterm") -> bytes:
    tty = b"1" if terminal else b"0"
    return frame(b"A", b"\0".join([b"1", term, b"80", b"24", tty, tty, tty, b"/", *words]))


async def served(data: Sequence[bytes], *, answers_wishes: bool = False) -> bytes:
    """Everything that a host says to a client which sends these bytes, one after the other, and hangs up."""
    with short_directory() as run_dir:
        ours, theirs = socket.socketpair()
        host = Host(run_dir, frozenset({os.getuid()}))
        there = await asyncio.open_unix_connection(sock=theirs)
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        serving = asyncio.create_task(host.connection(*there))
        heard, answered = bytearray(), 0
        async with asyncio.timeout(PATIENCE):
            for part in data:
                if answers_wishes and part[:1] == b"I":
                    while heard.count(b"N\0\0\0\0") <= answered and (more := await reader.read(65536)):
                        heard += more
                    answered += 1
                writer.write(part)
            writer.write_eof()
            while more := await reader.read(65536):
                heard += more
            await serving
        writer.close()
        await host.close()
        return bytes(heard)


def harmless(said: bytes) -> bool:
    return b"Traceback" not in said and b"this should not have happened" not in said


@given(LINES)
@settings(max_examples=200, deadline=None)
def test_any_line_is_understood_or_explained(line: str) -> None:
    understood = parse(GRAMMAR, line)
    if isinstance(understood, Problem):
        assert understood.exit_code in (2, 3)
        assert understood.render(with_secrets_covered(GRAMMAR, line)).startswith("% ")
    without_secrets(GRAMMAR, line)
    spans(GRAMMAR, line)
    expectation(GRAMMAR, line)
    help_at(GRAMMAR, line, Snapshot({}))
    complete(GRAMMAR, line, Snapshot({}))
    which_live(GRAMMAR, line)


@given(st.binary(max_size=400))
@QUICKLY
def test_any_bytes_on_the_console_socket_are_survived(data: bytes) -> None:
    assert harmless(asyncio.run(served([data])))


@given(FRAMES)
@QUICKLY
def test_any_frames_behind_a_greeting_are_survived(frames: list[tuple[bytes, bytes, bool]]) -> None:
    sent = [hello(b"-i"), *(frame(kind, payload) if whole else kind + payload for kind, payload, whole in frames)]
    assert harmless(asyncio.run(served(sent)))


@given(st.lists(st.one_of(st.text().map(str.encode), st.binary(max_size=20)), max_size=6))
@QUICKLY
def test_any_arguments_are_survived(words: list[bytes]) -> None:
    # What follows standard input waits for it; it has none.
    sent = hello(*(word.replace(b"\0", b"") for word in words))
    assert harmless(asyncio.run(served([sent, frame(b"I", b"")], answers_wishes=True)))


@given(KEYS, st.sampled_from([b"xterm", b"vt100", b"dumb"]))
@QUICKLY
def test_any_keys_at_a_terminal_are_survived(keys: list[bytes], term: bytes) -> None:
    typed = [frame(b"I", key) for key in keys if key]
    sent = [hello(terminal=True, term=term), *typed, frame(b"I", b"")]
    assert harmless(asyncio.run(served(sent, answers_wishes=True)))
