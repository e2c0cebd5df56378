"""Asks, answers and reports over one open connection, whatever carries its bytes.

Both ends may ask at any time. What the partner asks is carried out beside the reading, so that a long answer
delays neither reports nor other answers. A partner that breaks the protocol is hung up on: after that the
stream has no known frame border any more.
"""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from typing import TYPE_CHECKING, Protocol

from cluster.errors import ClusterError, ProtocolError, UnreachableError, by_code
from cluster.hotwire import protocol
from cluster.hotwire.protocol import Answered, Asked, Beat, Failure, Hello, Report
from cluster.rpc.framing import FrameDecoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.health import PartnerHealth
    from cluster.hotwire.protocol import HotwireAnswer, HotwireAsk, Message

_LOG = logging.getLogger("clusterd")
IN_FLIGHT = 8
"""Asks of the partner that are carried out at once; one more is refused."""


class Responder(Protocol):
    """What stands behind the hotwire for the partner's asks."""

    async def answer(self, ask: HotwireAsk) -> HotwireAnswer:
        """Carry out what the partner asks.

        Raises:
            ClusterError: why not; it travels to the partner as a `Failure`.
        """


class Ear(Protocol):
    """Who is told what comes in; the link."""

    def greeted(self, talk: Conversation, hello: Hello) -> None:
        """The partner introduced itself: the first message of all."""

    def reported(self, talk: Conversation, health: PartnerHealth) -> None:
        """The partner said how it is."""

    def sign_of_life(self, talk: Conversation) -> None:
        """Something came in."""


class Conversation:
    """One connection to the partner, from its first byte to its last.

    Args:
        send: takes bytes for the partner.
        hang_up: closes the connection.
        hello: how we introduce ourselves.
        ear: is told what comes in.
        responder: carries out what the partner asks.
    """

    def __init__(
        self,
        send: Callable[[bytes], None],
        hang_up: Callable[[], None],
        *,
        hello: Hello,
        ear: Ear,
        responder: Responder,
    ) -> None:
        self._send, self._hang_up = send, hang_up
        self._ear, self._responder = ear, responder
        self._frames = FrameDecoder(protocol.MAX_FRAME)
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[HotwireAnswer]] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._closed: str | None = None
        self.hello: Hello | None = None
        self._tell(hello)

    @property
    def open(self) -> bool:
        """Whether the partner introduced itself and nobody hung up since."""
        return self.hello is not None and self._closed is None

    # --- outgoing -----------------------------------------------------------------------------------

    async def ask(self, ask: HotwireAsk, patience: float) -> HotwireAnswer:
        """Ask the partner.

        Args:
            ask: what.
            patience: how long to wait for the answer, seconds.

        Raises:
            UnreachableError: no answer came in time, or the connection ended before.
            ClusterError: what the partner answered instead.
            ProtocolError: the ask is too long, or the answer is none of this version.
        """
        if self._closed is not None:
            raise UnreachableError(self._closed)
        number = next(self._numbers)
        self._send(protocol.pack_ask(number, ask))
        waiting: asyncio.Future[HotwireAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            async with asyncio.timeout(patience):
                answer = await waiting
        except TimeoutError:
            raise UnreachableError(f"the partner did not answer over the hotwire within {patience:g} s") from None
        finally:
            self._waiting.pop(number, None)
        if isinstance(answer, Failure):
            raise by_code(answer.code)(answer.message, answer.details)
        return answer

    def report(self, health: PartnerHealth) -> None:
        """Say how we are."""
        self._tell(Report(health))

    def beat(self) -> None:
        """Say that we are there."""
        self._tell(Beat())

    def _tell(self, message: Message) -> None:
        if self._closed is None:
            self._send(protocol.pack(message))

    # --- incoming -----------------------------------------------------------------------------------

    def data_received(self, chunk: bytes) -> None:
        """Bytes of the partner, in pieces as they come."""
        self._frames.feed(chunk)
        try:
            for frame in self._frames.frames():
                if self._closed is not None:
                    return
                self._take(protocol.unpack(frame))
        except ProtocolError as error:
            _LOG.warning("hotwire: %s", error)
            self.close(f"the connection over the hotwire was ended: {error.message}")

    def _take(self, message: Message) -> None:
        if (self.hello is None) is not isinstance(message, Hello):
            raise ProtocolError("the partner must introduce itself once, and first of all")
        if isinstance(message, Hello):
            self.hello = message
            self._ear.greeted(self, message)
            return
        self._ear.sign_of_life(self)
        match message:
            case Report(health=health):
                self._ear.reported(self, health)
            case Asked():
                self._begin(message)
            case Answered():
                self._answered(message)

    def _answered(self, message: Answered) -> None:
        waiting = self._waiting.get(message.id)
        if waiting is None or waiting.done():
            return  # whoever asked lost patience
        try:
            waiting.set_result(protocol.unpack_answer(message))
        except ProtocolError as error:
            waiting.set_exception(error)

    def _begin(self, message: Asked) -> None:
        if len(self._work) >= IN_FLIGHT:
            busy = f"this node answers {IN_FLIGHT} requests of its partner already"
            self._reply(message.id, Failure(UnreachableError.code, busy))
            return
        work = asyncio.get_running_loop().create_task(self._carry_out(message))
        self._work.add(work)
        work.add_done_callback(self._work.discard)

    async def _carry_out(self, message: Asked) -> None:
        answer: HotwireAnswer
        try:
            answer = await self._responder.answer(protocol.unpack_ask(message))
        except ClusterError as error:
            answer = Failure(error.code, error.message, error.details)
        except Exception:  # noqa: BLE001 - the partner shall hear of it, and a fault here shall not end clusterd
            _LOG.exception("hotwire: a request of the partner failed")
            answer = Failure(ClusterError.code, "the partner failed at this request; its log says where")
        self._reply(message.id, answer)

    def _reply(self, number: int, answer: HotwireAnswer) -> None:
        if self._closed is not None:
            return
        try:
            self._send(protocol.pack_answer(number, answer))
        except ProtocolError as error:
            self._send(protocol.pack_answer(number, Failure(error.code, error.message)))

    # --- the end ------------------------------------------------------------------------------------

    def close(self, why: str) -> None:
        """End it; whoever waits for an answer is told why. What the partner asked is carried out to its end."""
        if self._closed is not None:
            return
        self._closed = why
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(UnreachableError(why))
        self._hang_up()
