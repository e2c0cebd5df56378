"""What became of a switch: the engine begins it at once, but only its events tell how it ended."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from cluster.errors import RefusedError, UnreachableError
from cluster.vrrp.events import Role
from cluster.vrrp.handover import KNOWN_PARTNER_INTERVALS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.health import PartnerHealth
    from cluster.observed import ClusterEvent
    from cluster.units import Centiseconds

RESERVE = 2.0
"""Seconds beyond the election's own patience, for a processor that is busy."""

UNREADY = frozenset({"starting", "resynchronising", "failing"})
"""The words of cluster/conntrack/supervisor.py with which a node does not challenge a master yet."""


NOBODY = "nobody took over"
"""So ends what the election says of a role that was given up to nobody (cluster/vrrp/election.py)."""


def patience(interval: Centiseconds) -> float:
    """How long an outcome may take, in seconds.

    Args:
        interval: between our adverts; the election waits some of them for a successor.
    """
    return KNOWN_PARTNER_INTERVALS * interval.nanoseconds.seconds + RESERVE


def reluctance(partner: PartnerHealth | None) -> str:
    """Why the partner does not take the role: the rest of a sentence, empty if the partner does not say.

    Args:
        partner: what it says of itself; None while the hotwire is down.
    """
    if partner is None:
        return ""
    if partner.conntrack in UNREADY:
        return (
            f": {partner.hostname} takes the role once it knows the connections, and it does not yet (connection "
            f"tracking: {partner.conntrack})"
        )
    if partner.maintenance:
        return f": {partner.hostname} is in maintenance mode"
    return ""


async def outcome(
    heard: asyncio.Queue[ClusterEvent], seconds: float, partner: Callable[[], PartnerHealth | None] = lambda: None
) -> tuple[str, ...]:
    """Wait until the role was given up.

    Args:
        heard: all events since before the engine was asked for the switch.
        seconds: how long to wait for the decisive one.
        partner: asked what it says of itself when nobody took the role.

    Returns:
        What came of a role that was given up to nobody, one sentence; nothing if somebody took it.

    Raises:
        RefusedError: nobody took the role, so this node kept it.
        UnreachableError: the engine said neither.
    """
    try:
        async with asyncio.timeout(seconds):
            given_up = await _given_up(heard, partner)
    except TimeoutError:
        raise UnreachableError(
            f"the engine did not say within {seconds:g} s whether the partner took over; cluster events will tell"
        ) from None
    if not given_up.text.endswith(NOBODY):
        return ()
    return (await _aftermath(heard, given_up, seconds, partner),)


async def _given_up(
    heard: asyncio.Queue[ClusterEvent], partner: Callable[[], PartnerHealth | None]
) -> ClusterEvent:
    restarted = False
    while True:
        event = await heard.get()
        if event.kind == "handover-failed":
            raise RefusedError(f"{event.text}{reluctance(partner())}; force 1 gives the role up anyway")
        if event.kind == "role" and event.role != Role.MASTER.value:
            return event
        restarted |= event.kind == "engine-restarted"
        if restarted and event.kind == "resumed":
            raise RefusedError(
                "the engine was started again during the switch, and this node is still master; ask again"
            )


async def _aftermath(
    heard: asyncio.Queue[ClusterEvent],
    given_up: ClusterEvent,
    seconds: float,
    partner: Callable[[], PartnerHealth | None],
) -> str:
    """What comes of a role given up to nobody: mostly it returns, to the only one who wants it."""
    told = "nobody took the role over in time"
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                event = await heard.get()
                if event.kind == "role" and event.role == Role.MASTER.value:
                    after = event.at - given_up.at
                    return f"{told}, and after {after:.1f} s this node was master again{reluctance(partner())}"
    said = partner()
    if said is not None and said.role == Role.MASTER.value:
        return f"{told}; {said.hostname} is master now"
    return f"{told}, and there may be no master now{reluctance(said)}"
