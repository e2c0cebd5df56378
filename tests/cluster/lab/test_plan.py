"""The lab's plans are the documented example networks."""

from __future__ import annotations

import msgspec
import pytest

from cluster.config import schema
from cluster.lab import wiring
from cluster.lab.factory import factory
from cluster.lab.plan import APPLIANCES, NODES, plan

EXAMPLES = (1, 2)
PASSPHRASE = "a passphrase of the lab"


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("node", APPLIANCES)
def test_a_factory_configuration_obeys_every_rule_of_the_schema(example: int, node: str) -> None:
    config = factory(example, node, PASSPHRASE)

    assert schema.parse_text(msgspec.json.encode(config).decode()) == config
    assert schema.warnings(config) == ()


def test_example_2_has_the_documented_addresses() -> None:
    master, spare = (factory(2, node, PASSPHRASE) for node in APPLIANCES)

    assert [(a.device, a.address) for a in master.addresses.values()] == [
        ("LAN1", "192.168.175.102/24"), ("LAN2", "192.168.12.141/24"), ("LAN3", "192.168.180.2/24"),
    ]  # fmt: skip
    assert [(a.device, a.address) for a in spare.addresses.values()] == [
        ("LAN1", "192.168.175.103/24"), ("LAN2", "192.168.12.142/24"), ("LAN3", "192.168.180.3/24"),
    ]  # fmt: skip
    for config in (master, spare):
        assert [(a.device, a.address) for a in config.virtual_addresses.values()] == [
            ("LAN1", "192.168.175.101/24"), ("LAN2", "192.168.200.1/24"),
        ]  # fmt: skip


def test_example_1_has_one_ha_interface_and_dials_in_on_the_master_only() -> None:
    config = factory(1, "master", PASSPHRASE)

    assert [name for name, interface in config.interfaces.items() if "HA" in interface.flags] == ["LAN2"]
    assert config.cluster.backup_disable_interfaces == ("wan0",)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_appliances_differ_in_priority_and_know_each_other_on_the_hotwire(example: int) -> None:
    master, spare = (factory(example, node, PASSPHRASE) for node in APPLIANCES)

    assert (master.hostname, spare.hostname) == ("master.cluster.local", "spare.cluster.local")
    assert (master.cluster.priority, spare.cluster.priority) == ("high", "low")
    assert master.cluster.hotwire_remote == (spare.cluster.hotwire_local,)
    assert spare.cluster.hotwire_remote == (master.cluster.hotwire_local,)
    assert master.cluster.passphrase == spare.cluster.passphrase == PASSPHRASE


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_configured_interface_has_a_cable_and_every_cable_its_own_hardware_address(example: int) -> None:
    cables = plan(example)

    for node in APPLIANCES:
        assert {port.interface for port in cables.of(node)} == set(factory(example, node, PASSPHRASE).interfaces)
    assert len({port.hardware for port in cables.ports}) == len(cables.ports)
    assert len({port.name for port in cables.ports}) == len(cables.ports)
    assert all(len(port.name) <= 15 for port in cables.ports), "longer names are no interface names"


def test_only_the_hotwire_is_a_direct_cable() -> None:
    cables = plan(2)
    partners = {port.name: partner.name for port in cables.ports if (partner := cables.partner(port))}

    assert partners == {"master-LAN3": "spare-LAN3", "spare-LAN3": "master-LAN3"}


def test_every_documented_node_is_part_of_a_plan() -> None:
    assert {port.node for port in plan(2).ports} == set(NODES)


def test_a_cable_is_laid_into_the_namespace_and_onto_the_segment() -> None:
    port = plan(2).find("spare", "LAN2")
    assert port is not None

    assert wiring.plug(port, 77) == (
        "link add spare-LAN2 type veth peer name LAN2 address 52:54:00:00:02:02 netns 77",
        "link set spare-LAN2 master LAN2",
    )
    assert wiring.carrier([(port, False)]) == ("link set spare-LAN2 down",)
