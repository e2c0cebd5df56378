"""`system config history, rollback, activate` and `confirm`: what is asked of clusterd, and what people see."""

from __future__ import annotations

import re

import pytest

from cluster.errors import LockedError
from cluster.rpc.messages import (
    Activate,
    ConfirmActivation,
    GetHistory,
    History,
    RevisionLine,
    RollBack,
    RollBackBoth,
)
from tests.support.node import Node

LINES = (
    RevisionLine(number=9, when=1_795_000_000.0, who="anna", why="set hostname", names=(), flags=("RUNNING",)),
    RevisionLine(number=7, when=1_795_000_000.0, who="otto", why="import", names=("a", "b"), flags=("APPLIED",)),
)


def test_history_is_a_table_with_the_newest_first() -> None:
    node = Node(answers={GetHistory: History(LINES)})

    said = node.type("system config history limit 2")

    assert node.asked == [GetHistory(2)]
    header, _, first, second = said.out.splitlines()
    assert re.split(r" *\|", header) == ["revision", "when", "who", "names", "flags", "why"]
    assert re.split(r" *\|", first)[0::2] == ["9", "anna", "RUNNING"]
    assert re.split(r" *\|", second)[3:] == ["a,b", "APPLIED", "import"]


@pytest.mark.parametrize(
    ("line", "ask"),
    [
        ("system config rollback", RollBack()),
        ("system config rollback revision 7", RollBack(7)),
        ("system config rollback force 1 revision 7", RollBack(7, force=True)),
        ("system config rollback force 1", RollBack(force=True)),
        ("system config rollback both 1 force 1", RollBackBoth(force=True)),
        ("system config rollback both 0", RollBack()),
        ("system config activate confirm 60", Activate(60)),
        ("system config confirm", ConfirmActivation()),
    ],
)
def test_what_is_typed_is_asked(line: str, ask: object) -> None:
    node = Node()

    assert node.type(line).out == "OK\n"
    assert node.asked == [ask]


def test_both_nodes_and_a_revision_of_this_one_exclude_each_other() -> None:
    node = Node()

    said = node.type("system config rollback both 1 revision 7")

    assert (said.code, node.asked) == (1, [])
    assert "both undoes the last synchronization" in said.err


@pytest.mark.parametrize("seconds", ["4", "3601", "x", ""])
def test_the_time_to_confirm_is_bounded_before_anything_is_asked(seconds: str) -> None:
    node = Node()

    said = node.type(f"system config activate confirm {seconds}")

    assert (said.code, node.asked) == (2, [])


def test_a_second_activation_ends_with_the_exit_code_of_locked() -> None:
    node = Node(answers={Activate: LockedError("an activation of anna (console) waits")})

    said = node.type("system config activate confirm 60")

    assert (said.code, said.err) == (5, "% Error: an activation of anna (console) waits\n")
