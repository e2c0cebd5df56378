"""History, going back, and activation that undoes itself: with a real store, a played engine and network."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from cluster import activation
from cluster.config import schema
from cluster.config.arrival import Arrival
from cluster.config.revision import packed
from cluster.errors import ClusterError, InvalidConfigurationError, LockedError, NotFoundError, RefusedError
from cluster.model import SetValue
from cluster.rpc import messages as m
from cluster.units import NANOSECONDS_PER_SECOND as SECOND
from tests.cluster.test_manager import ADMIN, Node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.model import Config
    from cluster.rpc.messages import AnyAsk

OTTO = m.Actor(user="otto", source="ssh 192.0.2.9", role="admin")


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Given a node whose start configuration is in force, as revision 1."""
    made = Node(tmp_path)
    made.boot()
    yield made
    made.store.close()


def name(node: Node, hostname: str) -> None:
    node.set("hostname", value=hostname)


def in_force(node: Node) -> str:
    return node.inforce.config.hostname


def told(node: Node, kind: str) -> list[str]:
    return [event.text for event in node.events.last(100) if event.kind == kind]


def other_keys(config: Config) -> Config:
    return schema.apply(config, (SetValue(("cluster", "passphrase"), "another passphrase"),))


# --- history ----------------------------------------------------------------------------------------------


def test_history_tells_who_changed_what_when_and_what_became_of_it(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.SaveConfig(name="work"))

    newest, oldest = node.ask(m.GetHistory()).revisions

    assert (newest.number, newest.who, newest.why) == (2, "admin", "set hostname")
    assert (newest.names, newest.flags) == (("work",), ("RUNNING",))
    assert abs(newest.when - time.time()) < 60
    assert (oldest.number, oldest.names, oldest.flags) == (1, ("default",), ("APPLIED",))


def test_history_shows_the_newest_only_if_so_asked(node: Node) -> None:
    name(node, "two.local")

    assert [line.number for line in node.ask(m.GetHistory(limit=1)).revisions] == [2]


def test_history_holds_no_secret(node: Node) -> None:
    secret = (SetValue(("cluster", "passphrase"), "a very secret passphrase"),)
    node.ask(m.EditConfig(secret, force=True))

    assert b"secret passphrase" not in msgspec.json.encode(node.ask(m.GetHistory()))


# --- rollback ---------------------------------------------------------------------------------------------


def test_a_former_revision_runs_again_as_a_new_one_and_the_live_system_waits_for_the_update(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.UpdateInterface())
    name(node, "three.local")

    node.ask(m.RollBack(revision=1))

    running = node.store.running
    assert (running.number, running.config.hostname) == (4, "master.cluster.local")
    assert (running.who, running.why) == ("admin", "rollback to revision 1")
    assert in_force(node) == "two.local"
    assert told(node, "config-rolled-back") == ["admin (ssh 192.0.2.7) made revision 1 run again, as revision 4"]


def test_without_a_number_what_ran_before_runs_again_and_a_second_time_comes_back(node: Node) -> None:
    name(node, "two.local")

    node.ask(m.RollBack())
    assert node.store.running.config.hostname == "master.cluster.local"

    node.ask(m.RollBack())
    assert node.store.running.config.hostname == "two.local"


def test_a_revision_that_is_not_there_is_named(node: Node) -> None:
    with pytest.raises(NotFoundError, match="there is no revision 99"):
        node.ask(m.RollBack(revision=99))


def test_somebody_who_edits_is_not_rolled_back_from_under_his_hands_unless_forced(node: Node) -> None:
    name(node, "two.local")

    with pytest.raises(LockedError, match="admin"):
        asyncio.run(node.manager.answer(m.RollBack(), OTTO))
    assert node.store.running.config.hostname == "two.local"

    asyncio.run(node.manager.answer(m.RollBack(force=True), OTTO))
    assert node.store.running.config.hostname == "master.cluster.local"


def test_a_rollback_to_another_passphrase_says_what_the_update_would_do(node: Node) -> None:
    node.ask(m.EditConfig((SetValue(("cluster", "passphrase"), "another passphrase"),), force=True))
    node.ask(m.UpdateInterface())

    (warning,) = node.ask(m.RollBack(revision=1)).warnings

    assert warning.startswith("revision 3 authenticates adverts in another way; ")


def test_a_rollback_never_takes_the_last_administrator_away(node: Node) -> None:
    key = {"key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43, "enabled": True}
    node.set("users", "anna", value={"role": "admin", "keys": {"1": key}})

    with pytest.raises(RefusedError, match="the last account that can log in as admin"):
        node.ask(m.RollBack(revision=1))


# --- undoing what the partner sent ------------------------------------------------------------------------


def arrive(node: Node, hostname: str) -> None:
    config = msgspec.structs.replace(node.store.running.config, hostname=hostname)
    arrival = Arrival(name="office", running=packed(config), applied=None, base="digest")
    node.store.receive(arrival, "anna", "synchronized from utm2.local (console)", 2.0)
    asyncio.run(node.inforce.follow_arrival())


def test_right_after_an_arrival_rollback_undoes_it_in_the_store_and_in_force(node: Node) -> None:
    arrive(node, "nine.local")
    assert (in_force(node), node.store.start_name) == ("nine.local", "office")

    node.ask(m.RollBack())

    assert in_force(node) == node.store.running.config.hostname == "master.cluster.local"
    assert (node.store.start_name, node.store.current_name, node.store.unsaved) == ("default", "default", False)
    assert told(node, "sync-undone")[0].startswith("admin (ssh 192.0.2.7) undid what the partner sent as office")


def test_what_was_in_force_before_an_arrival_is_again_and_no_edit_that_was_not(node: Node) -> None:
    name(node, "edited.local")
    arrive(node, "nine.local")

    node.ask(m.RollBack())

    assert (in_force(node), node.store.running.config.hostname) == ("master.cluster.local", "edited.local")


def test_what_would_come_back_with_other_keys_is_not_undone_on_one_node_alone_unless_forced(node: Node) -> None:
    arrive(node, "nine.local")
    node.inforce._applied = other_keys(node.store.running.config)

    with pytest.raises(RefusedError, match="revision 1, which would come back, authenticates adverts in another"):
        node.ask(m.RollBack())
    assert node.store.running.config.hostname == "nine.local"

    node.ask(m.RollBack(force=True))
    assert node.store.running.config.hostname == "master.cluster.local"


def test_an_undo_that_is_cut_off_before_it_is_in_force_is_finished_by_the_next_clusterd(node: Node) -> None:
    arrive(node, "nine.local")
    arrived = node.store.past.arrived
    assert arrived is not None
    node.store.undo(arrived, "admin", "undo", 3.0)
    assert in_force(node) == "nine.local"

    node.restart()

    assert in_force(node) == node.store.running.config.hostname == "master.cluster.local"
    assert node.network.applied[-1][0].hostname == "master.cluster.local"
    assert not node.store.synced.activating


def test_an_arrival_is_not_undone_while_an_activation_waits_which_would_undo_that(node: Node) -> None:
    arrive(node, "nine.local")
    node.ask(m.Activate(60))

    with pytest.raises(LockedError, match=r"an activation of admin \(ssh 192.0.2.7\) waits for system config"):
        node.ask(m.RollBack(force=True))

    assert in_force(node) == node.store.running.config.hostname == "nine.local"
    node.ask(m.ConfirmActivation())
    node.ask(m.RollBack())
    assert in_force(node) == "master.cluster.local"


def test_after_further_edits_rollback_goes_one_step_and_a_number_reaches_further(node: Node) -> None:
    arrive(node, "nine.local")
    name(node, "ten.local")

    node.ask(m.RollBack())

    assert (node.store.running.config.hostname, node.store.start_name) == ("nine.local", "office")


# --- rules that became stricter since ---------------------------------------------------------------------


def of_former_rules(config: Config) -> Config:
    """What this version would not take any more."""
    return msgspec.structs.replace(config, hostname="no host name")


def standing(node: Node) -> tuple[Any, ...]:
    store = node.store
    return store.running, store.start_name, store.current_name, store.names(), store.applied, node.inforce.config


@pytest.mark.parametrize("place", ["what ran", "what was in force", "what booted"])
def test_an_arrival_stays_while_what_was_before_it_is_not_valid_any_more(node: Node, place: str) -> None:
    valid, old = node.store.running.config, of_former_rules(node.store.running.config)
    if place == "what ran":
        node.store.commit(old, "anna", "before an upgrade", 2.0)
    elif place == "what was in force":
        node.store.applied = node.store.commit(old, "anna", "before an upgrade", 2.0)
        node.store.commit(valid, "anna", "edited", 2.0)
    else:
        node.store.put("default", old, "anna", "before an upgrade", 2.0)
    arrive(node, "nine.local")
    before = standing(node)

    refusal = "revision 2, which would come back, is not valid any more"
    with pytest.raises(InvalidConfigurationError, match=refusal) as caught:
        node.ask(m.RollBack(force=True))

    assert caught.value.details[0].startswith("hostname: ")
    assert standing(node) == before


@pytest.mark.parametrize("ask", [m.LoadConfig("old", force=True), m.SetStartConfig("old")], ids=["load", "start"])
def test_what_was_saved_and_is_not_valid_any_more_is_neither_loaded_nor_booted(node: Node, ask: AnyAsk) -> None:
    node.store.put("old", of_former_rules(node.store.running.config), "anna", "before an upgrade", 2.0)
    before = standing(node)

    with pytest.raises(InvalidConfigurationError, match="the configuration old is not valid any more") as caught:
        node.ask(ask)

    assert caught.value.details[0].startswith("hostname: ")
    assert standing(node) == before


# --- activation -------------------------------------------------------------------------------------------


def soon(node: Node, seconds: float = 0.0) -> None:
    """The deadline of what waits comes near, and clusterd is started again, which is how it learns of it."""
    record = node.directory / "activation.json"
    pending = activation.decode(record.read_bytes())
    deadline = time.monotonic_ns() + int(seconds * SECOND)
    record.write_bytes(activation.encode(msgspec.structs.replace(pending, deadline=deadline)))


async def undone(node: Node) -> None:
    """Wait until it went back, as events say."""
    with node.events.listening() as heard:
        await node.life.resume(booted=False)
        async with asyncio.timeout(10):
            while (await heard.get()).kind != "activation-undone":
                pass


def test_what_is_activated_is_in_force_at_once_and_stays_when_it_is_confirmed(node: Node) -> None:
    name(node, "two.local")

    node.ask(m.Activate(60))
    assert in_force(node) == "two.local"
    node.ask(m.ConfirmActivation())

    assert not (node.directory / "activation.json").exists()
    (text,) = told(node, "activation")
    assert text.startswith("admin (ssh 192.0.2.7) activated revision 2; without system config confirm within 60 s")
    assert text.endswith("revision 1 comes back")
    assert told(node, "activation-confirmed")
    with pytest.raises(RefusedError, match="no activation waits"):
        node.ask(m.ConfirmActivation())


def test_another_administrator_may_confirm(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))

    asyncio.run(node.manager.answer(m.ConfirmActivation(), OTTO))

    assert told(node, "activation-confirmed") == [
        "otto (ssh 192.0.2.9) confirmed the activation of revision 2 by admin (ssh 192.0.2.7)"
    ]


def test_keys_that_both_nodes_changed_meanwhile_stay_when_an_activation_is_undone(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))
    node.store.commit(other_keys(node.store.running.config), "anna", "authentication changed on both nodes", 2.0)
    asyncio.run(node.inforce.apply())
    soon(node)
    node.restart()

    asyncio.run(undone(node))

    for config in (node.inforce.config, node.store.running.config):
        assert (config.hostname, config.cluster.passphrase) == ("master.cluster.local", "another passphrase")
    node.restart()
    assert node.inforce.config.cluster.passphrase == "another passphrase"


def test_a_second_activation_is_refused_and_names_whose_the_first_is(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))

    with pytest.raises(LockedError, match=r"an activation of admin \(ssh 192.0.2.7\) waits"):
        asyncio.run(node.manager.answer(m.Activate(60), OTTO))


def test_unconfirmed_it_goes_back_though_clusterd_was_killed_meanwhile_and_edits_are_kept(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))
    name(node, "three.local")
    soon(node, 0.05)
    node.restart()
    assert in_force(node) == "two.local"

    asyncio.run(undone(node))

    assert in_force(node) == node.store.running.config.hostname == "master.cluster.local"
    assert node.store.revision(3).config.hostname == "three.local"
    (text,) = told(node, "activation-undone")
    assert "nobody confirmed it within 60 s: revision 1 is in force again; what ran is kept as revision 3" in text
    assert not (node.directory / "activation.json").exists()
    node.ask(m.RollBack(revision=3))
    assert node.store.running.config.hostname == "three.local"


def test_a_deadline_that_passed_while_clusterd_was_dead_is_made_up_for_at_once(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))
    soon(node, -30.0)
    node.restart()

    asyncio.run(undone(node))

    assert in_force(node) == "master.cluster.local"


def test_a_step_of_the_wall_clock_changes_nothing(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))
    monkeypatch.setattr("time.time", lambda: 4e9)
    node.restart()

    async def scenario() -> None:
        await node.life.resume(booted=False)
        await asyncio.sleep(0.05)

    asyncio.run(scenario())

    assert in_force(node) == "two.local"
    assert told(node, "activation-undone") == []


def test_after_a_confirmation_nothing_comes_back_however_late(node: Node) -> None:
    name(node, "two.local")

    async def scenario() -> None:
        await node.manager.answer(m.Activate(5), ADMIN)
        waiting = node.life._waiting
        assert waiting is not None
        await node.manager.answer(m.ConfirmActivation(), ADMIN)
        await waiting

    asyncio.run(scenario())

    assert in_force(node) == "two.local"
    assert told(node, "activation-undone") == []


def test_a_boot_ends_it_with_the_start_configuration(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))
    node.boot()

    asyncio.run(node.life.resume(booted=True))

    assert in_force(node) == "master.cluster.local"
    assert told(node, "activation-ended")
    assert not (node.directory / "activation.json").exists()


def test_what_the_engine_refuses_goes_back_at_once(node: Node) -> None:
    name(node, "two.local")
    node.engine.refusal = ClusterError("no such engine")

    with pytest.raises(ClusterError, match="no such engine"):
        node.ask(m.Activate(60))

    assert node.store.running.config.hostname == "master.cluster.local"
    assert "it could not be put into force: no such engine" in told(node, "activation-undone")[0]


def test_a_full_disk_at_the_deadline_keeps_nobody_locked_out(node: Node) -> None:
    name(node, "two.local")
    node.ask(m.Activate(60))
    soon(node)
    node.restart()
    node.refuse_writes()

    asyncio.run(undone(node))

    assert in_force(node) == "master.cluster.local"
    assert any("cannot be written" in text for text in told(node, "problem"))


def test_a_record_that_cannot_be_read_is_complained_of(node: Node) -> None:
    (node.directory / "activation.json").write_bytes(b"{")

    asyncio.run(node.life.resume(booted=False))

    assert "cannot be read" in told(node, "activation-failed")[0]
