"""Each receive check, with a packet that is right but for one thing."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from cluster.errors import InvalidConfigurationError
from cluster.units import Centiseconds, Priority, Vrid
from cluster.vrrp.packet import (
    AUTH_SIMPLE,
    GROUP_IPV4,
    GROUP_IPV6,
    TRAILER_SIZE,
    Advert,
    decode_ipv4,
    decode_ipv6,
    encode,
    encode_ipv4,
    ipv4_header,
    max_addresses,
)
from cluster.vrrp.reject import Reject, RejectedError

SOURCE = bytes((192, 168, 12, 141))
SOURCE_IPV6 = bytes.fromhex("fe80000000000000000000000000000a")
ADVERT = Advert(3, Vrid(2), Priority(254), Centiseconds(25), (bytes((192, 168, 200, 1)),))


def ones_complement(data: bytes) -> int:
    """RFC 1071 as it is written there, a loop over 16 bit words; deliberately not how the codec does it."""
    if len(data) % 2:
        data += b"\0"
    total = 0
    for (word,) in struct.iter_unpack("!H", data):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def message(**changes: Any) -> bytes:
    """A VRRP message made by hand: version 3, type 1, VRID 2, priority 254, one address, 25 centiseconds."""
    field = {
        "start": 0x31, "vrid": 2, "priority": 254, "count": 1, "interval": 25, "pseudo_header": True, "spoil": 0,
        "addresses": bytes((192, 168, 200, 1)), "data": b"", "source": SOURCE, "destination": GROUP_IPV4,
    } | changes
    head = struct.pack("!BBBBH", *(field[name] for name in ("start", "vrid", "priority", "count", "interval")))
    body = field["addresses"] + field["data"]
    size = len(head) + 2 + len(body)
    pseudo_header = field["source"] + field["destination"] + struct.pack("!xBH", 112, size)
    covered = pseudo_header * field["pseudo_header"] + head + body
    checksum = ones_complement(covered) ^ field["spoil"]
    return head + struct.pack("!H", checksum) + body


def packet(payload: bytes, **changes: Any) -> bytes:
    """An IPv4 packet made by hand around a payload."""
    field = {
        "start": 0x45, "size": None, "fragment": 0, "ttl": 255, "protocol": 112, "source": SOURCE, "options": b"",
        "spoil": 0,
    } | changes
    size = field["size"] if field["size"] is not None else 20 + len(field["options"]) + len(payload)
    start, fragment, ttl, protocol = (field[name] for name in ("start", "fragment", "ttl", "protocol"))
    fixed = struct.pack("!BBHHHBB", start, 0xC0, size, 7, fragment, ttl, protocol)
    rest = field["source"] + GROUP_IPV4 + field["options"]
    checksum = ones_complement(fixed + b"\0\0" + rest) ^ field["spoil"]
    return fixed + struct.pack("!H", checksum) + rest + payload


def version_2(**changes: Any) -> bytes:
    return message(**{"start": 0x21, "interval": 0x0001, "data": bytes(8), "pseudo_header": False} | changes)


GOOD = packet(message())

REJECTED = {
    Reject.TRUNCATED: [
        b"", GOOD[:19], GOOD[:-1], packet(message(), size=200), packet(message()[:7]), packet(b""),
    ],
    Reject.NOT_VRRP: [
        packet(message(), protocol=17), packet(message(), start=0x65), packet(message(), start=0x05),
    ],
    Reject.IPSEC_AH: [packet(message(), protocol=51)],
    Reject.IP_HEADER: [
        packet(message(), spoil=1), packet(message(), start=0x44), packet(message(), size=19),
        packet(message(), start=0x4F),
    ],
    Reject.FRAGMENT: [
        packet(message(), fragment=0x2000), packet(message(), fragment=1), packet(message(), fragment=0x1FFF),
    ],
    Reject.TTL: [packet(message(), ttl=254), packet(message(), ttl=1), packet(message(), ttl=0)],
    Reject.SOURCE: [
        packet(message(source=bytes(host)), source=bytes(host))
        for host in ((0, 0, 0, 0), (0, 1, 2, 3), (127, 1, 2, 3), (224, 1, 2, 3), (255, 255, 255, 255))
    ],
    Reject.VERSION: [packet(message(start=start)) for start in (0x01, 0x11, 0x41, 0xF1)],
    Reject.TYPE: [packet(message(start=start)) for start in (0x30, 0x32, 0x3F)] + [packet(version_2(start=0x22))],
    Reject.LENGTH: [
        packet(message(count=2)), packet(message(count=0)), packet(message(count=255)),
        packet(message(data=bytes(4))), packet(message(data=bytes(27))), packet(message(data=bytes(29))),
        packet(version_2(data=b"")), packet(version_2(data=bytes(7))), packet(message() + b"\0"),
    ],
    Reject.CHECKSUM: [
        packet(message(spoil=1)), packet(message(spoil=0x8000)), packet(message(source=bytes(4))),
        packet(version_2(pseudo_header=True)), packet(version_2(spoil=1)),
    ],
    Reject.VRID_ZERO: [packet(message(vrid=0)), packet(version_2(vrid=0))],
    Reject.AUTH_TYPE: [packet(version_2(interval=kind << 8 | 1)) for kind in (2, 3, 254, 255)],
    Reject.INTERVAL_ZERO: [
        packet(message(interval=0)), packet(message(interval=0xF000)), packet(version_2(interval=0)),
        packet(version_2(interval=0x0100)),
    ],
    Reject.NO_ADDRESSES: [
        packet(message(count=0, addresses=b"")), packet(version_2(count=0, addresses=b"")),
    ],
}
CASES = [
    pytest.param(reason, bad, id=f"{reason.value}-{number}")
    for reason, packets in REJECTED.items()
    for number, bad in enumerate(packets)
]


def test_the_packet_made_by_hand_is_the_one_we_send() -> None:
    assert decode_ipv4(GOOD).advert == ADVERT
    assert encode(ADVERT, SOURCE, GROUP_IPV4) == message()


@pytest.mark.parametrize(("reason", "bad"), CASES)
def test_a_packet_wrong_in_one_thing_is_rejected_for_that(reason: Reject, bad: bytes) -> None:
    with pytest.raises(RejectedError) as rejected:
        decode_ipv4(bad)
    assert rejected.value.reason is reason
    assert str(rejected.value) == reason.explanation


def test_every_reason_of_the_wire_has_a_case_here() -> None:
    reasons = list(Reject)
    assert set(REJECTED) == set(reasons[: reasons.index(Reject.OWN_PACKET)])


def test_every_reason_has_a_word_and_an_explanation_of_its_own() -> None:
    assert len({reason.value for reason in Reject}) == len(list(Reject))
    assert len({reason.explanation for reason in Reject}) == len(list(Reject))
    assert all(Reject(reason.value) is reason for reason in Reject)


def test_both_forms_of_the_ipv4_checksum_are_accepted() -> None:
    assert decode_ipv4(packet(message(pseudo_header=False))).advert == ADVERT
    assert decode_ipv4(packet(message(pseudo_header=True))).advert == ADVERT
    assert message(pseudo_header=False) != message(pseudo_header=True)


def test_a_checksum_of_zero_written_as_ones_is_the_same_number() -> None:
    # Find an advert whose checksum comes out as zero, the one value with two spellings.
    zero = next(
        made for last in range(0x10000)
        if (made := message(addresses=bytes((192, 168)) + last.to_bytes(2, "big")))[6:8] == b"\0\0"
    )
    advert = decode_ipv4(packet(zero)).advert
    assert encode(advert, SOURCE, GROUP_IPV4) == zero
    assert decode_ipv4(packet(zero[:6] + b"\xff\xff" + zero[8:])).advert == advert


def test_an_ip_header_checksum_of_zero_is_written_as_zero() -> None:
    for last in range(0x10000):
        header = ipv4_header(bytes((10, 0)) + last.to_bytes(2, "big"), GROUP_IPV4, 12)
        if header[10:12] in (b"\0\0", b"\xff\xff"):
            assert header[10:12] == b"\0\0"
            return
    pytest.fail("no source address makes the checksum zero")


@pytest.mark.parametrize("nibble", range(16))
def test_the_reserved_bits_beside_the_interval_are_ignored(nibble: int) -> None:
    # RFC 9568 section 5.2.6; FRR took them for part of the interval and waited half an hour.
    assert decode_ipv4(packet(message(interval=nibble << 12 | 25))).advert.interval == 25


def test_priority_zero_is_a_valid_advert() -> None:
    assert decode_ipv4(packet(message(priority=0))).advert.priority == 0


@pytest.mark.parametrize("words", range(1, 11))
def test_ip_options_are_skipped(words: int) -> None:
    with_options = packet(message(), start=0x45 + words, options=b"\x94\x04\0\0" + b"\x01" * 4 * (words - 1))
    assert decode_ipv4(with_options) == decode_ipv4(GOOD)


@pytest.mark.parametrize("host", [(1, 0, 0, 1), (10, 0, 0, 1), (126, 127, 0, 0), (128, 0, 0, 1), (223, 255, 0, 9)])
def test_any_host_may_be_the_source(host: tuple[int, int, int, int]) -> None:
    assert decode_ipv4(packet(message(source=bytes(host)), source=bytes(host))).source == bytes(host)


def test_dont_fragment_is_no_fragment() -> None:
    assert decode_ipv4(packet(message(), fragment=0x4000)) == decode_ipv4(GOOD)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_the_packet_may_lie_in_a_buffer_that_is_used_again(kind: type[bytearray]) -> None:
    buffer = bytearray(GOOD + bytes(100))
    received = decode_ipv4(kind(buffer))
    buffer[:] = bytes(len(buffer))
    assert received == decode_ipv4(GOOD)


def test_over_ipv6_hop_limit_source_and_version_are_checked() -> None:
    advert = ADVERT._replace(addresses=(SOURCE_IPV6,))
    payload = encode(advert, SOURCE_IPV6, GROUP_IPV6)
    assert decode_ipv6(payload, SOURCE_IPV6, GROUP_IPV6, 255).advert == advert
    version_2_payload = bytes((payload[0] & 0x0F | 0x20,)) + payload[1:]
    for reason, arguments in (
        (Reject.TTL, (payload, SOURCE_IPV6, GROUP_IPV6, 254)),
        (Reject.SOURCE, (payload, bytes(16), GROUP_IPV6, 255)),
        (Reject.SOURCE, (payload, GROUP_IPV6, GROUP_IPV6, 255)),
        (Reject.VERSION, (version_2_payload, SOURCE_IPV6, GROUP_IPV6, 255)),
        (Reject.CHECKSUM, (payload, SOURCE_IPV6, GROUP_IPV6[:15] + b"\x13", 255)),
    ):
        with pytest.raises(RejectedError) as rejected:
            decode_ipv6(*arguments)
        assert rejected.value.reason is reason


def test_over_ipv6_the_message_alone_is_no_valid_checksum() -> None:
    alone = message(addresses=SOURCE_IPV6, pseudo_header=False)
    with pytest.raises(RejectedError) as rejected:
        decode_ipv6(alone, SOURCE_IPV6, GROUP_IPV6, 255)
    assert rejected.value.reason is Reject.CHECKSUM


@pytest.mark.parametrize("version", [3, 2])
def test_as_many_ipv4_addresses_as_the_count_can_say_fit_one_frame(version: int) -> None:
    addresses = tuple(bytes((10, 0, number >> 8, number & 255)) for number in range(max_addresses(4)))
    advert = ADVERT._replace(version=version, interval=Centiseconds(100), addresses=addresses)
    if version == 2:
        advert = advert._replace(auth_data=bytes(8))
    made = encode_ipv4(advert._replace(trailer=bytes(TRAILER_SIZE)), SOURCE)
    assert len(made) <= 1500
    assert decode_ipv4(made).advert.addresses == addresses
    assert len(addresses) == 255


def test_as_many_ipv6_addresses_as_fit_a_frame() -> None:
    addresses = tuple(SOURCE_IPV6[:-1] + bytes((number,)) for number in range(max_addresses(6)))
    made = encode(ADVERT._replace(addresses=addresses, trailer=bytes(TRAILER_SIZE)), SOURCE_IPV6, GROUP_IPV6)
    assert 1500 - 16 < 40 + len(made) <= 1500
    assert decode_ipv6(made, SOURCE_IPV6, GROUP_IPV6, 255).advert.addresses == addresses


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({"addresses": (SOURCE,) * 256}, "carries 1 to 255"),
        ({"addresses": ()}, "carries 1 to 255"),
        ({"addresses": (SOURCE_IPV6,)}, "another family"),
        ({"vrid": Vrid(0)}, "between 1 and 255"),
        ({"vrid": Vrid(256)}, "between 1 and 255"),
        ({"priority": Priority(256)}, "between 0 and 255"),
        ({"priority": Priority(-1)}, "between 0 and 255"),
        ({"interval": Centiseconds(0)}, "between 1 and 4095"),
        ({"interval": Centiseconds(4096)}, "between 1 and 4095"),
        ({"version": 2, "interval": Centiseconds(150)}, "whole seconds from 1 to 255"),
        ({"version": 2, "interval": Centiseconds(0)}, "whole seconds from 1 to 255"),
        ({"version": 2, "interval": Centiseconds(25600)}, "whole seconds from 1 to 255"),
        ({"version": 4}, "use version 3"),
        ({"auth_data": bytes(8)}, "version 2 only"),
        ({"version": 2, "interval": Centiseconds(100), "auth_data": bytes(9)}, "exactly 8 bytes"),
        ({"version": 2, "interval": Centiseconds(100), "auth_type": 2}, "none or a simple password"),
        ({"auth_type": AUTH_SIMPLE}, "none or a simple password"),
        ({"trailer": bytes(27)}, "28 bytes, not 27"),
    ],
)
def test_what_the_wire_cannot_carry_is_refused_with_what_it_can(changes: dict[str, Any], allowed: str) -> None:
    with pytest.raises(InvalidConfigurationError, match=allowed):
        encode(ADVERT._replace(**changes), SOURCE, GROUP_IPV4)


def test_too_many_ipv6_addresses_are_refused_with_the_limit() -> None:
    with pytest.raises(InvalidConfigurationError, match=r"90 virtual addresses .*; an advert carries 1 to 89"):
        encode(ADVERT._replace(addresses=(SOURCE_IPV6,) * 90), SOURCE_IPV6, GROUP_IPV6)


def test_version_2_does_not_exist_over_ipv6() -> None:
    with pytest.raises(InvalidConfigurationError, match="over IPv6; use version 3"):
        encode(ADVERT._replace(version=2, addresses=(SOURCE_IPV6,)), SOURCE_IPV6, GROUP_IPV6)


@pytest.mark.parametrize("seconds", [1, 255])
def test_version_2_carries_whole_seconds_up_to_a_byte_and_no_password_unless_told(seconds: int) -> None:
    advert = ADVERT._replace(version=2, interval=Centiseconds(seconds * 100))
    assert encode(advert, SOURCE, GROUP_IPV4) == version_2(interval=seconds)


def test_a_version_2_password_travels_behind_the_addresses_and_under_the_checksum() -> None:
    advert = ADVERT._replace(
        version=2, interval=Centiseconds(300), auth_type=AUTH_SIMPLE, auth_data=b"insecure"
    )
    assert encode(advert, SOURCE, GROUP_IPV4) == version_2(interval=0x0103, data=b"insecure")
    assert decode_ipv4(encode_ipv4(advert, SOURCE)).advert == advert
