"""asyncssh on the hotwire: one user, one key, one subsystem, and everything else that SSH can do shut.

Imported late, by `link.py`: it takes longer than the engine's restart may. The same ed25519 key is host key and
client key of a node, so one pinned key pins both directions. No configuration file of the machine's own SSH counts.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import asyncssh

from cluster import publickey
from cluster.errors import ClusterError, InvalidConfigurationError, UnreachableError
from cluster.hotwire import state
from cluster.hotwire.protocol import SUBSYSTEM, USER
from cluster.hotwire.sockets import reason
from cluster.hotwire.state import LinkDownError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.hotwire.conversation import Conversation
    from cluster.hotwire.state import LinkState
    from cluster.publickey import PublicKey

    Converse = Callable[[Callable[[bytes], None], Callable[[], None]], Conversation]

LOGIN_TIMEOUT = 5.0
"""Seconds a connection may take to prove whose it is, and then to open the subsystem."""
KEY_TRIES = 3
"""Unknown keys that a client may offer on one connection."""
_NO_LINGERING = struct.pack("ii", 1, 0)
_VERSION = "utmcli-hotwire"
"""Tells the hotwire's server from any other one; both ends say it before they prove anything."""
_ALGORITHMS: dict[str, Any] = {
    "kex_algs": ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"],
    "encryption_algs": ["aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"],
    "mac_algs": ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256"],
    "signature_algs": ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"],
    "compression_algs": ["none"],
}
_ONLY_KEYS: dict[str, Any] = {
    "public_key_auth": True,
    "password_auth": False,
    "kbdint_auth": False,
    "host_based_auth": False,
    "gss_host": None,
    "gss_kex": False,
    "gss_auth": False,
    "agent_forwarding": False,
    "x11_forwarding": False,
}

logging.getLogger("asyncssh").setLevel(logging.WARNING)  # each packet of a login is news to it


# --- the session, which is the same in both directions ------------------------------------------------


class Session:
    """Hands the bytes of the subsystem's channel to a conversation."""

    def __init__(self, converse: Converse) -> None:
        self._converse = converse
        self._channel: Any = None
        self.talk: Conversation | None = None
        self.ended = asyncio.Event()

    def connection_made(self, chan: Any) -> None:
        """Its channel is open."""
        self._channel = chan

    def session_started(self) -> None:
        """The subsystem runs: speak."""
        connection = self._channel.get_connection()
        self.talk = self._converse(self._channel.write, lambda: _break_off(connection))

    def data_received(self, data: bytes, _datatype: Any) -> None:
        """The partner said something."""
        if self.talk is not None:
            self.talk.data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is gone."""
        if self.talk is not None:
            why = f": {exc}" if exc is not None else ""
            self.talk.close(f"the connection over the hotwire ended{why}")
        self.ended.set()


def _break_off(connection: Any) -> None:
    """End a connection, and with it what TCP has yet to send again.

    The kernel would go on with it, and a request whose sender was told that it failed would be carried out when the
    cable is back. Lingering for no time at all throws it away (SO_LINGER, socket(7)).
    """
    sock = connection.get_extra_info("socket")
    if sock is not None and sock.fileno() != -1:  # it did not end by itself
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    connection.abort()


class _ClientSession(Session, asyncssh.SSHClientSession):  # type: ignore[misc]  # asyncssh has no types here
    """Ours, at the partner."""


class _ServerSession(Session, asyncssh.SSHServerSession):  # type: ignore[misc]  # as above
    """The partner's, here: what is not named is refused by asyncssh's defaults."""

    def pty_requested(self, *_terminal: object) -> bool:
        """No terminal."""
        return False

    def shell_requested(self) -> bool:
        """No shell."""
        return False

    def exec_requested(self, _command: str) -> bool:
        """No command."""
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        """Ours."""
        return subsystem == SUBSYSTEM


# --- going out ----------------------------------------------------------------------------------------


class _Client(asyncssh.SSHClient):  # type: ignore[misc]  # as above
    """Compares the partner's host key with the pinned ones."""

    def __init__(self, is_pinned: Callable[[bytes], bool]) -> None:
        self._is_pinned = is_pinned
        self._connection: Any = None
        self.presented = ""
        self.proved = b""

    def connection_made(self, conn: Any) -> None:
        """The conversation begins."""
        self._connection = conn

    @property
    def met_another_server(self) -> bool:
        """Whether what answers does not even say that it is a hotwire's server."""
        said: str = self._connection.get_extra_info("server_version")
        return said != f"SSH-2.0-{_VERSION}"

    def validate_host_public_key(self, _host: str, _addr: str, _port: int, key: Any) -> bool:
        """Whether the host key is the partner's."""
        self.presented, self.proved = key.get_fingerprint(), key.public_data
        return self._is_pinned(key.public_data)


def _why(error: Exception, client: _Client, own: PublicKey, local: str, remote: str) -> LinkState:
    """What an attempt that failed means, in the words of the design."""
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        if client.met_another_server:
            # The partner's shell, where its clusterd does not run just then.
            return state.unreachable(remote, "another SSH server answers there")
        return state.host_key(remote, client.presented or "of a kind that is not accepted")
    if isinstance(error, asyncssh.PermissionDenied):
        return state.key_refused(remote, own.fingerprint)
    if isinstance(error, asyncssh.DisconnectError):
        if error.code == asyncssh.DISC_HOST_NOT_ALLOWED_TO_CONNECT:
            return state.address_refused(remote, local)
        return state.unreachable(remote, f"the connection ended: {error.reason}")
    if isinstance(error, asyncssh.ChannelOpenError):
        return state.unreachable(remote, f"what answers there is no hotwire: {error.reason}")
    if isinstance(error, TimeoutError):
        return state.unreachable(remote, f"no login within {LOGIN_TIMEOUT:g} s")
    return state.unreachable(remote, reason(error) if isinstance(error, OSError) else str(error).lower())


# --- letting in ---------------------------------------------------------------------------------------


class _Server(asyncssh.SSHServer):  # type: ignore[misc]  # as above
    """Lets the partner in, and nobody else; forwarding of any kind is refused by asyncssh's defaults."""

    def __init__(self, is_pinned: Callable[[bytes], bool], converse: Converse) -> None:
        self._is_pinned, self._converse = is_pinned, converse
        self._tries = 0
        self.proved = b""
        self._connection: Any = None
        self.session: Session | None = None

    def connection_made(self, conn: Any) -> None:
        """A connection begins."""
        self._connection = conn

    def begin_auth(self, _username: str) -> bool:
        """Nobody comes in without a key."""
        return True

    def public_key_auth_supported(self) -> bool:
        """A key is the only way."""
        return True

    def validate_public_key(self, username: str, key: Any) -> bool:
        """Whether it is the partner's, who has not offered too many others."""
        if username == USER and self._is_pinned(key.public_data):
            self.proved = key.public_data  # the last one asked about is the one that a signature follows for
            return True
        self._tries += 1
        if self._tries >= KEY_TRIES:
            self._connection.disconnect(asyncssh.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "too many keys")
        return False

    def session_requested(self) -> Session | bool:
        """One session a connection."""
        if self.session is not None:
            return False
        self.session = _ServerSession(self._converse)
        return self.session


def _leave_idle(server: _Server, connection: Any) -> None:
    if server.session is None or server.session.talk is None:
        connection.abort()


# --- both -----------------------------------------------------------------------------------------------


class Way:
    """The only way in and out.

    Args:
        private: our key, in OpenSSH's format.
        partner: the partner's public keys, one line each.

    Raises:
        ClusterError: our key is damaged.
    """

    def __init__(self, private: bytes, partner: tuple[str, ...]) -> None:
        try:
            self._key = asyncssh.import_private_key(private)
        except asyncssh.KeyImportError as error:
            raise ClusterError(f"this node's key is damaged: {error}; cluster key new makes a new one") from error
        self.public: PublicKey = publickey.parse(self._key.export_public_key().decode())
        self._pinned = _pinned(partner)
        self._proved: WeakKeyDictionary[Any, bytes] = WeakKeyDictionary()

    def pin(self, partner: tuple[str, ...]) -> None:
        """Believe these keys of the partner from now on; what began with another one ends, the rest goes on."""
        self._pinned = _pinned(partner)
        for connection, key in tuple(self._proved.items()):
            if not self._is_pinned(key):
                connection.abort()

    def _is_pinned(self, key: bytes) -> bool:
        return key in self._pinned

    def _has_proved(self, connection: Any, key: bytes) -> None:
        """The connection began with this key, which may not be believed any more since."""
        self._proved[connection] = key
        if not self._is_pinned(key):
            connection.abort()

    async def enter(self, sock: socket.socket, converse: Converse) -> Session:
        """Log in to the partner over a connected socket, and open the subsystem.

        Args:
            sock: connected to the partner; closed when this fails.
            converse: begins the conversation.

        Returns:
            The session, whose conversation has begun.

        Raises:
            UnreachableError: the partner has hung up already.
            LinkDownError: why not.
        """
        try:
            local, remote = sock.getsockname()[0], sock.getpeername()[0]
        except OSError as error:
            sock.close()
            raise UnreachableError("the connection ended as soon as it began") from error
        client = _Client(self._is_pinned)
        connection, entered = None, None
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT):
                connection = await asyncssh.run_client(
                    sock,
                    config=None,
                    client_factory=lambda: client,
                    client_version=_VERSION,
                    username=USER,
                    client_keys=[self._key],
                    known_hosts=([], [], []),
                    server_host_key_algs=["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"],
                    agent_path=None,
                    disable_trivial_auth=True,
                    login_timeout=LOGIN_TIMEOUT,
                    **_ALGORITHMS,
                    **_ONLY_KEYS,
                )
                self._has_proved(connection, client.proved)
                _channel, entered = await connection.create_session(
                    lambda: _ClientSession(converse), subsystem=SUBSYSTEM, encoding=None
                )
        except (asyncssh.Error, OSError, TimeoutError) as error:
            raise LinkDownError(_why(error, client, self.public, local, remote)) from error
        finally:
            if entered is None:  # also when cancelled: what was begun with former keys must not come up later
                if connection is not None:
                    connection.abort()
                sock.close()
        session: Session = entered
        return session

    async def receive(self, sock: socket.socket, converse: Converse) -> None:
        """Serve one accepted connection to its end.

        Args:
            sock: from one of the partner's addresses.
            converse: begins the conversation.

        Raises:
            ClusterError: nobody proved to be the partner, or the subsystem was not opened in time.
        """
        server = _Server(self._is_pinned, converse)
        try:
            async with asyncio.timeout(LOGIN_TIMEOUT):
                connection = await asyncssh.run_server(
                    sock,
                    config=None,
                    server_factory=lambda: server,
                    server_version=_VERSION,
                    server_host_keys=[self._key],
                    authorized_client_keys=None,
                    login_timeout=LOGIN_TIMEOUT,
                    allow_pty=False,
                    line_editor=False,
                    allow_scp=False,
                    sftp_factory=None,
                    encoding=None,
                    **_ALGORITHMS,
                    **_ONLY_KEYS,
                )
        except (asyncssh.Error, OSError, TimeoutError) as error:
            sock.close()
            raise ClusterError(f"nobody was let in over the hotwire: {error or 'no login in time'}") from error
        self._has_proved(connection, server.proved)
        hasty = asyncio.get_running_loop().call_later(LOGIN_TIMEOUT, _leave_idle, server, connection)
        try:
            await connection.wait_closed()
        finally:
            hasty.cancel()
            connection.abort()

    def refusal(self, text: str) -> bytes:
        """What a stranger is told: our version, and a disconnect before any key exchange (RFC 4253, 11.1)."""
        words = text.encode()
        disconnect = struct.pack("!BII", 1, asyncssh.DISC_HOST_NOT_ALLOWED_TO_CONNECT, len(words))
        body = disconnect + words + struct.pack("!I", 0)
        padding = 8 - (len(body) + 5) % 8
        padding += 8 if padding < 4 else 0
        packet = struct.pack("!IB", len(body) + padding + 1, padding) + body + bytes(padding)
        return f"SSH-2.0-{_VERSION}\r\n".encode() + packet


def _pinned(lines: tuple[str, ...]) -> frozenset[bytes]:
    """The partner's keys, as SSH encodes them; what cannot be read (a damaged store) pins nothing."""
    found = set()
    for line in lines:
        try:
            found.add(publickey.parse(line).blob)
        except InvalidConfigurationError as error:
            logging.getLogger("clusterd").warning("a key of the partner is left out: %s", error)
    return frozenset(found)
