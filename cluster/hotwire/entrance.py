"""The partner's calls, let in on our address of the hotwire; who else calls learns only that it is nobody."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from ipaddress import ip_address
from socket import SHUT_WR
from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from cluster.hotwire import sockets
from cluster.hotwire.complaints import Complaints

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from cluster.hotwire.conversation import Conversation
    from cluster.hotwire.dialling import Switchboard
    from cluster.hotwire.settings import HotwireSettings
    from cluster.hotwire.ssh import Way

_LOG = logging.getLogger("clusterd")

LISTEN_PAUSE = 1.0
"""Seconds until the next attempt to listen."""
STRANGERS = 4
"""Connections at once that have not proved whose they are; one more is closed."""
REFUSAL_PATIENCE = 1.0
"""Seconds that whoever is refused has to read why."""
GUESTS = 4
"""Connections of the partner at once; more than two there are only after one of them died unnoticed."""


class Entrance:
    """Listens, and serves whoever proves to be the partner.

    Args:
        settings: our address, and the partner's.
        way: asks for the partner's key.
        board: where conversations begin, and their end is told.
    """

    def __init__(self, settings: HotwireSettings, way: Way, board: Switchboard) -> None:
        self._settings, self._way, self._board = settings, way, board
        self._partner = frozenset(map(ip_address, settings.remotes))
        self._strangers = self._guests = self._refusing = 0
        self._complaint = ""
        self._callers = Complaints()

    async def run(self) -> None:
        """Let the partner in, until cancelled."""
        while True:
            try:
                listening = sockets.listener(self._settings.device, self._settings.local)
            except OSError as error:
                self._complain(f"nothing can listen on {self._settings.local}: {sockets.reason(error)}")
                await asyncio.sleep(LISTEN_PAUSE)
                continue
            with listening:
                await self._accept(listening)

    def _complain(self, text: str) -> None:
        """Say it once, not each second."""
        if text != self._complaint:
            self._complaint = text
            _LOG.warning("hotwire: %s", text)

    def _complain_of(self, caller: str, text: str, level: int) -> None:
        """Say it once a minute, whoever calls in between."""
        line = self._callers.line(caller, text, time.monotonic())
        if line is not None:
            _LOG.log(level, "hotwire: %s", line)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as serving:
            while True:
                try:
                    sock, address = await loop.sock_accept(listening)
                except OSError as error:  # of one caller, or no descriptor is left: the guests who are here stay
                    self._complain(f"nobody can be let in: {sockets.reason(error)}")
                    await asyncio.sleep(LISTEN_PAUSE)
                    continue
                if ip_address(address[0]) not in self._partner:
                    text = f"a connection from {address[0]} is refused: it is not the partner's address"
                    self._complain_of(address[0], text, logging.WARNING)
                    serving.create_task(self._refuse(sock))
                elif self._strangers >= STRANGERS or self._guests >= GUESTS:
                    sock.close()
                else:
                    self._strangers += 1
                    serving.create_task(self._serve(sockets.tuned(sock), address[0]))

    async def _refuse(self, sock: socket.socket) -> None:
        """Say why, and stay until it was read: what is closed before that breaks the caller's pipe instead."""
        with sock, contextlib.suppress(OSError, TimeoutError):
            sock.send(self._way.refusal("this address is not the partner's"))
            if self._refusing < STRANGERS:
                self._refusing += 1
                try:
                    await _hung_up(sock)
                finally:
                    self._refusing -= 1

    async def _serve(self, sock: socket.socket, address: str) -> None:
        talks: list[Conversation] = []

        def converse(send: Callable[[bytes], None], hang_up: Callable[[], None]) -> Conversation:
            self._strangers -= 1
            self._guests += 1
            talks.append(self._board.converse(send, hang_up, own=False))
            return talks[0]

        try:
            await self._way.receive(sock, converse)
        except ClusterError as error:
            self._complain_of(address, f"{error.message} (from {address})", logging.INFO)
        finally:
            if talks:
                self._guests -= 1
                self._board.ended(talks[0])
            else:
                self._strangers -= 1


async def _hung_up(sock: socket.socket) -> None:
    sock.shutdown(SHUT_WR)
    async with asyncio.timeout(REFUSAL_PATIENCE):
        while await asyncio.get_running_loop().sock_recv(sock, 4096):
            pass
