"""Two nodes that synchronise: real stores, leases, events and messages; played engine and wire."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cluster.config import schema
from cluster.config.store import Store
from cluster.errors import ClusterError, UnreachableError, by_code
from cluster.events_log import EventLog
from cluster.hotwire import protocol
from cluster.hotwire.sync import Outcome, Sender, SharedParts
from cluster.hotwire.sync_receiver import Receiver
from cluster.lease import EditLease
from cluster.model import SetValue
from cluster.rpc.messages import Actor
from cluster.units import Nanoseconds
from tests.cluster.config.config_examples import config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cluster.hotwire.words import HotwireAnswer, HotwireAsk
    from cluster.model import Config

ADMIN = Actor(user="admin", source="ssh 192.0.2.7", role="admin")


class PlayedForce:
    """What is in force: follows an arrival unless it is told to fail."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.config: Config = node.store.running.config
        self.problems: tuple[str, ...] = ()
        self.failure: BaseException | None = None
        self.followed = 0

    async def follow_arrival(self) -> tuple[str, ...]:
        if self.failure:
            raise self.failure
        applied = self._node.store.applied
        assert applied is not None
        self.config = applied.config
        self.followed += 1
        self._node.store.synced.activated()
        return self.problems


class Node:
    """One node; opening another on the same directory is its restart after a crash."""

    def __init__(self, directory: Path, factory: Config) -> None:
        self.directory = directory
        self.store = Store.open(directory)
        if self.store.is_empty:
            self.store.initialise(factory, 1000.0)
            self.store.applied = self.store.running
        self.events = EventLog(directory / "events")
        self.lease = EditLease()
        self.force = PlayedForce(self)
        self.master = False
        self.trying = ""
        self.wire = Wire()
        parts = SharedParts()
        self.sender = Sender(
            self.store,
            self.events,
            in_force=lambda: self.force.config,
            parts=parts,
            link=self.wire,
            beginning=lambda: False,
            software=lambda: "0.1.0",
        )
        self.receiver = Receiver(
            self.store,
            self.force,
            self.events,
            parts=parts,
            lease=self.lease,
            turn=asyncio.Lock(),
            is_master=lambda: self.master,
            sending=lambda: self.sender.busy,
            trying=lambda: self.trying,
            losses=lambda: self.wire.losses,
            changed=lambda: None,
            software=lambda: "0.1.0",
        )

    def crash(self) -> Node:
        """Kill -9 and a new start; the wire of the old one leads nowhere any more."""
        self.store.close()
        return Node(self.directory, self.store.running.config)

    def close(self) -> None:
        self.store.close()

    # --- what an administrator does here ----------------------------------------------------------------

    def edit(self, who: str = "bert", **paths: Any) -> None:
        changes = tuple(SetValue(tuple(path.split("__")), value) for path, value in paths.items())
        self.store.commit(schema.apply(self.store.running.config, changes), who, "edit", 2000.0)

    def save(self, name: str | None = None, who: str = "bert") -> None:
        self.store.save(name, who, 2000.0)

    def update(self) -> None:
        """`system update interface`."""
        self.store.applied = self.store.running
        self.force.config = self.store.running.config

    def leases(self, who: str = "bert", source: str = "console") -> None:
        self.lease.edited(Actor(user=who, source=source, role="admin"), now())

    # --- what a test looks at ---------------------------------------------------------------------------

    @property
    def config(self) -> Config:
        return self.store.running.config

    def said(self, kind: str) -> list[str]:
        """Texts of the events of a kind."""
        return [event.text for event in self.events.last(100) if event.kind == kind]


def now() -> Nanoseconds:
    import time  # noqa: PLC0415 - beside its only use

    return Nanoseconds(time.monotonic_ns())


class Wire:
    """A link that packs and unpacks as the real one does.

    Attributes:
        to: the receiver at the other end; None: not connected.
        before: called with each ask before it arrives; may raise.
        after: called with each ask after it was answered and before the answer arrives; may raise.
        asked: what was asked.
        losses: how often the partner was lost.
    """

    def __init__(self) -> None:
        self.to: Receiver | None = None
        self.before: Callable[[HotwireAsk], None] = lambda _ask: None
        self.after: Callable[[HotwireAsk], None] = lambda _ask: None
        self.asked: list[HotwireAsk] = []
        self.losses = 0

    async def ask(self, message: HotwireAsk, timeout: float) -> HotwireAnswer:  # noqa: ASYNC109 - as the link's
        if self.to is None:
            raise UnreachableError("the hotwire LAN3 has no link")
        self.asked.append(message)
        self.before(message)
        answer = await self._carried_out(through_ask(message))
        self.after(message)
        answer = through_answer(answer)
        if isinstance(answer, protocol.Failure):
            raise by_code(answer.code)(answer.message, answer.details)
        return answer

    async def _carried_out(self, ask: Any) -> HotwireAnswer:
        assert self.to is not None
        try:
            return await self.to.answers[type(ask)](ask)
        except ClusterError as error:
            return protocol.Failure(error.code, error.message, error.details)


def through_ask(ask: HotwireAsk) -> HotwireAsk:
    message = protocol.unpack(protocol.pack_ask(1, ask)[4:])
    assert isinstance(message, protocol.Asked)
    return protocol.unpack_ask(message)


def through_answer(answer: HotwireAnswer) -> HotwireAnswer:
    message = protocol.unpack(protocol.pack_answer(1, answer)[4:])
    assert isinstance(message, protocol.Answered)
    return protocol.unpack_answer(message)


def connect(left: Node, right: Node) -> None:
    left.wire.to, right.wire.to = right.receiver, left.receiver


def synchronize(node: Node, *, dry_run: bool = False, force: bool = False) -> Outcome:
    return asyncio.run(node.sender.synchronize(ADMIN, dry_run=dry_run, force=force))


# --- the example of the documentation ------------------------------------------------------------------

SPARE: dict[str, Any] = {
    "hostname": "spare.cluster.local",
    "cluster__priority": "low",
    "cluster__hotwire_local": "192.168.180.3",
    "cluster__hotwire_remote": ["192.168.180.2"],
    "addresses": {
        "1": {"device": "LAN2", "address": "192.168.12.142/24"},
        "3": {"device": "LAN3", "address": "192.168.180.3/24"},
    },
}


class Pair:
    """Master and spare of the documentation's example."""

    def __init__(self, directory: Path) -> None:
        self.master = Node(directory / "master", config())
        self.spare = Node(directory / "spare", config(**SPARE))
        connect(self.master, self.spare)

    def in_step(self) -> None:
        """They have synchronised once."""
        synchronize(self.master)

    def differ(self) -> None:
        """The master has something to send."""
        self.master.edit(cluster__advert_interval=50)
        self.master.save()

    def unchanged(self, before: tuple[Any, ...]) -> bool:
        return self.standing() == before

    def standing(self) -> tuple[Any, ...]:
        """All that a refusal must leave as it is."""
        store = self.spare.store
        return (
            store.running.number, store.names(), store.applied,
            self.spare.force.followed, self.spare.lease.holder(0),  # type: ignore[arg-type]
        )  # fmt: skip

    def close(self) -> None:
        self.master.close()
        self.spare.close()


def machine_facts(config: Config) -> tuple[Any, ...]:
    options = config.cluster
    return (
        config.hostname, config.addresses, options.enabled, options.priority, options.hotwire_local,
        options.hotwire_remote,
    )  # fmt: skip


def refused(pair: Pair, error: type[ClusterError], **how: Any) -> ClusterError:
    """It is refused with this error, and nothing changed at the partner."""
    before = pair.standing()
    with pytest.raises(error) as caught:
        synchronize(pair.master, **how)
    assert type(caught.value) is error
    assert pair.unchanged(before)
    return caught.value
