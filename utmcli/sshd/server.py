"""The SSH server: all connections, and what they may take."""

from __future__ import annotations

import asyncio
import logging
from itertools import count
from typing import TYPE_CHECKING, Any

import asyncssh

from cluster.errors import ClusterError
from utmcli.render import EXIT_NOT_AUTHORISED
from utmcli.sshd.door import Door

if TYPE_CHECKING:
    import socket

    from cluster.rpc.messages import Login
    from utmcli.sshd.channel import Visitor
    from utmcli.sshd.house import House

_LOG = logging.getLogger("utmcli")

LOGIN_TIME = 60.0
"""Seconds that somebody may take to log in."""
KEEPALIVE = 30.0
"""Seconds of silence until a client is asked whether it is still there."""
KEEPALIVES = 3
"""Unanswered ones until it is not."""
_WINDOW = 128 * 1024
"""Bytes that a client may send ahead of us, for each channel."""
_PACKET = 32 * 1024
_CIPHERS = (
    "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr",
)  # fmt: skip
"""Without ChaCha20, which clients ask for first: a packet of it costs here four times what AES-GCM does."""
_FAREWELL = 1.0
REVIEW = 5.0
"""Seconds between two looks at whether those who are here still may be."""


class SshServer:
    """Serves administrators.

    Args:
        house: what connections share.
        host_key: private key of this node, in OpenSSH's form.

    Raises:
        asyncssh.KeyImportError: that is none.
    """

    def __init__(self, house: House, host_key: bytes) -> None:
        # Its own log says every command in clear, secrets too; what matters of it is in the audit.
        asyncssh.set_log_level(logging.ERROR)
        self._house = house
        self._key = asyncssh.import_private_key(host_key)
        self._numbers = count(1)
        self._doors: dict[int, Door] = {}
        self._acceptor: Any = None
        self._reviewing: asyncio.Task[None] | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serve connections to a listening socket."""
        self._acceptor = await asyncssh.listen(
            sock=listener,
            server_factory=lambda: Door(self._house, next(self._numbers), self._doors),
            server_host_keys=[self._key],
            server_version="utmcli",
            encoding=None,
            line_editor=False,
            window=_WINDOW,
            max_pktsize=_PACKET,
            login_timeout=LOGIN_TIME,
            keepalive_interval=KEEPALIVE,
            keepalive_count_max=KEEPALIVES,
            compression_algs=None,
            encryption_algs=_CIPHERS,
            agent_forwarding=False,
            x11_forwarding=False,
            gss_host=None,
            sftp_factory=None,
            allow_scp=False,
        )
        self._reviewing = asyncio.create_task(self._review())
        _LOG.info("serving administrators over SSH on port %d", listener.getsockname()[1])

    async def _review(self) -> None:
        """End what is open of accounts that were deleted, or that were administrators and are no more.

        clusterd looks at every request again by itself; but a session that asks nothing would go on being told
        what happens and what others say.
        """
        while True:
            await asyncio.sleep(REVIEW)
            here = [door for door in self._doors.values() if door.visitor is not None]
            for name in sorted({door.visitor.actor.user for door in here if door.visitor is not None}):
                try:
                    login = await self._house.known(name)
                except ClusterError as error:
                    _LOG.debug("nobody can say whether %s may still be here: %s", name, error.message)
                    continue
                leaving = [(door, why) for door in here if (why := _unwelcome(door.visitor, name, login))]
                for _, why in leaving:
                    _LOG.info("ended a connection: %s", why)
                await asyncio.gather(*(door.dismiss(why, EXIT_NOT_AUTHORISED) for door, why in leaving))

    def stop_listening(self) -> None:
        """Let nobody new in; those who are here stay."""
        if self._acceptor is not None:
            self._acceptor.close()

    @property
    def busy(self) -> bool:
        """Whether a session is open, or somebody is about to open one."""
        return bool(self._house.channels) or any(door.is_arriving for door in self._doors.values())

    async def close(self) -> None:
        """End all sessions, each with a word to its user, and all connections."""
        self.stop_listening()
        if self._reviewing is not None:
            self._reviewing.cancel()
        ending = [task for channel in tuple(self._house.channels) if (task := channel.dismiss()) is not None]
        if ending:
            await asyncio.wait(ending, timeout=_FAREWELL)
        for door in tuple(self._doors.values()):
            door.hang_up()
        if ending:
            await asyncio.sleep(0)  # what is left to say is on its way


def _unwelcome(visitor: Visitor | None, name: str, login: Login) -> str:
    """Why somebody of this account has to leave; empty: they may stay, or are somebody else."""
    if visitor is None or visitor.actor.user != name:
        return ""
    if not login.exists:
        return f"the account {name} was deleted"
    if visitor.actor.role == "admin" != login.role:
        return f"the account {name} is no administrator any more: log in again"
    return ""
