"""Points about what this node's kernel holds for the cluster: packet filter, translations, routes. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.check.verdicts import failed, note, passed, unknown
from cluster.net import hiding, ruleset
from cluster.networks import connected, device_to, gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.check.facts import Facts
    from cluster.rpc.messages import CheckPoint


def packet_filter(facts: Facts) -> CheckPoint:
    """Our own table is there."""
    if not facts.applied.cluster.enabled:
        return unknown("packet-filter", "the cluster is off, and so is its packet filter", "cluster set enabled 1")
    if ruleset.TABLE not in facts.machine.tables:
        return failed(
            "packet-filter",
            f"the nftables table inet {ruleset.TABLE} is not there",
            "system update interface puts it, and says why it cannot",
        )
    return passed("packet-filter", f"the nftables table inet {ruleset.TABLE} is in force")


def hide_nat(facts: Facts) -> CheckPoint:
    """What the master hides is hidden behind virtual addresses, by a table of its own on both nodes."""
    if not hiding.active(facts.applied):
        return passed("hide-nat", "no rule is in force that would hide anything")
    if hiding.TABLE not in facts.machine.tables:
        return failed(
            "hide-nat",
            f"the nftables table inet {hiding.TABLE} is not there: nothing is hidden behind virtual addresses",
            "system update rule puts it, and says why it cannot",
        )
    return passed("hide-nat", f"the nftables table inet {hiding.TABLE} is in force")


def routes(facts: Facts) -> CheckPoint:
    """Packets take the configured routes, but for those by interfaces that are down in backup."""
    if not facts.applied.routes:
        return passed("routes", "no static route is in force")
    if facts.machine.routes is None:
        return unknown("routes", "the routes of this machine cannot be read", "cluster events may say more")
    lost = list(_lost(facts, facts.machine.routes))
    if lost:
        return failed(
            "routes",
            f"not in use: {'; '.join(lost)}",
            "system update interface puts what is missing, and says why it cannot; route get shows all",
        )
    return passed("routes", "packets take the static routes, as far as their interfaces are up")


def forwarding(facts: Facts) -> CheckPoint:
    """What arrives at virtual addresses on its way elsewhere is passed on by either node."""
    if facts.machine.forwards:
        return passed("forwarding", "this node passes packets on")
    return note(
        "forwarding",
        "net.ipv4.ip_forward is 0: as master this node passes nothing on",
        "right where it only serves clients itself; otherwise switch it on, in /etc/sysctl.d of both nodes",
    )


def _lost(facts: Facts, online: tuple[str, ...]) -> Iterator[str]:
    config, networks = facts.applied, connected(facts.applied)
    up = {state.name for state in facts.machine.states if state.up}
    for key, route in config.routes.items():
        router = gateway(route)
        device = route.router if router is None else device_to(router, networks)
        if key in online or device in config.cluster.backup_disable_interfaces:
            continue
        why = f", since {device} is down" if device in config.interfaces and device not in up else ""
        yield f"route {key} to {route.dst} by {route.router}{why}"
