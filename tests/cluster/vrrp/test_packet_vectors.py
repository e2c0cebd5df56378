"""What real daemons sent is understood, and would be written by us byte for byte."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from cluster.vrrp.packet import (
    GROUP_IPV4,
    GROUP_IPV6,
    GROUP_MAC_IPV4,
    GROUP_MAC_IPV6,
    TRAILER_SIZE,
    Received,
    decode_ipv4,
    decode_ipv6,
    encode,
    encode_ipv4,
    virtual_mac,
)
from cluster.vrrp.reject import Reject, RejectedError
from tests.support.vectors import SIGNED, Capture, adverts, all_adverts, described, frames, names

CAPTURES = [name for name in names() if adverts(name)]
DESCRIBED = [pytest.param(fields, id=f"{name}-{fields['prio']}") for name, fields in described()]


def decode(capture: Capture) -> Received:
    if capture.family == 4:
        return decode_ipv4(capture.packet)
    return decode_ipv6(capture.payload, capture.source, capture.destination, capture.hops)


def with_payload(capture: Capture, payload: bytes) -> Capture:
    """The same packet around another payload, with an IP header that agrees with it."""
    if capture.family == 6:
        return capture._replace(payload=payload)
    header = bytearray(capture.packet[:20])
    header[2:4] = (20 + len(payload)).to_bytes(2, "big")
    header[10:12] = bytes(2)
    words = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, 20, 2))
    while words > 0xFFFF:
        words = (words & 0xFFFF) + (words >> 16)
    header[10:12] = (words ^ 0xFFFF).to_bytes(2, "big")
    return capture._replace(packet=bytes(header) + payload, payload=payload)


def test_there_are_captures_of_both_versions_both_families_and_signed_ones() -> None:
    kinds = {(capture.family, capture.payload[0] >> 4) for capture in all_adverts()}
    assert kinds == {(4, 2), (4, 3), (6, 3)}
    assert set(SIGNED) < set(CAPTURES)
    assert len(all_adverts()) > 60


@pytest.mark.parametrize("fields", DESCRIBED)
def test_a_captured_advert_says_what_another_decoder_read_in_it(fields: dict[str, Any]) -> None:
    packet = bytes.fromhex(fields["frame"])[14:]
    if fields["proto"] == 51:
        with pytest.raises(RejectedError) as rejected:
            decode_ipv4(packet)
        assert rejected.value.reason is Reject.IPSEC_AH
        return
    received = (
        decode_ipv6(packet[40:], packet[8:24], packet[24:40], packet[7])
        if ":" in fields["src"]
        else decode_ipv4(packet)
    )
    advert = received.advert
    assert str(ipaddress.ip_address(received.source)) == fields["src"]
    assert str(ipaddress.ip_address(received.destination)) == fields["dst"]
    assert (advert.version, advert.vrid, advert.priority) == (fields["ver"], fields["vrid"], fields["prio"])
    assert advert.interval == (fields["adv_cs"] if advert.version == 3 else fields["adv_s"] * 100)
    assert [str(ipaddress.ip_address(address)) for address in advert.addresses] == fields["addrs"]
    assert len(received.message) == fields["vrrplen"]
    assert advert.auth_type == fields.get("auth", 0)
    assert advert.auth_data.hex() == fields.get("authdata", "")
    assert advert.trailer == b""


@pytest.mark.parametrize("name", CAPTURES)
def test_a_captured_advert_is_written_again_byte_for_byte(name: str) -> None:
    for capture in adverts(name):
        received = decode(capture)
        assert encode(received.advert, received.source, received.destination) == capture.payload


@pytest.mark.parametrize("name", CAPTURES)
def test_our_ip_header_differs_from_theirs_in_identification_and_dont_fragment_only(name: str) -> None:
    for capture in adverts(name):
        if capture.family == 4:
            received = decode(capture)
            ours = encode_ipv4(received.advert, received.source, received.destination)
            for same in (slice(0, 4), slice(8, 10), slice(12, None)):
                assert ours[same] == capture.packet[same]
            assert ours[4:8] == b"\0\0\x40\0"
            assert decode_ipv4(ours) == received


@pytest.mark.parametrize("name", SIGNED)
def test_the_signature_is_kept_apart_from_the_message(name: str) -> None:
    for capture in adverts(name):
        received = decode(capture)
        assert len(received.advert.trailer) == TRAILER_SIZE
        assert received.message + received.advert.trailer == capture.payload


@pytest.mark.parametrize("name", CAPTURES)
def test_a_packet_cut_off_anywhere_is_rejected(name: str) -> None:
    for capture in adverts(name):
        if capture.family == 4:
            for size in range(len(capture.packet)):
                with pytest.raises(RejectedError) as rejected:
                    decode_ipv4(capture.packet[:size])
                assert rejected.value.reason is Reject.TRUNCATED


@pytest.mark.parametrize("name", CAPTURES)
def test_a_message_cut_off_anywhere_is_rejected_although_the_ip_header_agrees(name: str) -> None:
    for capture in adverts(name):
        whole = {len(capture.payload)}
        if capture.family == 4 and name in SIGNED:
            whole.add(len(capture.payload) - TRAILER_SIZE)  # unsigned then; the authentication's matter
        for size in set(range(len(capture.payload))) - whole:
            with pytest.raises(RejectedError):
                decode(with_payload(capture, capture.payload[:size]))


@pytest.mark.parametrize("name", CAPTURES)
def test_padding_behind_the_ip_packet_does_not_matter(name: str) -> None:
    for capture in adverts(name):
        if capture.family == 4:
            for padding in (b"\0", bytes(14), b"\xff" * TRAILER_SIZE):
                assert decode_ipv4(capture.packet + padding) == decode_ipv4(capture.packet)


@pytest.mark.parametrize("name", CAPTURES)
def test_data_behind_the_message_inside_the_ip_packet_is_rejected(name: str) -> None:
    for capture in adverts(name):
        for size in (1, 2, 4, 8, 20, 27, 29, 56):
            with pytest.raises(RejectedError) as rejected:
                decode(with_payload(capture, capture.payload + bytes(size)))
            assert rejected.value.reason is Reject.LENGTH


@pytest.mark.parametrize("name", CAPTURES)
def test_any_single_bit_turned_over_is_noticed(name: str) -> None:
    for capture in adverts(name):
        covered = len(capture.payload)
        if capture.family == 4 and name in SIGNED:
            covered -= TRAILER_SIZE  # the IPv4 checksum leaves the signature out, the tag sees to it
        for bit in range(covered * 8):
            payload = bytearray(capture.payload)
            payload[bit // 8] ^= 1 << bit % 8
            with pytest.raises(RejectedError):
                decode(with_payload(capture, bytes(payload)))


@pytest.mark.parametrize("name", CAPTURES)
def test_any_single_bit_of_the_ip_header_turned_over_is_noticed(name: str) -> None:
    for capture in adverts(name):
        if capture.family == 4:
            for bit in range(160):
                packet = bytearray(capture.packet)
                packet[bit // 8] ^= 1 << bit % 8
                with pytest.raises(RejectedError):
                    decode_ipv4(bytes(packet))


def test_the_groups_are_those_on_the_wire() -> None:
    assert {capture.destination for capture in adverts("ka_v3_ipv4")} == {GROUP_IPV4}
    assert {capture.destination for capture in adverts("ka_v3_ipv6")} == {GROUP_IPV6}
    assert {frame[:6] for frame in frames("ka_v3_ipv4") if frame[23] == 112} == {GROUP_MAC_IPV4}
    assert {frame[:6] for frame in frames("ka_v3_ipv6") if frame[12:14] + frame[20:21] == b"\x86\xddp"} == {
        GROUP_MAC_IPV6
    }


def test_the_virtual_mac_is_the_one_on_the_wire() -> None:
    vrid = decode(adverts("ka_v3_vmac")[0]).advert.vrid
    senders = {frame[6:12] for frame in frames("ka_v3_vmac") if frame[23:24] == b"\x70"}
    assert senders == {virtual_mac(vrid)}
    assert virtual_mac(vrid, 6).hex("-") == "00-00-5e-00-02-33"
