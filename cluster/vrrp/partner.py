"""What the manager passes on of the partner's own words, which came over the authenticated hotwire."""

from __future__ import annotations

from _socket import AF_INET, inet_pton
from typing import TYPE_CHECKING, Any

from cluster.errors import ProtocolError
from cluster.vrrp.events import PartnerReported, PartnerSilent, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEQUENCES = range(2**64)


def report(request: Mapping[str, Any]) -> PartnerReported | PartnerSilent:
    """Its role, and on which interfaces it hears us.

    Raises:
        ProtocolError: the request is malformed.
    """
    if request.get("role") is None:
        return PartnerSilent()
    hears = request.get("hears", [])
    if not isinstance(hears, list) or request["role"] not in {role.value for role in Role}:
        raise ProtocolError("a partner's report has a role and a list of the interfaces on which it hears us")
    links_gone = request.get("links_gone") is True
    return PartnerReported(Role(request["role"]), frozenset(map(str, hears)), links_gone)


def position(request: Mapping[str, Any]) -> tuple[int, tuple[bytes, ...]] | None:
    """The last sequence number it signed with and the addresses it signs for; None where it does not say.

    Raises:
        ProtocolError: the request is malformed.
    """
    if "sequence" not in request:
        return None
    sequence, sources = request["sequence"], request.get("sources")
    is_number = isinstance(sequence, int) and not isinstance(sequence, bool)
    if not is_number or sequence not in _SEQUENCES or not isinstance(sources, list):
        raise ProtocolError("a partner's sequence is a number of 64 bits, with a list of addresses it counts for")
    try:
        return sequence, tuple([inet_pton(AF_INET, source) for source in sources])
    except (OSError, TypeError) as error:
        raise ProtocolError("the addresses that a partner's sequence counts for are IPv4 addresses") from error
