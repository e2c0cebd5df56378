"""The sentences in which the election explains itself to the administrator of a firewall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import NANOSECONDS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from cluster.units import Nanoseconds, Priority
    from cluster.vrrp.events import Settings
    from cluster.vrrp.paths import Hearing, Path


def address(source: int) -> str:
    """A sender's address as people write it; above 32 bits it is IPv6."""
    if source < 1 << 32:
        return ".".join(str(source >> shift & 0xFF) for shift in (24, 16, 8, 0))
    return ":".join(f"{source >> shift & 0xFFFF:x}" for shift in range(112, -16, -16))


def seconds(duration: int) -> str:
    """A duration in nanoseconds, as seconds with as many digits as matter."""
    return f"{duration / NANOSECONDS_PER_SECOND:.3g} s"


def names(paths: Iterable[Path]) -> str:
    """Interface names, joined; ``no HA interface`` for none."""
    return ", ".join(path.interface.name for path in paths) or "no HA interface"


def lost(paths: Iterable[Path]) -> str:
    """What lowers our priority, in brackets, or nothing."""
    gone = [path for path in paths if not path.usable]
    return f" ({names(gone)} {'are' if len(gone) > 1 else 'is'} unusable)" if gone else ""


def silence(now: Nanoseconds, since: Nanoseconds, paths: Iterable[Path], partner: Hearing | None) -> str:
    """Why a backup took over: nobody was heard."""
    who = f"the partner {address(partner.source)}" if partner else "any partner"
    return f"no advert from {who} for {seconds(now - since)} on {names(paths)}"


def better(partner: Hearing, own: int, paths: Iterable[Path]) -> str:
    """Why a master yielded: a better one was heard."""
    return (
        f"the partner {address(partner.source)} advertises the higher priority {partner.priority}; "
        f"ours is {own}{lost(paths)}"
    )


def tie(partner: Hearing, path: Path) -> str:
    """Why a master yielded to its equal."""
    return (
        f"the partner {address(partner.source)} has the same priority {partner.priority} and the higher address "
        f"on {path.interface.name}: give the two nodes different priorities"
    )


def unheard(partner: Hearing, path: Path, duration: int) -> str:
    """Why a master yielded to a worse one."""
    return (
        f"the partner {address(partner.source)} has kept advertising on {path.interface.name} for "
        f"{seconds(duration)} although ours is the better priority: it does not hear us"
    )


def preemption(partner: Hearing, own: int, paths: Iterable[Path]) -> str:
    """Why a backup took over from a living master."""
    return (
        f"the partner {address(partner.source)} advertises only priority {partner.priority}; "
        f"ours is {own}{lost(paths)}"
    )


def farewell(partner: Hearing) -> str:
    """Why a backup took over: the master said priority 0."""
    return f"the partner {address(partner.source)} gave up the role"


def rival(other: Hearing, own: Priority) -> str:
    """There is a second master, no better than this node."""
    return f"{address(other.source)} is master as well, with priority {other.priority}; ours is {own}"


def handover(errand: str, before: Priority, after: Priority) -> str:
    """A handover began; in maintenance the priority may be the lowest already."""
    priority = f"falls from {before} to {after}" if after < before else f"stays {after}"
    return f"{errand}: our priority {priority}, we serve until the partner has taken over"


def link(path: Path, own: Priority) -> tuple[str, str, str]:
    """A change of a link counts from now on: kind, interface and text of a `Noted`."""
    name = path.interface.name
    if path.usable:
        return "link-back", name, f"{name} is usable again, our priority is {own}"
    return "link-lost", name, f"{name} has no link or no answering host, our priority is {own}"


def partner(newest: Hearing | None, now: Nanoseconds) -> str:
    """Whom we heard last."""
    if newest is None:
        return "no partner was ever heard"
    said = f"priority {newest.priority}" if newest.priority else "that it gave up the role"
    return f"the partner {address(newest.source)} was last heard {seconds(now - newest.at)} ago, saying {said}"


def condition(paths: Collection[Path], own: Priority, settings: Settings, handed_over: bool) -> Iterator[str]:
    """What makes our priority another than the configured one, one sentence each."""
    if any(not path.usable for path in paths):
        yield f"our priority is {own}{lost(paths)}"
    if settings.maintenance:
        yield "maintenance is on: this node is master only while there is no other"
    if handed_over:
        yield "the role was handed to the partner and is not taken back while the partner is as good"
