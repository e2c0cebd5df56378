"""Gratuitous ARP: the frames that tell a network where a virtual address lives now.

Request form (RFC 5227 section 3 explains why requests update more caches than replies): sender and target
are both the virtual address, broadcast. IPv6's unsolicited neighbour advertisement will live here too.
"""

from __future__ import annotations

BROADCAST = b"\xff" * 6
ETHERTYPE_ARP = 0x0806
REPEAT = 5
"""Frames at once per announcement: the field's habit; one lost frame then strands nobody."""

_ETHERNET_IPV4_REQUEST = b"\x00\x01\x08\x00\x06\x04\x00\x01"


def gratuitous_arp(mac: bytes, address: bytes) -> bytes:
    """A whole Ethernet frame that announces `address` at `mac`.

    Args:
        mac: hardware address of the interface, six bytes.
        address: the virtual address, four bytes.
    """
    header = BROADCAST + mac + ETHERTYPE_ARP.to_bytes(2, "big")
    return header + _ETHERNET_IPV4_REQUEST + mac + address + bytes(6) + address
