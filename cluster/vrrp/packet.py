"""Adverts as bytes: VRRPv3 (RFC 9568) over IPv4 and IPv6, VRRPv2 (RFC 3768), with or without a signature.

What a VRRP message looks like::

     0                   1                   2                   3
    +-------+-------+---------------+---------------+---------------+
    |version|type 1 | virtual router| priority      | addresses     |
    +-------+-------+---------------+---------------+---------------+
    | v3: 4 reserved bits, interval | checksum                      |     v2: authentication type (8 bits),
    +-------------------------------+-------------------------------+         interval in seconds (8 bits)
    | the addresses, 4 or 16 bytes each ...                         |
    +---------------------------------------------------------------+
    | v2 only: 8 bytes of authentication data                       |
    +---------------------------------------------------------------+
    | signed only: the 28 bytes of auth.py                          |
    +---------------------------------------------------------------+

Three facts of the field differ from the text of the RFCs, all visible in tests/vectors:

- RFC 9568 section 5.2.8 takes the IPv4 checksum over the message alone. Every deployed daemon sends and demands
  the one with the pseudo-header. That one is sent, both are accepted.
- The checksum of v2 and of IPv4 leaves the signature out, the one of IPv6 covers it.
- The four reserved bits beside the interval are masked (section 5.2.6); a daemon that did not waited half an hour.

Decoding raises `RejectedError` and nothing else, whatever the bytes are.
"""

from __future__ import annotations

import struct
from typing import Final, Literal, NamedTuple

from cluster.errors import InvalidConfigurationError
from cluster.units import Centiseconds, Priority, Vrid
from cluster.vrrp.reject import Reject, RejectedError

Family = Literal[4, 6]
Buffer = bytes | bytearray | memoryview

PROTOCOL: Final = 112
HOPS: Final = 255
"""TTL and hop limit: what arrives with less crossed a router (RFC 9568 section 5.1.1.3)."""
GROUP_IPV4: Final = bytes((224, 0, 0, 18))
GROUP_IPV6: Final = bytes.fromhex("ff020000000000000000000000000012")
GROUP_MAC_IPV4: Final = bytes.fromhex("01005e000012")
GROUP_MAC_IPV6: Final = bytes.fromhex("333300000012")
TRAILER_SIZE: Final = 28
AUTH_NONE: Final = 0
AUTH_SIMPLE: Final = 1
NO_AUTH_DATA: Final = bytes(8)

_HEAD: Final = struct.Struct(">BBBBHH")
_IPV4: Final = struct.Struct(">BBHHHBBH4s4s")
_ADVERTISEMENT: Final = 1
IPSEC_AH: Final = 51
_TOS: Final = 0xC0
_DONT_FRAGMENT: Final = 0x4000
_FRAGMENT: Final = 0x3FFF
_ONES: Final = 0xFFFF
_MTU: Final = 1500
_MAX_COUNT: Final = 255


class Advert(NamedTuple):
    """One advertisement.

    Attributes:
        version: 2 or 3.
        vrid: virtual router.
        priority: 0 gives the role up.
        interval: Max Advertise Interval; in version 2 whole seconds, expressed in centiseconds.
        addresses: the virtual addresses, 4 or 16 bytes each, all of one family.
        auth_type: version 2 only: `AUTH_NONE` or `AUTH_SIMPLE`.
        auth_data: version 2 only: 8 bytes.
        trailer: the signature (auth.py), or empty.
    """

    version: int
    vrid: Vrid
    priority: Priority
    interval: Centiseconds
    addresses: tuple[bytes, ...]
    auth_type: int = AUTH_NONE
    auth_data: bytes = b""
    trailer: bytes = b""


class Received(NamedTuple):
    """An advert that passed every check that needs no configuration.

    Attributes:
        family: 4 or 6.
        source: sender's address, 4 or 16 bytes.
        destination: the group, or a unicast address.
        advert: what it says.
        message: the exact bytes of the VRRP message without the trailer, for the authentication.
    """

    family: Family
    source: bytes
    destination: bytes
    advert: Advert
    message: bytes


# --- writing ---------------------------------------------------------------------------------------


def encode(advert: Advert, source: bytes, destination: bytes) -> bytes:
    """Write the VRRP message, and the trailer if the advert has one.

    Args:
        advert: what to say.
        source: our address, 4 or 16 bytes; decides the family.
        destination: the group or a unicast address; part of the checksum.

    Raises:
        InvalidConfigurationError: a field is outside what the wire can carry; the sentence says what it allows.
    """
    width = len(source)
    _check_fields(advert, width)
    field = _interval_field(advert)
    head = _HEAD.pack(
        advert.version << 4 | _ADVERTISEMENT, advert.vrid, advert.priority, len(advert.addresses), field, 0
    )
    tail = b"".join(advert.addresses)
    if advert.version == 2:
        tail += advert.auth_data or NO_AUTH_DATA
    covered = head + tail + (advert.trailer if width == 16 else b"")
    total = _sum(covered)
    if advert.version == 3:
        total += _pseudo_header_sum(source + destination, len(covered))
    return head[:6] + _complement(total).to_bytes(2, "big") + tail + advert.trailer


def ipv4_header(source: bytes, destination: bytes, payload_size: int) -> bytes:
    """The 20 bytes before the message: TTL 255, TOS 0xC0, no fragments and so no identification (RFC 6864).

    Args:
        source: our address, 4 bytes.
        destination: the group or a unicast address, 4 bytes.
        payload_size: bytes of message and trailer.
    """
    fields = (0x45, _TOS, 20 + payload_size, 0, _DONT_FRAGMENT, HOPS, PROTOCOL)
    checksum = _complement(_sum(_IPV4.pack(*fields, 0, source, destination)))
    return _IPV4.pack(*fields, checksum, source, destination)


def encode_ipv4(advert: Advert, source: bytes, destination: bytes = GROUP_IPV4) -> bytes:
    """Write a whole IPv4 packet; arguments and errors as for `encode`."""
    message = encode(advert, source, destination)
    return ipv4_header(source, destination, len(message)) + message


def max_addresses(family: Family) -> int:
    """How many virtual addresses one advert can carry, signed, in an Ethernet frame of 1500 bytes.

    Over IPv4 the count's 8 bits are the limit, over IPv6 the frame.
    """
    return _MAX_COUNT if family == 4 else (_MTU - 40 - _HEAD.size - TRAILER_SIZE) // 16


def virtual_mac(vrid: Vrid, family: Family = 4) -> bytes:
    """The MAC address of a virtual router, 00-00-5E-00-01 (IPv6: 02) and the VRID (RFC 9568 section 7.3)."""
    return bytes((0x00, 0x00, 0x5E, 0x00, 0x01 if family == 4 else 0x02, vrid))


def _check_fields(advert: Advert, width: int) -> None:
    if (advert.version, width) not in ((3, 4), (3, 16), (2, 4)):
        raise InvalidConfigurationError(
            f"VRRP version {advert.version} does not exist over IPv{6 if width == 16 else 4}; use version 3"
        )
    if not 1 <= advert.vrid <= 255:
        raise InvalidConfigurationError(f"virtual router id {advert.vrid} is not between 1 and 255")
    if not 0 <= advert.priority <= 255:
        raise InvalidConfigurationError(f"priority {advert.priority} is not between 0 and 255")
    limit = max_addresses(4 if width == 4 else 6)
    if not 1 <= len(advert.addresses) <= limit:
        raise InvalidConfigurationError(
            f"{len(advert.addresses)} virtual addresses on one interface; an advert carries 1 to {limit}"
        )
    if any(len(address) != width for address in advert.addresses):
        raise InvalidConfigurationError("the virtual addresses of one advert are of another family than its source")
    if advert.auth_type not in ((AUTH_NONE, AUTH_SIMPLE) if advert.version == 2 else (AUTH_NONE,)):
        raise InvalidConfigurationError("authentication type is none or a simple password, in VRRP version 2 only")
    if len(advert.auth_data) not in ((0, 8) if advert.version == 2 else (0,)):
        raise InvalidConfigurationError("authentication data is exactly 8 bytes and exists in VRRP version 2 only")
    if len(advert.trailer) not in (0, TRAILER_SIZE):
        raise InvalidConfigurationError(f"a signature has {TRAILER_SIZE} bytes, not {len(advert.trailer)}")


def _interval_field(advert: Advert) -> int:
    if advert.version == 3:
        if not 1 <= advert.interval <= 0x0FFF:
            raise InvalidConfigurationError(f"interval of {advert.interval} centiseconds is not between 1 and 4095")
        return advert.interval
    seconds, rest = divmod(advert.interval, 100)
    if rest or not 1 <= seconds <= 255:
        raise InvalidConfigurationError(
            f"interval of {advert.interval} centiseconds; VRRP version 2 knows whole seconds from 1 to 255"
        )
    return advert.auth_type << 8 | seconds


# --- reading ---------------------------------------------------------------------------------------


def decode_ipv4(packet: Buffer) -> Received:
    """Read a whole IPv4 packet; IP options and Ethernet padding behind it are fine.

    Args:
        packet: from the first byte of the IP header.

    Raises:
        RejectedError: it is no valid advert.
    """
    packet = bytes(packet)
    if len(packet) < _IPV4.size:
        raise RejectedError(Reject.TRUNCATED)
    start, _, size, _, fragment, ttl, protocol, _, source, destination = _IPV4.unpack_from(packet)
    if start >> 4 != 4:
        raise RejectedError(Reject.NOT_VRRP)
    if protocol != PROTOCOL:
        raise RejectedError(Reject.IPSEC_AH if protocol == IPSEC_AH else Reject.NOT_VRRP)
    header = (start & 0x0F) * 4
    if size > len(packet):
        raise RejectedError(Reject.TRUNCATED)
    if not _IPV4.size <= header <= size or _sum(packet[:header]):
        raise RejectedError(Reject.IP_HEADER)
    if fragment & _FRAGMENT:
        raise RejectedError(Reject.FRAGMENT)
    if ttl != HOPS:
        raise RejectedError(Reject.TTL)
    if source[0] in (0, 127) or source[0] >= 224:
        raise RejectedError(Reject.SOURCE)
    return _decode_message(4, packet[header:size], source, destination)


def decode_ipv6(payload: Buffer, source: bytes, destination: bytes, hop_limit: int) -> Received:
    """Read the payload of an IPv6 packet; a raw socket delivers the header's fields beside it.

    Args:
        payload: from the first byte of the VRRP message, exactly as long as the IP header says.
        source: sender's address, 16 bytes.
        destination: the group or a unicast address, 16 bytes.
        hop_limit: of the packet.

    Raises:
        RejectedError: it is no valid advert.
    """
    if hop_limit != HOPS:
        raise RejectedError(Reject.TTL)
    if source[0] == 0xFF or not any(source):
        raise RejectedError(Reject.SOURCE)
    return _decode_message(6, bytes(payload), source, destination)


def _decode_message(family: Family, payload: bytes, source: bytes, destination: bytes) -> Received:
    if len(payload) < _HEAD.size:
        raise RejectedError(Reject.TRUNCATED)
    start, vrid, priority, count, field, _ = _HEAD.unpack_from(payload)
    version = start >> 4
    if version != 3 and (version != 2 or family != 4):
        raise RejectedError(Reject.VERSION)
    if start & 0x0F != _ADVERTISEMENT:
        raise RejectedError(Reject.TYPE)
    width = 4 if family == 4 else 16
    end = _HEAD.size + count * width
    size = end + 8 if version == 2 else end
    if len(payload) not in (size, size + TRAILER_SIZE):
        raise RejectedError(Reject.LENGTH)
    message = payload[:size]
    if not _checksum_holds(version, payload if family == 6 else message, source + destination):
        raise RejectedError(Reject.CHECKSUM)
    if not vrid:
        raise RejectedError(Reject.VRID_ZERO)
    auth_type, interval = (AUTH_NONE, field & 0x0FFF) if version == 3 else (field >> 8, (field & 0xFF) * 100)
    if auth_type not in (AUTH_NONE, AUTH_SIMPLE):
        raise RejectedError(Reject.AUTH_TYPE)
    if not interval:
        raise RejectedError(Reject.INTERVAL_ZERO)
    if not count:
        raise RejectedError(Reject.NO_ADDRESSES)
    advert = Advert(
        version,
        Vrid(vrid),
        Priority(priority),
        Centiseconds(interval),
        tuple([message[at : at + width] for at in range(_HEAD.size, end, width)]),
        auth_type,
        message[end:],
        payload[size:],
    )
    return Received(family, source, destination, advert, message)


# --- the checksum ------------------------------------------------------------------------------------


def _checksum_holds(version: int, covered: bytes, addresses: bytes) -> bool:
    total = _sum(covered)
    if not total and len(addresses) == 8:
        return True
    return version == 3 and not (total + _pseudo_header_sum(addresses, len(covered))) % _ONES


def _pseudo_header_sum(addresses: bytes, size: int) -> int:
    return _sum(addresses) + PROTOCOL + size


def _sum(data: bytes) -> int:
    """The ones' complement sum of 16 bit words (RFC 1071), as its remainder modulo 0xFFFF.

    65536 leaves 1, so a number has the same remainder as the sum of its 16 bit digits: one division in C
    instead of a loop. `data` has an even number of bytes.
    """
    return int.from_bytes(data, "big") % _ONES


def _complement(total: int) -> int:
    # Data that is not all zero never adds up to zero but to 0xFFFF, which leaves the same remainder.
    return _ONES - (total % _ONES or _ONES)
