"""A switch that nobody answers says why, as far as the partner does."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cluster.engine.switchover import outcome, reluctance
from cluster.errors import RefusedError
from cluster.health import PartnerHealth
from cluster.observed import ClusterEvent

PARTNER = PartnerHealth(hostname="utm2", software="1.0", schema=1, role="backup", conntrack="running")


@pytest.mark.parametrize(
    ("partner", "why"),
    [
        (None, ""),
        (PARTNER, ""),
        (replace(PARTNER, conntrack="off"), ""),
        (
            replace(PARTNER, conntrack="resynchronising"),
            (
                ": utm2 takes the role once it knows the connections, and it does not yet (connection tracking: "
                "resynchronising)"
            ),
        ),
        (replace(PARTNER, maintenance=True), ": utm2 is in maintenance mode"),
    ],
)
def test_what_the_partner_says_of_itself_explains_why_it_does_not_take_over(
    partner: PartnerHealth | None, why: str
) -> None:
    assert reluctance(partner) == why


def test_the_refusal_names_it() -> None:
    failed = ClusterEvent(
        number=1, at=1.0, kind="handover-failed", text="switch to the partner: nobody took over", interface=""
    )

    async def scenario() -> None:
        heard: asyncio.Queue[ClusterEvent] = asyncio.Queue()
        heard.put_nowait(failed)
        await outcome(heard, 20.0, lambda: replace(PARTNER, maintenance=True))

    with pytest.raises(RefusedError, match="nobody took over: utm2 is in maintenance mode; force 1 gives"):
        asyncio.run(scenario())
