"""Keeps duplicates of the engine's packet sockets (cluster/vrrp/keepers.py says why), for the next engine."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
from typing import TYPE_CHECKING

from cluster.engine.link import connected, decode
from cluster.errors import ClusterError
from cluster.vrrp.control import MAX_HANDLES, MAX_PACKET, SOCKETS_OPTION

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.process.spawn import Command

_LOG = logging.getLogger("clusterd")

_ABOVE = 300
"""Where duplicates get their numbers from: out of the way of those they have in the engine."""


class SocketKeeper:
    """The sockets of the running engine, and then of the one that ended."""

    def __init__(self) -> None:
        self._handles: list[int] = []

    def __len__(self) -> int:
        return len(self._handles)

    def equip(self, command: Command) -> Command:
        """The command of an engine that is given what is kept."""
        if not self._handles:
            return command
        count = str(len(self._handles))
        return command._replace(argv=(*command.argv, SOCKETS_OPTION, count), handles=tuple(self._handles))

    def release(self) -> None:
        """Keep nothing any longer."""
        self._replace([])

    async def keep(self, path: Path) -> None:
        """Take over whatever the engine passes, until it hangs up.

        Args:
            path: of the engine's control socket.

        Raises:
            UnreachableError: no engine listens there.
            ProtocolError: the engine sent something that is no packet of the contract.
        """
        connection = await connected(path)
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        loop.add_reader(connection, self._receive, connection, over)
        try:
            connection.send(b'{"do": "sockets"}')
            await over
        except OSError as error:
            _LOG.debug("the engine's sockets are not kept: %s", error.strerror)
        finally:
            loop.remove_reader(connection)
            connection.close()

    def _receive(self, connection: socket.socket, over: asyncio.Future[None]) -> None:
        if over.done():
            return
        try:
            packet, handles, _flags, _address = socket.recv_fds(connection, MAX_PACKET, MAX_HANDLES)
            if not packet:
                over.set_result(None)
            elif "sockets" in (content := decode(packet)):
                self._replace(handles)
            elif "error" in content:
                # An engine from before an upgrade: it works as ever, only a kill of it takes longer.
                _LOG.debug("the engine's sockets are not kept: %s", content["error"])
        except BlockingIOError:
            return
        except (OSError, ClusterError) as error:
            over.set_exception(error)

    def _replace(self, handles: list[int]) -> None:
        before, self._handles = self._handles, [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for one in handles]
        for handle in (*before, *handles):
            os.close(handle)
