"""Which steps part two nodes, and which lead from one authentication to another without an outage."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from cluster.config import authentication, schema

FIRST, SECOND = "correct horse", "battery staple"


def config(passphrase: str = "", policy: str = "enforce", send: int = 1, **keys: str) -> Any:
    options = {
        "passphrase": passphrase,
        "auth_policy": policy,
        "auth_send": send,
        "auth_keys": {name[1:]: {"secret": secret} for name, secret in keys.items()},
    }
    return schema.parse({"cluster": options})


BARE = config()
SIGNED = config(FIRST)
RENEWED = config("", send=2, k2=SECOND)


def test_the_passphrase_is_key_1_and_keys_come_in_the_order_of_their_ids() -> None:
    assert list(authentication.keys(config(FIRST, k10=SECOND, k2=FIRST)).items()) == [
        (1, FIRST),
        (2, FIRST),
        (10, SECOND),
    ]
    assert authentication.keys(BARE) == {}


def test_nothing_is_sent_signed_without_a_key_or_while_only_receiving() -> None:
    assert authentication.sending(BARE) is None
    assert authentication.sending(config(FIRST, "receive-only")) is None
    assert authentication.sending(config(FIRST, "permissive")) == 1
    assert authentication.sending(RENEWED) == 2


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([SIGNED, config(FIRST, k2=SECOND), config(FIRST, send=2, k2=SECOND), RENEWED], id="rotation"),
        pytest.param([BARE, config(FIRST, "receive-only"), config(FIRST, "permissive"), SIGNED], id="introduction"),
        pytest.param(
            [BARE, config("", "receive-only", 2, k2=SECOND), config("", "permissive", 2, k2=SECOND), RENEWED],
            id="introduction with a key of its own",
        ),
    ],
)
def test_the_steps_of_the_manual_cause_no_outage_in_either_direction(steps: list[Any]) -> None:
    for before, after in pairwise(steps):
        assert authentication.outage(before, after) == ""
        assert authentication.outage(after, before) == ""


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        pytest.param(SIGNED, config(SECOND), authentication.ROTATE, id="another passphrase"),
        pytest.param(SIGNED, RENEWED, authentication.ROTATE, id="another key at once"),
        pytest.param(SIGNED, config(FIRST, send=2, k2=SECOND), authentication.ROTATE, id="sent before accepted"),
        pytest.param(config(FIRST, k2=SECOND), RENEWED, authentication.ROTATE, id="deleted while it signs"),
        pytest.param(BARE, SIGNED, authentication.INTRODUCE, id="enforced at once"),
        pytest.param(config(FIRST, "receive-only"), SIGNED, authentication.INTRODUCE, id="permissive left out"),
        pytest.param(SIGNED, BARE, authentication.INTRODUCE, id="taken away at once"),
        pytest.param(SIGNED, config(FIRST, "receive-only"), authentication.INTRODUCE, id="required, not signed"),
    ],
)
def test_a_step_that_parts_the_nodes_is_told_with_the_way_around(before: Any, after: Any, way: str) -> None:
    assert authentication.outage(before, after).endswith(way)


def test_a_key_that_is_only_held_ready_makes_a_difference_and_other_options_make_none() -> None:
    assert authentication.differ(SIGNED, config(FIRST, k2=SECOND))
    assert authentication.differ(SIGNED, config(FIRST, "permissive"))
    assert not authentication.differ(SIGNED, schema.parse({"cluster": {"passphrase": FIRST, "priority": "low"}}))
