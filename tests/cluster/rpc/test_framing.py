"""Frames survive any way a socket cuts them up; what is no frame ends as a ProtocolError."""

from __future__ import annotations

import itertools
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import ProtocolError
from cluster.rpc.framing import FrameDecoder, pack, unpack_reply, unpack_request
from cluster.rpc.messages import Actor, Done, GetInfo, Reply, Request

ACTOR = Actor(user="admin", source="console", role="admin")


def framed(payload: bytes) -> bytes:
    return struct.pack("!I", len(payload)) + payload


def cut(stream: bytes, borders: list[int]) -> list[bytes]:
    points = [0, *sorted(border % (len(stream) + 1) for border in borders), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(points)]


@given(st.lists(st.binary(max_size=200), max_size=12), st.lists(st.integers(min_value=0), max_size=12))
def test_frames_come_out_whole_and_in_order_however_the_stream_is_cut(
    payloads: list[bytes], borders: list[int]
) -> None:
    decoder = FrameDecoder()
    got: list[bytes] = []
    for chunk in cut(b"".join(framed(payload) for payload in payloads), borders):
        decoder.feed(chunk)
        got += decoder.frames()
    assert got == payloads
    assert not decoder.in_frame


@given(st.binary(min_size=1, max_size=50), st.integers(min_value=1))
def test_a_truncated_frame_is_known_to_be_unfinished(payload: bytes, missing: int) -> None:
    stream = framed(payload)
    decoder = FrameDecoder()
    decoder.feed(stream[: len(stream) - 1 - missing % (len(stream) - 1)])
    assert list(decoder.frames()) == []
    assert decoder.in_frame


def test_a_claimed_length_above_the_limit_is_refused_after_the_frames_before_it() -> None:
    decoder = FrameDecoder(limit=10)
    decoder.feed(framed(b"fits") + framed(b"x" * 10) + struct.pack("!I", 11))
    frames = decoder.frames()
    assert next(frames) == b"fits"
    assert next(frames) == b"x" * 10
    with pytest.raises(ProtocolError, match="11 bytes is too long: at most 10"):
        next(frames)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_are_a_message_or_a_protocol_error_and_nothing_else(payload: bytes) -> None:
    for unpack in (unpack_request, unpack_reply):
        try:
            unpack(payload)
        except ProtocolError:
            continue


def test_a_request_survives_the_wire() -> None:
    request = Request(id=7, actor=ACTOR, ask=GetInfo(), deadline=2.5)
    decoder = FrameDecoder()
    decoder.feed(pack(request))
    assert [unpack_request(payload) for payload in decoder.frames()] == [request]


def test_an_unknown_request_is_named_in_the_error() -> None:
    actor = {"user": "u", "source": "s", "role": "admin"}
    payload = msgspec.msgpack.encode({"id": 1, "actor": actor, "ask": {"type": "explode"}})
    with pytest.raises(ProtocolError, match="explode"):
        unpack_request(payload)


def test_a_message_beyond_the_limit_is_not_sent() -> None:
    with pytest.raises(ProtocolError, match="too long"):
        pack(Reply(id=1, answer=Done(warnings=("w" * 100,))), limit=50)
