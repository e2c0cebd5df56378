"""What travels over the hotwire: four bytes of length, big-endian, then one msgpack message. Pure.

Both ends of a connection say the same kinds of things. The first message of each is a `Hello`, and a partner of
another protocol is left at once. After it, in any order:

    Report           how the sender is; at least one a second on the connection it prefers
    Beat             a sign of life on the others
    Asked, Answered  a question and its answer, matched by number; asks of both ends have numbers of their own

Asks and answers are packed on their own inside, so that one which this version does not know is answered with a
failure, and ends neither the connection nor the exchange of reports.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from cluster.errors import ProtocolError
from cluster.health import PartnerHealth
from cluster.hotwire.connections_messages import Held, HeldAsk
from cluster.hotwire.exchange_messages import SyncAnswer, SyncAsk
from cluster.hotwire.key_messages import BelieveKeys, KeysBelieved
from cluster.hotwire.rekey_messages import RekeyBegin, RekeyReady, RekeyStep, RekeyTaken
from cluster.hotwire.undo_messages import UndoAnswer, UndoAsk
from cluster.hotwire.words import Failure, HotwireAnswer, HotwireAsk

if TYPE_CHECKING:
    from typing import TypeAlias

__all__ = [
    "Answered",
    "AnyAnswer",
    "AnyAsk",
    "Asked",
    "Beat",
    "Done",
    "Failure",
    "Hello",
    "HotwireAnswer",
    "HotwireAsk",
    "Message",
    "Ping",
    "Report",
    "pack",
    "pack_answer",
    "pack_ask",
    "unpack",
    "unpack_answer",
    "unpack_ask",
]

PROTOCOL_VERSION = 1
SUBSYSTEM = "utmcli-hotwire"
USER = "utmcli"
"""The only user name that is let in; it is no account."""
PORT = 22
MAX_FRAME = 16 * 1024 * 1024
"""Longest frame, bytes: a configuration of 100,000 objects stays below."""


class Ping(HotwireAsk, frozen=True, tag="ping"):
    """Answer at once -> Done."""


class Done(HotwireAnswer, frozen=True, tag="done"):
    """It is done; `warnings` are sentences for who asked."""

    warnings: tuple[str, ...] = ()


# Each topic adds its words to these two lines.
AnyAsk: TypeAlias = Ping | SyncAsk | UndoAsk | HeldAsk | RekeyBegin | RekeyStep | BelieveKeys
AnyAnswer: TypeAlias = Done | Failure | SyncAnswer | UndoAnswer | Held | RekeyReady | RekeyTaken | KeysBelieved


class Hello(Struct, frozen=True, kw_only=True, tag="hello"):
    """The first message: who speaks, in which versions. May only ever grow, or versions cannot tell they differ."""

    protocol: int
    software: str
    schema: int
    hostname: str


class Report(Struct, frozen=True, tag="report"):
    """How the sender is now."""

    health: PartnerHealth


class Beat(Struct, frozen=True, tag="beat"):
    """The sender is there."""


class Asked(Struct, frozen=True, tag="ask"):
    """One ask, still packed."""

    id: int
    ask: Raw


class Answered(Struct, frozen=True, tag="answer"):
    """The answer to the ask with this number, still packed."""

    id: int
    answer: Raw


Message = Hello | Report | Beat | Asked | Answered

_LENGTH = struct.Struct("!I")
_ENCODER = msgspec.msgpack.Encoder()
_MESSAGES = msgspec.msgpack.Decoder(Message)
_ASKS: msgspec.msgpack.Decoder[AnyAsk] = msgspec.msgpack.Decoder(AnyAsk)
_ANSWERS: msgspec.msgpack.Decoder[AnyAnswer] = msgspec.msgpack.Decoder(AnyAnswer)


def pack(message: Message) -> bytes:
    """One message as a frame, ready to send.

    Raises:
        ProtocolError: the message is longer than `MAX_FRAME`.
    """
    payload = _ENCODER.encode(message)
    if len(payload) > MAX_FRAME:
        raise ProtocolError(f"a message of {len(payload)} bytes is too long: at most {MAX_FRAME} are allowed")
    return _LENGTH.pack(len(payload)) + payload


def pack_ask(number: int, ask: HotwireAsk) -> bytes:
    """An ask as a frame.

    Raises:
        ProtocolError: it is longer than `MAX_FRAME`.
    """
    return pack(Asked(number, Raw(_ENCODER.encode(ask))))


def pack_answer(number: int, answer: HotwireAnswer) -> bytes:
    """An answer as a frame.

    Raises:
        ProtocolError: it is longer than `MAX_FRAME`.
    """
    return pack(Answered(number, Raw(_ENCODER.encode(answer))))


def unpack(payload: bytes) -> Message:
    """The message in a frame.

    Raises:
        ProtocolError: it is not msgpack, or no message of this version.
    """
    message: Message = _decoded(_MESSAGES, payload, "message")
    return message


def unpack_ask(message: Asked) -> AnyAsk:
    """What is asked.

    Raises:
        ProtocolError: this version does not know it.
    """
    ask: AnyAsk = _decoded(_ASKS, message.ask, "request")
    return ask


def unpack_answer(message: Answered) -> AnyAnswer:
    """What is answered.

    Raises:
        ProtocolError: this version does not know it.
    """
    answer: AnyAnswer = _decoded(_ANSWERS, message.answer, "answer")
    return answer


def _decoded(decoder: Any, raw: bytes | Raw, what: str) -> Any:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProtocolError(f"the partner sent no {what} of this version: {error}") from error
