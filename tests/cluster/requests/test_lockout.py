"""Whatever comes back, is loaded at the next boot or takes its time: an administrator can still log in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cluster.errors import NotAuthorisedError, RefusedError
from cluster.rpc import messages as m
from tests.cluster.test_manager import Node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
ANNA = {"role": "admin", "keys": {"1": {"key": KEY, "enabled": True}}}
LAST = "anna is the last account that can log in as admin"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Given a node without accounts, saved as `empty`, on which anna then became administrator, saved as `work`."""
    made = Node(tmp_path)
    made.boot()
    made.ask(m.SaveConfig(name="empty"))
    made.set("users", "anna", value=ANNA)
    made.ask(m.SaveConfig(name="work"))
    made.ask(m.SetStartConfig("work"))
    yield made
    made.store.close()


def test_no_configuration_without_an_administrator_is_loaded_at_the_next_boot(node: Node) -> None:
    with pytest.raises(RefusedError, match=LAST):
        node.ask(m.SetStartConfig("empty"))

    assert node.store.start_name == "work"


def test_none_is_imported_in_the_place_of_the_one_that_is(node: Node) -> None:
    text = node.ask(m.ExportConfig("empty")).text

    with pytest.raises(RefusedError, match=LAST):
        node.ask(m.ImportConfig("work", text))

    assert "anna" in node.store.get("work").users
    node.ask(m.ImportConfig("elsewhere", text))


def test_an_activation_that_is_undone_leaves_the_administrator_that_was_made_before_it(node: Node) -> None:
    node.set("hostname", value="two.local")
    node.ask(m.Activate(60))
    pending = node.life._pending
    assert pending is not None
    assert "anna" not in node.store.revision(pending.before).config.users

    asyncio.run(node.life._return(pending, "nobody confirmed it"))

    for config in (node.inforce.config, node.store.running.config):
        assert (config.hostname, list(config.users)) == ("master.cluster.local", ["anna"])
    node.restart()
    assert list(node.inforce.config.users) == ["anna"]


def test_a_password_that_was_changed_during_an_activation_stays_changed_when_that_is_undone(node: Node) -> None:
    bert = {"role": "readonly", "password": "first password", "must_change": True}
    node.set("users", "bert", value=bert)
    node.ask(m.UpdateInterface())
    node.set("hostname", value="two.local")
    node.ask(m.Activate(60))
    actor = m.Actor(user="bert", source="ssh 192.0.2.7", role="readonly")
    asyncio.run(node.manager.answer(m.ChangePassword("first password", "second password"), actor))
    pending = node.life._pending
    assert pending is not None

    asyncio.run(node.life._return(pending, "nobody confirmed it"))

    assert node.store.running.config.hostname == "master.cluster.local"
    for password, verdict in (("first password", False), ("second password", True)):
        asked = asyncio.run(node.manager.answer(m.CheckPassword("bert", password), actor))
        assert asked == m.Verdict(right=verdict, must_change=False)


def test_whoever_guesses_at_a_password_of_their_own_holds_nobody_up_who_changes_something(node: Node) -> None:
    async def scenario() -> None:
        actor = m.Actor(user="anna", source="ssh 192.0.2.7", role="readonly")
        async with node.turn:
            with pytest.raises(NotAuthorisedError, match="not the present password"):
                async with asyncio.timeout(20):
                    await node.manager.answer(m.ChangePassword("a guess", "another one"), actor)

    asyncio.run(scenario())
