"""What foreign rules do, read from the JSON of the real nft: only certain drops are told."""

from __future__ import annotations

import json
import subprocess

import pytest

from cluster.check.nftrules import Packet, Rules
from tests.support.netns import why_not

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

LINK = Packet(4, 6, iifname="LAN3", source="192.168.180.3", destination="192.168.180.2", port=22)
NEWS = LINK._replace(protocol=17, port=3780)
ADVERT = Packet(4, 112, iifname="LAN2", destination="224.0.0.18")


def loaded(text: str) -> Rules:
    """The rule set as the kernel has it."""
    load_and_list = ["unshare", "--net", "sh", "-c", "nft -f - && nft -j list ruleset"]
    done = subprocess.run(load_and_list, input=text, text=True, capture_output=True, check=False)
    assert done.stderr == ""
    return Rules(json.loads(done.stdout), "utmcli_cluster")


def chain(*rules: str, policy: str = "accept", before: str = "", hook: str = "input", family: str = "inet") -> str:
    body = "\n".join((f"type filter hook {hook} priority 0; policy {policy};", *rules))
    return f"table {family} t {{\n{before}\nchain c {{\n{body}\n}}\n}}\n"


def good(address: str) -> str:
    return f"set good {{\ntype ipv4_addr\nelements = {{ {address} }}\n}}"


SUB = "chain sub {\ntcp dport 22 accept\nudp dport 3780 drop\n}"
DROPS = {
    "an explicit drop": (chain("tcp dport 22 drop"), LINK),
    "a reject": (chain("udp dport 3780 reject"), NEWS),
    "a policy": (chain(policy="drop"), LINK),
    "a policy after rules for others": (
        chain(
            'iifname "lo" accept', "ct state established,related accept", "ct state invalid drop",
            "udp dport 53 accept", "icmp type echo-request accept", "meta l4proto esp accept", policy="drop",
        ),
        LINK,
    ),
    "a policy for another device": (chain('iifname { "LAN1", "LAN2" } tcp dport 22 accept', policy="drop"), LINK),
    "a policy for other senders": (chain("ip saddr 10.0.0.0/8 accept", policy="drop"), LINK),
    "a policy for a set without the sender": (
        chain("ip saddr @good accept", policy="drop", before=good("1.2.3.4")),
        LINK,
    ),
    "a range of ports": (chain("tcp dport 1-1023 drop"), LINK),
    "everything but": (chain('iifname "LAN3" udp dport != 53 drop'), NEWS),
    "a pattern of names": (chain('iifname "LAN*" meta l4proto tcp drop'), LINK),
    "an interface by index": (chain("iif lo drop"), LINK._replace(iifname="lo")),
    "a rule in a chain that is jumped to": (chain("meta l4proto udp jump sub", before=SUB), NEWS),
    "a chain that is gone to, and the policy": (chain("goto sub", "accept", policy="drop", before=SUB), ADVERT),
    "a map of verdicts": (chain("meta l4proto vmap { tcp : accept, udp : drop }"), NEWS),
    "a map of verdicts that jumps": (chain("ct state vmap { invalid : drop, new : jump sub }", before=SUB), NEWS),
    "VRRP by name": (chain("ip protocol vrrp counter log drop"), ADVERT),
    "VRRP by its group": (chain("ip daddr 224.0.0.0/4 drop"), ADVERT),
    "the family ip": (chain(policy="drop", family="ip"), ADVERT),
    "prerouting": (chain("tcp dport 22 drop", hook="prerouting"), LINK),
    "what leaves": (chain(policy="drop", hook="output"), LINK._replace(iifname="", oifname="LAN3")),
    "an open rule that could drop, too": (chain("limit rate 3/second drop", "drop"), LINK),
    "IPv6": (
        chain("ip6 saddr fd00::3 tcp dport 22 drop"),
        Packet(6, 6, iifname="LAN3", source="fd00:0::3", destination="fd00::2", port=22),
    ),
}
PASSES = {
    "no rules": ("table inet t {\n}\n", LINK),
    "an accept before": (chain("tcp dport 22 accept", "drop"), LINK),
    "an accept for a network": (chain("ip saddr 192.168.0.0/16 accept", policy="drop"), LINK),
    "a set with the sender": (
        chain("ip saddr @good accept", policy="drop", before=good("192.168.180.3")),
        LINK,
    ),
    "an open accept": (chain("limit rate 3/second accept", policy="drop"), LINK),
    "an unknown sender": (chain("ip saddr 192.168.12.142 accept", policy="drop"), ADVERT),
    "a mark": (chain("meta mark 7 accept", policy="drop"), LINK),
    "the sender's hardware": (chain("ether saddr 02:00:00:00:00:01 accept", policy="drop"), LINK),
    "a set whose elements expire": (
        chain(
            "ip saddr @good accept", policy="drop",
            before="set good {\ntype ipv4_addr\nflags timeout\nelements = { 1.2.3.4 timeout 1h }\n}",
        ),
        LINK,
    ),
    "another port": (chain("tcp dport { 23, 80-90 } drop"), LINK),
    "another transport": (chain("udp dport 22 drop"), LINK),
    "another device": (chain('iifname "LAN1" drop'), LINK),
    "another family": (chain(policy="drop", family="ip6"), LINK),
    "an accept that is jumped to": (chain("jump sub", policy="drop", before=SUB), LINK),
    "a return out of a chain": (
        chain("jump s", "accept", policy="drop", before="chain s {\nreturn\ndrop\n}"), LINK,
    ),
    "a goto that may be taken": (chain("meta mark 7 goto s", "drop", before="chain s {\n}"), LINK),
    "forwarding": (chain(policy="drop", hook="forward"), LINK),
    "what comes in": (chain(policy="drop"), LINK._replace(iifname="", oifname="LAN3")),
    "our own table": (
        "table inet utmcli_cluster {\nchain c {\ntype filter hook input priority 0; policy drop;\n}\n}\n",
        LINK,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DROPS)
def test_a_certain_drop_is_told(what: str) -> None:
    text, packet = DROPS[what]

    assert len(list(loaded(text).causes(packet))) == 1


@pytest.mark.parametrize("what", PASSES)
def test_what_passes_or_is_open_is_not_told(what: str) -> None:
    text, packet = PASSES[what]

    assert list(loaded(text).causes(packet)) == []


def test_every_chain_that_drops_is_named_in_order_of_priority() -> None:
    rules = loaded(
        "table inet late {\nchain in {\ntype filter hook input priority 5; policy drop;\n}\n}\n"
        "table ip early {\nchain in {\ntype filter hook input priority -5;\ncounter\ntcp dport 22 drop\n}\n}\n"
    )

    assert list(rules.causes(LINK)) == [
        "rule 2 of the chain ip early in drops it",
        "the chain inet late in drops what no rule accepts",
    ]


@pytest.mark.parametrize(
    "listed",
    [
        {},
        {"nftables": [{"rule": {"table": "t", "chain": "gone", "expr": [{"drop": None}]}}]},
        {
            "nftables": [
                {"chain": {"family": "inet", "table": "t", "name": "c", "hook": "input"}},
                {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"match": None}, {"xt": None}]}},
                {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"match": {"left": 3}}]}},
                {"rule": {"family": "inet", "table": "t", "chain": "c", "expr": [{"vmap": {"data": "@map"}}]}},
            ]
        },
    ],
)
def test_forms_that_are_not_known_are_open(listed: dict[str, object]) -> None:
    assert list(Rules(listed, "utmcli_cluster").causes(LINK)) == []
