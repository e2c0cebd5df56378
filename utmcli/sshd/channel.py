"""What happens in an SSH channel: the shell for people and programs, or one command."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncssh

from cluster.errors import ClusterError
from utmcli.arguments import understand, without_json
from utmcli.console import MONOCHROME, Hello
from utmcli.history import LineHistory
from utmcli.oneshot import commands_in, run_commands, run_one, whole_input
from utmcli.render import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_NOT_AUTHORISED,
    EXIT_OK,
    EXIT_UNREACHABLE,
    error_text,
    exit_code,
)
from utmcli.repl import Conversation
from utmcli.session import Session, mishap
from utmcli.sshd import greeting
from utmcli.sshd.console import ChannelConsole
from utmcli.stage import Stage

if TYPE_CHECKING:
    from cluster.rpc.messages import Actor
    from utmcli.render import Style
    from utmcli.sshd.house import House

STOPPING = "the shell host stops"
_DISMISSED = "dismissed"
"""What a session is cancelled with that is told why."""
_OUTPUT_WAITING = 64 * 1024


@dataclass(slots=True)
class Visitor:
    """Who was let in.

    Attributes:
        actor: for clusterd.
        idle_timeout: seconds until a session in which nothing happens ends; 0: never.
        initial: the password they logged in with, if it has to be changed before anything else; None if not.
        greeted: the login was noted already: a connection may carry many sessions.
        channels: that are open.
        touched: when the last of them was closed, or the connection let in, monotonic seconds.
    """

    actor: Actor
    idle_timeout: int
    initial: str | None = field(repr=False)
    greeted: bool = False
    channels: set[Channel] = field(default_factory=set)
    touched: float = field(default_factory=time.monotonic)


class Channel(asyncssh.SSHServerSession):  # type: ignore[misc] # asyncssh is not followed by mypy, see pyproject.toml
    """What asyncssh tells about one channel.

    Args:
        house: what connections share.
        visitor: whose channel.
    """

    def __init__(self, house: House, visitor: Visitor) -> None:
        self._house = house
        self._visitor = visitor
        self._channel: Any = None
        self._terminal: tuple[str, int, int] | None = None
        self._command: str | None = None
        self._json = False
        self._console: ChannelConsole | None = None
        self._task: asyncio.Task[None] | None = None
        self._farewell = (STOPPING, EXIT_UNREACHABLE)

    # --- what the client asks for -------------------------------------------------------------------

    def connection_made(self, chan: Any) -> None:
        """The channel is open; only now does it count: one that never opens is never closed either."""
        self._channel = chan
        self._visitor.channels.add(self)
        self._house.sessions[self._visitor.actor.user] += 1
        chan.set_write_buffer_limits(high=_OUTPUT_WAITING)

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], _modes: object) -> bool:
        """There is a terminal."""
        self._terminal = (term_type, term_size[0], term_size[1])
        return True

    def shell_requested(self) -> bool:
        """The shell."""
        return True

    def exec_requested(self, command: str) -> bool:
        """One command, possibly several lines."""
        self._command, self._json = without_json(command)
        return True

    def subsystem_requested(self, _subsystem: str) -> bool:
        """There are none: no files are to be had here."""
        return False

    def session_started(self) -> None:
        """Everything is said; begin."""
        is_terminal = self._terminal is not None
        term, columns, rows = self._terminal or ("", 0, 0)
        if term not in ("", "dumb") and self._channel.get_environment().get("NO_COLOR"):
            term = MONOCHROME
        hello = Hello(term, min(columns, 10_000), min(rows, 10_000), (is_terminal,) * 3, "/", ())
        self._console = ChannelConsole(self._channel, hello, time.monotonic)
        self._task = asyncio.create_task(self._run(self._console))

    def terminal_size_changed(self, width: int, height: int, _pixwidth: int, _pixheight: int) -> None:
        """The window has another size."""
        if self._console is not None:
            self._console.resize(width, height)

    def data_received(self, data: bytes, _datatype: object) -> None:
        """Something was typed."""
        if self._console is not None:
            self._console.typed(data)

    def eof_received(self) -> bool:
        """Nothing more will be typed; what is asked for is still answered."""
        if self._console is not None:
            self._console.end()
        return True

    def signal_received(self, _signal: str) -> None:
        """Whatever the signal, it is meant to stop what runs."""
        if self._console is not None:
            self._console.interrupt()

    def break_received(self, _msec: int) -> bool:
        """The same."""
        self.signal_received("INT")
        return True

    def pause_writing(self) -> None:
        """The client does not keep up."""
        if self._console is not None:
            self._console.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        if self._console is not None:
            self._console.resume_writing()

    def connection_lost(self, _exc: Exception | None) -> None:
        """The channel is closed."""
        self._leave()
        if self._console is not None:
            self._console.lost()
        if self._task is not None:
            self._task.cancel()

    def _leave(self) -> None:
        visitor, sessions = self._visitor, self._house.sessions
        if self in visitor.channels:
            visitor.channels.remove(self)
            visitor.touched = time.monotonic()
            sessions[visitor.actor.user] -= 1
            if not sessions[visitor.actor.user]:
                del sessions[visitor.actor.user]

    # --- what it gets -------------------------------------------------------------------------------

    def dismiss(self, reason: str = STOPPING, code: int = EXIT_UNREACHABLE) -> asyncio.Task[None] | None:
        """Say why the session ends, and end it; the task that does.

        Args:
            reason: the shell host stops, or the account may no longer be here.
            code: the exit code.
        """
        if self._task is not None:
            self._farewell = (reason, code)
            self._task.cancel(_DISMISSED)
        return self._task

    async def _run(self, console: ChannelConsole) -> None:
        code = EXIT_FAILED
        self._house.channels.add(self)
        try:
            code = await self._attend(console)
        except asyncio.CancelledError as why:
            code = EXIT_UNREACHABLE
            if why.args == (_DISMISSED,):
                reason, code = self._farewell
                with suppress(ConnectionError):
                    await console.write_error(f"\n% Error: {reason}\n")
        except ConnectionError:
            pass  # the client is gone, which is how most sessions end
        finally:
            self._house.channels.discard(self)
            console.flush()
            with suppress(OSError):
                self._channel.exit(code)

    async def _attend(self, console: ChannelConsole) -> int:
        """Serve, until the session ends or nothing has happened for too long."""
        working = asyncio.create_task(self._serve(console))
        idling = asyncio.create_task(self._idle(console))
        try:
            await asyncio.wait((working, idling), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            working.cancel()
            await asyncio.wait((working,))
            timeout = self._visitor.idle_timeout
            await console.write_error(f"\n% Note: nothing happened for {timeout} s, the session ends\n")
            return EXIT_INTERRUPTED
        finally:
            idling.cancel()
            if not working.done():
                working.cancel()
                await asyncio.wait((working,))

    async def _idle(self, console: ChannelConsole) -> None:
        if not self._visitor.idle_timeout:
            await asyncio.Event().wait()
        while (left := console.active + self._visitor.idle_timeout - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)  # once a timeout at most: no event for every key

    async def _serve(self, console: ChannelConsole) -> int:
        visitor = self._visitor
        style: Style = "json" if self._json else "table"
        session = Session(
            visitor.actor, self._house.link, style, number=self._house.number(), trail=self._house.trail
        )
        session.bulletin = self._house.bulletin
        session.stage = lambda: Stage.of(console)
        with self._house.bulletin.attending(session):
            return await self._welcomed(session, console)

    async def _welcomed(self, session: Session, console: ChannelConsole) -> int:
        visitor = self._visitor
        is_person = self._command is None and console.terminal
        try:
            welcome = await greeting.login(session, self._house.trail, visitor, is_person=is_person)
            if not await self._has_own_password(session, console, is_person=is_person):
                return EXIT_NOT_AUTHORISED
            if self._command is not None:
                return await self._execute(session, console, self._command)
            history = LineHistory(self._house.histories, session.actor)
            conversation = Conversation(session, console, history, self._house.bulletin)
            if not is_person:
                return await conversation.transcribe()
            await console.write(welcome)
            return await conversation.hold()
        except ClusterError as error:  # of the session's own input, not of a command
            await console.write_error(error_text(error))
            return exit_code(error)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - a mistake of ours ends this session only; it is logged whole
            await console.write_error(mishap(f"a session of {session.user}"))
            return EXIT_FAILED

    async def _has_own_password(self, session: Session, console: ChannelConsole, *, is_person: bool) -> bool:
        if self._visitor.initial is None:
            return True
        if not is_person:
            await console.write_error(greeting.CHANGE_FIRST)
            return False
        if not await greeting.choose_password(session, console, self._visitor.initial):
            return False
        self._visitor.initial = None
        return True

    async def _execute(self, session: Session, console: ChannelConsole, command: str) -> int:
        """The lines of an exec request, as `utmcli -c` takes them; Ctrl-C and signals stop them."""
        lines = commands_in(command)
        wish = understand([*["--json"] * self._json, *(word for line in lines for word in ("-c", line))])
        reads = None if console.terminal else lambda: whole_input(console.read)
        if not lines:
            return EXIT_OK
        if len(lines) == 1:
            work = asyncio.create_task(run_one(session, lines[0], console, wish, reads))
        else:
            work = asyncio.create_task(run_commands(session, lines, console, wish))

        def interrupt() -> None:
            work.cancel()

        console.interrupted = interrupt
        console.set_mode("2")
        try:
            await asyncio.wait((work,))
            return EXIT_INTERRUPTED if work.cancelled() else work.result()
        finally:
            work.cancel()
