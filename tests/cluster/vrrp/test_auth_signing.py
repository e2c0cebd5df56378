"""Signatures are those of the draft and of keepalived 2.4.3, byte for byte."""

from __future__ import annotations

import hmac
import ipaddress

import pytest

from cluster.units import NANOSECONDS_PER_SECOND, Centiseconds, Nanoseconds, Priority, Seconds, Vrid
from cluster.vrrp.auth import Key, Policy, Signer, Verdict, Verifier, sign
from cluster.vrrp.packet import (
    GROUP_IPV4,
    TRAILER_SIZE,
    Advert,
    Received,
    decode_ipv4,
    decode_ipv6,
    encode,
    encode_ipv4,
    ipv4_header,
)
from cluster.vrrp.reject import Reject, RejectedError
from tests.support.vectors import SIGNED, SIGNING_SECRET, Capture, adverts, draft_images

KEY = Key(1, SIGNING_SECRET)
GENUINE = Verdict(accepted=True, reason=None)
SOURCE = bytes((192, 168, 12, 141))
ADVERT = Advert(3, Vrid(2), Priority(254), Centiseconds(25), (bytes((192, 168, 200, 1)),))
NOW = Nanoseconds(0)


def decode(capture: Capture) -> Received:
    if capture.family == 4:
        return decode_ipv4(capture.packet)
    return decode_ipv6(capture.payload, capture.source, capture.destination, capture.hops)


def sequence_of(received: Received) -> int:
    return int.from_bytes(received.advert.trailer[4:12], "big")


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_the_images_printed_in_the_draft_come_out(family: str) -> None:
    image = draft_images()[family]
    source = ipaddress.ip_address(image["src"]).packed
    message, trailer = bytes.fromhex(image["message"]), bytes.fromhex(image["trailer"])
    assert Signer(KEY, source, message).trailer(0x6800000080000000) == trailer


def test_the_ipv4_image_of_the_draft_is_a_whole_advert_we_believe() -> None:
    image = draft_images()["ipv4"]
    source = ipaddress.ip_address(image["src"]).packed
    payload = bytes.fromhex(image["message"] + image["trailer"])
    received = decode_ipv4(ipv4_header(source, GROUP_IPV4, len(payload)) + payload)
    assert Verifier([KEY]).verify(received, NOW) == GENUINE


def test_the_ipv6_image_of_the_draft_is_a_whole_advert_we_believe_and_write() -> None:
    image = draft_images()["ipv6"]
    source, destination = (ipaddress.ip_address(image[end]).packed for end in ("src", "dst"))
    payload = bytes.fromhex(image["message"] + image["trailer"])
    received = decode_ipv6(payload, source, destination, 255)
    assert Verifier([KEY]).verify(received, NOW) == GENUINE
    unsigned = received.advert._replace(trailer=b"")
    signed = sign(unsigned, source, destination, KEY, 0x6800000080000000)
    assert encode(signed, source, destination) == payload


@pytest.mark.parametrize("version", [2, 3])
def test_the_tag_covers_what_the_draft_lists_in_its_order(version: int) -> None:
    # The images all have VRID 51 = 0x33, whose halves look like the version; so once more with another, by hand.
    advert = ADVERT._replace(version=version, vrid=Vrid(0xA5), interval=Centiseconds(100))
    message = encode(advert, SOURCE, GROUP_IPV4)
    start = bytes((1, 7, 0, 0)) + bytes.fromhex("6800000080000001")
    signed = (
        bytes((4, version, 0xA5, 0)) + SOURCE + bytes(12)
        + message[:6] + bytes(2) + message[8:]
        + start + bytes(16)
    )
    tag = hmac.new(SIGNING_SECRET, signed, "sha256").digest()[:16]
    assert Signer(Key(7, SIGNING_SECRET), SOURCE, message).trailer(0x6800000080000001) == start + tag


@pytest.mark.parametrize("name", SIGNED)
def test_what_keepalived_signed_is_believed_in_its_order_and_never_twice(name: str) -> None:
    verifier = Verifier([KEY])
    received = [decode(capture) for capture in adverts(name)]
    assert [verifier.verify(advert, NOW) for advert in received] == [GENUINE] * len(received)
    assert {verifier.verify(advert, NOW).reason for advert in received} == {Reject.REPLAYED}


@pytest.mark.parametrize("name", SIGNED)
def test_we_sign_what_keepalived_signed_exactly_as_it_did(name: str) -> None:
    for capture in adverts(name):
        received = decode(capture)
        unsigned = received.advert._replace(trailer=b"")
        signed = sign(unsigned, received.source, received.destination, KEY, sequence_of(received))
        assert encode(signed, received.source, received.destination) == capture.payload


@pytest.mark.parametrize("name", SIGNED)
def test_any_bit_of_message_or_signature_turned_over_is_noticed(name: str) -> None:
    received = decode(adverts(name)[0])
    advert = received.advert
    for bit in range(len(received.message) * 8):
        message = bytearray(received.message)
        message[bit // 8] ^= 1 << bit % 8
        in_checksum = bit // 8 in (6, 7)  # the only field that is not signed
        verdict = Verifier([KEY]).verify(received._replace(message=bytes(message)), NOW)
        assert verdict.accepted is in_checksum
    for bit in range(TRAILER_SIZE * 8):
        trailer = bytearray(advert.trailer)
        trailer[bit // 8] ^= 1 << bit % 8
        altered = received._replace(advert=advert._replace(trailer=bytes(trailer)))
        assert not Verifier([KEY]).verify(altered, NOW).accepted


@pytest.mark.parametrize("name", SIGNED)
def test_a_signature_holds_for_its_sender_its_router_and_its_family_only(name: str) -> None:
    received = decode(adverts(name)[0])
    elsewhere = received.source[:-1] + b"\x63"
    assert Verifier([KEY]).verify(received._replace(source=elsewhere), NOW).reason is Reject.BAD_TAG
    other_size = received.source[:4] if received.family == 6 else received.source + bytes(12)
    assert Verifier([KEY]).verify(received._replace(source=other_size), NOW).reason is Reject.BAD_TAG


@pytest.mark.parametrize("name", SIGNED)
def test_captures_of_yesterday_are_stale_in_a_freshness_window_and_fresh_at_their_time(name: str) -> None:
    received = decode(adverts(name)[0])
    signed_at = sequence_of(received) >> 32
    verifier = Verifier([KEY], Policy.ENFORCE, Seconds(5))
    for seconds, reason in (
        (signed_at + 6, Reject.STALE), (signed_at - 6, Reject.STALE), (0, Reject.STALE), (signed_at + 5, None),
    ):
        assert verifier.verify(received, Nanoseconds(seconds * NANOSECONDS_PER_SECOND)).reason is reason


def test_a_signed_ipv4_advert_without_its_signature_is_an_unsigned_one() -> None:
    # Cutting the trailer off is the easiest forgery there is: the message's own checksum stays right.
    signed = sign(ADVERT, SOURCE, GROUP_IPV4, KEY, 1)
    cut = decode_ipv4(encode_ipv4(signed._replace(trailer=b""), SOURCE))
    assert Verifier([KEY]).verify(cut, NOW) == Verdict(accepted=False, reason=Reject.NO_TRAILER)


def test_over_ipv6_the_checksum_covers_the_signature() -> None:
    capture = adverts("ka243_v3_hmac_ipv6")[0]
    altered = capture.payload[:-1] + bytes((capture.payload[-1] ^ 1,))
    with pytest.raises(RejectedError) as rejected:
        decode_ipv6(altered, capture.source, capture.destination, 255)
    assert rejected.value.reason is Reject.CHECKSUM


def test_a_version_2_advert_can_be_signed_too() -> None:
    advert = ADVERT._replace(version=2, interval=Centiseconds(100), auth_data=bytes(8))
    received = decode_ipv4(encode_ipv4(sign(advert, SOURCE, GROUP_IPV4, KEY, 1), SOURCE))
    assert Verifier([KEY]).verify(received, NOW) == GENUINE


def test_one_message_is_signed_again_and_again_with_nothing_but_the_sequence_changing() -> None:
    message = encode(ADVERT, SOURCE, GROUP_IPV4)
    packet = ipv4_header(SOURCE, GROUP_IPV4, len(message) + TRAILER_SIZE) + message
    signer, verifier = Signer(KEY, SOURCE, message), Verifier([KEY])
    for sequence in (1, 2, 1 << 16, 1 << 32, (1 << 64) - 1):
        received = decode_ipv4(packet + signer.trailer(sequence))
        assert sequence_of(received) == sequence
        assert verifier.verify(received, NOW) == GENUINE
