"""`rule`: what it lists, stores, orders and refuses; edits pass clusterd's own validation."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from cluster.model import Rule, VirtualAddress
from cluster.rpc import messages
from tests.support.node import CONFIG, Node
from utmcli import live
from utmcli.live import Snapshot, fetch

OK = "OK\n"
HIDE = ("ACCEPT", "HIDENAT")
RULES = {
    "1": Rule(pos=1, src="internal-network", dst="internet", flags=HIDE, nat_node="external-interface"),
    "2": Rule(pos=2, src="10.0.0.0/8", dst="any", service="tcp/443", flags=HIDE, nat_node="LAN1"),
}
VIRTUAL = CONFIG.virtual_addresses | {"2": VirtualAddress(device="LAN1", address="192.168.175.101/24")}
DOCUMENTED = (
    'rule new group "default" src "internal-network" dst "internet" service "any" '
    'flags [ ACCEPT HIDENAT ] nat_node "external-interface"'
)


def node(**rules: Rule) -> Node:
    return Node(structs.replace(CONFIG, virtual_addresses=VIRTUAL, rules=RULES | rules))


def order(on: Node) -> list[str]:
    rules = on.config.rules
    assert sorted(rule.pos for rule in rules.values()) == list(range(1, len(rules) + 1))
    return sorted(rules, key=lambda key: rules[key].pos)


def test_rules_are_listed_in_the_order_in_which_they_are_asked() -> None:
    on = node()
    on.type("rule move id 2 pos 1")
    assert on.type("rule get").out == (
        "id|group  |pos|src             |dst     |service|flags         |nat_node\n"
        "--+-------+---+----------------+--------+-------+--------------+--------\n"
        "2 |default|1  |10.0.0.0/8      |any     |tcp/443|ACCEPT,HIDENAT|LAN1\n"
        "1 |default|2  |internal-network|internet|any    |ACCEPT,HIDENAT|external-interface\n"
    )


def test_a_new_rule_gets_the_next_id_and_the_last_place() -> None:
    on = node()
    assert on.type(DOCUMENTED).out == OK
    assert on.config.rules == RULES | {"3": structs.replace(RULES["1"], pos=3)}


def test_rules_change_places_and_close_ranks() -> None:
    on = node(**{"7": structs.replace(RULES["1"], pos=3)})
    assert on.type("rule move id 7 pos 1 group first").out == OK
    assert (order(on), on.config.rules["7"].group) == (["7", "1", "2"], "first")
    assert on.type('rule set id "7" pos "2" flags [ ACCEPT HIDENAT_EXCLUDE ]').out == OK
    assert (order(on), on.config.rules["7"].flags) == (["1", "7", "2"], ("ACCEPT", "HIDENAT_EXCLUDE"))
    assert on.type("rule move id 1 pos 99").out == OK
    assert order(on) == ["7", "2", "1"]
    assert on.type("rule delete id 7").out == OK
    assert order(on) == ["2", "1"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (DOCUMENTED.replace('"any"', "default-internet"), "'default-internet' is no service; allowed are any"),
        (DOCUMENTED.replace("ACCEPT HIDENAT", "DROP"), "DROP has no effect here: a rule hides packets"),
        (DOCUMENTED.replace("ACCEPT HIDENAT", "ACCEPT"), "must hold ACCEPT and one of HIDENAT and"),
        (DOCUMENTED.replace("ACCEPT HIDENAT", "HIDENAT"), "must hold ACCEPT and one of HIDENAT and"),
        (DOCUMENTED.replace("internal-network", "dmz-network"), "'dmz-network' names no zone of an interface"),
        (DOCUMENTED.replace("internal-network", "fd00::/8"), "'fd00::/8' is neither any, internet, an IPv4"),
        (DOCUMENTED.replace("internal-network", "10.0.0.1/8"), "'10.0.0.1/8' is neither any, internet, an"),
        (DOCUMENTED.replace("internal-network", "10.0.0.0/255.0.0.0"), "has no prefix length; write 10.0.0.0/8"),
        (DOCUMENTED.replace('"any"', "tcp/0"), "'tcp/0' has no ports from 1 to 65535, the lower one first"),
        (DOCUMENTED.replace('"any"', "udp/9-8"), "'udp/9-8' has no ports from 1 to 65535, the lower one first"),
        (DOCUMENTED.replace("external-interface", "LAN3"), "'LAN3' is no virtual address, nor an HA interface"),
        (DOCUMENTED.replace("external-interface", "192.168.12.141"), "'192.168.12.141' is no virtual"),
        ("rule set id 9 pos 1", "there is no rule with the id 9; known are 1, 2"),
        ("rule delete id 9", "there is no rule with the id 9; known are 1, 2"),
        ("interface virtual delete id 2", "'external-interface' has no virtual address: no HA interface"),
    ],
)
def test_what_cannot_be_enforced_is_refused_with_a_sentence(line: str, sentence: str) -> None:
    on = node()
    said = on.type(line)
    assert said.code in {1, 2}
    assert sentence in said.err
    assert on.config.rules == RULES


def test_the_rules_alone_are_applied_by_their_own_update() -> None:
    on = node()
    assert on.type("system update rule").out == OK
    assert on.asked == [messages.UpdateRule()]


def test_ids_networks_and_virtual_addresses_are_completed() -> None:
    async def names() -> Snapshot:
        on = node()
        return await fetch(
            lambda ask: on.ask(ask, on.session.actor, 1.0), (live.RULES, live.RULE_NETWORKS, live.NAT_NODES)
        )

    found = asyncio.run(names())
    assert found.names(live.RULES)[1] == ("2", "10.0.0.0/8 to any by LAN1")
    assert [name for name, _ in found.names(live.RULE_NETWORKS)] == [
        "any", "internet", "external-network", "internal-network",
    ]  # fmt: skip
    assert [name for name, _ in found.names(live.NAT_NODES)] == [
        "LAN2", "LAN1", "192.168.200.1", "192.168.175.101", "internal-interface", "external-interface",
    ]  # fmt: skip
