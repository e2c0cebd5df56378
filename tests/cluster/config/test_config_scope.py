"""What travels to the partner, what never does, and how the two are put together again."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from cluster.config import scope
from cluster.config.schema import parse
from cluster.config.tree import CONFIG, Collection, Group, Node
from cluster.errors import InvalidConfigurationError
from cluster.model import Address, Config
from tests.cluster.config.config_examples import config, configs, document, spelled_out

MACHINE_FIELDS = {
    "hostname",
    "addresses",
    "cluster.enabled",
    "cluster.priority",
    "cluster.hotwire_local",
    "cluster.hotwire_remote",
    "cluster.hotwire_partner_keys",
}


def unscoped(node: Node, path: str) -> list[str]:
    """Paths of the values that nothing on the way gives a scope."""
    if isinstance(node, Collection):
        return unscoped(node.item, f"{path}.*")
    if not isinstance(node, Group):
        return [path]
    return [
        found
        for name, about in node.fields.items()
        if about.scope is None
        for found in unscoped(about.node, f"{path}.{name}")
    ]


def fields_of(node: Node, scope_word: str, path: str = "") -> set[str]:
    if isinstance(node, Collection):
        return fields_of(node.item, scope_word, f"{path}*.")
    if not isinstance(node, Group):
        return set()
    own = {f"{path}{name}" for name, about in node.fields.items() if about.scope == scope_word}
    return own.union(
        *(
            fields_of(about.node, scope_word, f"{path}{name}.")
            for name, about in node.fields.items()
            if not about.scope
        )
    )


def test_every_field_of_the_model_has_a_scope() -> None:
    assert unscoped(CONFIG, "") == []


def test_the_machine_facts_are_those_of_the_design() -> None:
    assert fields_of(CONFIG, "machine") == MACHINE_FIELDS


def test_the_shared_part_holds_what_both_nodes_have_and_no_machine_fact() -> None:
    assert json.loads(msgspec.json.encode(scope.shared(config(variables__app={"V": "1"})))) == {
        "cluster": {"passphrase": "correct horse", "backup_disable_interfaces": ["wan0"]},
        "interfaces": {
            "LAN1": {"id": 1, "zones": ["external"]},
            "LAN2": {"id": 2, "flags": ["HA"], "vrid": 2},
            "LAN3": {"id": 3, "flags": ["HOTWIRE"]},
            "wan0": {"id": 4, "type": "WAN"},
        },
        "virtual_addresses": {"1": {"device": "LAN2", "address": "192.168.200.1/24"}},
        "variables": {"securepoint_firewall": {"UPDATE_TRIGGER_DELAY": "5"}, "app": {"V": "1"}},
        "globals": {"GLOB_DNS": ["192.0.2.53"]},
        "ssh": {},
        "addresses": [],
    }


@pytest.mark.parametrize(
    "fact",
    [
        {"hostname": "spare.cluster.local"},
        {"cluster__enabled": False},
        {"cluster__priority": "low"},
        {"cluster__hotwire_local": "192.168.180.9"},
        {"cluster__hotwire_remote": []},
        {"addresses__1__address": "192.168.12.142/24"},
        {"addresses": {}},
        {"variables__ad": {"APPLIANCE_ACCOUNT": "UTM1$"}},
    ],
)
def test_a_machine_fact_does_not_touch_the_digest(fact: dict[str, Any]) -> None:
    assert scope.digest(config(**fact)) == scope.digest(config())


@pytest.mark.parametrize(
    "change",
    [
        {"cluster__passphrase": "battery staple"},
        {"cluster__advert_interval": 26},
        {"interfaces__LAN1__zones": []},
        {"virtual_addresses__1__address": "192.168.200.2/24"},
        {"variables__securepoint_firewall__UPDATE_TRIGGER_DELAY": "6"},
        {"globals__GLOB_DNS": ["192.0.2.54"]},
        {"addresses__3": {"device": "wan0", "address": "203.0.113.1/32"}},
    ],
)
def test_whatever_belongs_to_the_cluster_changes_the_digest(change: dict[str, Any]) -> None:
    assert scope.digest(config(**change)) != scope.digest(config())


@given(configs())
def test_the_digest_does_not_care_whether_defaults_are_spelled_out(example: Config) -> None:
    assert scope.digest(parse(spelled_out(example))) == scope.digest(example)


def test_the_digest_does_not_care_whether_the_default_delay_is_spelled_out() -> None:
    said = config(variables__securepoint_firewall__UPDATE_TRIGGER_DELAY="2")
    assert scope.digest(said) == scope.digest(config(variables={}))


def test_the_digest_does_not_care_under_which_id_a_machine_keeps_an_address_of_the_cluster() -> None:
    here = config(addresses__3={"device": "wan0", "address": "203.0.113.1/32"})
    there = config(addresses__7={"device": "wan0", "address": "203.0.113.1/32"})
    assert scope.digest(here) == scope.digest(there)


# --- taking over ---------------------------------------------------------------------------------------


def spare() -> Config:
    return config(
        hostname="spare.cluster.local",
        cluster__enabled=False,
        cluster__priority="low",
        cluster__hotwire_local="192.168.180.3",
        cluster__hotwire_remote=["192.168.180.2"],
        addresses={
            "1": {"device": "LAN2", "address": "192.168.12.142/24"},
            "3": {"device": "LAN3", "address": "192.168.180.3/24"},
        },
    )


def machine_facts(config: Config, surviving: set[str]) -> bytes:
    """Everything of a configuration that belongs to the machine, in canonical bytes.

    Args:
        config: whose.
        surviving: Ethernet and VLAN interfaces of which addresses are looked at.
    """
    options = msgspec.structs.asdict(config.cluster)
    machine = {name: options[name] for name, about in cluster_fields().items() if about.scope == "machine"}
    addresses = {key: each for key, each in config.addresses.items() if each.device in surviving}
    return msgspec.json.encode([config.hostname, machine, addresses], order="sorted")


def cluster_fields() -> dict[str, Any]:
    node = CONFIG.fields["cluster"].node
    assert isinstance(node, Group)
    return node.fields


@given(configs(), configs())
def test_after_taking_over_the_shared_parts_are_equal_and_machine_facts_the_same_bytes(
    sender: Config, own: Config
) -> None:
    sent = scope.encoded(sender)
    merged = scope.merge(scope.decoded(sent), own)
    assert scope.digest(merged) == scope.digest(sender) == scope.digest_of(sent)
    both = {
        name
        for name in {*own.interfaces, *sender.interfaces}
        if all(name in c.interfaces and c.interfaces[name].type in {"ETHERNET", "VLAN"} for c in (own, sender))
    }
    assert machine_facts(merged, both) == machine_facts(own, both)


@given(configs(), configs())
def test_whatever_the_sender_deleted_is_gone_and_a_new_interface_has_no_address(
    sender: Config, own: Config
) -> None:
    merged = scope.merge(scope.shared(sender), own)
    assert merged.interfaces.keys() == sender.interfaces.keys()
    assert merged.virtual_addresses.keys() == sender.virtual_addresses.keys()
    assert merged.globals.keys() == sender.globals.keys()
    new = {name for name in merged.interfaces if name not in own.interfaces and name.startswith("LAN")}
    assert not [each for each in merged.addresses.values() if each.device in new]


@given(configs(), configs())
def test_a_document_that_travelled_says_what_differs_of_the_shared_part_alone(left: Config, right: Config) -> None:
    equal = scope.digest(left) == scope.digest(right)
    assert equal == (scope.shared(left) == scope.shared(right))
    renamed = msgspec.structs.replace(scope.cluster_part(left), hostname="other.local")
    assert scope.cluster_part(renamed) == scope.cluster_part(left)


@given(configs(), configs())
def test_taking_over_twice_changes_nothing_more(sender: Config, own: Config) -> None:
    merged = scope.merge(scope.shared(sender), own)
    assert scope.merge(scope.shared(sender), merged) == merged


def test_a_new_interface_arrives_without_the_senders_addresses() -> None:
    sender = config(interfaces__LAN4={"id": 5}, addresses__3={"device": "LAN4", "address": "10.4.0.1/24"})
    merged = scope.merge(scope.shared(sender), spare())
    assert "LAN4" in merged.interfaces
    assert merged.addresses == spare().addresses


def test_an_interface_that_is_gone_takes_our_addresses_on_it_along() -> None:
    sender = config(interfaces__LAN2=None, addresses__1=None, virtual_addresses={})
    assert scope.merge(scope.shared(sender), spare()).addresses == {
        "3": Address(device="LAN3", address="192.168.180.3/24")
    }


def test_the_account_in_the_active_directory_is_each_nodes_own() -> None:
    sender = config(variables__ad={"APPLIANCE_ACCOUNT": "UTM1$", "DOMAIN": "example.org"})
    own = config(variables__ad={"APPLIANCE_ACCOUNT": "UTM2$", "DOMAIN": "old.example.org"})
    assert scope.merge(scope.shared(sender), own).variables["ad"] == {
        "APPLIANCE_ACCOUNT": "UTM2$",
        "DOMAIN": "example.org",
    }
    assert scope.merge(scope.shared(sender), spare()).variables["ad"] == {"DOMAIN": "example.org"}
    assert scope.merge(scope.shared(config()), own).variables["ad"] == {"APPLIANCE_ACCOUNT": "UTM2$"}
    assert scope.cluster_part(own).variables["ad"] == {"DOMAIN": "old.example.org"}


def test_an_address_of_the_cluster_gets_the_first_free_id_and_keeps_it() -> None:
    sender = config(addresses__1__device="LAN1", addresses__9={"device": "wan0", "address": "203.0.113.1/32"})
    merged = scope.merge(scope.shared(sender), spare())
    dial_in = Address(device="wan0", address="203.0.113.1/32")
    assert merged.addresses == {**spare().addresses, "2": dial_in}
    assert scope.merge(scope.shared(sender), merged).addresses["2"] == dial_in


def test_what_no_longer_fits_our_machine_facts_is_refused() -> None:
    sender = config(virtual_addresses__1__address="192.168.12.142/24")
    with pytest.raises(InvalidConfigurationError) as caught:
        scope.merge(scope.shared(sender), spare())
    (detail,) = caught.value.details
    assert detail.startswith("virtual_addresses.1.address: 192.168.12.142 is an address of this machine, on LAN2; ")


@pytest.mark.parametrize(
    ("incoming", "sentence"),
    [
        ({"hostname": "x"}, "hostname belongs to one machine and must not travel to the other"),
        (
            {"cluster": {"priority": "low"}},
            "cluster.priority belongs to one machine and must not travel to the other",
        ),
        (
            {"interfaces": {"LAN1": {"id": 1}}, "addresses": [{"device": "LAN1", "address": "10.0.0.1/24"}]},
            "the address 10.0.0.1/24 of LAN1 belongs to one machine and must not travel to the other",
        ),
        (
            {"variables": {"ad": {"APPLIANCE_ACCOUNT": "UTM1$"}}},
            "variables.ad.APPLIANCE_ACCOUNT belongs to one machine and must not travel to the other",
        ),
        ({"addresses": {}}, "the addresses of the cluster cannot be read: Expected `array`, got `object`"),
        ({"cluster": 3}, "the configuration is invalid: 1 problem"),
        ({"interfaces": {"LAN1": []}}, "the configuration is invalid: 1 problem"),
        ({"unheard_of": 3}, "the configuration is invalid: 1 problem"),
        (document(), "hostname belongs to one machine and must not travel to the other"),
    ],
)
def test_a_partner_that_sends_what_it_should_not_is_refused(incoming: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        scope.merge({key: value for key, value in incoming.items() if key != "schema"}, Config())
    assert caught.value.message == sentence
