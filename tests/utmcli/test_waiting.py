"""Whoever waits at a terminal is told what for, and finds nothing of it left; programs never see it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from cluster.rpc import messages
from tests.support.node import Screen
from utmcli.waiting import patience_asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Shell

LINE = "synchronizing with the partner ..."


@pytest.fixture
def arrives(answers: Answers) -> Iterator[threading.Event]:
    """Until this is set, the synchronisation goes on."""
    plain, done = answers.answer, threading.Event()

    async def answer(ask: messages.AnyAsk, actor: messages.Actor) -> messages.AnyAnswer:
        if isinstance(ask, messages.Synchronize):
            await asyncio.to_thread(done.wait, 20)
            return messages.Done()
        return await plain(ask, actor)

    answers.answer = answer  # type: ignore[method-assign]
    yield done
    done.set()


def test_a_person_sees_that_it_goes_on_and_then_only_the_result(shell: Shell, arrives: threading.Event) -> None:
    person = shell.person()
    person.sees_prompt()
    for number, key in enumerate("sys", 1):
        person.types(key)
        person.sees_line("master.cluster.local> sys"[: -3 + number or None])
    person.types("tem config synchronize\r")
    person.sees(LINE)
    arrives.set()
    person.sees("\nOK")
    assert LINE not in person.look()
    person.gone()


@pytest.mark.parametrize("words", [["system config synchronize"], []])
def test_a_program_at_a_terminal_of_its_own_never_sees_it(
    shell: Shell, arrives: threading.Event, words: list[str]
) -> None:
    """It writes its lines whole, or none at all."""
    program = shell.person(*words)
    if not words:
        program.sees_prompt()
        program.types("system config synchronize\r")
    threading.Timer(1.2, arrives.set).start()
    program.sees("\nOK" if not words else "OK")
    assert LINE.encode() not in program.raw
    program.gone()


def test_a_program_never_sees_it(shell: Shell, arrives: threading.Event) -> None:
    program = shell.start("system", "config", "synchronize")
    threading.Timer(1.2, arrives.set).start()
    out, err = program.communicate(timeout=20)
    assert (out, err, program.returncode) == (b"OK\n", b"", 0)


def test_what_is_quick_is_not_announced() -> None:
    screen = Screen()

    async def scenario() -> None:
        async with patience_asked(screen, "doing it"):
            await asyncio.sleep(0)

    asyncio.run(scenario())
    assert screen.err == ""


class Noticing(Screen):
    """A screen that says when something is on it."""

    written = asyncio.Event()

    async def write_error(self, text: str) -> None:
        await super().write_error(text)
        self.written.set()


def test_it_is_erased_also_when_the_command_fails() -> None:
    screen = Noticing()

    async def scenario() -> None:
        async with patience_asked(screen, "doing it", patience=0):
            await screen.written.wait()
            raise OSError

    with pytest.raises(OSError):
        asyncio.run(scenario())
    assert screen.err == "\rdoing it ...\r            \r"
