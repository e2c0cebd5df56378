"""What holds for every advert and for every sequence of bytes; scapy judges from outside."""

from __future__ import annotations

import ipaddress
import struct
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.vrrp import VRRP, VRRPv3

from cluster.units import Centiseconds, Priority, Vrid
from cluster.vrrp.packet import (
    AUTH_NONE,
    AUTH_SIMPLE,
    GROUP_IPV4,
    GROUP_IPV6,
    Advert,
    Received,
    decode_ipv4,
    decode_ipv6,
    encode,
    encode_ipv4,
)
from cluster.vrrp.reject import RejectedError
from tests.support.vectors import all_adverts

VRIDS = st.integers(1, 255).map(Vrid)
PRIORITIES = st.integers(0, 255).map(Priority)
TRAILERS = st.just(b"") | st.binary(min_size=28, max_size=28)
HOSTS_IPV4 = st.binary(min_size=4, max_size=4).filter(lambda host: host[0] not in (0, 127) and host[0] < 224)
HOSTS_IPV6 = st.binary(min_size=16, max_size=16).filter(lambda host: host[0] != 0xFF and any(host))
ADVERTS_IPV4 = st.builds(
    Advert,
    version=st.just(3),
    vrid=VRIDS,
    priority=PRIORITIES,
    interval=st.integers(1, 4095).map(Centiseconds),
    addresses=st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=255).map(tuple),
    auth_type=st.just(AUTH_NONE),
    auth_data=st.just(b""),
    trailer=TRAILERS,
)
ADVERTS_IPV6 = st.builds(
    Advert,
    version=st.just(3),
    vrid=VRIDS,
    priority=PRIORITIES,
    interval=st.integers(1, 4095).map(Centiseconds),
    addresses=st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=89).map(tuple),
    auth_type=st.just(AUTH_NONE),
    auth_data=st.just(b""),
    trailer=TRAILERS,
)
ADVERTS_VERSION_2 = st.builds(
    Advert,
    version=st.just(2),
    vrid=VRIDS,
    priority=PRIORITIES,
    interval=st.integers(1, 255).map(lambda seconds: Centiseconds(seconds * 100)),
    addresses=st.lists(st.binary(min_size=4, max_size=4), min_size=1, max_size=255).map(tuple),
    auth_type=st.sampled_from((AUTH_NONE, AUTH_SIMPLE)),
    auth_data=st.binary(min_size=8, max_size=8),
    trailer=TRAILERS,
)


@given(advert=ADVERTS_IPV4 | ADVERTS_VERSION_2, source=HOSTS_IPV4, destination=st.just(GROUP_IPV4) | HOSTS_IPV4)
def test_what_is_written_over_ipv4_is_read_again(advert: Advert, source: bytes, destination: bytes) -> None:
    received = decode_ipv4(encode_ipv4(advert, source, destination))
    message = encode(advert._replace(trailer=b""), source, destination)
    assert received == Received(4, source, destination, advert, message)


@given(advert=ADVERTS_IPV6, source=HOSTS_IPV6, destination=st.just(GROUP_IPV6) | HOSTS_IPV6)
def test_what_is_written_over_ipv6_is_read_again(advert: Advert, source: bytes, destination: bytes) -> None:
    payload = encode(advert, source, destination)
    received = decode_ipv6(payload, source, destination, 255)
    assert (received.advert, received.source, received.destination) == (advert, source, destination)
    assert received.message + advert.trailer == payload


def layers(packet: Any) -> tuple[Any, Any]:
    return packet, packet.payload


@given(advert=ADVERTS_IPV4.map(lambda advert: advert._replace(trailer=b"")), source=HOSTS_IPV4)
def test_scapy_reads_version_3_as_we_wrote_it_and_gets_the_same_checksums(advert: Advert, source: bytes) -> None:
    packet = encode_ipv4(advert, source)
    ip, vrrp = layers(IP(packet))
    assert (ip.ttl, ip.tos, ip.proto, ip.len) == (255, 0xC0, 112, len(packet))
    assert isinstance(vrrp, VRRPv3)
    assert (vrrp.version, vrrp.type, vrrp.vrid, vrrp.priority) == (3, 1, advert.vrid, advert.priority)
    assert (vrrp.res, vrrp.adv) == (0, advert.interval)
    assert [ipaddress.ip_address(address).packed for address in vrrp.addrlist] == list(advert.addresses)
    del ip.chksum, vrrp.chksum
    assert bytes(ip) == packet


@given(advert=ADVERTS_VERSION_2.map(lambda advert: advert._replace(trailer=b"")), source=HOSTS_IPV4)
def test_scapy_reads_version_2_as_we_wrote_it_and_gets_the_same_checksums(advert: Advert, source: bytes) -> None:
    packet = encode_ipv4(advert, source)
    ip, vrrp = layers(IP(packet))
    assert isinstance(vrrp, VRRP)
    assert (vrrp.version, vrrp.type, vrrp.vrid, vrrp.priority) == (2, 1, advert.vrid, advert.priority)
    assert (vrrp.adv * 100, vrrp.authtype) == (advert.interval, advert.auth_type)
    assert vrrp.auth1.to_bytes(4, "big") + vrrp.auth2.to_bytes(4, "big") == advert.auth_data
    assert [ipaddress.ip_address(address).packed for address in vrrp.addrlist] == list(advert.addresses)
    del ip.chksum, vrrp.chksum
    assert bytes(ip) == packet


@given(advert=ADVERTS_IPV6.map(lambda advert: advert._replace(trailer=b"")), source=HOSTS_IPV6)
def test_scapy_computes_the_checksum_of_ipv6_as_we_do(advert: Advert, source: bytes) -> None:
    payload = encode(advert, source, GROUP_IPV6)
    packet = struct.pack("!IHBB", 0x6C000000, len(payload), 112, 255) + source + GROUP_IPV6 + payload
    ip, vrrp = layers(IPv6(packet))
    assert isinstance(vrrp, VRRPv3)
    assert [ipaddress.ip_address(address).packed for address in vrrp.addrlist] == list(advert.addresses)
    del vrrp.chksum
    assert bytes(ip) == packet


@settings(max_examples=500)
@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_read_or_rejected_and_never_anything_else(data: bytes) -> None:
    with suppress(RejectedError):
        decode_ipv4(data)
    with suppress(RejectedError):
        decode_ipv6(data, bytes(range(16)), GROUP_IPV6, 255)


class Resealed:
    """Captured packets with bytes overwritten, and their checksums put right so that the damage gets deeper."""

    captures = tuple(all_adverts())

    @staticmethod
    def header(packet: bytearray) -> None:
        size = (packet[0] & 15) * 4
        packet[10:12] = bytes(2)
        packet[10:12] = (0xFFFF - int.from_bytes(packet[:size], "big") % 0xFFFF).to_bytes(2, "big")

    @staticmethod
    def message(payload: bytearray) -> None:
        payload[6:8] = bytes(2)
        even = bytes(payload) + bytes(len(payload) % 2)
        payload[6:8] = (0xFFFF - int.from_bytes(even, "big") % 0xFFFF).to_bytes(2, "big")


@settings(max_examples=500)
@given(data=st.data())
def test_damaged_captures_with_right_checksums_are_read_or_rejected_and_never_anything_else(data: Any) -> None:
    capture = data.draw(st.sampled_from(Resealed.captures))
    payload = bytearray(capture.payload[: data.draw(st.integers(8, len(capture.payload)))])
    damage = st.tuples(st.integers(0, len(payload) - 1), st.integers(0, 255))
    for at, value in data.draw(st.lists(damage, max_size=6)):
        payload[at] = value
    payload += data.draw(st.binary(max_size=40))
    Resealed.message(payload)
    packet = bytearray(capture.packet[:20]) + payload
    packet[2:4] = data.draw(st.just(len(packet)) | st.integers(0, 65535)).to_bytes(2, "big")
    packet[0] = data.draw(st.just(0x45) | st.integers(0x45, 0x4F))
    Resealed.header(packet)
    with suppress(RejectedError):
        received = decode_ipv4(packet)
        assert encode(received.advert, received.source, received.destination)
    with suppress(RejectedError):
        decode_ipv6(payload, bytes(range(16)), GROUP_IPV6, 255)
