"""An exchange that is disturbed, interrupted or killed: the old or the new configuration, never a mixture."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from cluster.config import scope
from cluster.errors import (
    ConflictError,
    UnreachableError,
)
from cluster.hotwire import exchange_messages as x
from tests.cluster.config.config_examples import config
from tests.support.exchange import ADMIN, SPARE, Pair, connect, machine_facts, now, refused, synchronize

if TYPE_CHECKING:
    from pathlib import Path


# --- while it goes on --------------------------------------------------------------------------------


def test_edits_at_the_partner_wait_while_it_goes_on_and_may_go_on_afterwards(pair: Pair) -> None:
    pair.differ()
    seen: list[str] = []

    def look(ask: object) -> None:
        if isinstance(ask, x.SyncStage):
            holder = pair.spare.lease.holder(0)  # type: ignore[arg-type]
            seen.append(f"{holder.user}, {holder.source}" if holder else "nobody")

    pair.master.wire.before = look
    synchronize(pair.master)
    assert seen == ["admin, synchronizing from master.cluster.local, ssh 192.0.2.7"]
    assert pair.spare.lease.holder(0) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [x.SyncStage, x.SyncSwitch])
def test_an_edit_that_was_forced_in_between_wins(pair: Pair, step: type) -> None:
    pair.differ()

    def someone_edits(ask: object) -> None:
        if isinstance(ask, step):
            pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])

    pair.master.wire.before = someone_edits
    if step is x.SyncStage:
        synchronize(pair.master)  # staged on the edit: kept in the history
        assert pair.spare.store.revision(2).config.globals["GLOB_DNS"] == ("192.0.2.98",)
    else:
        with pytest.raises(ConflictError, match="was changed meanwhile; try again"):
            synchronize(pair.master)
        assert pair.spare.config.globals["GLOB_DNS"] == ("192.0.2.98",)
        assert pair.spare.lease.holder(0) is None  # type: ignore[arg-type]


def test_what_cannot_be_put_into_force_is_said_and_done_at_the_next_start(pair: Pair) -> None:
    pair.differ()
    pair.spare.force.failure = UnreachableError("the engine does not answer")
    assert synchronize(pair.master).warnings == (
        "it was taken over, but is not wholly in force: the engine does not answer",
    )
    assert pair.spare.store.synced.activating


def test_an_ask_out_of_turn_is_refused(pair: Pair) -> None:
    pair.differ()

    def another_begins(ask: object) -> None:
        if isinstance(ask, x.SyncStage):
            reception = pair.spare.receiver._reception
            assert reception.hello is not None
            pair.spare.receiver._end(reception.hello)

    pair.master.wire.before = another_begins
    with pytest.raises(ConflictError, match="the exchange was ended at the partner meanwhile; try again"):
        synchronize(pair.master)
    assert pair.spare.store.running.number == 1


# --- interrupted -------------------------------------------------------------------------------------

STEPS = (x.SyncHello, x.SyncLock, x.SyncStage, x.SyncSwitch)


class Cut(BaseException):
    """Power loss: nothing of ours runs on after it."""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("victim", ["sender", "receiver", "link"])
def test_interrupted_anywhere_the_receiver_has_the_old_or_the_new_and_the_next_try_succeeds(
    tmp_path: Path, victim: str, step: type, moment: str
) -> None:
    pair = Pair(tmp_path)
    pair.in_step()
    old = pair.spare.store.running
    pair.master.edit(globals__GLOB_DNS=["192.0.2.99"], cluster__advert_interval=50)
    pair.master.save("production")
    pair.master.store.set_start("production")

    def cut(ask: object) -> None:
        if isinstance(ask, step):
            raise UnreachableError("the connection over the hotwire ended") if victim == "link" else Cut

    setattr(pair.master.wire, moment, cut)
    with pytest.raises((Cut, UnreachableError)):
        synchronize(pair.master)

    if victim == "sender":
        pair.master = pair.master.crash()
    elif victim == "receiver":
        pair.spare = pair.spare.crash()
    arrived = step is x.SyncSwitch and moment == "after"
    store = pair.spare.store
    assert store.running.config.globals["GLOB_DNS"] == ("192.0.2.99" if arrived else "192.0.2.53",)
    assert store.running.config.cluster.advert_interval == (50 if arrived else 25)
    assert store.start_name == store.current_name == ("production" if arrived else "default")
    assert store.running == store.start == store.applied
    assert arrived or store.running == old
    machine = machine_facts(store.running.config)

    connect(pair.master, pair.spare)
    pair.master.wire.before = pair.master.wire.after = lambda _ask: None
    assert synchronize(pair.master).warnings == ()
    assert pair.spare.lease.holder(0) is None  # type: ignore[arg-type]
    assert scope.digest(pair.spare.store.start.config) == scope.digest(pair.master.store.start.config)
    assert pair.spare.store.synced.base.digest == pair.master.store.synced.base.digest
    assert machine_facts(pair.spare.config) == machine == machine_facts(config(**SPARE))
    pair.close()


def test_an_acknowledgement_that_was_lost_does_not_make_the_partners_next_edit_look_like_ours(pair: Pair) -> None:
    """The sender never heard that it arrived; what the partner edits on top of it is protected all the same."""
    pair.in_step()
    pair.master.edit(globals__GLOB_DNS=["192.0.2.99"])
    pair.master.save()

    def cut(ask: object) -> None:
        if isinstance(ask, x.SyncSwitch):
            raise UnreachableError("the connection over the hotwire ended")

    pair.master.wire.after = cut
    with pytest.raises(UnreachableError, match="it has the old or the new one as a whole"):
        synchronize(pair.master)
    pair.master.wire.after = lambda _ask: None
    pair.spare.edit(globals__GLOB_DNS=["192.0.2.98"])
    pair.spare.save()
    pair.differ()
    assert refused(pair, ConflictError).details == ("globals.GLOB_DNS: 192.0.2.99 -> 192.0.2.98",)


def test_a_clusterd_that_ended_before_the_activation_left_a_mark(pair: Pair) -> None:
    pair.differ()
    pair.spare.force.failure = Cut()
    with pytest.raises(Cut):
        synchronize(pair.master)
    pair.spare = pair.spare.crash()
    assert pair.spare.store.synced.activating
    assert pair.spare.config.cluster.advert_interval == 50


@pytest.mark.parametrize("step", [x.SyncStage, x.SyncSwitch])
def test_a_sender_that_is_gone_keeps_nobody_from_editing_though_the_link_is_there_again(
    pair: Pair, step: type
) -> None:
    pair.differ()

    async def scenario() -> None:
        def cut(ask: object) -> None:
            if isinstance(ask, step | x.SyncRelease):
                pair.spare.wire.losses = 1
                raise UnreachableError("the connection over the hotwire ended")

        pair.master.wire.before = cut
        with pytest.raises(UnreachableError):
            await pair.master.sender.synchronize(ADMIN, dry_run=False, force=False)
        assert pair.spare.lease.holder(now()) is not None
        watching = pair.spare.receiver._watching
        assert watching is not None
        await asyncio.wait_for(watching, 10)
        assert pair.spare.lease.holder(now()) is None

    asyncio.run(scenario())
    assert pair.spare.said("sync-failed") == [
        "admin (ssh 192.0.2.7) at master.cluster.local was cut off; nothing changed here"
    ]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", [x.SyncLock, x.SyncStage, x.SyncSwitch])
def test_a_sender_that_lost_one_of_two_connections_gives_the_lease_back_over_the_other(
    pair: Pair, step: type, moment: str
) -> None:
    pair.differ()

    def cut(ask: object) -> None:
        if isinstance(ask, step):
            raise UnreachableError("the connection over the hotwire ended")

    setattr(pair.master.wire, moment, cut)
    arrived = (step, moment) == (x.SyncSwitch, "after")
    said = "it has the old or the new one as a whole" if arrived else "nothing was synchronized: the connection"
    with pytest.raises(UnreachableError, match=said):
        synchronize(pair.master)

    assert pair.spare.lease.holder(now()) is None
    assert (pair.spare.store.running.number == 1) is not arrived


def test_a_damaged_configuration_is_not_staged(pair: Pair) -> None:
    pair.differ()
    original = pair.master.sender._parts.of

    def damaged(revision: Any) -> tuple[bytes, str]:
        document, digest = original(revision)
        return document.replace(b"192.0.2.53", b"192.0.2.54"), digest

    pair.master.sender._parts.of = damaged  # type: ignore[method-assign]
    assert refused(pair, ConflictError).message == (
        "the configuration that came is not the one that was announced; try again"
    )
