"""Who is asking, from where and in which role: one per console or channel. Runs lines, one at a time."""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast

from cluster.errors import ClusterError
from cluster.rpc.messages import READ_ONLY, GetAudit
from utmcli.commands import GRAMMAR
from utmcli.grammar import Call
from utmcli.output import Means, Output
from utmcli.pager import EnoughError, Pager
from utmcli.parser import Invocation, Problem, parse, with_secrets_covered
from utmcli.render import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, error_text, exit_code
from utmcli.waiting import patience_asked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence

    from cluster.rpc.messages import Actor, AnyAnswer, Ask, FollowAdverts, FollowEvents
    from utmcli.bulletin import Bulletin
    from utmcli.canvas import Drawing
    from utmcli.hints import Surroundings
    from utmcli.link import Link
    from utmcli.pager import Screen
    from utmcli.questions import Dialogue
    from utmcli.render import Style
    from utmcli.trail import Trail

_LOG = logging.getLogger("utmcli")

TO_LOOK = 10.0
"""Seconds that clusterd has for an answer that is there already."""
TO_DO = 300.0
"""Seconds for what takes its time: a handover at the longest advert interval waits for minutes."""


def mishap(what: str) -> str:
    """Log the exception that is being handled; the sentence for its user, with a number that finds it in the log.

    Args:
        what: failed.
    """
    reference = secrets.token_hex(4)
    _LOG.exception("%s failed unexpectedly, reference %s", what, reference)
    return f"% Error: this should not have happened; the shell host's log has the details under {reference}\n"


class Session:
    """One administrator's session; commands see it as `grammar.Session`.

    Args:
        actor: who asks.
        link: to clusterd.
        style: of results, unless a filter asks for another.
        number: of the session, by which the audit tells it from others.
        trail: where every line is noted with what came of it; None: nowhere.

    Attributes:
        width: columns of the terminal; 0 as the terminal says.
        length: lines of the terminal before output pauses; 0 never pauses, None as `fits` says.
        timeout: minutes without a key after which a session at its prompt ends; 0 never.
        closed: a command ended the session.
        lines: what was typed before, oldest first.
        more: asks for a key while output pauses; None where nobody sits who could press one.
        fits: rows and columns of the terminal; no rows where output must not pause by itself: a program reads it.
        bulletin: tells other sessions.
        attended: whether a person sits there, as far as that can be told; they are told what takes its time.
        dialogue: asks questions; None where nobody could answer.
        stage: the whole screen for a command that draws on it; None where nobody looks at one.
        save: keeps a text under a name at the user's end, and says where; None where there is no place for it.
    """

    def __init__(
        self, actor: Actor, link: Link, style: Style = "table", *, number: str = "", trail: Trail | None = None
    ) -> None:
        self.actor = actor
        self.number = number
        self._trail = trail
        self._link = link
        self._style: Style = style
        self.width = 0
        self.length: int | None = None
        self.timeout = 0
        self.closed = False
        self.lines: Callable[[], Sequence[str]] = tuple
        self.more: Callable[[], Awaitable[str]] | None = None
        self.fits: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.bulletin: Bulletin | None = None
        self.attended: Callable[[], bool] = lambda: False
        self.dialogue: Dialogue | None = None
        self.stage: Callable[[], Drawing | None] = lambda: None
        self.save: Callable[[str, str], Awaitable[str]] | None = None

    @property
    def user(self) -> str:
        """The account."""
        return self.actor.user

    @property
    def role(self) -> str:
        """``admin`` or ``readonly``."""
        return self.actor.role

    def close(self) -> None:
        """End the session after the command that runs now."""
        self.closed = True

    def history(self) -> Sequence[str]:
        """Lines typed before, oldest first, without secrets."""
        return self.lines()

    def people(self) -> tuple[str, ...]:
        """Who sits at a prompt of this shell host, as account and place."""
        return self.bulletin.people() if self.bulletin is not None else ()

    def others(self) -> tuple[str, ...]:
        """Whose sessions besides are here, programs mostly, as account and place."""
        return self.bulletin.others() if self.bulletin is not None else ()

    def adverts(self, interfaces: Iterable[str]) -> Mapping[str, str]:
        """The adverts of HA interfaces as marks, oldest first; see `Adverts.look`."""
        return self._link.adverts.look(tuple(interfaces))

    def tell(self, text: str) -> int:
        """Show a message to the people in other sessions; how many were told."""
        if self.bulletin is None:
            return 0
        return self.bulletin.post(f"Message of {self.user} ({self.actor.source}): {text}", self)

    async def ask(self, ask: Ask) -> AnyAnswer:
        """One question to clusterd, in the name of this session; who only looks waits less long.

        Raises:
            ClusterError: what clusterd answered instead, or that it cannot be reached.
        """
        if self._trail is not None and isinstance(ask, GetAudit):
            await self._trail.flush()
        patience = TO_LOOK if isinstance(ask, READ_ONLY) else TO_DO
        return await self._link.ask(cast("Any", ask), self.actor, patience)

    async def look(self) -> Surroundings:
        """How things are, for the prompt of any session; never an error."""
        return await self._link.outlook.look()

    def follow(self, ask: Ask) -> AsyncGenerator[AnyAnswer, None]:
        """A question whose answers keep coming, in the name of this session."""
        return self._link.follow(cast("FollowEvents | FollowAdverts", ask), self.actor)

    async def run(self, line: str, screen: Screen, read_input: Callable[[], Awaitable[str]] | None = None) -> int:
        """Carry one line out and show what came of it.

        Args:
            line: as typed.
            screen: where to.
            read_input: reads all of standard input, where a command may have it; None where it is the
                session's own.

        Returns:
            The exit code of the line.

        Raises:
            ConnectionError: the reader is gone.
        """
        began, code = time.time(), EXIT_INTERRUPTED
        try:
            async with self._link.lines.brief_turn(self.user):
                code = await self._run(line, screen, read_input)
        finally:
            if self._trail is not None:
                self._trail.note(self.actor, self.number, line, code, began)
        return code

    async def _run(self, line: str, screen: Screen, read_input: Callable[[], Awaitable[str]] | None) -> int:
        understood = parse(GRAMMAR, line, has_input=read_input is not None, attended=self._can_ask)
        if isinstance(understood, Problem):
            await screen.write_error(understood.render(with_secrets_covered(GRAMMAR, line)))
            return understood.exit_code
        try:
            missing = understood.command.input_key(understood.values)
            if read_input is not None and missing:
                understood.values[missing] = await read_input()
            return await self._execute(understood, screen)
        except ClusterError as error:
            await screen.write_error(error_text(error))
            return exit_code(error)
        except EnoughError:
            return EXIT_OK
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - one command's mistake must not end the session; it is logged whole
            await screen.write_error(mishap(f"{understood.command.name} of {self.user}"))
            return EXIT_FAILED

    @property
    def _can_ask(self) -> bool:
        return self.dialogue is not None and self.attended()

    async def _execute(self, invocation: Invocation, screen: Screen) -> int:
        is_plain = self._style == "table" and not invocation.pipes
        call = Call(
            invocation.values, self.ask, self.follow, self, GRAMMAR, self.stage if is_plain else lambda: None
        )
        means = Means(self._paper, self._patience, self.stage, self.save)
        return await Output(invocation, call, self._style, means).to(screen)

    def _paper(self, screen: Screen) -> Screen:
        """The screen, in portions where somebody sits at it who can ask for the next one."""
        length, columns = self._size()
        return Pager(screen, length, self.more, columns, self._size) if self.more is not None and length else screen

    def _size(self) -> tuple[int, int]:
        """Lines after which output pauses, 0 for never, and columns of the terminal, as they are now."""
        rows, columns = self.fits()
        return rows if self.length is None else self.length, columns

    def _patience(self, invocation: Invocation, screen: Screen) -> AbstractAsyncContextManager[None]:
        doing = invocation.command.waiting
        return patience_asked(screen, doing) if doing and self.attended() else nullcontext()
