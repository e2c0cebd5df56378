"""Handing the role over: how low the priority falls, how long a successor is waited for, and what is refused."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp.events import PartnerReported, Role, Settings
from cluster.vrrp.priority import FAREWELL, LEAVING, RANK_HANDED_OVER, effective, lost_of, skew

if TYPE_CHECKING:
    from collections.abc import Collection

    from cluster.units import Priority
    from cluster.vrrp.paths import Hearing, Path

HOLD = Nanoseconds(20_000_000)
"""How long addresses outlive the role: on a path of 5 ms, 5 ms lost packets and 20 ms lost none (measured)."""
KNOWN_PARTNER_INTERVALS = 4
"""Patience with a partner that is there: three lost adverts and any skew."""
UNKNOWN_PARTNER_PATIENCE = 40_000_000
"""Patience with one that may be there, beyond twice its skew: the way there and back, and a busy processor."""

REPORT_LAG = Nanoseconds(3_000_000_000)
"""How old what the partner says may be: it says it once a second, and is passed on once a second."""


class Errand(Enum):
    """Why a master hands over, other than by maintenance; the value says it in words."""

    SWITCH = "switch to the partner"
    FORCED = "forced switch to the partner"
    STOP = "the engine stops"
    OFF = "the cluster is switched off on this node"


class Handover:
    """The way from master to backup, and what remains of it.

    Attributes:
        errand: why the role is being handed over, or None.
        floor: of a node that handed the role over by a switch: as how many lost interfaces it counts at least,
            so that it stays below the partner; None if it did not, or may take the role back.
    """

    def __init__(self) -> None:
        self.errand: Errand | None = None
        self.floor: int | None = None

    @property
    def by_switch(self) -> bool:
        """Whether the administrator asked for a switch."""
        return self.errand is Errand.SWITCH or self.errand is Errand.FORCED

    def refusal(self, role: Role) -> str | None:
        """Why no handover can begin in this role, forced or not: a sentence, or None."""
        if role is not Role.MASTER:
            return f"this node is {role.value}: only the master can hand over"
        if self.errand is not None:
            return f"a handover is under way already ({self.errand.value})"
        return None

    def priority(self, settings: Settings, lost: int) -> Priority:
        """The effective priority with so many lost interfaces."""
        if self.errand is not None and self.errand is not Errand.SWITCH:
            return LEAVING
        if self.floor is not None:
            return effective(settings, max(lost, self.floor), handed_over=True)
        return effective(settings, lost, handed_over=self.errand is Errand.SWITCH)

    def done(self, successor: Priority | None) -> None:
        """A switch came to its end; the successor's priority, or None if nobody was heard."""
        self.errand = None
        self.floor = 0 if successor is None else lost_of(successor)


def patience(paths: Collection[Path], report: PartnerReported | None, settings: Settings) -> int:
    """How long a master that must go waits for a successor, in nanoseconds.

    Args:
        paths: the HA interfaces; without any link nobody can hear us.
        report: what the partner said over the hotwire, if it may be relied on.
        settings: of this node.
    """
    if not any(path.up for path in paths) or _cannot_take_over(report):
        return 0
    if report is not None and report.hears:
        return KNOWN_PARTNER_INTERVALS * settings.advert_interval.nanoseconds
    lost = sum(not path.usable for path in paths)
    like_us = effective(Settings((), high=False), lost, handed_over=False)
    return UNKNOWN_PARTNER_PATIENCE + 2 * skew(like_us, settings.advert_interval)


def objection(
    paths: Collection[Path],
    report: PartnerReported | None,
    partner: Hearing | None,
    own: Priority,
    *,
    since: Nanoseconds,
    now: Nanoseconds,
) -> str | None:
    """What speaks against a switch, unless it is forced: a sentence, or None.

    Args:
        paths: the HA interfaces.
        report: what the partner said over the hotwire, if it may be relied on.
        partner: whom we heard last.
        own: our priority.
        since: when this node became master; before that there were no adverts of ours to be heard.
        now: the present instant.
    """
    if not any(path.up for path in paths):
        return "no HA interface of this node is usable, so the partner cannot be told; force 1 gives up anyway"
    if _cannot_take_over(report):
        return "the partner says that it cannot take the role; force 1 gives up anyway"
    if report is not None and not report.hears and now - since > REPORT_LAG:
        return "the partner says that it does not hear this node; force 1 gives up anyway"
    # A farewell says nothing of losses: whoever just yielded to us may well be asked to take the role back.
    said = FAREWELL if partner is None or partner.silent(now) else partner.priority
    if FAREWELL < said < own - RANK_HANDED_OVER:
        return f"the partner has lost more: its priority is {said}, ours {own}; force 1 overrides this"
    return None


def _cannot_take_over(report: PartnerReported | None) -> bool:
    return report is not None and (report.links_gone or report.role is Role.OFFLINE)
