"""The receiver's side of an exchange: what it answers, what it takes over, and what it refuses. Pure.

One exchange at a time, in one of these states; an ask that is out of turn is refused and changes nothing.

    state     ask           next
    -         SyncHello     GREETED    (from any state: the sender begins anew, what was before is forgotten)
    GREETED   SyncCompare   GREETED
    GREETED   SyncLock      LOCKED     unless an obstacle stands in the way and `force` was not given
    LOCKED    SyncStage     STAGED     if it fits our machine facts
    STAGED    SyncSwitch    ended      if we are still as we were when it was staged
    any       SyncRelease   ended      so does the loss of the link

What comes is put together with our machine facts as they run; what is in force keeps its own, so that an address or
a role that was edited here and not applied yet is not applied in passing. Of a sender with priority high we become
low, at once unless we are master: that moves the role, which is for `system update interface` here.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from cluster.accounts import administrators
from cluster.config import scope
from cluster.config.arrival import Arrival
from cluster.config.diff import diff
from cluster.config.migrations import VERSION
from cluster.config.revision import Content, packed
from cluster.errors import ConflictError, InvalidConfigurationError, LockedError, RefusedError, by_code
from cluster.hotwire import exchange_messages as x
from cluster.hotwire.exchange_refusals import obstacles, routers, trying

if TYPE_CHECKING:
    from cluster.hotwire.exchange_refusals import Own
    from cluster.model import Config, Difference

LOW_LATER = "the partner is master and was set to priority low: its role follows with system update interface there"


class State(Enum):
    """How far the exchange got."""

    GREETED = auto()
    LOCKED = auto()
    STAGED = auto()


class Staged(NamedTuple):
    """What is ready to be taken over.

    Attributes:
        arrival: for the store.
        document: canonical bytes of its shared part.
        seen: what we were like, see `_seen`.
        warnings: for the sender's administrator.
    """

    arrival: Arrival
    document: bytes
    seen: tuple[object, ...]
    warnings: tuple[str, ...]


class Reception:
    """The one exchange that goes on, if any.

    Attributes:
        hello: how it began; None: none goes on.
        state: how far it got.
        staged: what `SyncSwitch` would take over.
    """

    def __init__(self) -> None:
        self.hello: x.SyncHello | None = None
        self.state = State.GREETED
        self.staged: Staged | None = None

    @property
    def locked(self) -> bool:
        """Whether the edit lease was taken for it."""
        return self.hello is not None and self.state is not State.GREETED

    def greet(self, hello: x.SyncHello, own: Own, software: str) -> x.SyncWelcome:
        """An exchange begins.

        Raises:
            RefusedError: its configurations have another schema.
            LockedError: we are sending ourselves.
        """
        if hello.schema != VERSION:
            raise RefusedError(
                f"{own.hostname} runs version {software} with configurations of schema {VERSION}, {hello.hostname} "
                f"version {hello.software} with schema {hello.schema}; both need the same software"
            )
        if own.sending:
            raise LockedError(f"{own.hostname} is sending its own configuration just now")
        self.hello, self.state, self.staged = hello, State.GREETED, None
        return x.SyncWelcome(
            schema=VERSION,
            software=software,
            hostname=own.hostname,
            base=own.base.digest,
            enabled=own.enabled,
            in_step=self._in_step(hello, own),
            obstacles=obstacles(own, {*hello.bases, hello.digest}),
            routers=tuple(sorted(routers(own.applied.config))) if own.enabled and own.applied else (),
        )

    @staticmethod
    def _in_step(hello: x.SyncHello, own: Own) -> bool:
        """Nothing would change: neither what runs, nor what boots, nor what is in force, nor a name."""
        return (
            hello.digest == own.start_digest == own.running_digest
            and hello.name == own.start_name == own.current_name
            and own.start.number == own.running.number
            and own.applied is not None
            and own.applied.digest == own.running.digest
            and not (hello.priority == "high" and own.running.config.cluster.priority == "high")
        )

    def hello_of(self, exchange: str, *states: State) -> x.SyncHello:
        """How the exchange of this ask began.

        Raises:
            ConflictError: it is not the one that goes on, or the ask is out of turn.
        """
        if self.hello is None or self.hello.exchange != exchange or self.state not in states:
            raise ConflictError("the exchange was ended at the partner meanwhile; try again")
        return self.hello

    def lock(self, ask: x.SyncLock, own: Own) -> x.SyncHello:
        """Nobody else edits from here on.

        Raises:
            ClusterError: the first obstacle; the others are among its details.
            ConflictError: out of turn.
        """
        hello = self.hello_of(ask.exchange, State.GREETED)
        refuse(trying(own) if ask.force else obstacles(own, {*hello.bases, hello.digest}))
        self.state = State.LOCKED
        return hello

    def stage(self, staged: Staged) -> None:
        """It fits."""
        self.staged, self.state = staged, State.STAGED

    def switch(self, ask: x.SyncSwitch, own: Own) -> tuple[x.SyncHello, Staged]:
        """Take it over.

        Raises:
            LockedError: somebody began to try a configuration out since the lock.
            ConflictError: we are not as we were, or the ask is out of turn.
        """
        hello = self.hello_of(ask.exchange, State.STAGED)
        refuse(trying(own))
        assert self.staged is not None, "the state says so"
        if self.staged.seen != seen(own):
            raise ConflictError(f"the configuration of {own.hostname} was changed meanwhile; try again")
        return hello, self.staged

    def end(self) -> None:
        """It is over."""
        self.hello = self.staged = None


def refuse(found: tuple[x.Obstacle, ...]) -> None:
    """Go on if nothing stands in the way.

    Raises:
        ClusterError: the first obstacle; the others are among its details.
    """
    if found:
        first, *others = found
        raise by_code(first.code)(first.message, (*first.details, *(other.message for other in others)))


def seen(own: Own) -> tuple[object, ...]:
    """What must not change between staging and switching."""
    applied = None if own.applied is None else own.applied.number
    return (own.running.number, own.start.number, own.start_name, own.current_name, applied, own.is_master)


def differences(hello: x.SyncHello, document: bytes, own: Own) -> tuple[Difference, ...]:
    """What would change of what runs here.

    Raises:
        InvalidConfigurationError: it would not fit.
        RefusedError: it would lock everybody out.
    """
    running = _merged(hello, document, own.running.config, own.hostname)
    _refuse_lockout(own, running)
    return diff(own.running.config, running)


def staged(hello: x.SyncHello, document: bytes, own: Own) -> Staged:
    """What comes, put together with our machine facts, valid, and made ready for the disk.

    Takes some 150 ms for 10,000 objects.

    Raises:
        InvalidConfigurationError: it does not fit; `details` names every problem.
        ConflictError: it is not what the exchange began with.
        RefusedError: it would lock everybody out.
    """
    if scope.digest_of(document) != hello.digest:
        raise ConflictError("the configuration that came is not the one that was announced; try again")
    running = _merged(hello, document, own.running.config, own.hostname)
    _refuse_lockout(own, running)
    applied, warnings = running, tuple[str, ...]()
    if own.applied is not None:
        in_force = own.applied.config
        if own.applied.digest != own.running.digest:
            applied = _merged(hello, document, in_force, own.hostname)
        if own.is_master and in_force.cluster.priority == "high" != applied.cluster.priority:
            applied = replace(applied, cluster=replace(applied.cluster, priority="high"))
            warnings = (LOW_LATER,)
    content = packed(running)
    beside: Content | None = None if applied == running else packed(applied)
    if scope.digest(running) != hello.digest:
        raise InvalidConfigurationError(f"the configuration would be another one at {own.hostname} than it is here")
    return Staged(Arrival(hello.name, content, beside, hello.digest), document, seen(own), warnings)


def _refuse_lockout(own: Own, after: Config) -> None:
    """Accounts come with what is sent, and take the place of ours: not even force may leave nobody who can log in.

    Raises:
        RefusedError: nobody could log in as admin any more, and before somebody could.
    """
    before = administrators(own.running.config)
    if before and not administrators(after):
        raise RefusedError(
            f"nobody could log in to {own.hostname} as admin any more, where {', '.join(before)} can: what is sent "
            "brings its own accounts; make an administrator among them with user new, save, and synchronize again"
        )


def _merged(hello: x.SyncHello, document: bytes, own: Config, hostname: str) -> Config:
    if hello.priority == "high" and own.cluster.priority == "high":
        own = replace(own, cluster=replace(own.cluster, priority="low"))
    try:
        return scope.merge(scope.decoded(document), own)
    except InvalidConfigurationError as error:
        raise InvalidConfigurationError(
            f"the configuration does not fit the machine facts of {hostname}", error.details or (error.message,)
        ) from error
