"""Messages of the hotwire: whole, in pieces, cut off, and as an attacker would like them."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, msgpack

from cluster.errors import ProtocolError
from cluster.health import Administrator, PartnerHealth
from cluster.hotwire import protocol
from cluster.hotwire.protocol import Answered, Asked, Beat, Done, Failure, Hello, Ping, Report
from cluster.rpc.framing import FrameDecoder

HEALTH = PartnerHealth(
    hostname="spare.cluster.local",
    software="0.1.0",
    schema=1,
    role="backup",
    usable=("LAN2",),
    lost=("LAN1",),
    hears=("LAN2",),
    administrators=(Administrator(user="admin", source="console", since=5.0),),
    sequence=2**63,
    sources=("192.168.12.142",),
)
MESSAGES = (
    Hello(protocol=1, software="0.1.0", schema=1, hostname="spare"),
    Report(HEALTH),
    Beat(),
    Asked(7, Raw(msgpack.encode(Ping()))),
    Answered(7, Raw(msgpack.encode(Failure("refused", "no", ("because",))))),
)


def read(stream: bytes) -> list[protocol.Message]:
    frames = FrameDecoder(protocol.MAX_FRAME)
    frames.feed(stream)
    return [protocol.unpack(frame) for frame in frames.frames()]


def test_what_is_packed_is_read_again() -> None:
    assert read(b"".join(map(protocol.pack, MESSAGES))) == list(MESSAGES)


def test_asks_and_answers_are_read_again() -> None:
    (asked,) = read(protocol.pack_ask(3, Ping()))
    (answered,) = read(protocol.pack_answer(3, Done(("careful",))))
    assert isinstance(asked, Asked)
    assert isinstance(answered, Answered)
    assert protocol.unpack_ask(asked) == Ping()
    assert protocol.unpack_answer(answered) == Done(("careful",))


def test_a_stream_may_come_in_any_pieces() -> None:
    stream = b"".join(map(protocol.pack, MESSAGES))
    frames = FrameDecoder(protocol.MAX_FRAME)
    got = []
    for place in range(len(stream)):
        frames.feed(stream[place : place + 1])
        got += [protocol.unpack(frame) for frame in frames.frames()]
    assert got == list(MESSAGES)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_truncation_of_a_payload_is_refused(message: protocol.Message) -> None:
    payload = protocol.pack(message)[4:]
    for length in range(len(payload)):
        with pytest.raises(ProtocolError):
            protocol.unpack(payload[:length])


def test_an_ask_of_a_later_version_is_refused_and_the_stream_goes_on() -> None:
    (asked,) = read(protocol.pack(Asked(1, Raw(msgpack.encode({"type": "teleport"})))))
    assert isinstance(asked, Asked)
    with pytest.raises(ProtocolError, match="no request of this version"):
        protocol.unpack_ask(asked)


def test_a_later_version_may_say_more_of_itself() -> None:
    said = {"type": "hello", "protocol": 9, "software": "9", "schema": 9, "hostname": "x", "colour": 1}
    assert protocol.unpack(msgpack.encode(said)) == Hello(protocol=9, software="9", schema=9, hostname="x")


def test_a_length_that_is_only_claimed_costs_no_memory() -> None:
    frames = FrameDecoder(protocol.MAX_FRAME)
    frames.feed(struct.pack("!I", protocol.MAX_FRAME + 1))
    with pytest.raises(ProtocolError, match="too long"):
        list(frames.frames())


def test_a_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(ProtocolError, match="too long"):
        protocol.pack_answer(1, Done(("x" * protocol.MAX_FRAME,)))


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else_happens(garbage: bytes) -> None:
    try:
        message = protocol.unpack(garbage)
        if isinstance(message, Asked):
            protocol.unpack_ask(message)
        elif isinstance(message, Answered):
            protocol.unpack_answer(message)
    except ProtocolError:
        pass


@given(st.sampled_from(MESSAGES), st.data())
def test_a_byte_that_was_changed_is_read_or_refused(message: protocol.Message, data: st.DataObject) -> None:
    payload = bytearray(protocol.pack(message)[4:])
    place = data.draw(st.integers(0, len(payload) - 1))
    payload[place] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(ProtocolError):
        protocol.unpack(bytes(payload))
