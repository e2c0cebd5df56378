"""One line, from its parse to its exit code, against a clusterd that answers from a table."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, cast

import pytest

from cluster.errors import ClusterError, LockedError, NotAuthorisedError, RefusedError, UnreachableError
from cluster.rpc import messages
from utmcli import session as session_module
from utmcli.grammar import Call, Command, Grammar
from utmcli.results import Done, Table
from utmcli.session import Session
from utmcli.turns import Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from utmcli.link import Link
    from utmcli.render import Style
    from utmcli.results import Result

ACTOR = messages.Actor(user="root", source="console", role="admin")
INFO = messages.Info(
    cluster_state="master", sync_state="error", hotwire_dev="LAN3", maintainance=False, hostname="master"
)


class TableLink:
    """Answers every question with the same thing, or raises it."""

    def __init__(self, answer: messages.AnyAnswer | Exception) -> None:
        self.answer = answer
        self.lines = Turns(1)
        self.asked: list[tuple[messages.Ask, messages.Actor]] = []

    async def ask(self, ask: messages.Ask, actor: messages.Actor, deadline: float) -> messages.AnyAnswer:
        self.patience = deadline
        self.asked.append((ask, actor))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Paper:
    """What was written, in both colours."""

    def __init__(self) -> None:
        self.out = ""
        self.err = ""

    async def write(self, text: str) -> None:
        self.out += text

    async def write_error(self, text: str) -> None:
        self.err += text


def ran(
    line: str, answer: messages.AnyAnswer | Exception = INFO, style: Style = "table", stdin: str | None = None
) -> tuple[int, Paper, TableLink]:
    link, paper = TableLink(answer), Paper()

    async def read() -> str:
        return str(stdin)

    session = Session(ACTOR, cast("Link", link), style)
    code = asyncio.run(session.run(line, paper, None if stdin is None else read))
    return code, paper, link


def with_command(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    """Put a grammar of one command, `try it`, in place of the real one."""
    command = Command(("try", "it"), "a command for this test", run)  # type: ignore[arg-type]
    monkeypatch.setattr(session_module, "GRAMMAR", Grammar([command]))


def test_a_result_goes_to_standard_output() -> None:
    code, paper, link = ran("cluster info")
    assert (code, paper.err) == (0, "")
    assert paper.out.startswith("attribute    |value\n")
    assert link.asked == [(messages.GetInfo(), ACTOR)]


def test_json_is_one_document_from_the_option_and_from_the_filter() -> None:
    _, by_option, _ = ran("cluster info", style="json")
    _, by_filter, _ = ran("cluster info | json")
    assert by_option.out == by_filter.out
    assert json.loads(by_option.out)["cluster_state"] == "master"


def test_a_mistake_is_pointed_at_and_nothing_is_asked() -> None:
    code, paper, link = ran("cluster info now")
    assert (code, paper.out, link.asked) == (2, "", [])
    assert paper.err.splitlines()[1:3] == ["cluster info now", "             ^"]


def test_a_mistake_beside_a_secret_is_pointed_at_and_the_secret_is_not_shown() -> None:
    _, paper, _ = ran("cluster set passphrase hunter2 priority medium")
    assert paper.err.splitlines()[1:3] == [
        "cluster set passphrase ******* priority medium",
        "                                        ^",
    ]
    _, paper, _ = ran("cluster set priority medium passphrase 'hunter 2'")
    assert paper.err.splitlines()[1:3] == ["cluster set priority medium passphrase **********", " " * 21 + "^"]


def test_an_ambiguity_has_its_own_exit_code() -> None:
    code, paper, _ = ran("cluster e")
    assert code == 3
    assert paper.err.startswith("% Ambiguous command")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClusterError("it failed"), 1),
        (RefusedError("it failed"), 1),
        (NotAuthorisedError("it failed"), 4),
        (LockedError("it failed"), 5),
        (UnreachableError("it failed"), 6),
    ],
)
def test_an_error_of_clusterd_is_a_sentence_with_its_exit_code(error: ClusterError, code: int) -> None:
    got, paper, _ = ran("cluster info", error)
    assert (got, paper.out, paper.err) == (code, "", "% Error: it failed\n")


def test_every_detail_of_an_error_is_shown() -> None:
    _, paper, _ = ran("cluster info", ClusterError("two problems", ("first", "second")))
    assert paper.err == "% Error: two problems\n  first\n  second\n"


def test_what_takes_its_time_is_given_it_and_a_look_is_not() -> None:
    _, _, looking = ran("cluster info")
    _, _, doing = ran("cluster switch", messages.Done())
    assert (looking.patience, doing.patience) == (10.0, 300.0)


def test_warnings_go_to_standard_error() -> None:
    code, paper, _ = ran("system update interface", messages.Done(("mind the gap",)))
    assert (code, paper.out, paper.err) == (0, "OK\n", "% Warning: mind the gap\n")


def test_a_mistake_of_ours_is_logged_whole_and_shown_as_a_number(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(_call: Call) -> Result:
        raise ZeroDivisionError("our mistake")

    with_command(monkeypatch, run)
    with caplog.at_level(logging.ERROR):
        code, paper, _ = ran("try it")
    assert code == 1
    assert paper.err.startswith("% Error: this should not have happened")
    assert "our mistake" not in paper.err
    assert "Traceback" not in paper.err
    reference = paper.err.split()[-1]
    assert reference in caplog.text
    assert "ZeroDivisionError: our mistake" in caplog.text


def test_a_stream_is_shown_part_by_part_and_closed_when_nobody_needs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    async def run(_call: Call) -> AsyncIterator[Result]:
        try:
            for number in range(1000):
                yield Table(("number",), ((number,),), continues=number > 0)
        finally:
            closed.append(number)

    with_command(monkeypatch, run)
    code, paper, _ = ran("try it | head 2")
    assert (code, paper.out) == (0, "number\n------\n0\n1\n")
    assert closed == [1]


def test_input_fills_the_key_that_a_command_reads() -> None:
    code, _, link = ran("system config import name x", messages.Done(), stdin="the text")
    assert code == 0
    assert link.asked[0][0] == messages.ImportConfig("x", "the text")


def test_input_is_not_read_when_the_key_is_given() -> None:
    _, _, link = ran("system config import name x text given", messages.Done(), stdin="the text")
    assert link.asked[0][0] == messages.ImportConfig("x", "given")


def test_without_input_the_key_is_missing() -> None:
    code, paper, link = ran("system config import name x", messages.Done())
    assert (code, link.asked) == (2, [])
    assert paper.err.startswith("% Incomplete command")


def test_a_command_can_end_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    async def run(call: Call) -> Result:
        call.session.close()
        seen.append((call.session.user, call.session.role, call.session.history()))
        return Done()

    with_command(monkeypatch, run)
    session = Session(ACTOR, cast("Link", TableLink(INFO)))
    asyncio.run(session.run("try it", Paper()))
    assert session.closed
    assert seen == [("root", "admin", ())]


@pytest.mark.parametrize("pipes", ["", " | json", " | except nothing", " | count", " | save it"])
def test_a_long_answer_gives_other_sessions_many_turns(pipes: str) -> None:
    line = messages.Audited(
        at=0.0, user="root", source="console", session="1", line="cluster info", code=0, duration=0.1
    )
    link = TableLink(messages.Audit((line,) * 10_000))

    async def count_turns() -> tuple[int, int]:
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        async def save(name: str, _text: str) -> str:
            return name

        session = Session(ACTOR, cast("Link", link))
        session.save = save
        neighbour = asyncio.create_task(others())
        code = await session.run(f"system audit get limit 10000{pipes}", Paper())
        neighbour.cancel()
        return code, turns

    code, turns = asyncio.run(count_turns())
    assert code == 0
    assert turns > 60, "the rows are made in 50 portions; what is done with them afterwards comes in portions, too"


def test_ctrl_c_ends_a_long_table_between_two_of_its_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    async def it(_call: Call) -> Result:
        return Table(("id",), tuple((number,) for number in range(10_000)))

    with_command(monkeypatch, it)

    class Pressing(Paper):
        """Somebody who presses Ctrl-C when the first rows are there."""

        async def write(self, text: str) -> None:
            await super().write(text)
            running.cancel()

    paper = Pressing()

    async def press() -> None:
        nonlocal running
        running = asyncio.create_task(Session(ACTOR, cast("Link", TableLink(INFO))).run("try it", paper))
        await asyncio.wait((running,))

    running = cast("asyncio.Task[int]", None)
    asyncio.run(press())
    assert running.cancelled()
    assert paper.out.count("\n") < 5000
