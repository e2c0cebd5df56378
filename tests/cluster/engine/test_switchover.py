"""The outcome of a switch, told by the engine's events."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cluster.engine.switchover import outcome, patience
from cluster.errors import RefusedError, UnreachableError
from cluster.health import PartnerHealth
from cluster.observed import ClusterEvent
from cluster.units import Centiseconds
from cluster.vrrp.events import Role, RoleChanged, SwitchAsked
from tests.support.election import SECOND, Node

PARTNER = PartnerHealth(hostname="utm2", software="1.0", schema=1, role="backup", conntrack="running")


def hear(*said: tuple[str, str], seconds: float = 0.0) -> tuple[str, ...]:
    """Wait for the outcome, given these events: kind and the role after each."""

    async def wait() -> tuple[str, ...]:
        queue: asyncio.Queue[ClusterEvent] = asyncio.Queue()
        for number, (kind, role) in enumerate(said):
            event = ClusterEvent(number=number, at=1.0, kind=kind, interface="", text=f"{kind} text", role=role)
            queue.put_nowait(event)
        return await outcome(queue, seconds)

    return asyncio.run(wait())


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


# --- an engine that ends meanwhile ----------------------------------------------------------------------


def test_an_engine_that_ended_and_resumed_the_role_ends_the_wait_and_nothing_was_handed_over() -> None:
    with pytest.raises(RefusedError, match=r"^the engine was started again.* still master; ask again$"):
        hear(("handover-started", "master"), ("engine-restarted", ""), ("resumed", "master"), seconds=20.0)


def test_a_role_resumed_before_the_switch_is_no_outcome() -> None:
    assert hear(("resumed", "master"), ("handover-started", "master"), ("role", "backup")) == ()


# --- a role given up to nobody --------------------------------------------------------------------------


def given_up() -> str:
    """What the election says of a forced switch that nobody answers."""
    node = Node().as_master()
    node.tell(SwitchAsked(force=True))
    (text,) = (
        effect.cause
        for effect in node.wait_exactly(SECOND)
        if isinstance(effect, RoleChanged) and effect.new is Role.BACKUP
    )
    return text


def aftermath(*roles: tuple[float, str], partner: PartnerHealth | None) -> str:
    """What is said of a role given up to nobody at 10 s, given what this node became after that, and when."""

    async def wait() -> tuple[str, ...]:
        queue: asyncio.Queue[ClusterEvent] = asyncio.Queue()
        for at, role, text in ((10.0, "backup", given_up()), *((*each, "") for each in roles)):
            queue.put_nowait(ClusterEvent(number=1, at=at, kind="role", interface="", text=text, role=role))
        return await outcome(queue, 0.0, lambda: partner)

    (warning,) = asyncio.run(wait())
    return warning


def test_a_role_that_came_back_is_told_with_the_time_and_what_the_partner_says() -> None:
    assert aftermath((11.9, "master"), partner=replace(PARTNER, maintenance=True)) == (
        "nobody took the role over in time, and after 1.9 s this node was master again: utm2 is in maintenance mode"
    )
    assert aftermath((10.8, "master"), partner=None) == (
        "nobody took the role over in time, and after 0.8 s this node was master again"
    )


def test_a_partner_that_took_the_role_late_is_named() -> None:
    assert aftermath(partner=replace(PARTNER, role="master")) == (
        "nobody took the role over in time; utm2 is master now"
    )


def test_a_role_that_nobody_has_yet_is_told() -> None:
    assert aftermath((11.0, "offline"), partner=replace(PARTNER, maintenance=True)) == (
        "nobody took the role over in time, and there may be no master now: utm2 is in maintenance mode"
    )


# --- how long -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "seconds"), [(1, 2.04), (25, 3.0), (4095, 165.8)])
def test_the_wait_outlasts_the_patience_of_the_election(interval: int, seconds: float) -> None:
    assert patience(Centiseconds(interval)) == pytest.approx(seconds)
