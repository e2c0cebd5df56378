"""What became of a switch: the engine begins it at once, but only its events tell how it ended."""

from __future__ import annotations

import asyncio
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


async def outcome(heard: asyncio.Queue[ClusterEvent], seconds: float, why: Callable[[], str] = str) -> None:
    """Wait until the role was given up.

    Args:
        heard: all events since before the engine was asked for the switch.
        seconds: how long to wait for the decisive one.
        why: asked when nobody took the role, see `reluctance`.

    Raises:
        RefusedError: nobody took the role, so this node kept it.
        UnreachableError: the engine said neither, as when it was started again meanwhile.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                event = await heard.get()
                if event.kind == "handover-failed":
                    raise RefusedError(f"{event.text}{why()}; force 1 gives the role up anyway")
                if event.kind == "role" and event.role != Role.MASTER.value:
                    return
    except TimeoutError:
        raise UnreachableError(
            f"the engine did not say within {seconds:g} s whether the partner took over; cluster events will tell"
        ) from None
