"""Frames on a byte stream: four bytes of length, big-endian, then one msgpack message.

Pure: chunks of bytes come in as the socket delivers them, whole messages come out. Everything a peer can do
wrong in bytes ends here as a `ProtocolError`; nothing is allocated for a length that was only claimed.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec

from cluster.errors import ProtocolError
from cluster.rpc.messages import MAX_FRAME, Reply, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = struct.Struct("!I")
_ENCODER = msgspec.msgpack.Encoder()
_REQUESTS = msgspec.msgpack.Decoder(Request)
_REPLIES = msgspec.msgpack.Decoder(Reply)


class FrameDecoder:
    """Cuts a stream of chunks into frames.

    After a `ProtocolError` the stream has no known frame border any more: the connection must be closed.

    Args:
        limit: longest payload accepted, bytes.
    """

    def __init__(self, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Append what the socket delivered."""
        self._buffer += chunk

    def frames(self) -> Iterator[bytes]:
        """The payloads that are complete by now, in order.

        Raises:
            ProtocolError: a frame claims to be longer than the limit. Frames before it were yielded.
        """
        buffer = self._buffer
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > self._limit:
                raise ProtocolError(f"a frame of {length} bytes is too long: at most {self._limit} are allowed")
            end = _LENGTH.size + length
            if len(buffer) < end:
                return
            payload = bytes(memoryview(buffer)[_LENGTH.size : end])
            del buffer[:end]
            yield payload

    @property
    def in_frame(self) -> bool:
        """Whether a frame has begun whose end has not come yet."""
        return bool(self._buffer)


def pack(message: Request | Reply, limit: int = MAX_FRAME) -> bytes:
    """One message as a frame, ready to send.

    Raises:
        ProtocolError: the message is longer than `limit` bytes.
    """
    payload = _ENCODER.encode(message)
    if len(payload) > limit:
        raise ProtocolError(f"a message of {len(payload)} bytes is too long: at most {limit} are allowed")
    return _LENGTH.pack(len(payload)) + payload


def unpack_request(payload: bytes) -> Request:
    """The request in a frame.

    Raises:
        ProtocolError: it is not msgpack, or no request that this version knows.
    """
    try:
        return _REQUESTS.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"not a request of this version: {error}") from error


def unpack_reply(payload: bytes) -> Reply:
    """The reply in a frame.

    Raises:
        ProtocolError: it is not msgpack, or no reply that this version knows.
    """
    try:
        return _REPLIES.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"not a reply of this version: {error}") from error
