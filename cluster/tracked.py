"""Both nodes' connections: each tells the other over the hotwire how many it holds.

conntrackd itself has no word for the end of a resynchronisation. Over the hotwire a returning node learns how much
is to come, or that nothing ever will.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from cluster.hotwire.connections_messages import Held, HeldAsk

if TYPE_CHECKING:
    from cluster.conntrack.supervisor import ConnectionSync
    from cluster.partnership import Partnership

PATIENCE = 1.0
"""Seconds for an answer; without one a node goes by what it sees of conntrackd alone."""


def tell_each_other(connections: ConnectionSync, partnership: Partnership) -> Partnership:
    """Answer the partner, and let `connections` ask it; returns the partnership."""

    async def held(_ask: HeldAsk) -> Held:
        status = await connections.status()
        return Held(state=status.state, entries=status.counters.entries if status.counters else 0)

    async def partner() -> tuple[str, int] | None:
        try:
            answer = await partnership.link.ask(HeldAsk(), PATIENCE)
        except ClusterError:
            return None
        return (answer.state, answer.entries) if isinstance(answer, Held) else None

    partnership.dispatch.add({HeldAsk: held})
    connections.ask_partner = partner
    return partnership
