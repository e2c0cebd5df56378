"""Other keys and other policies while a client looks on: over the hotwire, and by hand as the manual says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.lab import APPLIANCES, eventually

if TYPE_CHECKING:
    from tests.support.lab import Lab

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]


@pytest.fixture
def without_hotwire(lab: Lab) -> Lab:
    """Given nothing but adverts between the nodes: each of them has to be told by itself."""
    lab.link("master", "LAN3", "down")
    for node in APPLIANCES:
        eventually(lambda node=node: lab.info(node)["sync_state"] == "error")
    return lab


def test_another_passphrase_on_one_node_is_in_force_on_both_without_a_lost_packet(lab: Lab) -> None:
    eventually(lambda: lab.info("master")["sync_state"] == "synchronized")
    changes, before = role_changes(lab), fingerprints(lab, "spare")
    with lab.probe(rate=200) as client:
        lab.cli("master", "cluster set passphrase another-battery-staple")
        assert lab.cli("master", "system update interface") == "OK\n"
        assert heard(lab) == "valid, key 1"

    assert (client.lost, role_changes(lab)) == ([], changes)
    assert fingerprints(lab, "spare") == fingerprints(lab, "master") != before
    assert lab.info("spare")["sync_state"] == "synchronized"


def test_a_key_is_rotated_without_a_lost_packet_or_a_change_of_role(without_hotwire: Lab) -> None:
    lab = without_hotwire
    changes = role_changes(lab)
    with lab.probe(rate=200) as client:
        on_both(lab, "cluster auth new id 2 secret battery-staple")
        assert heard(lab) == "valid, key 1"
        on_both(lab, "cluster auth set send 2")
        assert heard(lab) == "valid, key 2"
        on_both(lab, "cluster auth set send 1")
        on_both(lab, "cluster auth delete id 2")
        assert heard(lab) == "valid, key 1"

    assert (client.lost, role_changes(lab)) == ([], changes)


def test_signatures_are_taken_away_and_come_back_without_a_lost_packet_or_a_change_of_role(
    without_hotwire: Lab,
) -> None:
    lab = without_hotwire
    changes = role_changes(lab)
    unsigned = adverts_unsigned(lab)
    with lab.probe(rate=200) as client:
        on_both(lab, "cluster set auth_policy permissive")
        assert heard(lab) == "valid, key 1"
        on_both(lab, "cluster set auth_policy receive-only")
        assert heard(lab) == "not signed, believed all the same"
        on_both(lab, "cluster set auth_policy permissive")
        on_both(lab, "cluster set auth_policy enforce")
        assert heard(lab) == "valid, key 1"

    assert (client.lost, role_changes(lab)) == ([], changes)
    assert adverts_unsigned(lab) > unsigned


def test_a_step_too_many_at_once_is_refused_and_changes_nothing(without_hotwire: Lab) -> None:
    lab = without_hotwire
    refused = lab.cli("master", "cluster set passphrase battery-staple", check=False)
    assert refused == ""
    lab.cli("master", "system update interface")
    assert heard(lab) == "valid, key 1"


def on_both(lab: Lab, line: str) -> None:
    for node in APPLIANCES:
        assert lab.cli(node, line) == "OK\n"
        assert lab.cli(node, "system update interface") == "OK\n"


def heard(lab: Lab) -> str:
    """What the spare says of an advert of the master."""
    _, row = lab.cli("spare", "cluster capture interface LAN2 count 1 | json").splitlines()
    return str(json.loads(row)[0]["authentication"])


def fingerprints(lab: Lab, node: str) -> list[str]:
    return [row["fingerprint"] for row in json.loads(lab.cli(node, "cluster auth get | json"))]


def adverts_unsigned(lab: Lab) -> int:
    adverts = json.loads(lab.cli("spare", "cluster status | json"))["adverts"]
    return sum(int(interface["unsigned"]) for interface in adverts)


def role_changes(lab: Lab) -> list[list[str]]:
    return [lab.role_changes(node) for node in APPLIANCES]
