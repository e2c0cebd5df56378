"""All points of `cluster check`, in the order in which they are shown: from the cable upwards. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.check import followers, others, partner, setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.check.facts import Facts
    from cluster.rpc.messages import CheckPoint

POINTS: tuple[Callable[[Facts], CheckPoint], ...] = (
    setup.interfaces,
    setup.ha,
    setup.own_addresses,
    setup.virtual_networks,
    setup.left_behind,
    setup.vrids,
    setup.dhcp,
    setup.passphrase,
    setup.hotwire,
    setup.exclusive,
    partner.link,
    partner.keys,
    partner.versions,
    partner.priorities,
    partner.clocks,
    partner.synchronized,
    partner.saved,
    others.services,
    others.ssh_port,
    followers.packet_filter,
    followers.hide_nat,
    followers.routes,
    followers.forwarding,
    others.rules_vrrp,
    others.rules_link,
    others.rules_connections,
    others.sources,
    others.connections,
    others.room,
)


def judge(facts: Facts) -> tuple[CheckPoint, ...]:
    """Every requirement, met or not."""
    return tuple(point(facts) for point in POINTS)
