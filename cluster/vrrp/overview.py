"""What the election shows of itself, for `cluster status` and `cluster explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.vrrp import words
from cluster.vrrp.events import Role, Settings, View
from cluster.vrrp.priority import master_down_interval

if TYPE_CHECKING:
    from cluster.units import Nanoseconds, Priority
    from cluster.vrrp.handover import Handover
    from cluster.vrrp.paths import Paths
    from cluster.vrrp.vigil import Vigil


class Standing(NamedTuple):
    """A role, since when, and why."""

    role: Role
    since: Nanoseconds
    cause: str


def overview(
    standing: Standing,
    *,
    priority: Priority,
    settings: Settings,
    paths: Paths,
    vigil: Vigil,
    handover: Handover,
    dropping: bool,
    now: Nanoseconds,
) -> View:
    """All that is shown.

    Args:
        standing: the present one.
        priority: effective.
        settings: in force.
        paths: the HA interfaces.
        vigil: what a backup goes by.
        handover: under way, or what remains of it.
        dropping: the role is given up and the addresses are about to follow.
        now: the present instant.
    """
    role, everywhere = standing.role, paths.values()
    interval = vigil.interval(settings) if role is Role.BACKUP else settings.advert_interval
    return View(
        role=role,
        since=standing.since,
        cause=standing.cause,
        priority=priority,
        handing_over=handover.errand is not None or dropping,
        holding=role is Role.MASTER or dropping,
        master_down_interval=master_down_interval(priority, interval),
        paths=tuple(path.view() for path in everywhere),
        explanation=(
            f"this node is {role.value}: {standing.cause}",
            *words.condition(everywhere, priority, settings, handed_over=handover.floor is not None),
            *vigil.explanation(now),
        ),
        handed_over=handover.floor is not None,
    )
