"""The rules of a configuration: what the hotwire accepts, where VRRP may come from, and when there is no table."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from cluster.config import schema
from cluster.errors import InvalidConfigurationError
from cluster.net.ruleset import quoted, ruleset
from tests.support.netns import why_not

NFT = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

DOCUMENTED = {"LAN1": ["HA"], "LAN2": ["HA"], "LAN3": ["HOTWIRE"], "LAN9": []}


def config(
    *,
    interfaces: dict[str, list[str]] | None = None,
    local: str = "192.168.180.2",
    remote: tuple[str, ...] = ("192.168.180.3",),
    enabled: bool = True,
) -> Any:
    flags = DOCUMENTED if interfaces is None else interfaces
    return schema.parse(
        {
            "cluster": {"enabled": enabled, "hotwire_local": local, "hotwire_remote": list(remote)},
            "interfaces": {
                name: {"id": number, "flags": words, **({"vrid": number} if "HA" in words else {})}
                for number, (name, words) in enumerate(flags.items(), 1)
            },
            "addresses": {"1": {"device": "LAN3", "address": "10.0.0.1/24"}} if "LAN3" in flags else {},
        }
    )


def accepted(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().endswith("accept")]


def test_the_table_of_the_documented_network() -> None:
    assert ruleset(config()) == """\
table inet utmcli_cluster {
	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname "LAN3" goto hotwire
		iifname != { "LAN1", "LAN2" } meta l4proto 112 counter drop comment "VRRP belongs on HA interfaces"
		udp dport 3780 counter drop comment "connections are told on the hotwire alone"
		ip daddr 192.168.180.2 tcp dport 22 counter drop comment "the partner speaks on the hotwire alone"
	}
	chain hotwire {
		ct direction reply ct state established,related accept comment "replies to this node"
		ip saddr { 192.168.180.3 } ip daddr { 192.168.180.2 } tcp dport 22 accept
		ip saddr { 192.168.180.3 } ip daddr { 192.168.180.2 } udp dport 3780 accept
		counter drop comment "nothing else is for the hotwire"
	}
	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		iifname "LAN3" counter drop comment "the hotwire leads nowhere"
		oifname "LAN3" counter drop comment "the hotwire leads nowhere"
	}
}
"""


def test_a_node_whose_cluster_is_off_has_no_table() -> None:
    assert ruleset(config(enabled=False)) == ""


def test_neighbour_discovery_passes_only_where_the_hotwire_has_ipv6_addresses() -> None:
    assert "icmpv6" not in ruleset(config())
    assert accepted(ruleset(config(local="fd00::2", remote=("fd00::3", "fd00::4")))) == [
        "ip6 saddr { fd00::3, fd00::4 } ip6 daddr { fd00::2 } tcp dport 22 accept",
        "ip6 saddr { fd00::3, fd00::4 } ip6 daddr { fd00::2 } udp dport 3780 accept",
        "ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
    ]


@pytest.mark.parametrize(("local", "remote"), [("192.168.180.2", ()), ("192.168.180.2", ("fd00::3",))])
def test_an_unfinished_hotwire_lets_nothing_in(local: str, remote: tuple[str, ...]) -> None:
    assert accepted(ruleset(config(local=local, remote=remote))) == []


def test_without_a_chosen_address_the_hotwire_interfaces_own_ones_count() -> None:
    assert "ip daddr { 10.0.0.1 } tcp dport 22 accept" in ruleset(config(local=""))


def test_without_a_hotwire_only_vrrp_is_looked_at() -> None:
    text = ruleset(config(interfaces={"LAN2": ["HA"]}))

    assert 'iifname != { "LAN2" } meta l4proto 112 counter drop' in text
    assert "3780" not in text
    assert "forward" not in text


def test_without_an_ha_interface_vrrp_is_dropped_everywhere() -> None:
    assert "\t\tmeta l4proto 112 counter drop" in ruleset(config(interfaces={"LAN3": ["HOTWIRE"]}))


def test_a_star_at_the_end_of_a_name_is_no_pattern() -> None:
    assert 'iifname != { "LAN\\*" } meta' in ruleset(config(interfaces={"LAN*": ["HA"]}))


@pytest.mark.parametrize("name", ['a"b', "a\\b"])
def test_a_name_that_nft_cannot_read_is_refused(name: str) -> None:
    """A configuration does not hold such a name; what is written into a rule is looked at all the same."""
    with pytest.raises(InvalidConfigurationError, match="cannot stand in a packet filter rule"):
        quoted(name)


@NFT
@pytest.mark.netns
@pytest.mark.parametrize(
    "chosen",
    [
        config(),
        config(local="fd00::2", remote=("fd00::3", "fd00::4")),
        config(interfaces={"LAN*": ["HA"]}),
        config(interfaces={"größe": ["HA"], "LAN3": ["HOTWIRE"]}),
        config(interfaces={}),
    ],
)
def test_nft_takes_every_table(chosen: Any) -> None:
    done = subprocess.run(
        ["unshare", "--net", "nft", "-f", "-"], input=ruleset(chosen), text=True, capture_output=True, check=False
    )

    assert done.stderr == ""
