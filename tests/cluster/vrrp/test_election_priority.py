"""The formulae of the priority and of the times that follow from it, and that the election's parts start empty."""

from __future__ import annotations

import pytest

from cluster.units import Centiseconds, Priority
from cluster.vrrp.election import Election
from cluster.vrrp.events import Role
from cluster.vrrp.priority import effective, lost_of, master_down_interval, rank_of, skew
from tests.support.election import settings


@pytest.mark.parametrize("lost", [0, 1, 7, 60])
@pytest.mark.parametrize(("high", "handed_over", "rank"), [(True, False, 0), (False, False, 1), (True, True, 2)])
def test_a_partner_reads_losses_and_rank_back_from_the_priority(
    lost: int, high: bool, handed_over: bool, rank: int
) -> None:
    priority = effective(settings(high=high), lost, handed_over)
    assert priority == 254 - 3 * lost - rank
    assert rank_of(priority) == rank
    assert lost_of(priority) == lost


def test_a_low_node_that_handed_over_is_no_better_than_a_high_one_that_did() -> None:
    assert effective(settings(high=False), 0, handed_over=True) == 252


@pytest.mark.parametrize("priority", [0, 1, 2])
def test_maintenance_and_farewell_say_nothing_of_losses_and_rank(priority: int) -> None:
    assert rank_of(Priority(priority)) is None
    assert lost_of(Priority(priority)) == 0


def test_the_lowest_priority_that_says_something_is_3() -> None:
    assert rank_of(Priority(3)) == 2
    assert lost_of(Priority(3)) == 83


@pytest.mark.parametrize(
    ("priority", "interval", "expected"),
    [(254, 25, 1_953_125), (100, 100, 609_375_000), (1, 1, 9_960_937), (254, 1, 78_125)],
)
def test_the_skew_is_exact_to_the_nanosecond(priority: int, interval: int, expected: int) -> None:
    assert skew(Priority(priority), Centiseconds(interval)) == expected
    down = master_down_interval(Priority(priority), Centiseconds(interval))
    assert down == 3 * interval * 10_000_000 + expected


def test_an_election_that_has_not_started_says_so_and_wants_nothing() -> None:
    view = Election().view(5)
    assert (view.role, view.since, view.cause) == (Role.OFFLINE, 0, "the engine has not started")
    assert (view.handing_over, view.holding, view.handed_over, view.paths) == (False, False, False, ())
    assert Election().deadline is None
