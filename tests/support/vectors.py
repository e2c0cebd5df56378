"""The captures in tests/vectors, read with the standard library alone: scapy shall judge the codec, not feed it."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

VECTORS = Path(__file__).parent.parent / "vectors"
SIGNED = ("ka243_v3_hmac_ipv4", "ka243_v3_hmac_ipv6")
SIGNING_SECRET = bytes(range(32))

_IPV4 = 0x0800
_IPV6 = 0x86DD
_VRRP = 112


class Capture(NamedTuple):
    """One captured advert: `packet` is the IP packet without padding, `payload` what follows the IP header."""

    name: str
    family: int
    packet: bytes
    payload: bytes
    source: bytes
    destination: bytes
    hops: int


def names() -> list[str]:
    """Every capture by its file name without the suffix."""
    return sorted(path.stem for path in VECTORS.glob("*.pcap"))


def frames(name: str) -> list[bytes]:
    """The Ethernet frames of a capture (libpcap format, little endian, link type 1)."""
    data = (VECTORS / f"{name}.pcap").read_bytes()
    magic, link_type = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, 20)[0]
    if (magic, link_type) != (0xA1B2C3D4, 1):
        raise ValueError(f"{name}: not a little-endian Ethernet capture")
    found, at = [], 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at + 16 : at + 16 + size])
        at += 16 + size
    return found


def adverts(name: str) -> list[Capture]:
    """The VRRP packets of a capture, in order."""
    found = []
    for frame in frames(name):
        kind, packet = struct.unpack_from("!H", frame, 12)[0], frame[14:]
        if kind == _IPV4 and packet[9] == _VRRP:
            size, header = struct.unpack_from("!H", packet, 2)[0], (packet[0] & 15) * 4
            found.append(
                Capture(name, 4, packet[:size], packet[header:size], packet[12:16], packet[16:20], packet[8])
            )
        elif kind == _IPV6 and packet[6] == _VRRP:
            size = 40 + struct.unpack_from("!H", packet, 4)[0]
            found.append(Capture(name, 6, packet[:size], packet[40:size], packet[8:24], packet[24:40], packet[7]))
    return found


def all_adverts() -> list[Capture]:
    """The VRRP packets of every capture."""
    return [capture for name in names() for capture in adverts(name)]


def described() -> list[tuple[str, dict[str, Any]]]:
    """The adverts of vectors.json: name of the capture, and the fields another decoder found in the frame."""
    captures = json.loads((VECTORS / "vectors.json").read_text())
    return [(name, advert) for name, capture in captures.items() for advert in capture["adverts"]]


def draft_images() -> dict[str, Any]:
    """The test images printed in draft-cassen-vrrp-auth-hmac."""
    images: dict[str, Any] = json.loads((VECTORS / "auth_hmac.json").read_text())
    return images
