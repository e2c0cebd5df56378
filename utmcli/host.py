"""The resident shell host: pays for imports once, serves every console, holds no privilege.

What it protects: sessions from each other (a client that stalls, floods or dies is its own problem) and from a
clusterd that restarts (link.py connects anew). A shell host started beside a running one takes over the socket;
the old one notices and leaves when its last session has ended, so that an update ends nobody's session.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import logging
import os
import pwd
import signal
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cluster
import utmcli
from cluster.errors import ClusterError, ProtocolError
from cluster.rpc.messages import Actor
from utmcli import logs, privileges
from utmcli.arguments import Arguments, UsageError, understand
from utmcli.asking import LinesDialogue
from utmcli.bulletin import Bulletin
from utmcli.commands import GRAMMAR
from utmcli.completion import for_shells, which_live
from utmcli.console import SOCKET_FILE, ClientConsole, refuse
from utmcli.history import LineHistory
from utmcli.link import Link
from utmcli.live import fetch
from utmcli.oneshot import lines_of, run_commands, run_one, run_script, whole_input
from utmcli.render import (
    EXIT_FAILED,
    EXIT_NOT_AUTHORISED,
    EXIT_OK,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    error_text,
    exit_code,
)
from utmcli.repl import Conversation
from utmcli.session import Session, mishap
from utmcli.sshd import hostkey
from utmcli.sshd import listener as ssh_listener
from utmcli.stage import Stage
from utmcli.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from utmcli.console import Console
    from utmcli.render import Style
    from utmcli.sshd.server import SshServer

_LOG = logging.getLogger("utmcli")

MAX_SESSIONS = 64
"""Connections served at the same time; one more is refused with a sentence."""
PATIENCE = 5.0
"""Seconds a connection has to say what it wants."""
FAREWELL = 1.0
"""Seconds that clients have, when the host stops, to read what they were told."""
_SUCCESSOR_CHECK = 5.0
"""Seconds between two looks at whether another shell host took over the socket."""
STATE_DIRECTORY = "shell"
"""Directory below the run directory that belongs to the shell host alone: histories."""

_CREDENTIALS = struct.Struct("3i")


class Ssh(NamedTuple):
    """What the SSH server needs of the time when the shell host was privileged.

    Attributes:
        listener: its socket.
        host_key: the key of this node.
    """

    listener: socket.socket
    host_key: bytes


class Host:
    """Serves consoles. Everything it shares between sessions is here.

    Args:
        run_dir: directory of clusterd's socket and of the histories.
        admitted: user ids that get a session. The one the host runs as is none of them by itself: `nobody` is
            shared with programs that have no business here.
        ssh: what the SSH server needs; None: there is none.
    """

    def __init__(self, run_dir: Path, admitted: frozenset[int], ssh: Ssh | None = None) -> None:
        self._run_dir = run_dir
        self._admitted = admitted
        self._link = Link(str(run_dir))
        self._bulletin = Bulletin(self._link)
        self._trail = Trail(self._link)
        self._numbers = itertools.count(1)
        self._sessions: set[asyncio.Task[None]] = set()
        self._ssh = ssh
        self._server: SshServer | None = None

    async def run(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT, or until another host has taken over and the last session ended.

        Args:
            listener: bound to the console socket.
        """
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        path = self._run_dir / SOCKET_FILE
        server = await asyncio.start_unix_server(self._accepted, sock=listener)
        ours = path.stat().st_ino
        _LOG.info("serving consoles on %s", path)
        await self._begin_ssh()
        while not stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _SUCCESSOR_CHECK)
            if _inode(path) != ours:
                server.close()
                if self._server is not None:
                    self._server.stop_listening()
                if not self._sessions and not (self._server is not None and self._server.busy):
                    await self.close()
                    _LOG.info("the console socket is no longer ours, and the last session here ended")
                    return
        server.close()
        await self._dismiss()
        await self.close()

    async def close(self) -> None:
        """Hand over what is left for the audit, and hang up on clusterd."""
        if self._server is not None:
            await self._server.close()
        await self._trail.close(FAREWELL)
        await self._link.close()

    async def _begin_ssh(self) -> None:
        """Serve SSH as well; the import takes a third of a second, during which consoles are served already."""
        if self._ssh is None:
            return
        from utmcli.sshd.house import House  # noqa: PLC0415 - as the docstring says

        server = await asyncio.to_thread(importlib.import_module, "utmcli.sshd.server")
        house = House(self._link, self._trail, self._bulletin, self._run_dir / STATE_DIRECTORY, self._numbers)
        self._server = server.SshServer(house, self._ssh.host_key)
        await self._server.start(self._ssh.listener)
        gc.freeze()  # as in `serve`

    async def _dismiss(self) -> None:
        """End all sessions; each says so to its user."""
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        if sessions:
            await asyncio.wait(sessions, timeout=FAREWELL)
        _LOG.info("stopped, %d sessions were told", len(sessions))

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self.connection(reader, writer))
        self._sessions.add(task)
        task.add_done_callback(self._sessions.discard)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client from its first byte to its last."""
        try:
            uid = _peer_uid(writer)
            if uid not in self._admitted:
                _LOG.warning("refused a console of user id %d", uid)
                await refuse(writer, "% Error: only root may use this shell on the console\n", EXIT_NOT_AUTHORISED)
            elif len(self._sessions) > MAX_SESSIONS:
                sentence = f"% Error: {MAX_SESSIONS} sessions are open already\n"
                await refuse(writer, sentence, EXIT_FAILED)
            else:
                async with asyncio.timeout(PATIENCE):
                    console = await ClientConsole.accept(reader, writer)
                await self._attend(console, Actor(user=_name(uid), source="console", role="admin"))
        except ProtocolError as error:
            _LOG.warning("ended a console: %s", error.message)
            await refuse(writer, f"% Error: {error.message}\n", EXIT_FAILED)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            _LOG.debug("a console hung up, or said nothing")
        finally:
            writer.transport.abort()

    async def _attend(self, console: ClientConsole, actor: Actor) -> None:
        """Run the session and listen to its client; whichever ends first ends the other.

        Raises:
            ProtocolError: the client broke the protocol.
            ConnectionError: the client is gone.
        """
        listening = asyncio.create_task(console.listen())
        working = asyncio.create_task(self._serve(console, actor))
        try:
            await asyncio.wait((listening, working), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await console.end(working.result())
        except asyncio.CancelledError:
            await _settle(working)
            await console.write_error("\n% Error: the shell host stops\n")
            await console.end(EXIT_UNREACHABLE)
        finally:
            await _settle(working)
            await _settle(listening)
        if listening.done() and not listening.cancelled() and (broken := listening.exception()):
            raise broken

    async def _serve(self, console: ClientConsole, actor: Actor) -> int:
        try:
            wish = understand(console.hello.arguments)
        except UsageError as error:
            await console.write_error(f"utmcli: {error}\n")
            return EXIT_USAGE
        style: Style = "json" if wish.json else "table"
        session = Session(actor, self._link, style, number=str(next(self._numbers)), trail=self._trail)
        session.bulletin = self._bulletin
        session.save = console.save
        session.stage = lambda: Stage.of(console)
        try:
            with self._bulletin.attending(session):
                return await self._conduct(session, console, wish)
        except ClusterError as error:  # of the session's own input, not of a command
            await console.write_error(error_text(error))
            return exit_code(error)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - a mistake of ours ends this session only; it is logged whole
            await console.write_error(mishap(f"a session of {actor.user}"))
            return EXIT_FAILED

    async def _conduct(self, session: Session, console: Console, wish: Arguments) -> int:
        if wish.complete is not None:
            return await _complete(session, console, wish.complete)
        if len(wish.commands) == 1:
            if console.hello.terminals[0] and console.hello.terminals[1]:
                session.dialogue = LinesDialogue(lines_of(console.read), console, shows_answers=False)
            return await run_one(session, wish.commands[0], console, wish, _input_for(console))
        if wish.commands:
            return await run_commands(session, wish.commands, console, wish)
        if console.hello.terminals[0] and console.hello.terminals[1] and not wish.dry_run:
            return await self._conversation(session, console).hold()
        if wish.interactive and not wish.dry_run:
            return await self._conversation(session, console).transcribe(stop=wish.stop or False)
        return await run_script(session, lines_of(console.read), console, wish)

    def _conversation(self, session: Session, console: Console) -> Conversation:
        history = LineHistory(self._run_dir / STATE_DIRECTORY, session.actor)
        return Conversation(session, console, history, self._bulletin)


async def _complete(session: Session, console: Console, line: str) -> int:
    """For the completion of other shells: a candidate a line, its description behind a tabulator."""
    live = await fetch(session.ask, which_live(GRAMMAR, line))
    await console.write(for_shells(GRAMMAR, line, live))
    return EXIT_OK


def _input_for(console: Console) -> Callable[[], Awaitable[str]] | None:
    """Standard input for a command that reads it; a terminal is left alone."""
    if console.hello.terminals[0]:
        return None
    return lambda: whole_input(console.read)


async def _settle(task: asyncio.Task[object]) -> None:
    """Cancel a task and wait until it is over; what it raised stays in it."""
    task.cancel()
    await asyncio.wait((task,))


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    """The kernel's word on who is at the other end (SO_PEERCRED, unix(7))."""
    connection = writer.get_extra_info("socket")
    _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def listen(path: Path) -> socket.socket:
    """Bind the console socket, in the place of whoever held it, without a moment in which there is none.

    Everybody may connect: whoever gets no session is told so in a sentence instead of an error of the
    system (`Host.connection` asks the kernel who it is before it reads a byte).
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    listener.bind(str(fresh))
    fresh.chmod(0o666)
    listener.listen(MAX_SESSIONS)
    fresh.replace(path)
    return listener


def state_directory(run_dir: Path, identity: privileges.Identity | None) -> Path:
    """Make the directory for histories; it belongs to the account that the host runs as."""
    path = run_dir / STATE_DIRECTORY
    path.mkdir(mode=0o700, exist_ok=True)
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)
    return path


def ssh_for(state_dir: Path, port: int) -> Ssh | None:
    """Prepare the SSH server; where that does not work there is none, and the log says why.

    Args:
        state_dir: where the host key is.
        port: TCP port; 0: no SSH server is wanted.
    """
    if not port:
        return None
    try:
        return Ssh(ssh_listener.listen(port), hostkey.load(state_dir))
    except OSError as error:
        _LOG.error("no SSH server on port %d: %s", port, error)
        return None


def serve(run_dir: Path, state_dir: Path, ssh_port: int) -> None:
    """Run the resident shell host: what `utmcli serve` does.

    Args:
        run_dir: where the sockets are; made if it does not exist.
        state_dir: clusterd's, where the SSH host key is.
        ssh_port: of the SSH server; 0: there is none.

    Raises:
        OSError: the socket cannot be made, or the kernel refuses to take the privileges away.
    """
    logs.set_up()
    run_dir.mkdir(parents=True, exist_ok=True)
    needed = tuple(Path(module.__file__ or "") for module in (os, asyncio, cluster, utmcli))
    admitted = frozenset({0, os.getuid()})
    choice = privileges.choose(needed)
    listener = listen(run_dir / SOCKET_FILE)
    state_directory(run_dir, choice.identity)
    ssh = ssh_for(state_dir, ssh_port)
    privileges.drop(choice.identity)
    if choice.identity is None:
        _LOG.warning("running as user id %d without capabilities: %s", os.getuid(), choice.reason)
    else:
        _LOG.info("running as %s without capabilities", choice.identity.name)
    gc.freeze()  # what is imported stays; collections need not look at it again while somebody waits
    asyncio.run(Host(run_dir, admitted, ssh).run(listener))


async def serve_one(run_dir: Path, connection: socket.socket) -> None:
    """Serve a single connection, for a command that runs in its own process.

    Args:
        run_dir: where clusterd's socket is.
        connection: the host's end.
    """
    reader, writer = await asyncio.open_unix_connection(sock=connection)
    host = Host(run_dir, frozenset({os.getuid()}))
    await host.connection(reader, writer)
    await host.close()
