"""What a person sees after logging in, and the password they may have to choose first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster.errors import ClusterError, NotAuthorisedError
from cluster.rpc.messages import Audit, ChangePassword, GetLastLogin
from utmcli.commands._times import moment
from utmcli.render import error_text, printable

if TYPE_CHECKING:
    from utmcli.session import Session
    from utmcli.sshd.channel import Visitor
    from utmcli.sshd.console import ChannelConsole
    from utmcli.trail import Trail

LOGIN = "(login)"
TRIES = 3
"""To choose a password."""
CHANGE_FIRST = (
    "% Error: the initial password of this account has to be changed first: log in with a terminal and without a "
    "command\n"
)
NOT_CHANGED = "% Note: the initial password was not changed, the session ends; log in again to choose another one\n"


async def login(session: Session, trail: Trail, visitor: Visitor, *, is_person: bool) -> str:
    """Note the login, once for each connection; for people, a line about the one before it."""
    text = ""
    if is_person:
        text = await _last(session)
    if not visitor.greeted:
        visitor.greeted = True
        trail.note(session.actor, session.number, LOGIN, 0, time.time())
    return text


async def _last(session: Session) -> str:
    try:
        answer = await session.ask(GetLastLogin(session.user))
    except ClusterError:  # the prompt will say that clusterd is away
        return ""
    if not isinstance(answer, Audit) or not answer.lines:
        return f"Welcome, {printable(session.user)} ({session.role}). This is your first login.\n"
    last = answer.lines[0]
    source = printable(last.source.removeprefix("ssh "))
    return f"Last login of {printable(session.user)} ({session.role}): {moment(last.at)} from {source}\n"


async def choose_password(session: Session, console: ChannelConsole, initial: str) -> bool:
    """Have the initial password changed, as a condition of everything else; whether that was done.

    Args:
        session: of whoever logged in.
        console: where.
        initial: what they logged in with a moment ago; it is not asked for again.
    """
    await console.write("The initial password of this account has to be changed now.\n")
    for _ in range(TRIES):
        new = await console.read_secret("New password: ")
        again = await console.read_secret("New password, again: ") if new is not None else None
        if new is None or again is None:
            await console.write("\n")
            break
        if new != again:
            await console.write("% Error: the two new passwords differ\n")
            continue
        try:
            await session.ask(ChangePassword(initial, new))
        except NotAuthorisedError:  # it was right at the login
            await console.write("% Error: the password was changed meanwhile; log in with the new one\n")
            return False
        except ClusterError as error:
            await console.write(error_text(error))
            continue
        await console.write("The password is changed.\n")
        return True
    await console.write(NOT_CHANGED)
    return False
