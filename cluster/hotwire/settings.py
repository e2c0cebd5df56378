"""What the configuration says about the link. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.hotwire import state

if TYPE_CHECKING:
    from cluster.hotwire.state import LinkState


class HotwireSettings(NamedTuple):
    """The link as configured.

    Attributes:
        device: interface of the hotwire; empty without one.
        local: our address on it.
        remotes: the partner's addresses.
        partner_keys: its public keys, one line each; two while one replaces the other.
        hostname: stands beside a new key of ours.
    """

    device: str
    local: str
    remotes: tuple[str, ...]
    partner_keys: tuple[str, ...]
    hostname: str = ""


def missing(settings: HotwireSettings | None) -> LinkState | None:
    """What has to be configured before there can be a link."""
    if settings is None or not settings.device:
        return state.NO_INTERFACE
    if not settings.local or not settings.remotes:
        return state.NO_ADDRESS
    return None if settings.partner_keys else state.NO_KEYS
