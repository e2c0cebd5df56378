"""Every rule is broken once, and says so in its words; what is allowed stays allowed."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.config import rules, schema
from cluster.errors import InvalidConfigurationError
from cluster.model import Config
from tests.cluster.config.config_examples import config, document

ONE_INTERFACE = {"cluster": {}, "addresses": {}, "virtual_addresses": {}}


def lan(name: str, **fields: Any) -> dict[str, Any]:
    return {"cluster": {}, "addresses": {}, "virtual_addresses": {}, "interfaces": {name: {"id": 1, **fields}}}


def vlan(name: str = "A1.10", **fields: Any) -> dict[str, Any]:
    made = lan(name, **{"id": 7, "type": "VLAN", "vlan_id": 10, "vlan_parent": "A1", **fields})
    made["interfaces"]["A1"] = {"id": 1}
    return made


BROKEN: list[tuple[dict[str, Any], str]] = [
    # the host
    (
        {"hostname": ""},
        "hostname: '' is no host name; labels of letters, digits and hyphens, joined by dots, are allowed",
    ),
    ({"hostname": "a..b"}, "hostname: 'a..b' is no host name; "),
    ({"hostname": "-a.b"}, "hostname: '-a.b' is no host name; "),
    ({"hostname": "a-.b"}, "hostname: 'a-.b' is no host name; "),
    ({"hostname": "a b"}, "hostname: 'a b' is no host name; "),
    ({"hostname": "a\n"}, "hostname: 'a\\n' is no host name; "),
    ({"hostname": "ä.local"}, "hostname: 'ä.local' is no host name; "),
    ({"hostname": "a" * 64}, "hostname: 'aaaa"),
    ({"hostname": ".".join(["abc"] * 63 + ["ab"])}, "hostname: 'abc.abc"),
    # interface names
    (
        lan(""),
        'interfaces."": an interface needs a name; 1 to 15 printable bytes without blank, / : " and \\ are allowed',
    ),
    (lan("."), 'interfaces.".": is no interface name; '),
    (lan(".."), 'interfaces."..": is no interface name; '),
    (lan("sixteen-bytes-it"), "interfaces.sixteen-bytes-it: is a name of 16 bytes; "),
    (lan("ääääääää"), "interfaces.ääääääää: is a name of 16 bytes; "),
    (lan("a b"), 'interfaces."a b": is a name with a character that Linux does not allow; '),
    (lan("a/b"), 'interfaces."a/b": is a name with a character that Linux does not allow; '),
    (lan("a:b"), "interfaces.a:b: is a name with a character that Linux does not allow; "),
    (lan("a\x1b"), 'interfaces."a\\u001b": is a name with a character that Linux does not allow; '),
    (lan('a"b'), 'interfaces."a\\"b": is a name with a character that nftables cannot write; '),
    (lan("a\\b"), 'interfaces."a\\\\b": is a name with a character that nftables cannot write; '),
    # ids and flags
    ({"interfaces__wan0__id": 1}, "interfaces.wan0.id: 1 is taken by LAN1; every id is used once"),
    ({"interfaces__LAN2__flags": ["HA", "HA"]}, "interfaces.LAN2.flags: HA is there 2 times; once is enough"),
    (
        {"interfaces__LAN3__flags": ["HA", "HOTWIRE"], "interfaces__LAN3__vrid": 3},
        "interfaces.LAN3.flags: HA and HOTWIRE exclude each other: the hotwire is for the two nodes alone",
    ),
    (
        {"interfaces__wan0__flags": ["HOTWIRE"], "cluster__backup_disable_interfaces": []},
        "interfaces.wan0.flags: HOTWIRE is already LAN3; only one interface can be it",
    ),
    # HA interfaces
    (
        {"interfaces__LAN2__vrid": None},
        "interfaces.LAN2.vrid: an HA interface needs a virtual router id, a whole number from 1 to 255",
    ),
    (
        {"interfaces__LAN1__flags": ["HA"], "interfaces__LAN1__vrid": 2},
        "interfaces.LAN2.vrid: 2 is taken by LAN1; every HA interface needs its own",
    ),
    (
        {
            "cluster__backup_disable_interfaces": [],
            "interfaces__wan0__flags": ["HA"],
            "interfaces__wan0__vrid": 4,
        },
        "interfaces.wan0.flags: a WAN interface cannot be HA; ETHERNET, VLAN and BRIDGE interfaces can",
    ),
    (
        {
            **ONE_INTERFACE,
            "interfaces": {f"e{n}": {"id": n, "flags": ["HA"], "vrid": n} for n in range(1, 62)},
        },
        "interfaces: 61 interfaces are flagged HA; at most 60 are allowed",
    ),
    (
        {"interfaces__LAN2__ping_check_host": ["192.0.2.1", "gateway"]},
        (
            "interfaces.LAN2.ping_check_host: 'gateway' is no IP address; write one such as 192.0.2.1, "
            "without a prefix length"
        ),
    ),
    # VLANs
    (vlan(vlan_id=None), 'interfaces."A1.10".vlan_id: a VLAN needs its tag, a whole number from 1 to 4094'),
    (
        vlan(vlan_parent=""),
        'interfaces."A1.10".vlan_parent: a VLAN needs the name of the interface that carries it',
    ),
    (vlan(vlan_parent="A2"), "interfaces.\"A1.10\".vlan_parent: there is no interface 'A2'; known are A1.10, A1"),
    (
        vlan(vlan_parent="A1.10"),
        'interfaces."A1.10".vlan_parent: A1.10 is a VLAN itself and cannot carry another one',
    ),
    (vlan("vlan10"), "interfaces.vlan10: VLAN 10 of A1 must be named A1.10"),
    (
        {"interfaces__LAN1__vlan_id": 10},
        "interfaces.LAN1: only a VLAN has vlan_id and vlan_parent; LAN1 is of type ETHERNET",
    ),
    (
        {"interfaces__LAN1__vlan_parent": "LAN2"},
        "interfaces.LAN1: only a VLAN has vlan_id and vlan_parent; LAN1 is of type ETHERNET",
    ),
    # machine addresses
    (
        {"addresses__0": {"device": "LAN1", "address": "10.0.0.1/24"}},
        "addresses.0: addresses are numbered: the key must be a whole number of at least 1",
    ),
    (
        {"addresses__1__device": "LAN9"},
        "addresses.1.device: there is no interface 'LAN9'; did you mean LAN3?",
    ),
    (
        {"addresses__1__device": "qqq"},
        "addresses.1.device: there is no interface 'qqq'; known are LAN1, LAN2, LAN3, wan0",
    ),
    (
        {**ONE_INTERFACE, "interfaces": {}, "addresses": {"1": {"device": "a", "address": "10.0.0.1/24"}}},
        "addresses.1.device: there is no interface 'a'; none is configured",
    ),
    (
        {"addresses__3": {"device": "LAN2", "address": "192.168.12.141/25"}},
        "addresses.3.address: LAN2 has 192.168.12.141 already, with id 1",
    ),
    (
        {"addresses__1__address": "10.0.0.1"},
        "addresses.1.address: '10.0.0.1' lacks its prefix length; write one such ",
    ),
    (
        {"addresses__1__address": "10.0.0/24"},
        "addresses.1.address: '10.0.0/24' is no IP address with its prefix length; ",
    ),
    (
        {"addresses__1__address": "10.0.0.1/33"},
        "addresses.1.address: '10.0.0.1/33' has no prefix length from 1 to 32; ",
    ),
    (
        {"addresses__1__address": "10.0.0.1/0"},
        "addresses.1.address: '10.0.0.1/0' has no prefix length from 1 to 32; ",
    ),
    (
        {"addresses__1__address": "fd00::1/129"},
        "addresses.1.address: 'fd00::1/129' has no prefix length from 1 to 128; ",
    ),
    (
        {"addresses__1__address": "10.0.0.1/255.255.255.0"},
        "addresses.1.address: '10.0.0.1/255.255.255.0' has no prefix length from 1 to 32; ",
    ),
    (
        {"addresses__1__address": "10.0.0.0/24"},
        "addresses.1.address: '10.0.0.0/24' is the address of the network itself; choose one of its hosts",
    ),
    (
        {"addresses__1__address": "10.0.0.255/24"},
        "addresses.1.address: '10.0.0.255/24' is the broadcast address of its network; choose one of its hosts",
    ),
    ({"addresses__1__address": "fe80::1%eth0/64"}, "addresses.1.address: 'fe80::1%eth0/64' names a zone; "),
    (
        {"addresses__1__address": "224.0.0.18/24"},
        "addresses.1.address: '224.0.0.18/24' is no address of a single host",
    ),
    ({"addresses__1__address": "0.0.0.0/8"}, "addresses.1.address: '0.0.0.0/8' is no address of a single host"),
    ({"addresses__1__address": "127.0.0.1/8"}, "addresses.1.address: '127.0.0.1/8' is no address of a single host"),
    (
        {"addresses__1__address": "255.255.255.255/32"},
        "addresses.1.address: '255.255.255.255/32' is no address of a ",
    ),
    *(
        ({"addresses__1__address": text}, f"addresses.1.address: '{text}' is no address of a single host in a ")
        for text in ("ff02::12/64", "::/64", "::1/128", "240.0.0.1/8")
    ),
    ({"addresses__1__address": "10.0.0.4/30"}, "addresses.1.address: '10.0.0.4/30' is the address of the network "),
    # virtual addresses
    (
        {"virtual_addresses__x": {"device": "LAN2", "address": "10.0.0.1/24"}},
        "virtual_addresses.x: addresses are numbered: the key must be a whole number of at least 1",
    ),
    (
        {"virtual_addresses__1__device": "LAN4"},
        "virtual_addresses.1.device: there is no interface 'LAN4'; did you mean ",
    ),
    (
        {"virtual_addresses__1__device": "LAN1"},
        "virtual_addresses.1.device: LAN1 is no HA interface; only those have virtual addresses",
    ),
    (
        {"virtual_addresses__1__address": "x/24"},
        "virtual_addresses.1.address: 'x/24' is no IP address with its prefix ",
    ),
    (
        {"virtual_addresses__2": {"device": "LAN2", "address": "192.168.200.1/32"}},
        "virtual_addresses.2.address: 192.168.200.1 is a virtual address already, with id 1",
    ),
    (
        {"virtual_addresses__2": {"device": "LAN2", "address": "192.168.180.2/24"}},
        (
            "virtual_addresses.2.address: 192.168.180.2 is an address of this machine, on LAN3; "
            "a virtual address must be nobody's own"
        ),
    ),
    (
        {"virtual_addresses__2": {"device": "LAN2", "address": "fd00::1/64"}},
        "virtual_addresses.2.address: fd00::1 is IPv6; the virtual routers of this version serve IPv4",
    ),
    (
        {
            "virtual_addresses": {
                str(n): {"device": "LAN2", "address": f"10.9.{n // 200}.{n % 200 + 1}/16"} for n in range(1, 257)
            }
        },
        "virtual_addresses: LAN2 has 256 virtual addresses; an advert holds at most 255",
    ),
    (
        {
            "interfaces": {f"L{n}": {"id": n, "flags": ["HA"], "vrid": n} for n in range(1, 43)},
            "virtual_addresses": {
                str(n): {"device": f"L{n // 100 + 1}", "address": f"10.9.{n // 200}.{n % 200 + 1}/16"}
                for n in range(1, 4098)
            },
        },
        "virtual_addresses: there are 4097; at most 4096 are allowed",
    ),
    # hotwire addresses
    (
        {"cluster__hotwire_local": "192.168.180.2/24"},
        "cluster.hotwire_local: '192.168.180.2/24' is no IP address; write ",
    ),
    (
        {"cluster__hotwire_remote": ["x"]},
        "cluster.hotwire_remote: 'x' is no IP address; write one such as 192.0.2.1, ",
    ),
    (
        {"cluster__hotwire_remote": ["192.168.180.2"]},
        "cluster.hotwire_remote: 192.168.180.2 is our own address; the partner's must differ",
    ),
    (
        {"cluster__hotwire_remote": ["192.168.180.3", "192.168.180.3"]},
        "cluster.hotwire_remote: 192.168.180.3 is there 2 times; once is enough",
    ),
    # passphrase
    ({"cluster__passphrase": "1"}, "cluster.passphrase: is too short; "),
    (
        {"cluster__passphrase": "seven77"},
        "cluster.passphrase: is too short; at least 8 characters, or hex: and a key, are allowed",
    ),
    (
        {"cluster__passphrase": "hex:" + "ab" * 31},
        "cluster.passphrase: hex: must be followed by a key of 32 to 64 bytes, two hexadecimal digits each",
    ),
    (
        {"cluster__passphrase": "hex:" + "ab" * 65},
        "cluster.passphrase: hex: must be followed by a key of 32 to 64 bytes",
    ),
    (
        {"cluster__passphrase": "hex:" + "xy" * 32},
        "cluster.passphrase: hex: must be followed by a key of 32 to 64 bytes",
    ),
    (
        {"cluster__passphrase": "hex:" + "a" * 65},
        "cluster.passphrase: hex: must be followed by a key of 32 to 64 bytes",
    ),
    (
        {"cluster__passphrase": "x" * 257},
        "cluster.passphrase: is too long; at most 256 characters, or hex: and a key, are allowed",
    ),
    # keys beside the passphrase
    (
        {"cluster__auth_keys": {"1": {"secret": "battery staple"}}},
        "cluster.auth_keys.1: the key with id 1 is cluster.passphrase; further keys have an id from 2 to 255",
    ),
    *(
        (
            {"cluster__auth_keys": {number: {"secret": "battery staple"}}},
            f"cluster.auth_keys.{number}: is no id of a key; a whole number from 2 to 255 is allowed",
        )
        for number in ("0", "256", "02", "x", "-2")
    ),
    ({"cluster__auth_keys": {"2": {"secret": "seven77"}}}, "cluster.auth_keys.2.secret: is too short; at least 8 "),
    ({"cluster__auth_keys": {"2": {"secret": ""}}}, "cluster.auth_keys.2.secret: is too short; at least 8 "),
    (
        {"cluster__auth_keys": {"2": {"secret": "hex:" + "ab" * 31}}},
        "cluster.auth_keys.2.secret: hex: must be followed by a key of 32 to 64 bytes",
    ),
    ({"cluster__auth_keys": {"2": {"secret": "(secret)"}}}, "cluster.auth_keys.2.secret: (secret) stands in for "),
    (
        {"cluster__auth_send": 2, "cluster__auth_keys": {"3": {"secret": "battery staple"}}},
        "cluster.auth_send: key 2 signs our adverts and must be there; the keys are 1, 3",
    ),
    (
        {"cluster__passphrase": "", "cluster__auth_keys": {"2": {"secret": "battery staple"}}},
        "cluster.auth_send: key 1 signs our adverts and must be there; the keys are 2",
    ),
    ({"cluster__auth_send": 256}, "cluster.auth_send: must be a whole number from 1 to 255"),
    (
        {"cluster__passphrase": "(secret)"},
        "cluster.passphrase: (secret) stands in for a passphrase that is not shown and cannot be one",
    ),
    # what stays down in backup
    (
        {"cluster__backup_disable_interfaces": ["wan1"]},
        "cluster.backup_disable_interfaces: there is no interface 'wan1'; did you mean wan0?",
    ),
    (
        {"cluster__backup_disable_interfaces": ["LAN2"]},
        "cluster.backup_disable_interfaces: LAN2 connects the nodes of the cluster and must stay up while backup",
    ),
    (
        {"cluster__backup_disable_interfaces": ["LAN3"]},
        "cluster.backup_disable_interfaces: LAN3 connects the nodes of the cluster and must stay up while backup",
    ),
    (
        vlan(flags=["HA"], vrid=1) | {"cluster": {"backup_disable_interfaces": ["A1"]}},
        "cluster.backup_disable_interfaces: A1 connects the nodes of the cluster and must stay up while backup",
    ),
    # variables
    ({"variables__app": {}}, "variables.app: holds no variable; remove it"),
    (
        {"variables__a b": {"V": "1"}},
        'variables."a b": a name consists of letters, digits, underscore, dot and hyphen',
    ),
    (
        {"variables__app": {"": "1"}},
        'variables.app."": a name consists of letters, digits, underscore, dot and hyphen',
    ),
    *(
        (
            {"variables__securepoint_firewall__UPDATE_TRIGGER_DELAY": delay},
            (
                f"variables.securepoint_firewall.UPDATE_TRIGGER_DELAY: '{delay}' is no delay; "
                "whole seconds from 0 to 3600 are allowed"
            ),
        )
        for delay in ("", "x", "-1", "3601", "1.5", "02", "99999", "٣")
    ),
    ({"globals__DNS": ["x"]}, "globals.DNS: names of global variables begin with GLOB_"),
    ({"globals__GLOB_ä": []}, "globals.GLOB_ä: a name consists of letters, digits, underscore, dot and hyphen"),
]


@pytest.mark.parametrize(("changes", "sentence"), BROKEN, ids=[sentence[:60] for _, sentence in BROKEN])
def test_a_broken_rule_is_named_with_its_path_and_what_is_allowed(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse(document(**changes))
    assert any(line.startswith(sentence) for line in caught.value.details), caught.value.details


@pytest.mark.parametrize(
    "changes",
    [
        {"virtual_addresses": {}},
        {"cluster__hotwire_remote": []},
        {"cluster__hotwire_local": "", "cluster__hotwire_remote": []},
        {"interfaces__LAN1__vrid": 2},
        {"addresses__1__address": "fd00::1/64"},
        {"addresses__1__address": "fd00::/64"},
        {"addresses__1__address": "10.0.0.1/1"},
        {"addresses__1__address": "10.0.0.0/31"},
        {"addresses__1__address": "10.0.0.1/31"},
        {"addresses__1__address": "10.0.0.0/32"},
        {"addresses__3": {"device": "LAN1", "address": "192.168.12.141/24"}},
        {"virtual_addresses__2": {"device": "LAN2", "address": "192.168.200.2/24"}},
        {"cluster__passphrase": ""},
        {"cluster__passphrase": "8 chars!"},
        {"cluster__passphrase": "hex:" + "aB" * 32},
        {"cluster__passphrase": "hex:" + "0f" * 64},
        {"cluster__passphrase": "x" * 256},
        {"cluster__auth_keys": {"2": {"secret": "8 chars!"}, "255": {"secret": "hex:" + "0f" * 32}}},
        {"cluster__auth_send": 2, "cluster__auth_keys": {"2": {"secret": "8 chars!"}}},
        {"cluster__passphrase": "", "cluster__auth_send": 2, "cluster__auth_keys": {"2": {"secret": "8 chars!"}}},
        {"cluster__passphrase": "", "cluster__auth_send": 9},
        {"variables__securepoint_firewall__UPDATE_TRIGGER_DELAY": "0"},
        {"variables__securepoint_firewall__UPDATE_TRIGGER_DELAY": "3600"},
        {"hostname": "a"},
        {"hostname": ".".join(["abc"] * 63 + ["a"])},
        {"hostname": "1.2-3.x"},
        vlan(),
        vlan(flags=["HA"], vrid=1),
        lan("fifteen-bytes-i"),
    ],
)
def test_what_is_allowed_is_not_refused(changes: dict[str, Any]) -> None:
    schema.parse(document(**changes))


def test_60_ha_interfaces_with_255_virtual_addresses_on_one_of_them_are_allowed() -> None:
    read = schema.parse(
        {
            "interfaces": {f"e{n}": {"id": n, "flags": ["HA"], "vrid": n} for n in range(1, 61)},
            "virtual_addresses": {str(n): {"device": "e1", "address": f"10.0.0.{n}/16"} for n in range(1, 256)},
        }
    )
    assert len(rules.ha_interfaces(read)) == 60


def test_problems_of_several_rules_come_together() -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse(document(hostname="", interfaces__LAN2__vrid=None, cluster__passphrase="short"))
    assert [line.split(":")[0] for line in caught.value.details] == [
        "hostname",
        "interfaces.LAN2.vrid",
        "cluster.passphrase",
    ]


@pytest.mark.parametrize("delay", ["0", "1"])
def test_a_trigger_delay_below_two_seconds_is_allowed_with_a_warning(delay: str) -> None:
    (warning,) = schema.warnings(config(variables__securepoint_firewall__UPDATE_TRIGGER_DELAY=delay))
    assert warning.startswith(f"UPDATE_TRIGGER_DELAY {delay} is below 2 seconds")


@pytest.mark.parametrize("example", [Config(), config(variables__securepoint_firewall__UPDATE_TRIGGER_DELAY="2")])
def test_from_two_seconds_on_there_is_nothing_to_warn_of(example: Config) -> None:
    assert schema.warnings(example) == ()


def test_a_warning_is_said_once_and_again_only_for_another_value() -> None:
    short, shorter = (config(variables__securepoint_firewall__UPDATE_TRIGGER_DELAY=delay) for delay in ("1", "0"))
    assert len(schema.new_warnings(config(), short)) == 1
    assert schema.new_warnings(short, short) == ()
    assert schema.new_warnings(short, shorter)[0].startswith("UPDATE_TRIGGER_DELAY 0 is below 2 seconds")
