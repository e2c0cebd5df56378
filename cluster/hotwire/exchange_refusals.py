"""Why a node does not take over its partner's configuration without force: who, since when, and what differs. Pure.

Ages instead of times: the clocks and time zones of two nodes may differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.config import scope
from cluster.config.diff import diff
from cluster.config.rules import ha_interfaces
from cluster.errors import ConflictError, LockedError, RefusedError
from cluster.hotwire import exchange_messages as x
from cluster.units import NANOSECONDS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cluster.config.arrival import Base
    from cluster.config.revision import Revision
    from cluster.lease import Holder
    from cluster.model import Config, Difference
    from cluster.units import Nanoseconds

_SHOWN = 20
"""Differences named in a refusal."""
_LONGEST = 60
"""Characters of a value shown in one."""
_STEPS = ((86400, "days"), (3600, "h"), (60, "min"))


class Own(NamedTuple):
    """What the receiver knows of itself.

    Attributes:
        hostname: as configured.
        is_master: it has the role now.
        enabled: its part in the cluster is switched on.
        sending: it is sending its own configuration just now.
        trying: who activated a configuration there that goes back unless it is confirmed; empty: nobody.
        start: revision of the start configuration.
        start_name: its name.
        start_digest: of its shared part.
        running: the running revision.
        running_digest: of its shared part.
        current_name: the name it would be saved under.
        saved: what is saved under that name.
        unsaved: the two differ.
        applied: what is in force; None: nothing was put into force since the boot.
        base: what both nodes last had.
        base_config: our own configuration then, if it is known.
        holder: who edits now.
        now: monotonic.
        clock: unix seconds.
    """

    hostname: str
    is_master: bool
    enabled: bool
    sending: bool
    trying: str
    start: Revision
    start_name: str
    start_digest: str
    running: Revision
    running_digest: str
    current_name: str
    saved: Config
    unsaved: bool
    applied: Revision | None
    base: Base
    base_config: Config | None
    holder: Holder | None
    now: Nanoseconds
    clock: float


def routers(config: Config) -> frozenset[tuple[str, int | None]]:
    """Where a node hears its partner: HA interfaces with virtual addresses, and their routers' ids."""
    used = {address.device for address in config.virtual_addresses.values()}
    return frozenset((name, each.vrid) for name, each in ha_interfaces(config).items() if name in used)


def obstacles(own: Own, known: Collection[str]) -> tuple[x.Obstacle, ...]:
    """What stands in the way, the gravest first; force overrides all but the first.

    Args:
        own: the receiver.
        known: digests of what the sender knows that both may have had last.
    """
    return (*trying(own), *_edited(own, known), *_unsaved(own), *_administrator(own))


def trying(own: Own) -> tuple[x.Obstacle, ...]:
    """What runs would go back, and take with it what arrived meanwhile: not even force overrides that."""
    if not own.trying:
        return ()
    text = (
        f"{own.trying} is trying a configuration out on {own.hostname}, which goes back by itself unless it is "
        "confirmed there; synchronize after that"
    )
    return (x.Obstacle(LockedError.code, text),)


def _edited(own: Own, known: Collection[str]) -> Iterator[x.Obstacle]:
    """Edited since the common base, and saved; what is unsaved is another obstacle."""
    base = own.base.digest
    if base not in known:
        return
    if own.start_digest != base:
        edited, name = own.start, own.start_name
    elif own.running_digest != base and not own.unsaved:
        edited, name = own.running, own.current_name
    else:
        return
    yield x.Obstacle(
        ConflictError.code,
        f"{own.hostname} was edited since both nodes last had the same configuration: {edited.who} changed {name} "
        f"there {age(own.clock - edited.when)} ago; force 1 replaces it and keeps it in the history there",
        () if own.base_config is None else _named(
            diff(scope.cluster_part(own.base_config), scope.cluster_part(edited.config))
        ),
    )  # fmt: skip


def _unsaved(own: Own) -> Iterator[x.Obstacle]:
    if own.unsaved:
        yield x.Obstacle(
            RefusedError.code,
            f"{own.hostname} has unsaved edits: {own.running.who} changed {own.current_name} there "
            f"{age(own.clock - own.running.when)} ago; force 1 replaces them and keeps them in the history there",
            _named(diff(own.saved, own.running.config)),
        )


def _administrator(own: Own) -> Iterator[x.Obstacle]:
    if own.holder is not None:
        yield x.Obstacle(
            LockedError.code,
            f"{own.holder.user} ({own.holder.source}) has been editing the configuration of {own.hostname} for "
            f"{age((own.now - own.holder.since) / NANOSECONDS_PER_SECOND)}; force 1 goes on anyway",
        )


def _named(differences: tuple[Difference, ...]) -> tuple[str, ...]:
    lines = [f"{each.path}: {_value(each.left)} -> {_value(each.right)}" for each in differences[:_SHOWN]]
    if len(differences) > _SHOWN:
        lines.append(f"and {len(differences) - _SHOWN} more")
    return tuple(lines)


def _value(text: str | None) -> str:
    if text is None:
        return "(none)"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def age(seconds: float) -> str:
    """How long something lasts, in the largest unit of which it has at least two; a clock set back counts as 0."""
    for length, unit in _STEPS:
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
