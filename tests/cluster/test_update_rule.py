"""`system update rule` brings the rules into force, and nothing that the role depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.errors import RefusedError
from cluster.rpc import messages as m
from tests.cluster.test_manager import Node

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULE = {"pos": 1, "flags": ["ACCEPT", "HIDENAT"], "nat_node": "LAN2"}


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    made.boot()
    yield made
    made.store.close()


def test_edited_rules_are_in_force_also_after_a_restart_and_maintenance_goes_on_waiting(node: Node) -> None:
    node.ask(m.SetMaintenance(value=True))
    node.set("rules", "1", value=RULE)
    assert node.inforce.config.rules == {}

    assert node.ask(m.UpdateRule()) == m.Done()

    assert list(node.inforce.config.rules) == ["1"]
    assert node.engine.told is not None
    assert node.engine.told["maintenance"] is False
    node.restart()
    assert list(node.inforce.config.rules) == ["1"]


def test_what_is_effective_at_once_does_not_stand_in_the_way(node: Node) -> None:
    node.set("hostname", value="other.local")
    node.set("variables", "securepoint_firewall", "UPDATE_TRIGGER_DELAY", value="5")
    node.set("rules", "1", value=RULE)

    node.ask(m.UpdateRule())

    assert list(node.inforce.config.rules) == ["1"]


def test_other_edits_that_wait_are_named_and_nothing_comes_into_force(node: Node) -> None:
    node.set("cluster", "priority", value="low")
    node.set("rules", "1", value=RULE)
    before = node.inforce.config

    with pytest.raises(RefusedError, match=r"other edits wait as well \(cluster\); system update"):
        node.ask(m.UpdateRule())

    assert node.inforce.config is before
    node.ask(m.UpdateInterface())
    assert list(node.inforce.config.rules) == ["1"]


def test_without_edited_rules_there_is_nothing_to_do(node: Node) -> None:
    node.set("cluster", "priority", value="low")

    assert node.ask(m.UpdateRule()) == m.Done()

    assert node.inforce.config.cluster.priority == "high"
