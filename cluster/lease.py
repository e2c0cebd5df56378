"""The edit lease: who changes the running configuration just now. Pure: the clock comes in as `now`.

The running configuration is one for all administrators, so two who edit at the same time would save and apply each
other's half-done work. The first edit takes the lease; everybody else's is refused, naming the holder, until

    - the holder saved, or loaded another configuration,
    - nothing was edited for `LEASE`,
    - or somebody took the lease over (``force 1``): the edits made so far stay.

A holder is an account at a place (``admin``, ``ssh 192.0.2.7``): one-shot commands of one person are one holder.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cluster.errors import LockedError
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.rpc.messages import Actor

LEASE = Nanoseconds(60 * NANOSECONDS_PER_SECOND)


class Holder(NamedTuple):
    """Who edits.

    Attributes:
        user: the account.
        source: where from.
        since: of the first edit under this lease.
        last: of the newest one.
    """

    user: str
    source: str
    since: Nanoseconds
    last: Nanoseconds


class EditLease:
    """The lease of one node's running configuration."""

    def __init__(self) -> None:
        self._holder: Holder | None = None
        self._lasting: Holder | None = None

    def holder(self, now: Nanoseconds) -> Holder | None:
        """Who edits now; None when nobody does."""
        lasts = self._holder is self._lasting
        if self._holder is not None and not lasts and now - self._holder.last >= LEASE:
            self._holder = None
        return self._holder

    def require(self, actor: Actor, now: Nanoseconds, *, force: bool = False) -> None:
        """Go on only if nobody else edits.

        Raises:
            LockedError: who does, and since when; unless `force`.
        """
        holder = self.holder(now)
        if holder is None or force or (holder.user, holder.source) == (actor.user, actor.source):
            return
        seconds = (now - holder.since) // NANOSECONDS_PER_SECOND
        raise LockedError(
            f"{holder.user} ({holder.source}) has been editing the configuration for {seconds} s; "
            "force 1 takes over, edits made so far stay"
        )

    def edited(self, actor: Actor, now: Nanoseconds) -> None:
        """Something was edited: the lease is this actor's from now on."""
        holder = self.holder(now)
        mine = holder is not None and (holder.user, holder.source) == (actor.user, actor.source)
        since = holder.since if holder is not None and mine else now
        self._holder = Holder(actor.user, actor.source, since, now)

    @contextmanager
    def held(self, actor: Actor, now: Nanoseconds) -> Iterator[None]:
        """Nobody else edits during this block, however long it takes, unless they take the lease over.

        Afterwards whoever held it before holds it again, unless it ended in the block.

        Args:
            actor: what the others are told who holds it.
            now: monotonic.
        """
        before = self.holder(now)
        mine = self._holder = self._lasting = Holder(actor.user, actor.source, now, now)
        try:
            yield
        finally:
            if self._holder is mine:
                self._holder = before
            self._lasting = None

    def end(self) -> None:
        """What was edited is whole: saved, or left for another configuration."""
        self._holder = None
