"""Every point of `cluster check`: passed where all is as documented, failed with advice where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cluster.check.facts import Adverts, Facts, Listener, Machine, Partner, Placed
from cluster.check.nftrules import Rules
from cluster.check.points import POINTS, judge
from cluster.config import schema
from cluster.model import RemoveValue, SetValue
from cluster.observed import InterfaceState, NamedConfig

if TYPE_CHECKING:
    from cluster.model import Config
    from cluster.rpc.messages import CheckPoint

CONFIG = schema.parse(
    {
        "cluster": {
            "enabled": True,
            "passphrase": "correct horse battery",
            "hotwire_local": "192.168.180.2",
            "hotwire_remote": ["192.168.180.3"],
        },
        "interfaces": {
            "LAN1": {"id": 1, "flags": ["HA"], "vrid": 1},
            "LAN2": {"id": 2, "flags": ["HA"], "vrid": 2},
            "LAN3": {"id": 3, "flags": ["HOTWIRE"]},
        },
        "addresses": {
            "1": {"device": "LAN1", "address": "192.168.175.102/24"},
            "2": {"device": "LAN2", "address": "192.168.12.141/24"},
            "3": {"device": "LAN3", "address": "192.168.180.2/24"},
        },
        "virtual_addresses": {
            "1": {"device": "LAN1", "address": "192.168.175.101/24"},
            "2": {"device": "LAN2", "address": "192.168.12.1/24"},
        },
    }
)
STATES = tuple(InterfaceState(name=name, present=True, up=True, carrier=True) for name in CONFIG.interfaces)
PLACED = (
    Placed("LAN1", "192.168.175.102/24", permanent=True),
    Placed("LAN1", "192.168.175.101/24", permanent=False),
    Placed("LAN2", "192.168.12.141/24", permanent=True),
    Placed("LAN2", "192.168.12.1/24", permanent=False),
    Placed("LAN3", "192.168.180.2/24", permanent=True),
    Placed("LAN3", "fe80::1/64", permanent=True),
)
LISTENERS = (
    Listener("tcp", "192.168.180.2", 22, "clusterd[1]", ours=True),
    Listener("tcp", "192.168.12.1", 53, "named[2]"),
    Listener("tcp", "0.0.0.0", 443, "nginx[3]"),
    Listener("udp", "192.168.12.141", 40000, "resolver[4]"),
)


def rules(*lines: tuple[str, list[Any]], policy: str = "accept", hook: str = "input") -> Rules:
    """A rule set of one table with one base chain."""
    where = {"family": "inet", "table": "theirs"}
    listed: list[Any] = [{"table": {"family": "inet", "name": "theirs"}}]
    listed.append({"chain": {**where, "name": hook, "type": "filter", "hook": hook, "prio": 0, "policy": policy}})
    listed += [{"rule": {**where, "chain": chain, "expr": expression}} for chain, expression in lines]
    return Rules({"nftables": listed}, "utmcli_cluster")


MACHINE = Machine(
    states=STATES,
    placed=PLACED,
    default_routes=("LAN1",),
    listeners=LISTENERS,
    rules=rules(),
    tables=frozenset({"utmcli_cluster"}),
    forwards=True,
    free=1 << 30,
    commands=frozenset({"conntrackd", "nft"}),
)
PARTNER = Partner(
    connected=True, code="connected", key_known=True, software="0.1.0", schema=1, offset=0.01,
    sync_state="synchronized",
)  # fmt: skip
GOOD = Facts(
    config=CONFIG,
    applied=CONFIG,
    names=(NamedConfig(name="work", current=True, start=True, unsaved=False),),
    software="0.1.0",
    schema=1,
    adverts=(Adverts("LAN1", 253, {"ttl": 3}), Adverts("LAN2", None, {})),
    role="master",
    machine=MACHINE,
    partner=PARTNER,
)


ROUTE = SetValue(("routes", "1"), {"router": "192.168.12.9", "dst": "10.8.0.0/16"})
HIDING = SetValue(
    ("rules", "1"),
    {
        "pos": 1, "src": "any", "dst": "any", "service": "any", "flags": ["ACCEPT", "HIDENAT"],
        "nat_node": "192.168.175.101",
    },
)  # fmt: skip

MASQUERADE: dict[str, Any] = {"masquerade": None}


def nat(*statements: dict[str, Any], family: str = "ip") -> Rules:
    """Somebody's translation of what leaves by LAN1."""
    where = {"family": family, "table": "nat"}
    leaving = {"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "LAN1"}}
    chain = {**where, "name": "out", "type": "nat", "hook": "postrouting", "prio": 100, "policy": "accept"}
    rule = {**where, "chain": "out", "expr": [leaving, *statements]}
    return Rules({"nftables": [{"chain": chain}, {"rule": rule}]}, "utmcli_cluster")


def edited(*changes: SetValue | RemoveValue) -> Facts:
    """The same cluster with another configuration, in force."""
    config = schema.apply(CONFIG, changes)
    return GOOD._replace(config=config, applied=config)


def put(*path: str, value: Any) -> SetValue:
    return SetValue(path, value)


def on_machine(**changes: Any) -> Facts:
    return GOOD._replace(machine=MACHINE._replace(**changes))


def with_partner(**changes: Any) -> Facts:
    return GOOD._replace(partner=PARTNER._replace(**changes))


def point(facts: Facts, check: str) -> CheckPoint:
    (found,) = (each for each in judge(facts) if each.check == check)
    return found


def match(field: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"match": {"op": "==", "left": field, "right": value}}


HELD_BY_HAND = on_machine(placed=(*PLACED, Placed("LAN2", "192.168.12.1/32", permanent=True)))
"""With a prefix length of its own, as ``ip address add 192.168.12.1`` gives it."""
PORT_22 = match({"payload": {"protocol": "tcp", "field": "dport"}}, 22)
PORT_3780 = match({"payload": {"protocol": "udp", "field": "dport"}}, 3780)
PROTOCOL_112 = match({"meta": {"key": "l4proto"}}, "vrrp")
DROP, ACCEPT = {"drop": None}, {"accept": None}

FAILURES: dict[str, tuple[str, Facts, str]] = {
    "a missing card": (
        "interfaces",
        on_machine(states=STATES[:2]),
        "no interface LAN3",
    ),
    "two interfaces": ("interfaces", edited(put("interfaces", "LAN1", "type", value="BRIDGE")), "2 Ethernet"),
    "no HA interface": (
        "ha-interfaces",
        edited(
            *(put("interfaces", name, "flags", value=[]) for name in ("LAN1", "LAN2")),
            *(RemoveValue(("virtual_addresses", number)) for number in ("1", "2")),
        ),
        "no interface is an HA interface",
    ),
    "an HA interface without virtual address": (
        "ha-interfaces",
        edited(RemoveValue(("virtual_addresses", "2"))),
        "LAN2 has no virtual address",
    ),
    "no hotwire": ("hotwire", edited(put("interfaces", "LAN3", "flags", value=[])), "no interface is the hotwire"),
    "a hotwire without partner": (
        "hotwire",
        edited(put("cluster", "hotwire_remote", value=[])),
        "LAN3 has no addresses of both ends",
    ),
    "a hotwire whose address is not there": (
        "hotwire",
        on_machine(placed=PLACED[:4]),
        "LAN3 does not have our address 192.168.180.2",
    ),
    "an unplugged hotwire": (
        "hotwire",
        on_machine(
            states=(*STATES[:2], InterfaceState(name="LAN3", present=True, up=True, carrier=False)),
        ),
        "LAN3 has no link",
    ),
    "a hotwire with another flag": (
        "hotwire-exclusive",
        edited(put("interfaces", "LAN3", "flags", value=["HOTWIRE", "DHCP_CLIENT"])),
        "LAN3 has the flags DHCP_CLIENT besides",
    ),
    "a hotwire in a zone": (
        "hotwire-exclusive",
        edited(put("interfaces", "LAN3", "zones", value=["internal"])),
        "in the zones internal",
    ),
    "a VLAN on the hotwire": (
        "hotwire-exclusive",
        edited(put("interfaces", "LAN3.7", value={"id": 9, "type": "VLAN", "vlan_id": 7, "vlan_parent": "LAN3"})),
        "carries the VLANs LAN3.7",
    ),
    "a default route over the hotwire": (
        "hotwire-exclusive",
        on_machine(default_routes=("LAN3",)),
        "has a default route",
    ),
    "a lease or a virtual address on the hotwire": (
        "hotwire-exclusive",
        on_machine(placed=(*PLACED, Placed("LAN3", "10.0.0.5/24", permanent=False))),
        "holds 10.0.0.5/24, leased by DHCP or virtual",
    ),
    "an address of somebody else on the hotwire": (
        "hotwire-exclusive",
        on_machine(placed=(*PLACED, Placed("LAN3", "10.0.0.5/24", permanent=True))),
        "holds 10.0.0.5/24, which is not configured",
    ),
    "a configured DHCP client": (
        "dhcp",
        edited(put("interfaces", "LAN1", "flags", value=["HA", "DHCP_CLIENT"])),
        "the HA interface LAN1",
    ),
    "a DHCP client that nobody configured": (
        "dhcp",
        on_machine(placed=(*PLACED, Placed("LAN2", "192.168.12.77/24", permanent=False))),
        "LAN2 (192.168.12.77/24)",
    ),
    "adverts of somebody else": (
        "vrids",
        GOOD._replace(adverts=(Adverts("LAN1", None, {"no-trailer": 7}),)),
        "LAN1: 7 no-trailer",
    ),
    "another VRID, maybe of the partner": (
        "vrids",
        with_partner(sync_state="error")._replace(adverts=(Adverts("LAN1", None, {"unknown-vrid": 7}),)),
        "LAN1: 7 unknown-vrid",
    ),
    "a virtual address put by hand on the backup": (
        "duplicate-addresses",
        HELD_BY_HAND._replace(role="backup"),
        "this node is backup, and yet somebody else put 192.168.12.1/32 on LAN2",
    ),
    "one put by hand while the cluster is off": (
        "duplicate-addresses",
        HELD_BY_HAND._replace(role="offline"),
        "this node is offline, and yet somebody else put 192.168.12.1/32 on LAN2",
    ),
    "no passphrase": ("passphrase", edited(put("cluster", "passphrase", value="")), "no passphrase is set"),
    "a silent partner": (
        "hotwire-link",
        with_partner(connected=False, code="unreachable", reason="the partner is not reached"),
        "the partner is not reached",
    ),
    "no key of the partner": ("keys", with_partner(key_known=False), "is not known here"),
    "another key of the partner": ("keys", with_partner(connected=False, code="host-key"), "another key"),
    "our key unknown there": ("keys", with_partner(connected=False, code="key-refused"), "does not know this"),
    "another software version": ("version", with_partner(software="0.2.0"), "0.2.0 with version 1 on the partner"),
    "another schema": ("version", with_partner(schema=2), "version 2 on the partner"),
    "another protocol": (
        "version",
        with_partner(connected=False, code="version", reason="the partner runs version 9"),
        "the partner runs version 9",
    ),
    "the same priority": ("priority", GOOD._replace(adverts=(Adverts("LAN1", 251, {}),)), "both nodes are high"),
    "clocks apart with freshness": ("clock", with_partner(offset=-8.0)._replace(freshness=10.0), "8.0 s behind"),
    "not synchronized": (
        "synchronized",
        with_partner(sync_state="pending", sync_reason="the start configurations differ"),
        "the start configurations differ",
    ),
    "edits not in force": ("saved", GOOD._replace(applied=schema.parse({})), "is not in force"),
    "edits not saved": (
        "saved",
        GOOD._replace(names=(NamedConfig(name="work", current=True, start=True, unsaved=True),)),
        "differs from work as saved",
    ),
    "another start configuration": (
        "saved",
        GOOD._replace(
            names=(
                NamedConfig(name="old", current=False, start=True, unsaved=False),
                NamedConfig(name="work", current=True, start=False, unsaved=False),
            )
        ),
        "work runs, but old is what boots",
    ),
    "a service on an own address": (
        "services",
        on_machine(listeners=(Listener("tcp", "192.168.12.141", 3128, "squid[9]"),)),
        "squid[9] (tcp 192.168.12.141:3128) on LAN2",
    ),
    "sshd everywhere": (
        "ssh-port",
        on_machine(listeners=(Listener("tcp", "0.0.0.0", 22, "sshd[7]"),)),
        "sshd[7] (tcp 0.0.0.0:22)",
    ),
    "sshd everywhere in IPv6": (
        "ssh-port",
        on_machine(listeners=(Listener("tcp", "::", 22, "sshd[7]"),)),
        "sshd[7] (tcp [::]:22)",
    ),
    "no table of ours": ("packet-filter", on_machine(tables=frozenset({"utmcli_hidenat"})), "is not there"),
    "a foreign drop of VRRP": (
        "rules-vrrp",
        on_machine(rules=rules(("input", [PROTOCOL_112, DROP]))),
        "rule 1 of the chain inet theirs input drops it",
    ),
    "a foreign policy": (
        "rules-vrrp",
        on_machine(rules=rules(("input", [PORT_22, ACCEPT]), policy="drop")),
        "the chain inet theirs input drops what no rule accepts",
    ),
    "a foreign drop of TCP 22": ("rules-hotwire", on_machine(rules=rules(("input", [PORT_22, DROP]))), "TCP 22"),
    "a foreign policy for what leaves": (
        "rules-hotwire",
        on_machine(rules=rules(policy="drop", hook="output")),
        "the chain inet theirs output",
    ),
    "a foreign drop of UDP 3780": (
        "rules-connections",
        on_machine(rules=rules(("input", [PORT_3780, DROP]))),
        "UDP 3780",
    ),
    "the hotwire's network elsewhere": (
        "hotwire-exclusive",
        edited(put("virtual_addresses", "2", "address", value="192.168.180.9/24")),
        "LAN3 shares its network with 192.168.180.9 on LAN2",
    ),
    "a rule without its table": ("hide-nat", edited(HIDING), "the nftables table inet utmcli_hidenat is not there"),
    "a route that is not there": (
        "routes",
        edited(ROUTE),
        "not in use: route 1 to 10.8.0.0/16 by 192.168.12.9",
    ),
    "a route by an interface that is down": (
        "routes",
        edited(ROUTE)._replace(machine=MACHINE._replace(states=())),
        "route 1 to 10.8.0.0/16 by 192.168.12.9, since LAN2 is down",
    ),
    "a disk that is nearly full": ("storage", on_machine(free=5 << 20), "5 MiB are left"),
    "the same priority, told over the hotwire": ("priority", with_partner(priority="high"), "both nodes are high"),
    "conntrackd that fails": (
        "conntrackd",
        GOOD._replace(connections="failing", connections_reason="it ended at once"),
        "it is failing: it ended at once",
    ),
    "conntrackd that does not answer": (
        "conntrackd",
        GOOD._replace(connections="running", connections_reason="conntrackd did not answer -s within 1 s"),
        "it is running: conntrackd did not answer",
    ),
    "no conntrackd there": ("conntrackd", with_partner(conntrack="missing"), "at the partner it is missing"),
    "no conntrackd": ("conntrackd", on_machine(commands=frozenset({"nft"})), "conntrackd is not installed"),
}


def test_a_cluster_as_documented_passes_everything() -> None:
    points = judge(GOOD)

    assert [each for each in points if each.result != "passed"] == []
    assert len({each.check for each in points}) == len(POINTS) == len(points)


@pytest.mark.parametrize("fault", FAILURES)
def test_what_is_wrong_fails_at_its_point_with_a_finding_and_advice(fault: str) -> None:
    check, facts, finding = FAILURES[fault]

    found = point(facts, check)

    assert found.result == "failed"
    assert finding in found.finding
    assert found.advice


def test_virtual_addresses_that_expire_by_themselves_are_the_engines() -> None:
    assert point(GOOD._replace(role="backup"), "duplicate-addresses").result == "passed"


def test_who_takes_an_address_away_is_told_how() -> None:
    found = point(HELD_BY_HAND._replace(role="backup"), "duplicate-addresses")

    assert found.advice.endswith("ip address delete 192.168.12.1/32 dev LAN2")


def test_our_own_ssh_server_on_all_addresses_is_in_nobodys_way() -> None:
    shared = Listener("tcp", "::", 22, "python3[19]", ours=True)

    assert point(on_machine(listeners=(*LISTENERS, shared)), "ssh-port").result == "passed"


def test_routers_of_others_with_vrids_of_their_own_are_in_nobodys_way() -> None:
    facts = GOOD._replace(adverts=(Adverts("LAN1", None, {"unknown-vrid": 7}),))

    assert point(facts, "vrids").result == "passed"


def test_without_the_hotwire_synchronizing_is_not_what_to_do_first() -> None:
    facts = with_partner(connected=False, sync_state="error", sync_reason="the partner is not reached")

    assert point(facts, "synchronized").advice == "first let the nodes speak over the hotwire"


def test_hiding_behind_a_virtual_address_or_elsewhere_is_in_nobodys_way() -> None:
    behind_virtual = on_machine(rules=nat({"snat": {"addr": "192.168.175.101"}}))
    masked = MACHINE._replace(rules=nat(MASQUERADE))
    without_own = edited(RemoveValue(("addresses", "1")))._replace(machine=masked)

    of_ipv6 = on_machine(rules=nat(MASQUERADE, family="ip6"))

    assert {point(facts, "rules-nat").result for facts in (behind_virtual, without_own, of_ipv6)} == {"passed"}


def test_routes_and_rules_that_are_in_force_pass() -> None:
    tables = frozenset({"utmcli_cluster", "utmcli_hidenat"})
    facts = edited(ROUTE, HIDING)._replace(machine=MACHINE._replace(routes=("1",), tables=tables))

    assert [point(facts, check).result for check in ("routes", "hide-nat")] == ["passed", "passed"]


def test_a_route_by_an_interface_that_stays_down_in_backup_is_missed_by_nobody() -> None:
    facts = edited(
        ROUTE,
        put("interfaces", "LAN2", "flags", value=[]),
        RemoveValue(("virtual_addresses", "2")),
        put("cluster", "backup_disable_interfaces", value=["LAN2"]),
    )

    assert point(facts, "routes").result == "passed"


def test_every_point_can_fail() -> None:
    allowed_only = {"own-addresses", "virtual-addresses", "rules-nat", "forwarding"}
    assert {each.check for each in judge(GOOD)} == {check for check, _, _ in FAILURES.values()} | allowed_only


def test_a_vrid_that_is_used_twice_fails_although_no_configuration_can_say_so_today() -> None:
    config: Config = CONFIG
    twice = {name: each for name, each in config.interfaces.items() if "HA" in each.flags}
    one = twice["LAN1"]
    facts = GOOD._replace(config=type(config)(interfaces={"LAN1": one, "LAN2": one}))

    assert point(facts, "vrids").finding == "the VRID 1 (LAN1, LAN2) is used twice"


NOTES = {
    "no own address": ("own-addresses", edited(RemoveValue(("addresses", "1"))), "LAN1 has no address of its own"),
    "a virtual address elsewhere": (
        "virtual-addresses",
        edited(put("virtual_addresses", "2", "address", value="192.168.200.1/24")),
        "192.168.200.1/24 on LAN2",
    ),
    "a policy that believes": (
        "passphrase",
        edited(put("cluster", "auth_policy", value="permissive")),
        "policy permissive",
    ),
    "clocks apart without freshness": ("clock", with_partner(offset=60.0), "60.0 s ahead; the cluster does not"),
    "a masquerade of others": ("rules-nat", on_machine(rules=nat(MASQUERADE)), "rule 1 of the chain ip nat out"),
    "a masquerade of iptables": (
        "rules-nat",
        on_machine(rules=nat({"xt": {"type": "target", "name": "MASQUERADE"}})),
        "on LAN1",
    ),
    "a source that stays behind": (
        "rules-nat",
        on_machine(rules=nat({"snat": {"addr": "192.168.175.102"}})),
        "on LAN1",
    ),
    "no forwarding": ("forwarding", on_machine(forwards=False), "net.ipv4.ip_forward is 0"),
    "old iptables": ("rules-vrrp", on_machine(legacy=("filter",)), "iptables-legacy"),
}


@pytest.mark.parametrize("thing", NOTES)
def test_what_is_allowed_and_good_to_know_is_a_note(thing: str) -> None:
    check, facts, finding = NOTES[thing]

    found = point(facts, check)

    assert found.result == "note"
    assert finding in found.finding
    assert found.advice


UNKNOWN = {
    "version": with_partner(connected=False, software="", schema=None),
    "keys": with_partner(connected=False, code="unreachable"),
    "clock": with_partner(offset=None),
    "priority": GOOD._replace(adverts=(Adverts("LAN1", 2, {}), Adverts("LAN2", None, {}))),
    "packet-filter": edited(put("cluster", "enabled", value=False)),
    "rules-vrrp": on_machine(rules=None),
    "rules-nat": on_machine(rules=None),
    "routes": edited(ROUTE)._replace(machine=MACHINE._replace(routes=None)),
    "storage": on_machine(free=None),
}


@pytest.mark.parametrize("check", UNKNOWN)
def test_what_cannot_be_judged_is_neither_passed_nor_failed(check: str) -> None:
    found = point(UNKNOWN[check], check)

    assert found.result == "unknown"
    assert found.advice


def test_a_node_that_is_not_configured_at_all_is_judged_without_stumbling() -> None:
    assert {each.result for each in judge(Facts())} == {"passed", "failed", "note", "unknown"}
