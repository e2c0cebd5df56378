"""The engine's own sockets: adverts, and multicast membership.

Adverts travel through one packet socket (AF_PACKET) per HA interface, for sending and receiving, and not through a
raw IP socket, for four reasons: it works on an interface without an address of its own; the IP layer drops an
advert whose source is an address this machine holds (two masters sending from the virtual address would never
hear each other); it shows the sender's MAC, by which our own packets are known; and it sees packets before
connection tracking and packet filters, so that no rule set can silence the cluster.

`_socket` instead of `socket`: the wrapper's import would take 3 ms of a restart that races the partner's
Master_Down_Interval.
"""

from __future__ import annotations

import os
from _socket import (
    AF_INET,
    AF_PACKET,
    IP_ADD_MEMBERSHIP,
    IPPROTO_IP,
    PACKET_OTHERHOST,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SOCK_RAW,
    socket,
)
from struct import pack

from cluster.net.rtnetlink import attach_filter, enlarge
from cluster.vrrp.packet import GROUP_IPV4, GROUP_MAC_IPV4, IPSEC_AH, PROTOCOL

ETHERTYPE_IPV4 = 0x0800
ETHERNET_HEADER = 14
MAX_FRAME = 2048
"""Longer than any advert in an Ethernet frame of 1500 bytes."""

_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP = 1
_PACKET_MR_MULTICAST = 0
_RECEIVE_BACKLOG = 256 * 1024
_MOST_WAITING = 4096
"""Adverts: more than the backlog has room for."""
FIRST_GIVEN = 3
"""Descriptor of the first packet socket that a new engine is given."""
# Ancillary loads of classic BPF (linux/filter.h): negative offsets reach the packet's metadata.
_METADATA = 0xFFFFF000
_LOAD_WORD, _LOAD_BYTE, _JUMP_EQUAL, _RETURN = 0x20, 0x30, 0x15, 0x06


def _advert_filter(index: int) -> tuple[tuple[int, int, int, int], ...]:
    """IPv4 with protocol 112 that reaches this interface, not one on top of it: a VLAN's parent sees both.

    Nor what a promiscuous interface picks up of other hosts' frames. What says to be an advert inside an IPsec
    authentication header passes, to be counted; IPsec that is none of the group's business does not.
    """
    group = int.from_bytes(GROUP_IPV4, "big")
    drop = 10
    return (
        (_LOAD_BYTE, 0, 0, ETHERNET_HEADER + 9),
        (_JUMP_EQUAL, 3, 0, PROTOCOL),
        (_JUMP_EQUAL, 0, drop - 3, IPSEC_AH),
        (_LOAD_WORD, 0, 0, ETHERNET_HEADER + 16),
        (_JUMP_EQUAL, 0, drop - 5, group),
        (_LOAD_WORD, 0, 0, _METADATA + 4),  # SKF_AD_PKTTYPE
        (_JUMP_EQUAL, drop - 7, 0, PACKET_OTHERHOST),
        (_LOAD_WORD, 0, 0, _METADATA + 8),  # SKF_AD_IFINDEX
        (_JUMP_EQUAL, 0, drop - 9, index),
        (_RETURN, 0, 0, MAX_FRAME),
        (_RETURN, 0, 0, 0),
    )


def advert_socket(name: str, index: int, given: socket | None = None) -> socket:
    """The packet socket of one interface: sends whole Ethernet frames, receives adverts only.

    Args:
        name: interface name.
        index: its index.
        given: one that an earlier engine had for this interface. What waits in it is thrown away: nobody knows
            how old it is.

    Raises:
        OSError: no such interface, or not permitted.
    """
    # Protocol 0 receives nothing until `bind`, so nothing slips in before the filter is there.
    found = given or socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    try:
        attach_filter(found, _advert_filter(index))
        if given is not None:
            _empty(given)
            return given
        enlarge(found, _RECEIVE_BACKLOG)
        found.bind((name, ETHERTYPE_IPV4))
        membership = pack("=iHH8s", index, _PACKET_MR_MULTICAST, len(GROUP_MAC_IPV4), GROUP_MAC_IPV4)
        found.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
    except OSError:
        found.close()
        raise
    return found


def _empty(given: socket) -> None:
    buffer = bytearray(MAX_FRAME)
    for _ in range(_MOST_WAITING):
        try:
            given.recv_into(buffer)
        except BlockingIOError:
            return


def given_sockets(count: int) -> dict[str, socket]:
    """The packet sockets this process was started with, by the interface they are bound to.

    Args:
        count: how many; their descriptors are 3, 4 and so on. What is none, or has lost its interface, is closed.
    """
    found = {}
    for handle in range(FIRST_GIVEN, FIRST_GIVEN + count):
        try:
            given = socket(fileno=handle)
        except OSError:
            # No descriptor of that number, or no socket: nothing to keep, and nothing of ours to close.
            continue
        name = str(given.getsockname()[0]) if given.family == AF_PACKET else ""
        if name:
            os.set_inheritable(handle, False)
            given.setblocking(False)
            found[name] = given
        else:
            given.close()
    return found


def group_membership(index: int) -> socket:
    """Join the VRRP group on one interface, for switches that snoop IGMP; lasts as long as the socket.

    The packet socket's own membership opens the network card's filter but says nothing on the wire.

    Raises:
        OSError: the interface is gone.
    """
    member = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC)
    try:
        member.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, GROUP_IPV4 + bytes(4) + pack("=i", index))
    except OSError:
        member.close()
        raise
    return member
