"""`cluster check`: one line a requirement, and an exit code that scripts can rely on."""

from __future__ import annotations

import json

import pytest

from cluster.rpc.messages import Checked, CheckPoint, GetCheck
from tests.support.node import Node

GOOD = CheckPoint("passphrase", "passed", "set, and enforced")
BAD = CheckPoint("conntrackd", "failed", "conntrackd is not installed", "install it on both nodes")
OTHERS = (
    CheckPoint("own-addresses", "note", "LAN1 has none", "give it one"),
    CheckPoint("clock", "unknown", "the partner's clock is not known", "first the hotwire"),
)


def test_one_line_a_requirement_with_what_to_do() -> None:
    said = Node(answers={GetCheck: Checked((GOOD, BAD))}).type("cluster check")

    assert said.out == (
        "check     |result|finding                    |advice\n"
        "----------+------+---------------------------+------\n"
        "passphrase|passed|set, and enforced          |\n"
        "conntrackd|failed|conntrackd is not installed|install it on both nodes\n"
    )
    assert (said.code, said.err) == (1, "")


@pytest.mark.parametrize(("points", "code"), [((GOOD,), 0), ((GOOD, *OTHERS), 0), ((*OTHERS, BAD), 1)])
def test_the_exit_code_is_1_when_a_point_failed_and_0_otherwise(points: tuple[CheckPoint, ...], code: int) -> None:
    assert Node(answers={GetCheck: Checked(points)}).type("cluster check").code == code


@pytest.mark.parametrize("pipe", ["match passphrase", "count", "json"])
def test_filters_do_not_hide_that_a_point_failed(pipe: str) -> None:
    assert Node(answers={GetCheck: Checked((GOOD, BAD))}).type(f"cluster check | {pipe}").code == 1


def test_json_is_one_document() -> None:
    said = Node(answers={GetCheck: Checked((BAD,))}).type("cluster check | json")

    assert json.loads(said.out) == [
        {
            "check": "conntrackd",
            "result": "failed",
            "finding": "conntrackd is not installed",
            "advice": "install it on both nodes",
        }
    ]
