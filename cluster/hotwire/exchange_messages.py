"""What the two nodes say to each other while one sends its configuration to the other. Pure.

    sender                      receiver
    SyncHello    ->                          who sends what, on which base; nothing changes
                 <-  SyncWelcome             in step already? what stands in the way
    SyncCompare  ->                          (dry run only) what would change there
                 <-  SyncDifferences
    SyncLock     ->                          edits at the receiver wait from here on
                 <-  SyncLocked
    SyncStage    ->                          the configuration; put together with the receiver's machine facts
                 <-  SyncStaged              ... and found valid
    SyncSwitch   ->                          one transaction switches everything
                 <-  SyncSwitched            ... and it is durable and in force
    SyncRelease  ->                          in place of the next step: it ends here, nothing changes
                 <-  SyncReleased

`exchange` tells one exchange from another: a receiver forgets the one before when the next begins.
"""

from __future__ import annotations

from msgspec import Struct

from cluster.hotwire.words import HotwireAnswer, HotwireAsk
from cluster.model import Difference, PriorityWord


class SyncHello(HotwireAsk, frozen=True, kw_only=True, tag="sync-hello"):
    """Who wants to send what -> SyncWelcome.

    Attributes:
        exchange: a new word for this exchange.
        schema: version of the configuration's schema.
        software: version of the sender's software.
        hostname: of the sender.
        user: the account that asks for it.
        source: where that account sits.
        name: of the configuration that is sent.
        digest: of its shared part.
        bases: digests of what the sender knows that both may have had last.
        priority: of the sender.
    """

    exchange: str
    schema: int
    software: str
    hostname: str
    user: str
    source: str
    name: str
    digest: str
    bases: tuple[str, ...]
    priority: PriorityWord


class Obstacle(Struct, frozen=True):
    """Why the receiver would refuse without force: code, sentence and details of a ClusterError."""

    code: str
    message: str
    details: tuple[str, ...] = ()


class SyncWelcome(HotwireAnswer, frozen=True, kw_only=True, tag="sync-welcome"):
    """How the receiver stands to it.

    Attributes:
        schema: version of the configuration's schema.
        software: version of the receiver's software.
        hostname: of the receiver.
        base: digest of what both had last, as the receiver knows it; empty: it knows none.
        enabled: the receiver's part in the cluster is switched on.
        in_step: it has all of it already.
        obstacles: what force has to override.
        routers: virtual routers in force there, by interface and id; none while it is switched off.
    """

    schema: int
    software: str
    hostname: str
    base: str
    enabled: bool
    in_step: bool
    obstacles: tuple[Obstacle, ...]
    routers: tuple[tuple[str, int | None], ...] = ()


class SyncCompare(HotwireAsk, frozen=True, tag="sync-compare"):
    """What would change at the receiver -> SyncDifferences. `document`: canonical bytes of the shared part."""

    exchange: str
    document: bytes


class SyncDifferences(HotwireAnswer, frozen=True, tag="sync-differences"):
    """What would change at the receiver: `left` is there now, `right` would be."""

    differences: tuple[Difference, ...]


class SyncLock(HotwireAsk, frozen=True, tag="sync-lock"):
    """Take the receiver's edit lease -> SyncLocked; refused while something stands in the way, unless `force`."""

    exchange: str
    force: bool


class SyncLocked(HotwireAnswer, frozen=True, tag="sync-locked"):
    """Nobody else edits the receiver's configuration now."""


class SyncStage(HotwireAsk, frozen=True, tag="sync-stage"):
    """The configuration itself, canonical bytes of its shared part -> SyncStaged."""

    exchange: str
    document: bytes


class SyncStaged(HotwireAnswer, frozen=True, tag="sync-staged"):
    """It fits; `digest` is that of the shared part as the receiver put it together."""

    digest: str


class SyncSwitch(HotwireAsk, frozen=True, tag="sync-switch"):
    """Take over what was staged -> SyncSwitched."""

    exchange: str


class SyncSwitched(HotwireAnswer, frozen=True, kw_only=True, tag="sync-switched"):
    """It is taken over and durable.

    Attributes:
        digest: of the shared part of the receiver's start configuration now.
        revision: its number at the receiver.
        warnings: what could not be put into force there, one sentence each.
    """

    digest: str
    revision: int
    warnings: tuple[str, ...] = ()


class SyncRelease(HotwireAsk, frozen=True, tag="sync-release"):
    """It ends here, and why -> SyncReleased."""

    exchange: str
    reason: str


class SyncReleased(HotwireAnswer, frozen=True, tag="sync-released"):
    """Others may edit again; nothing changed."""


SyncAsk = SyncHello | SyncCompare | SyncLock | SyncStage | SyncSwitch | SyncRelease
SyncAnswer = SyncWelcome | SyncDifferences | SyncLocked | SyncStaged | SyncSwitched | SyncReleased
