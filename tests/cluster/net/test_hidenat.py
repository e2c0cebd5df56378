"""Source NAT to a virtual address in real namespaces: by the master alone, and without residue."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from cluster.config import schema
from cluster.net.hidenat import HideNat
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.model import Config

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

CLIENT, SERVER, OWN, VIRTUAL = "192.168.200.10", "192.168.175.1", "192.168.175.102", "192.168.175.101"
HIDE = {"src": "internal-network", "flags": ["ACCEPT", "HIDENAT"], "nat_node": "external-interface"}


def configuration(*rules: dict[str, Any], enabled: bool = True) -> Config:
    return schema.parse(
        {
            "cluster": {"enabled": enabled},
            "interfaces": {
                "LAN1": {"id": 1, "flags": ["HA"], "vrid": 1, "zones": ["external"]},
                "LAN2": {"id": 2, "flags": ["HA"], "vrid": 2, "zones": ["internal"]},
            },
            "addresses": {"1": {"device": "LAN1", "address": f"{OWN}/24"}},
            "virtual_addresses": {
                "1": {"device": "LAN1", "address": f"{VIRTUAL}/24"},
                "2": {"device": "LAN2", "address": "192.168.200.1/24"},
            },
            "rules": {str(pos): {"pos": pos, **rule} for pos, rule in enumerate(rules, 1)},
        }
    )


class Site:
    """A client, a node that routes with every address a master has, and a server that knows no way back."""

    def __init__(self, directory: Path) -> None:
        self.network = Network()
        self.record = directory / "hidenat.json"
        self.node, self.client, self.server = (self.network.node() for _ in range(3))
        self.network.wire(self.node, "LAN1", "LAN1", f"{OWN}/24")
        self.node.run("ip", "address", "add", f"{VIRTUAL}/24", "dev", "LAN1")
        self.network.wire(self.node, "LAN2", "LAN2", "192.168.200.1/24")
        self.network.wire(self.client, "LAN2", "LAN2", f"{CLIENT}/24")
        self.network.wire(self.server, "LAN1", "LAN1", f"{SERVER}/24")
        self.client.run("ip", "route", "add", "default", "via", "192.168.200.1")
        self.node.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        with self.server.inside():
            self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind((SERVER, 5000))
        self.line.settimeout(20)

    def apply(self, config: Config, *, master: bool | None) -> tuple[str, ...]:
        """With a new `HideNat`, as after a restart of clusterd; None: before the role is known."""

        async def scenario() -> tuple[str, ...]:
            nat = HideNat(self.record, lambda _kind, _text: None)
            problems = await nat.apply(config)
            if master is not None:
                await (nat.become_master() if master else nat.become_backup())
            return problems

        with self.node.inside():
            return asyncio.run(scenario())

    def source(self, sender: Any = None) -> str:
        """Whom the server sees when somebody, else the client, says something to it."""
        with (sender or self.client).inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.sendto(b"?", (SERVER, 5000))
            return str(self.line.recvfrom(10)[1][0])

    @property
    def rules(self) -> str:
        return self.node.run("nft", "--stateless", "list", "ruleset")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.line.close()
    made.network.close()


def test_the_master_hides_what_a_rule_names_and_nothing_else(site: Site) -> None:
    assert site.source() == CLIENT, "without a rule"

    assert site.apply(configuration(HIDE), master=True) == ()

    assert site.source() == VIRTUAL
    site.apply(configuration({**HIDE, "src": "any"}), master=True)
    assert site.source() == VIRTUAL
    assert site.source(site.node) == OWN, "what the node says for itself keeps its own address"
    site.apply(configuration({**HIDE, "service": "tcp"}), master=True)
    assert site.source() == CLIENT, "another service"
    site.apply(configuration({**HIDE, "service": "udp/4000-5000", "dst": SERVER}), master=True)
    assert site.source() == VIRTUAL
    site.apply(configuration({**HIDE, "dst": "192.168.175.2"}), master=True)
    assert site.source() == CLIENT, "another destination"


def test_the_first_rule_that_fits_decides_and_a_disabled_one_does_not(site: Site) -> None:
    keep = {**HIDE, "src": CLIENT, "flags": ["ACCEPT", "HIDENAT_EXCLUDE"]}

    site.apply(configuration(keep, HIDE), master=True)
    assert site.source() == CLIENT
    site.apply(configuration({**keep, "flags": [*keep["flags"], "DISABLED"]}, HIDE), master=True)
    assert site.source() == VIRTUAL


def test_a_backup_hides_nothing_and_lets_nothing_out_that_the_master_would_hide(site: Site) -> None:
    site.apply(configuration(HIDE), master=True)
    with site.client.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as established:
        established.bind((CLIENT, 6000))
        established.connect((SERVER, 5000))
        established.send(b"1")
        assert site.line.recvfrom(10) == (b"1", (VIRTUAL, 6000))
        site.line.sendto(b"!", (VIRTUAL, 6000))
        established.settimeout(20)
        assert established.recv(10) == b"!"

        site.apply(configuration(HIDE), master=False)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fresh:
            fresh.sendto(b"2", (SERVER, 5000))
        established.send(b"3")
        assert site.line.recvfrom(10) == (b"3", (VIRTUAL, 6000)), "not 2, which would have kept its own source"


def test_before_the_role_is_known_the_table_stays_as_the_last_clusterd_left_it(site: Site) -> None:
    site.apply(configuration(HIDE), master=True)
    before = site.node.run("nft", "-a", "list", "ruleset")

    assert site.apply(configuration(HIDE), master=None) == ()

    assert site.node.run("nft", "-a", "list", "ruleset") == before


@pytest.mark.parametrize("master", [True, False, None])
def test_nothing_is_left_when_there_are_no_rules_or_the_cluster_is_off(site: Site, master: bool | None) -> None:
    for after in (configuration(), configuration(HIDE, enabled=False)):
        site.apply(configuration(HIDE), master=True)
        assert "utmcli_hidenat" in site.rules

        assert site.apply(after, master=master) == ()

        assert site.rules == ""
        assert not site.record.exists()
