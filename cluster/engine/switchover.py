"""What became of a switch: the engine begins it at once, but only its events tell how it ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cluster.errors import RefusedError, UnreachableError
from cluster.vrrp.events import Role
from cluster.vrrp.handover import KNOWN_PARTNER_INTERVALS

if TYPE_CHECKING:
    from cluster.observed import ClusterEvent
    from cluster.units import Centiseconds

RESERVE = 2.0
"""Seconds beyond the election's own patience, for a processor that is busy."""


def patience(interval: Centiseconds) -> float:
    """How long an outcome may take, in seconds.

    Args:
        interval: between our adverts; the election waits some of them for a successor.
    """
    return KNOWN_PARTNER_INTERVALS * interval.nanoseconds.seconds + RESERVE


async def outcome(heard: asyncio.Queue[ClusterEvent], seconds: float) -> None:
    """Wait until the role was given up.

    Args:
        heard: all events since before the engine was asked for the switch.
        seconds: how long to wait for the decisive one.

    Raises:
        RefusedError: nobody took the role, so this node kept it.
        UnreachableError: the engine said neither, as when it was started again meanwhile.
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                event = await heard.get()
                if event.kind == "handover-failed":
                    raise RefusedError(f"{event.text}; force 1 gives the role up anyway")
                if event.kind == "role" and event.role != Role.MASTER.value:
                    return
    except TimeoutError:
        raise UnreachableError(
            f"the engine did not say within {seconds:g} s whether the partner took over; cluster events will tell"
        ) from None
