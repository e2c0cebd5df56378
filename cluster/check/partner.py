"""Points about the two nodes together. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.check.verdicts import failed, note, passed, unknown
from cluster.units import Priority
from cluster.vrrp.priority import RANK_HIGH, RANK_LOW, rank_of

if TYPE_CHECKING:
    from cluster.check.facts import Facts
    from cluster.rpc.messages import CheckPoint

CLOCK_TOLERANCE = 5.0
"""Seconds between the clocks that are worth a word even where nothing depends on them."""
_FIRST_THE_HOTWIRE = "first let the nodes speak over the hotwire"


def link(facts: Facts) -> CheckPoint:
    """The nodes speak to each other."""
    if facts.partner.connected:
        return passed("hotwire-link", "the partner answers over the hotwire")
    return failed(
        "hotwire-link",
        facts.partner.reason or "the partner does not answer over the hotwire",
        "check cable, addresses and keys on both nodes; cluster wizard leads through them",
    )


def keys(facts: Facts) -> CheckPoint:
    """Each node has the other one's public key."""
    if not facts.partner.key_known:
        return failed(
            "keys",
            "the partner's public key is not known here",
            'cluster key get on the partner shows it, cluster key remote set key ".." enters it here',
        )
    if facts.partner.code == "host-key":
        return failed(
            "keys",
            "the partner has another key than the one known here",
            "compare with cluster key get on the partner; if it was replaced, cluster key remote set key enters it",
        )
    if facts.partner.code == "key-refused":
        return failed(
            "keys",
            "the partner does not know this node's key",
            'cluster key get shows it, cluster key remote set key ".." enters it on the partner',
        )
    if not facts.partner.connected:
        return unknown("keys", "the partner's key is known here; ours there is not sure", _FIRST_THE_HOTWIRE)
    return passed("keys", "each node knows the other one's key")


def versions(facts: Facts) -> CheckPoint:
    """The same program, and configurations of the same form."""
    partner = facts.partner
    if partner.code == "version":
        return failed("version", partner.reason, "install the same version on both nodes")
    if not partner.connected or partner.schema is None:
        return unknown("version", f"{facts.software} here, the partner's is not known", _FIRST_THE_HOTWIRE)
    if (partner.software, partner.schema) != (facts.software, facts.schema):
        return failed(
            "version",
            f"{facts.software} with configurations of version {facts.schema} here, {partner.software} with "
            f"version {partner.schema} on the partner",
            "install the same version on both nodes",
        )
    return passed("version", f"{facts.software} on both nodes")


def priorities(facts: Facts) -> CheckPoint:
    """One node is high, the other low. The hotwire tells, else adverts: the rank is in the effective priority."""
    ours = facts.config.cluster.priority
    words = {RANK_HIGH: "high", RANK_LOW: "low"}
    told = [each.partner_priority for each in facts.adverts if each.partner_priority is not None]
    heard = next((words[rank] for each in told if (rank := rank_of(Priority(each))) in words), "")
    theirs = facts.partner.priority or heard
    if not theirs:
        return unknown(
            "priority",
            f"{ours} here, the partner's is not known",
            _FIRST_THE_HOTWIRE,
        )
    if theirs == ours:
        return failed(
            "priority",
            f"both nodes are {ours}: after a failure the role stays where it happens to be",
            "cluster set priority low on the node that shall be the spare",
        )
    return passed("priority", f"{ours} here, {theirs} on the partner")


def clocks(facts: Facts) -> CheckPoint:
    """Clocks that differ matter where signatures grow old."""
    offset, freshness = facts.partner.offset, facts.freshness
    if offset is None:
        return unknown("clock", "the partner's clock is not known", _FIRST_THE_HOTWIRE)
    away = f"the partner's clock is {abs(offset):.1f} s {'ahead' if offset > 0 else 'behind'}"
    if freshness is not None and abs(offset) > freshness / 2:
        return failed(
            "clock",
            f"{away}, and adverts are believed for {freshness:g} s only",
            "let both nodes follow the same time server, or switch freshness off",
        )
    if abs(offset) > CLOCK_TOLERANCE:
        return note("clock", f"{away}; the cluster does not depend on it", "let both follow the same time server")
    return passed("clock", f"both clocks agree to {CLOCK_TOLERANCE:g} s")


def synchronized(facts: Facts) -> CheckPoint:
    """Both nodes boot the same configuration."""
    if facts.partner.sync_state == "synchronized":
        return passed("synchronized", "both nodes have the same start configuration")
    return failed(
        "synchronized",
        facts.partner.sync_reason or f"the state is {facts.partner.sync_state}",
        "system config synchronize sends this node's start configuration to the partner"
        if facts.partner.connected
        else _FIRST_THE_HOTWIRE,
    )


def saved(facts: Facts) -> CheckPoint:
    """What runs is in force, saved, and what boots."""
    if facts.config != facts.applied:
        return failed("saved", "the running configuration is not in force", "system update interface applies it")
    current = next((each for each in facts.names if each.current), None)
    start = next((each for each in facts.names if each.start), None)
    if current is not None and current.unsaved:
        return failed(
            "saved", f"the running configuration differs from {current.name} as saved", "system config save keeps"
        )
    if current != start and current is not None and start is not None:
        return failed(
            "saved",
            f"{current.name} runs, but {start.name} is what boots and is synchronized",
            f"system config set name {current.name}, or system config load name {start.name}",
        )
    return passed("saved", "what runs is in force, saved, and the start configuration")
