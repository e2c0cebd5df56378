"""The outcome of a switch, told by the engine's events."""

from __future__ import annotations

import asyncio

import pytest

from cluster.engine.switchover import outcome, patience
from cluster.errors import RefusedError, UnreachableError
from cluster.observed import ClusterEvent
from cluster.units import Centiseconds


def hear(*said: tuple[str, str], seconds: float = 0.0) -> None:
    """Wait for the outcome, given these events: kind and the role after each."""

    async def wait() -> None:
        queue: asyncio.Queue[ClusterEvent] = asyncio.Queue()
        for number, (kind, role) in enumerate(said):
            event = ClusterEvent(number=number, at=1.0, kind=kind, interface="", text=f"{kind} text", role=role)
            queue.put_nowait(event)
        await outcome(queue, seconds)

    asyncio.run(wait())


def test_the_role_given_up_ends_the_wait_whatever_was_said_before() -> None:
    hear(("link-lost", "backup"), ("handover-started", "master"), ("role", "backup"), ("handover-failed", "master"))


def test_a_node_that_leaves_the_cluster_has_given_the_role_up() -> None:
    hear(("role", "offline"))


def test_a_switch_that_was_taken_back_is_refused_with_its_reason_and_what_overrides_it() -> None:
    with pytest.raises(RefusedError, match=r"^handover-failed text; force 1 gives the role up anyway$"):
        hear(("handover-started", "master"), ("handover-failed", "master"), ("role", "backup"))


def test_a_role_that_is_still_ours_is_no_outcome() -> None:
    with pytest.raises(UnreachableError, match=r"did not say within 0 s"):
        hear(("role", "master"), ("address-removed", "backup"))


@pytest.mark.parametrize(("interval", "seconds"), [(1, 2.04), (25, 3.0), (4095, 165.8)])
def test_the_wait_outlasts_the_patience_of_the_election(interval: int, seconds: float) -> None:
    assert patience(Centiseconds(interval)) == pytest.approx(seconds)
