"""Whether a valid advert belongs to our virtual router: what only the local configuration can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.errors import InvalidConfigurationError
from cluster.vrrp.mac import same
from cluster.vrrp.packet import AUTH_NONE, GROUP_IPV4, GROUP_IPV6, NO_AUTH_DATA, Received
from cluster.vrrp.reject import Reject

if TYPE_CHECKING:
    from cluster.units import Centiseconds, Vrid

PASSWORD_SIZE = 8


class Local(NamedTuple):
    """What this node has configured for one virtual router.

    Attributes:
        vrid: ours.
        version: 3, or 2 on request.
        source: the address of our adverts; None while the interface has none of its own and both nodes
            send from the virtual address.
        mac: of the interface.
        interval: ours; compared in version 2 only, a version 3 backup adopts the master's.
        auth_type: version 2 only.
        auth_data: version 2 only, 8 bytes.
    """

    vrid: Vrid
    version: int
    source: bytes | None
    mac: bytes
    interval: Centiseconds
    auth_type: int = AUTH_NONE
    auth_data: bytes = NO_AUTH_DATA


def check_local(received: Received, local: Local, sender_mac: bytes = b"") -> Reject | None:
    """Compare a decoded advert with the local configuration.

    A list of virtual addresses that differs from ours is no reason: dropping it makes two masters while a new
    configuration travels to the partner. See `foreign_addresses`.

    Args:
        received: what `decode_ipv4` or `decode_ipv6` returned.
        local: our side.
        sender_mac: of the Ethernet frame; empty where the socket does not tell it.

    Returns:
        The first reason to drop it, or None.
    """
    advert = received.advert
    if sender_mac and sender_mac == local.mac:
        return Reject.OWN_PACKET
    if received.source == local.source:
        return Reject.REFLECTED if sender_mac else Reject.OWN_PACKET
    if received.destination not in (GROUP_IPV4, GROUP_IPV6, local.source):
        return Reject.DESTINATION
    if advert.vrid != local.vrid:
        return Reject.UNKNOWN_VRID
    if advert.version != local.version:
        return Reject.VERSION_MISMATCH
    if advert.version == 2:
        return _check_version_2(received, local)
    return None


def foreign_addresses(received: Received, ours: frozenset[bytes]) -> frozenset[bytes]:
    """The virtual addresses on which partner and we differ; to be logged, never a reason to drop the advert."""
    return ours.symmetric_difference(received.advert.addresses)


def simple_password(text: str) -> bytes:
    """The authentication data of a VRRPv2 simple password: 8 bytes, padded with NUL (RFC 2338 section 5.3.6).

    Args:
        text: the password.

    Raises:
        InvalidConfigurationError: it is empty, holds a NUL, or is longer than 8 bytes; it is never cut off.
    """
    data = text.encode()
    if not 1 <= len(data) <= PASSWORD_SIZE:
        raise InvalidConfigurationError(
            f"VRRPv2 password of {len(data)} bytes; it has 1 to {PASSWORD_SIZE}, more would never be sent"
        )
    if 0 in data:
        raise InvalidConfigurationError("VRRPv2 password with a NUL character; NUL marks its end on the wire")
    return data.ljust(PASSWORD_SIZE, b"\0")


def _check_version_2(received: Received, local: Local) -> Reject | None:
    advert = received.advert
    if advert.auth_type != local.auth_type:
        return Reject.AUTH_MISMATCH
    if advert.auth_type != AUTH_NONE and not same(advert.auth_data, local.auth_data):
        return Reject.PASSWORD
    if advert.interval != local.interval:
        return Reject.INTERVAL_MISMATCH
    return None
