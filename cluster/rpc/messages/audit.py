"""The audit: every command, of everybody, with what came of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from cluster.rpc.messages.base import Ask


class Audited(Struct, frozen=True, kw_only=True):
    """A line of `system audit get`.

    Attributes:
        at: when it began, unix seconds.
        user: the account.
        source: where from, as of an `Actor`.
        session: which of that account's sessions.
        line: as typed, secrets replaced; ``(login)`` and ``(logout)`` for the ends of a session.
        code: exit code.
        duration: in seconds.
        number: of the line, given by clusterd.
    """

    at: float
    user: Annotated[str, Meta(max_length=64)]
    source: Annotated[str, Meta(max_length=128)]
    session: Annotated[str, Meta(max_length=32)]
    line: Annotated[str, Meta(max_length=4096)]
    code: int
    duration: float
    number: int = 0


class NoteCommands(Ask, frozen=True, tag="note-commands"):
    """Keep lines in the audit, in this order -> Done."""

    commands: tuple[Audited, ...]


class GetAudit(Ask, frozen=True, tag="audit"):
    """`system audit get`: the newest lines, of one account only if `user` is given -> Audit."""

    limit: int = 50
    user: str = ""
    failed: bool = False


class GetLastLogin(Ask, frozen=True, tag="last-login"):
    """When and from where an account logged in last -> Audit of one line, or of none."""

    user: str


class Audit(Struct, frozen=True, tag="audit"):
    """Answer to GetAudit and GetLastLogin, oldest first."""

    lines: tuple[Audited, ...]
