"""The life of configurations: what there was, going back to it, and trying something for a while."""

from __future__ import annotations

from msgspec import Struct

from cluster.rpc.messages.base import Ask

SHORTEST_ACTIVATION, LONGEST_ACTIVATION = 5, 3600
"""Seconds to confirm: enough to type it, and not so long that everybody forgets."""


class GetHistory(Ask, frozen=True, tag="history"):
    """`system config history`: the newest revisions -> History."""

    limit: int = 50


class RevisionLine(Struct, frozen=True, kw_only=True):
    """One revision; `when` in unix seconds, `names` it was ever saved under, `flags` RUNNING and APPLIED."""

    number: int
    when: float
    who: str
    why: str
    names: tuple[str, ...]
    flags: tuple[str, ...]


class History(Struct, frozen=True, tag="history"):
    """Answer to GetHistory, the newest first."""

    revisions: tuple[RevisionLine, ...]


class RollBack(Ask, frozen=True, tag="rollback"):
    """`system config rollback`: a former revision runs again, as a new one -> Done.

    Without `revision` what ran before; right after the partner's configuration arrived, that is undone as a whole:
    START, CURRENT, and what is in force. Refused while somebody else edits, unless `force`.
    """

    revision: int | None = None
    force: bool = False


class RollBackBoth(Ask, frozen=True, tag="rollback-both"):
    """`system config rollback both 1`: undo the last synchronization on both nodes, at the one that sent -> Done.

    Refused while somebody edits at either node, and when the receiver was edited since, unless `force`.
    """

    force: bool = False


class Activate(Ask, frozen=True, tag="activate"):
    """`system config activate confirm N`: apply, and go back by itself unless confirmed in N seconds -> Done."""

    seconds: int


class ConfirmActivation(Ask, frozen=True, tag="confirm"):
    """`system config confirm`: what was activated stays -> Done."""
