"""The spare takes over when the master fails, and gives back when it returns; a client pings all the while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.lab import VIRTUAL, eventually

if TYPE_CHECKING:
    from tests.support.lab import Lab

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]

OUTAGE = 1.0
"""Longest outage after a power loss at default timers, seconds: three intervals of 0.25 s and the skew."""
TRIGGER_DELAY = 2.0
OVERLAP = 0.050
"""How long both nodes may hold a virtual address while they hear each other."""


def test_the_spare_takes_over_when_the_master_loses_power(lab: Lab) -> None:
    with lab.watch() as holding, lab.probe() as client:
        time.sleep(0.3)
        lab.kill("master")
        eventually(lambda: lab.role("spare") == "master")
        time.sleep(0.5)

    assert 0 < client.outage <= OUTAGE
    assert holding.both == 0.0
    assert lab.role("master") == ""


def test_the_master_takes_its_role_back_when_it_returns_and_no_client_notices(lab: Lab) -> None:
    lab.kill("master")
    eventually(lambda: lab.role("spare") == "master")

    with lab.watch() as spare_only, lab.probe() as client:
        lab.start("master")
        lab.await_roles("master", "backup", patience=40.0)
        time.sleep(0.5)

    assert client.lost == []
    assert spare_only.held["spare"][-1][1] < time.monotonic() - 0.3, "the spare gave the address up"


def test_the_spare_takes_over_once_the_masters_lan2_has_been_without_link_for_the_delay(lab: Lab) -> None:
    with lab.watch() as holding, lab.probe() as client:
        time.sleep(0.3)
        lab.link("master", "LAN2", "down")
        lab.await_roles("backup", "master")
        time.sleep(0.5)

    assert TRIGGER_DELAY - 0.1 <= client.outage <= TRIGGER_DELAY + 0.5
    assert holding.both <= OVERLAP


def test_a_short_loss_of_link_moves_nothing(lab: Lab) -> None:
    before = lab.role_changes("spare")

    lab.exec("switch", "sh", "-c", "ip link set master-LAN2 down; sleep 0.7; ip link set master-LAN2 up")
    time.sleep(TRIGGER_DELAY + 1.0)

    assert lab.roles() == ("master", "backup")
    assert lab.role_changes("spare") == before


def test_the_master_takes_its_role_back_when_its_link_returns(lab: Lab) -> None:
    lab.link("master", "LAN2", "down")
    lab.await_roles("backup", "master")

    with lab.watch() as holding, lab.probe() as client:
        lab.link("master", "LAN2", "up")
        lab.await_roles("master", "backup", patience=40.0)
        time.sleep(0.5)

    assert client.lost == []
    assert holding.both <= OVERLAP


def test_the_spare_takes_over_when_a_switch_swallows_every_frame_although_the_carrier_stays(lab: Lab) -> None:
    with lab.probe() as client:
        time.sleep(0.3)
        swallow(lab, "master-LAN1", "master-LAN2")
        eventually(lambda: lab.role("spare") == "master")
        time.sleep(0.5)

    assert 0 < client.outage <= OUTAGE


def test_one_of_two_networks_swallowing_every_frame_moves_nothing(lab: Lab) -> None:
    before = lab.role_changes("spare")

    swallow(lab, "master-LAN1")
    time.sleep(2.0)

    assert lab.roles() == ("master", "backup")
    assert lab.role_changes("spare") == before


def test_a_client_reaches_what_lies_behind_the_cluster_before_and_after_a_takeover(lab: Lab) -> None:
    router = "192.168.175.1"
    with lab.probe(target=router) as before:
        time.sleep(0.3)
    lab.kill("master")
    eventually(lambda: lab.role("spare") == "master")
    with lab.probe(target=router) as after:
        time.sleep(0.5)

    assert before.lost == []
    assert after.lost == []


def test_only_the_master_holds_the_virtual_addresses(lab: Lab) -> None:
    held = {node: lab.exec(node, "ip", "-brief", "address") for node in ("master", "spare")}

    for address in (f"{VIRTUAL}/24", "192.168.175.101/24"):
        assert address in held["master"]
        assert address not in held["spare"]


def swallow(lab: Lab, *ports: str) -> None:
    """The switch drops what these cables carry, in both directions."""
    names = ", ".join(f'"{port}"' for port in ports)
    rules = f"""
        table bridge swallow {{
            chain forward {{
                type filter hook forward priority 0
                iifname {{ {names} }} drop
                oifname {{ {names} }} drop
            }}
        }}"""
    lab.exec("switch", "nft", rules)
