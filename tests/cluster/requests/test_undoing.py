"""Undoing on both nodes, seen from the one that sent: a real store, lease and activation; a played partner."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cluster.config import scope
from cluster.errors import (
    ClusterError,
    ConflictError,
    InvalidConfigurationError,
    LockedError,
    RefusedError,
    UnreachableError,
)
from cluster.hotwire.undo_messages import ArrivalUndone, UndoArrival, UndoLook, UndoView
from cluster.model import SetValue
from cluster.requests.undoing import Undoing
from cluster.rpc import messages as m
from cluster.units import Nanoseconds
from tests.cluster.test_manager import ADMIN, Node

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from cluster.hotwire.words import HotwireAnswer, HotwireAsk

OTTO = m.Actor(user="otto", source="console", role="admin")


class Sender:
    """A node that sent its revision 2, 50 as the interval, after both had its revision 1.

    Attributes:
        meanwhile: what happens at this node while the partner goes back.
        asked: what the partner was asked.
    """

    def __init__(self, directory: Path) -> None:
        self.node = Node(directory)
        self.node.boot()
        store, life = self.node.store, self.node.life
        self.before = scope.digest(store.running.config)
        self.node.set("cluster", "advert_interval", value=50)
        self.node.ask(m.UpdateInterface())
        self.node.ask(m.SaveConfig())
        store.synced.have_common(scope.digest(store.running.config), store.running.number)
        self.asked: list[HotwireAsk] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None
        self.lease = life._lease
        partnership: Any = SimpleNamespace(
            link=SimpleNamespace(ask=self._partner),
            dispatch=SimpleNamespace(add=lambda _answers: None),
            changed=lambda: None,
        )
        self.undoing = Undoing(
            store, self.node.inforce, self.node.events,
            lease=self.lease, turn=self.node.turn, partnership=partnership, life=life,
        )  # fmt: skip

    async def _partner(self, ask: HotwireAsk, _patience: float) -> HotwireAnswer:
        self.asked.append(ask)
        if isinstance(ask, UndoLook):
            return UndoView(self.before, "spare.local")
        if self.meanwhile is not None:
            await self.meanwhile()
        return ArrivalUndone()

    def undo(self, *, force: bool = False) -> m.Done:
        answer = asyncio.run(self.undoing.answers[m.RollBackBoth](m.RollBackBoth(force=force), ADMIN))
        assert isinstance(answer, m.Done)
        return answer

    @property
    def interval(self) -> tuple[int, int, int]:
        """As it runs, boots, and is in force."""
        configs = (self.node.store.running.config, self.node.store.start.config, self.node.inforce.config)
        running, start, in_force = (config.cluster.advert_interval for config in configs)
        return running, start, in_force

    @property
    def editor(self) -> str:
        holder = self.lease.holder(Nanoseconds(time.monotonic_ns()))
        return holder.user if holder is not None else ""

    async def edit(self, actor: m.Actor, *, force: bool = False) -> None:
        change = SetValue(("globals", "GLOB_DNS"), ["192.0.2.1"])
        await self.node.manager.answer(m.EditConfig((change,), force=force), actor)


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[Sender]:
    made = Sender(tmp_path)
    assert made.interval == (50, 50, 50)
    yield made
    made.node.store.close()


def test_it_runs_boots_and_is_in_force_as_it_was_and_nobody_holds_the_lease(sender: Sender) -> None:
    assert sender.undo() == m.Done()

    assert sender.interval == (25, 25, 25)
    assert not sender.node.store.unsaved
    assert not sender.node.store.synced.activating
    assert sender.editor == ""


@pytest.mark.parametrize("actor", [ADMIN, OTTO], ids=["the same administrator", "another one"])
def test_edits_here_wait_while_the_partner_goes_back(sender: Sender, actor: m.Actor) -> None:
    refusals: list[str] = []

    async def meanwhile() -> None:
        with pytest.raises(LockedError) as caught:
            await sender.edit(actor)
        refusals.append(caught.value.message)

    sender.meanwhile = meanwhile
    sender.undo()

    assert refusals[0].startswith("admin (undoing on both nodes, ssh 192.0.2.7) has been editing the configuration")
    asyncio.run(sender.edit(actor))


@pytest.mark.parametrize("before", ["", "admin"])
def test_what_the_partner_refuses_leaves_all_as_it_was_and_the_lease_with_whoever_had_it(
    sender: Sender, before: str
) -> None:
    if before:
        sender.lease.edited(ADMIN, Nanoseconds(time.monotonic_ns()))

    async def meanwhile() -> None:
        raise RefusedError("spare.local received nothing that could be undone")

    sender.meanwhile = meanwhile
    with pytest.raises(RefusedError, match="received nothing"):
        sender.undo()

    assert sender.interval == (50, 50, 50)
    assert sender.editor == before


def test_a_partner_that_is_lost_while_it_goes_back_is_said_to_have_gone_back_or_not(sender: Sender) -> None:
    async def meanwhile() -> None:
        raise UnreachableError("the hotwire LAN3 has no link")

    sender.meanwhile = meanwhile
    with pytest.raises(UnreachableError) as caught:
        sender.undo()

    assert caught.value.message == (
        "the hotwire LAN3 has no link, while spare.local was going back: it did or did not, as a whole, and this "
        "node did not; system config rollback both 1 goes on with it"
    )
    assert sender.interval == (50, 50, 50)
    sender.meanwhile = None
    sender.undo()
    assert sender.interval == (25, 25, 25)


@pytest.mark.parametrize("what", ["edited by force", "tried out"])
def test_what_happened_here_by_force_meanwhile_is_not_overrun_and_the_same_request_goes_on(
    sender: Sender, what: str
) -> None:
    async def meanwhile() -> None:
        if what == "tried out":
            await sender.node.manager.answer(m.Activate(60), OTTO)
        else:
            await sender.edit(OTTO, force=True)

    sender.meanwhile = meanwhile
    with pytest.raises(ClusterError) as caught:
        sender.undo()

    assert isinstance(caught.value, LockedError if what == "tried out" else ConflictError)
    assert caught.value.message.startswith("spare.local went back, but this node did not: ")
    assert "system config rollback both 1 goes on with it" in caught.value.message
    assert sender.interval == (50, 50, 50)
    sender.meanwhile = None
    if what == "tried out":
        sender.node.ask(m.ConfirmActivation())
    sender.undo(force=True)
    assert sender.interval[:2] == (25, 25)


def test_what_this_version_would_not_take_any_more_is_refused_before_the_partner_goes_back(sender: Sender) -> None:
    store = sender.node.store
    old = msgspec.structs.replace(store.revision(1).config, globals={"no global": ("x",)})
    store.put("old", old, "anna", "before an upgrade", 2.0)
    sender.before = scope.digest(old)

    with pytest.raises(InvalidConfigurationError, match="which would come back, is not valid any more"):
        sender.undo(force=True)

    assert not any(isinstance(ask, UndoArrival) for ask in sender.asked)
    assert sender.interval == (50, 50, 50)
