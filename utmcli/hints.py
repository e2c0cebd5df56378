"""What an administrator should know before typing: shown at login and above the prompt when it is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.errors import ClusterError
from cluster.rpc import messages
from utmcli.render import printable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from cluster.observed import ClusterStatus

    Ask = Callable[[messages.Ask], Awaitable[messages.AnyAnswer]]

_RECENT = 2.0
"""Seconds since an advert that count as hearing its sender now; several intervals of any sensible setting."""


class Surroundings(NamedTuple):
    """What a session shows around its prompt.

    Attributes:
        hostname: of this node; empty when clusterd does not say.
        hints: sentences.
    """

    hostname: str
    hints: tuple[str, ...]


async def look(ask: Ask, now: float) -> Surroundings:
    """Ask clusterd how things are; never an error, since whoever types will be told by the command.

    Args:
        ask: one question to clusterd.
        now: unix time, seconds.
    """
    hints: list[str] = []
    hostname = ""
    try:
        info = await ask(messages.GetInfo())
        if isinstance(info, messages.Info):
            hostname = printable(info.hostname)
            hints += of_info(info)
        status = await ask(messages.GetStatus())
        if isinstance(status, messages.Status):
            hints += of_status(status.status, now)
        configs = await ask(messages.ListConfigs())
        if isinstance(configs, messages.Configs):
            hints += of_configs(configs)
    except ClusterError as error:
        hints.append(error.message)
    return Surroundings(hostname, tuple(printable(hint) for hint in hints))


def of_info(info: messages.Info) -> list[str]:
    """Hints about the synchronisation and the role."""
    hints: list[str] = []
    if info.cluster_state != "offline" and info.sync_state != "synchronized":
        reason = f": {info.sync_reason}" if info.sync_reason else ""
        hints.append(f"the configurations of the nodes are not synchronized ({info.sync_state}{reason})")
    if info.maintainance:
        hints.append("this node is in maintenance mode")
    return hints


def of_status(status: ClusterStatus, now: float) -> list[str]:
    """Both nodes are master: the partner says so over the hotwire, or is heard, as only a master sends adverts.

    Args:
        status: of this node.
        now: unix time, seconds.
    """
    heard = [
        interface.name
        for interface in status.interfaces
        if interface.partner_heard_age is not None and interface.partner_heard_age < _RECENT
    ]
    told = status.partner is not None and status.partner.role == "master"
    if status.role != "master" or status.handing_over or not (heard or told):
        return []
    if status.since is not None and now - status.since < _RECENT:  # the last adverts of the old master
        return []
    if heard:
        return [f"both nodes are master: the partner's adverts are heard on {', '.join(heard)}"]
    return ["both nodes are master: the partner says so over the hotwire, and is heard on no HA interface"]


def of_configs(configs: messages.Configs) -> list[str]:
    """Unsaved edits of the running configuration."""
    unsaved = [config.name for config in configs.configs if config.current and config.unsaved]
    return [f"the configuration {name} has unsaved edits; system config save keeps them" for name in unsaved]
