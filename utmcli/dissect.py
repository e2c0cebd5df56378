"""Decodes adverts with scapy: ``python -m utmcli.dissect``, a short-lived program of its own (see dissector.py).

Ethernet frames in hexadecimal digits come in on standard input, one a line; each is answered on standard output by
one line of JSON, in which everything is null that the frame does not hold.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from scapy.layers.inet import IP
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.packet import Raw

CENTISECONDS = 100
ETHERNET_HEADER = 14
TRAILER_SIZE = 28
HMAC_SHA256 = 1


def dissect(frame: bytes) -> dict[str, Any]:
    """What a frame says, as scapy reads it.

    Returns:
        ``source``, ``destination``, ``version``, ``vrid``, ``priority``, ``interval`` in centiseconds,
        ``addresses``, and ``key``, the id of the key that it claims to be signed with.
    """
    # scapy takes a header that is cut off for what it is, unless it is the first one.
    packet = Ether(frame) if len(frame) >= ETHERNET_HEADER else Raw(frame)
    ip = packet.getlayer(IP)
    advert = packet.getlayer(VRRPv3)
    unit = 1
    if advert is None:
        advert, unit = packet.getlayer(VRRP), CENTISECONDS
    return {
        "source": None if ip is None else ip.src,
        "destination": None if ip is None else ip.dst,
        "version": None if advert is None else advert.version,
        "vrid": None if advert is None else advert.vrid,
        "priority": None if advert is None else advert.priority,
        "interval": None if advert is None else advert.adv * unit,
        "addresses": None if advert is None else advert.addrlist,
        "key": None if advert is None else _key(bytes(advert.payload)),
    }


def _key(trailer: bytes) -> int | None:
    """From the signature behind the message; draft-cassen-vrrp-auth-hmac, of which scapy knows nothing."""
    return trailer[1] if len(trailer) == TRAILER_SIZE and trailer[0] == HMAC_SHA256 else None


def main() -> None:
    """Answer until standard input ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(dissect(bytes.fromhex(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
