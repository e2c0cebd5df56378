"""What an administrator does on purpose costs no client a single packet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.lab import Lab

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]

OVERLAP = 0.050
"""How long both nodes may hold a virtual address while they hear each other."""


def test_maintenance_on_moves_the_role_and_off_brings_it_back(lab: Lab) -> None:
    def maintenance(value: int) -> Callable[[], None]:
        def act() -> None:
            assert lab.cli("master", f"cluster maintainance set value {value}") == "OK\n"
            assert lab.cli("master", "system update interface") == "OK\n"

        return act

    without_loss(lab, maintenance(1), ("backup", "master"))
    assert lab.info("master")["maintainance"] is True
    without_loss(lab, maintenance(0), ("master", "backup"))
    assert lab.info("master")["maintainance"] is False


def test_a_switch_moves_the_role_and_the_other_nodes_switch_moves_it_back(lab: Lab) -> None:
    time.sleep(1.0)  # a node that has just given up the role is not handed it again

    without_loss(lab, lambda: lab.cli("master", "cluster switch"), ("backup", "master"))
    without_loss(lab, lambda: lab.cli("spare", "cluster switch"), ("master", "backup"))


def test_an_orderly_reboot_hands_the_role_over_first(lab: Lab) -> None:
    boots_before = lab.home.running().nodes["master"]

    without_loss(lab, lambda: lab.cli("master", "system reboot"), ("master", "backup"), at_least=3.0)

    assert lab.home.running().nodes["master"] != boots_before
    assert "the engine stops" in "".join(lab.home.of("master").joinpath("log").read_text())
    assert any("192.168" in text for text in lab.role_changes("spare")[-2:])


def test_switching_the_cluster_off_hands_the_role_over(lab: Lab) -> None:
    def switch_cluster(on: int) -> Callable[[], None]:
        def act() -> None:
            lab.cli("master", f"cluster set enabled {on}")
            lab.cli("master", "system update interface")

        return act

    without_loss(lab, switch_cluster(0), ("offline", "master"))
    without_loss(lab, switch_cluster(1), ("master", "backup"))


def without_loss(lab: Lab, act: Callable[[], object], then: tuple[str, str], at_least: float = 0.0) -> None:
    """The act leads to these roles; no request is lost, and the address is held twice only for a moment."""
    with lab.watch() as holding, lab.probe(rate=200) as client:
        time.sleep(0.3)
        act()
        time.sleep(at_least)
        lab.await_roles(*then, patience=40.0)
        time.sleep(0.5)

    assert client.lost == []
    assert client.sent > 100
    assert holding.both <= OVERLAP
