"""`system config activate confirm N`: what is applied goes back by itself unless somebody confirms it in time.

What is pending stands in the run directory before anything is applied, with its deadline on the monotonic clock:
the end of the session, of clusterd, or a step of the wall clock change nothing. It ends with the boot, which brings
the start configuration into force as always.

Pure: the clock comes in as `now`; requests/config_life.py keeps the file and the timer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cluster.errors import LockedError, RefusedError
from cluster.rpc.messages.config_life import LONGEST_ACTIVATION, SHORTEST_ACTIVATION
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from cluster.rpc.messages import Actor


class Pending(Struct, frozen=True, kw_only=True):
    """An activation that was not confirmed yet.

    Attributes:
        user: who activated.
        source: where from.
        seconds: to confirm in.
        deadline: when it is undone; nanoseconds of the monotonic clock.
        activated: the revision that was put into force.
        before: the revision that was in force, and will be again.
        boot: of the kernel, by its id: another boot has another clock.
    """

    user: str
    source: str
    seconds: int
    deadline: int
    activated: int
    before: int
    boot: str

    @property
    def whose(self) -> str:
        """Who activated, as events name them."""
        return f"{self.user} ({self.source})"

    def left(self, now: Nanoseconds) -> Nanoseconds:
        """How long there is to confirm."""
        return Nanoseconds(max(0, self.deadline - now))


def begin(
    actor: Actor,
    seconds: int,
    now: Nanoseconds,
    *,
    pending: Pending | None,
    activated: int,
    before: int | None,
    boot: str,
) -> Pending:
    """An activation begins.

    Args:
        actor: who asks.
        seconds: to confirm in.
        now: monotonic.
        pending: what waits already.
        activated: the running revision.
        before: the revision in force; None: there is none.
        boot: id of the boot.

    Raises:
        LockedError: another one waits; says whose and how long.
        RefusedError: it could not be undone, or not in this time.
    """
    require_none(pending, now)
    if not SHORTEST_ACTIVATION <= seconds <= LONGEST_ACTIVATION:
        raise RefusedError(
            f"{seconds} s to confirm are not possible; {SHORTEST_ACTIVATION} to {LONGEST_ACTIVATION} are"
        )
    if before is None:
        raise RefusedError("nothing is in force that could come back; system update interface applies for good")
    deadline = now + seconds * NANOSECONDS_PER_SECOND
    return Pending(
        user=actor.user,
        source=actor.source,
        seconds=seconds,
        deadline=deadline,
        activated=activated,
        before=before,
        boot=boot,
    )


def require_none(pending: Pending | None, now: Nanoseconds) -> None:
    """Go on only if nothing waits: what waits would take back what comes into force meanwhile.

    Raises:
        LockedError: something does; says whose and how long.
    """
    if pending is not None:
        raise LockedError(
            f"an activation of {pending.whose} waits for system config confirm; without it, what was in force "
            f"before comes back in {pending.left(now) // NANOSECONDS_PER_SECOND} s"
        )


def require(pending: Pending | None) -> Pending:
    """What waits.

    Raises:
        RefusedError: nothing does.
    """
    if pending is None:
        raise RefusedError("no activation waits to be confirmed: there was none, or it was undone already")
    return pending


def encode(pending: Pending) -> bytes:
    """For the run directory."""
    return msgspec.json.encode(pending)


def decode(content: bytes) -> Pending:
    """From the run directory.

    Raises:
        ValueError: it is no such file.
    """
    return msgspec.json.decode(content, type=Pending)
