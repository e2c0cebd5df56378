"""When a child is started again, with a clock that the test owns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.process.policy import FIRST_DELAY, LONGEST_DELAY, RestartPolicy
from cluster.units import Nanoseconds

NOW = Nanoseconds(1_000_000_000_000)


def delays(policy: RestartPolicy, *lives: bool) -> list[int]:
    return [policy.ended(was_healthy=healthy, now=NOW) - NOW for healthy in lives]


def test_a_healthy_child_is_started_again_at_once_however_often_it_ends() -> None:
    assert delays(RestartPolicy(), *[True] * 100) == [0] * 100


def test_a_child_that_never_gets_healthy_is_tried_at_once_and_then_ever_more_seldom_up_to_the_limit() -> None:
    got = delays(RestartPolicy(), *[False] * 9)

    assert got == [0, *(min(FIRST_DELAY * 2**doubling, LONGEST_DELAY) for doubling in range(8))]
    assert got[-1] == LONGEST_DELAY


def test_health_pays_all_debts() -> None:
    assert delays(RestartPolicy(), False, False, False, True, False, False) == [
        0, FIRST_DELAY, 2 * FIRST_DELAY, 0, 0, FIRST_DELAY,
    ]  # fmt: skip


def test_what_ends_again_and_again_without_ever_being_healthy_is_news_ever_more_seldom() -> None:
    policy, news = RestartPolicy(), []
    for failure in range(1, 100):
        policy.ended(was_healthy=False, now=NOW)
        news += [failure] * policy.is_news
    assert news == [1, 2, 4, 8, 16, 32, 64]

    for _end in range(3):
        policy.ended(was_healthy=True, now=NOW)
        assert policy.is_news, "each end of one that did its work"


def test_a_million_failures_are_no_overflow() -> None:
    policy = RestartPolicy()
    for _failure in range(100_000):
        policy.ended(was_healthy=False, now=NOW)
    assert policy.ended(was_healthy=False, now=NOW) == NOW + LONGEST_DELAY


@given(st.lists(st.booleans(), max_size=60))
def test_the_delay_is_never_negative_never_beyond_the_limit_and_counts_the_failures(lives: list[bool]) -> None:
    policy = RestartPolicy()
    failures = 0
    for healthy in lives:
        failures = 0 if healthy else failures + 1
        delay = policy.ended(was_healthy=healthy, now=NOW) - NOW
        assert 0 <= delay <= LONGEST_DELAY
        assert (delay == 0) == (failures < 2)
        assert policy.failures == failures


@pytest.mark.parametrize("first", [1, 7])
def test_the_first_delay_is_what_was_asked_for(first: int) -> None:
    assert delays(RestartPolicy(Nanoseconds(first), Nanoseconds(100)), False, False, False) == [0, first, 2 * first]
