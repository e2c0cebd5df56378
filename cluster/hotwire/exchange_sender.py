"""The sender's side of an exchange: what it asks next, and where it stops. Pure.

What an answer leads to:

    (begin)          SyncHello
    SyncWelcome      in step: it is over; a dry run: SyncCompare; an obstacle without force, or the nodes would
                     part: it stops; else SyncLock
    SyncLocked       SyncStage
    SyncStaged       SyncSwitch
    SyncSwitched     it is over: the receiver has it, durable
    SyncDifferences  it is over: `differences` says what would change
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.config import authentication
from cluster.config.migrations import VERSION
from cluster.errors import ProtocolError, RefusedError
from cluster.hotwire import exchange_messages as x
from cluster.hotwire.exchange_receiver import refuse
from cluster.hotwire.exchange_refusals import routers

if TYPE_CHECKING:
    from cluster.hotwire.words import HotwireAnswer, HotwireAsk
    from cluster.model import Config, Difference


class Offer(NamedTuple):
    """What is sent.

    Attributes:
        exchange: a new word.
        software: version of this software.
        user: who asks for it.
        source: where from.
        name: of the start configuration.
        config: the start configuration.
        document: canonical bytes of its shared part.
        digest: of them.
        bases: digests of what both nodes may have had last.
        in_force: the configuration in force here.
    """

    exchange: str
    software: str
    user: str
    source: str
    name: str
    config: Config
    document: bytes
    digest: str
    bases: tuple[str, ...]
    in_force: Config


class Sending:
    """One exchange.

    Args:
        offer: what is sent.
        dry_run: only see what would change.
        force: override what stands in the way.

    Attributes:
        partner: host name of the receiver, once it is known.
        base: digest of what both had last, as the receiver knows it.
        in_step: the receiver had all of it already.
        switched: the receiver took it over.
        differences: of a dry run.
        warnings: for the administrator.
    """

    def __init__(self, offer: Offer, *, dry_run: bool, force: bool) -> None:
        self._offer = offer
        self._dry_run = dry_run
        self._force = force
        self._expected: type[HotwireAnswer] = x.SyncWelcome
        self.partner = "the partner"
        self.base = ""
        self.in_step = False
        self.switched = False
        self.locked = False
        self.differences: tuple[Difference, ...] = ()
        self.warnings: tuple[str, ...] = ()

    def begin(self) -> x.SyncHello:
        """The first ask."""
        offer = self._offer
        return x.SyncHello(
            exchange=offer.exchange,
            schema=VERSION,
            software=offer.software,
            hostname=offer.config.hostname,
            user=offer.user,
            source=offer.source,
            name=offer.name,
            digest=offer.digest,
            bases=offer.bases,
            priority=offer.config.cluster.priority,
        )

    def next(self, answer: HotwireAnswer) -> HotwireAsk | None:
        """What to ask after this answer; None: it is over.

        Raises:
            ClusterError: it stops here, and why; what was locked has to be released.
        """
        if not isinstance(answer, self._expected):
            raise ProtocolError(f"{self.partner} answered {type(answer).__name__} out of turn")
        match answer:
            case x.SyncWelcome():
                return self._welcomed(answer)
            case x.SyncDifferences(differences):
                self.differences = differences
                return None
            case x.SyncLocked():
                self._expected = x.SyncStaged
                self.locked = True
                return x.SyncStage(self._offer.exchange, self._offer.document)
            case x.SyncStaged(digest):
                self._require(digest)
                self._expected = x.SyncSwitched
                return x.SyncSwitch(self._offer.exchange)
            case x.SyncSwitched():
                self._require(answer.digest)
                self.switched = True
                self.locked = False
                self.warnings += answer.warnings
        return None

    def _welcomed(self, welcome: x.SyncWelcome) -> HotwireAsk | None:
        self.partner, self.base = welcome.hostname, welcome.base
        if welcome.schema != VERSION:
            raise RefusedError(
                f"{welcome.hostname} runs version {welcome.software} with configurations of schema "
                f"{welcome.schema}, this node version {self._offer.software} with schema {VERSION}; both need the "
                "same software"
            )
        self.in_step = welcome.in_step
        if self._dry_run:
            self._expected = x.SyncDifferences
            self.warnings += tuple(
                f"without force it would be refused: {obstacle.message}" for obstacle in welcome.obstacles
            )
            parted = self._parting(welcome)
            self.warnings += (f"without force it would be refused: {parted}",) if parted else ()
            return x.SyncCompare(self._offer.exchange, self._offer.document)
        if welcome.in_step:
            return None
        if not self._force:
            refuse(welcome.obstacles)
            parted = self._parting(welcome)
            if parted:
                raise RefusedError(f"{parted}; force 1 sends it all the same")
        self._expected = x.SyncLocked
        return x.SyncLock(self._offer.exchange, self._force)

    def _parting(self, welcome: x.SyncWelcome) -> str:
        """Why the receiver, once it follows, and this node, as it is now, would both become master, or none."""
        here, there = self._offer.in_force, self._offer.config
        sent = routers(there)
        if not (here.cluster.enabled and welcome.enabled):
            return "" if sent.intersection(welcome.routers) or not welcome.routers else self._giving_up(welcome)
        if authentication.outage(here, there):
            return (
                "what is sent authenticates adverts in another way than is in force here, so that the nodes would "
                "not believe each other; system update interface first, which changes both of them"
            )
        meeting = routers(here)
        if meeting and not meeting & sent:
            return (
                "no virtual router that is in force here is among those that are sent, so that the nodes would not "
                "hear each other; switch the cluster off at the partner first"
            )
        return ""

    @staticmethod
    def _giving_up(welcome: x.SyncWelcome) -> str:
        """A unit that joins and has nothing yet must not take it from the one that serves."""
        return (
            f"none of the virtual routers that are in force at {welcome.hostname} is among those that are sent, so "
            "that it would give its virtual addresses up; synchronize from there"
        )

    def _require(self, digest: str) -> None:
        if digest != self._offer.digest:
            raise ProtocolError(f"{self.partner} has another configuration now than was sent; synchronize again")
