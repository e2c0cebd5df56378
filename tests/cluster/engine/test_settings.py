"""What the engine is told, and that the engine reads it the same way."""

from __future__ import annotations

from cluster.config import schema
from cluster.engine.settings import document, trigger_delay
from cluster.vrrp.settings import parse

CONFIG = schema.parse(
    {
        "cluster": {"enabled": True, "priority": "low", "advert_interval": 100, "auth_policy": "permissive"},
        "interfaces": {
            "LAN2": {"id": 2, "flags": ["HA"], "vrid": 2, "ping_check_host": ["192.0.2.9"]},
            "LAN1": {"id": 1, "flags": ["HA"], "vrid": 1},
            "LAN4": {"id": 4, "flags": ["HA"], "vrid": 4},
            "LAN3": {"id": 3, "flags": ["HOTWIRE"]},
        },
        "virtual_addresses": {
            "10": {"device": "LAN2", "address": "192.168.200.10/24"},
            "9": {"device": "LAN2", "address": "192.168.200.9/24"},
            "1": {"device": "LAN1", "address": "192.168.175.101/24"},
        },
        "variables": {"securepoint_firewall": {"UPDATE_TRIGGER_DELAY": "5"}},
    }
)


def test_ha_interfaces_come_by_number_with_their_addresses_by_number_and_nothing_else_comes() -> None:
    told = document(CONFIG, maintenance=False, delay=2, secrets={})

    assert [(entry["name"], entry["vrid"], entry["addresses"]) for entry in told["interfaces"]] == [
        ("LAN1", 1, ["192.168.175.101/24"]),
        ("LAN2", 2, ["192.168.200.9/24", "192.168.200.10/24"]),
    ]


def test_the_engine_reads_what_the_manager_means() -> None:
    told = parse(document(CONFIG, maintenance=True, delay=5, secrets={1: "hex:" + "0f" * 32}))

    assert (told.enabled, told.high, told.maintenance, told.resync) == (True, False, True, False)
    assert (told.advert_interval, told.trigger_delay) == (100, 5)
    assert (told.authentication.mode, told.authentication.policy) == ("hmac", "permissive")
    assert told.authentication.secret == "hex:" + "0f" * 32
    assert told.interfaces[1].watch == (bytes((192, 0, 2, 9)),)


def test_every_key_is_accepted_and_the_chosen_one_signs() -> None:
    options = {"passphrase": "correct horse", "auth_keys": {"7": {"secret": "battery staple"}}, "auth_send": 7}
    secrets = {1: "hex:" + "0f" * 32, 7: "hex:" + "f0" * 32}
    told = parse(document(schema.parse({"cluster": options}), maintenance=False, delay=2, secrets=secrets))

    assert told.authentication.keys == tuple(secrets.items())
    assert told.authentication.send_key == 7


def test_without_a_passphrase_nothing_is_signed() -> None:
    assert parse(document(CONFIG, maintenance=False, delay=2, secrets={})).authentication.mode == "none"


def test_the_trigger_delay_is_a_variable_with_a_default() -> None:
    assert trigger_delay(CONFIG) == 5
    assert trigger_delay(schema.parse({})) == 2
