"""The packet filter of a running appliance: there and gone with the cluster, and whole again after a crash."""

from __future__ import annotations

import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.rpc.messages import GetStatus, Status
from cluster.units import Centiseconds, Priority, Vrid
from cluster.vrrp.packet import GROUP_MAC_IPV4, Advert, encode_ipv4
from tests.support.appliance import Appliance, until
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.observed import HaInterfaceStatus

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

VIRTUAL = "192.168.200.1/24"
FACTORY = {
    # No passphrase: nothing but the way an advert takes keeps a forged one out.
    "cluster": {"enabled": True, "hotwire_local": "192.168.180.2", "hotwire_remote": ["192.168.180.3"]},
    "interfaces": {
        "LAN2": {"id": 1, "flags": ["HA"], "vrid": 2},
        "LAN3": {"id": 2, "flags": ["HOTWIRE"]},
        "LAN9": {"id": 3},
    },
    "addresses": {
        "1": {"device": "LAN2", "address": "192.168.12.141/24"},
        "2": {"device": "LAN3", "address": "192.168.180.2/24"},
        "3": {"device": "LAN9", "address": "10.9.0.1/24"},
    },
    "virtual_addresses": {"1": {"device": "LAN2", "address": VIRTUAL}},
}


class Site:
    """One appliance, and an attacker on all of its networks."""

    def __init__(self, directory: Path) -> None:
        self.network = Network()
        self.attacker = self.network.node()
        namespace = self.network.node()
        for interface in ("LAN2", "LAN3", "LAN9"):
            self.network.wire(namespace, interface, interface)
            self.network.wire(self.attacker, interface, interface)
        self.node = Appliance(namespace, directory, FACTORY)
        self.node.start()
        until(lambda: self.node.role == "master", "a lone node becomes master")

    @property
    def rules(self) -> str:
        return self.node.namespace.run("nft", "--stateless", "list", "ruleset")

    @property
    def interface(self) -> HaInterfaceStatus:
        (found,) = self.node.ask(GetStatus(), Status).status.interfaces
        return found

    def forge(self, interface: str) -> None:
        """An advert of a better node, with everything right but the network it comes by."""
        source = socket.inet_aton("192.168.12.142")
        virtual = (socket.inet_aton("192.168.200.1"),)
        advert = Advert(3, Vrid(2), Priority(255), Centiseconds(25), virtual)
        frame = GROUP_MAC_IPV4 + bytes.fromhex("020000000099") + b"\x08\x00" + encode_ipv4(advert, source)
        with self.attacker.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as line:
            line.bind((interface, 0))
            line.send(frame)

    def close(self) -> None:
        self.node.close()
        self.network.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="site") as directory:
        Path(directory).chmod(0o755)
        made = Site(Path(directory))
        yield made
        made.close()


def test_switching_the_cluster_off_leaves_no_rule_behind_and_on_brings_them_back(site: Site) -> None:
    before = site.rules
    assert "table inet utmcli_cluster" in before

    site.node.set(cluster__enabled=False)
    assert site.rules == before, "an edit alone changes nothing"
    site.node.update()
    assert site.rules == ""

    site.node.set(cluster__enabled=True)
    site.node.update()
    assert site.rules == before


def test_a_killed_clusterd_leaves_the_rules_and_the_next_one_adopts_them(site: Site) -> None:
    namespace = site.node.namespace
    namespace.run("nft", "add table inet marked")
    before = namespace.run("nft", "-a", "list", "ruleset")

    site.node.kill()
    assert namespace.run("nft", "-a", "list", "ruleset") == before
    site.node.start()

    assert namespace.run("nft", "-a", "list", "ruleset") == before, "not even their handles are new"
    assert not site.node.has("filter-restored")


def test_what_is_flushed_while_clusterd_is_dead_is_there_again_with_the_next_one(site: Site) -> None:
    before = site.rules
    site.node.kill()
    site.node.namespace.run("nft", "flush", "ruleset")

    site.node.start()

    assert site.rules == before
    assert site.node.has("filter-restored")


def test_what_is_flushed_while_clusterd_runs_comes_back_by_itself(site: Site) -> None:
    before = site.rules

    site.node.namespace.run("nft", "flush", "ruleset")

    until(lambda: site.rules == before, "the table is put back")
    until(lambda: site.node.has("filter-restored"), "it is said")


@pytest.mark.parametrize("rules", ["with the rules", "without them"])
def test_forged_adverts_of_other_interfaces_have_no_effect(site: Site, rules: str) -> None:
    if rules == "without them":
        site.node.kill()  # so that nobody puts them back
        site.node.namespace.run("nft", "flush", "ruleset")

    site.forge("LAN9")
    site.forge("LAN3")
    time.sleep(1.0)  # longer than a backup's patience: a master that yielded would be master again
    if rules == "without them":
        site.node.start()

    assert site.node.roles == ["backup", "master"]
    assert (site.interface.adverts_received, site.interface.rejected) == (0, {})
    site.forge("LAN2")
    until(lambda: site.interface.adverts_received == 1, "the same advert counts where it belongs")


def test_when_the_hotwire_goes_the_rules_follow_the_update(site: Site) -> None:
    site.node.set(interfaces__LAN3__flags=[])
    site.node.update()

    assert "hotwire" not in site.rules
    assert 'iifname != "LAN2" meta l4proto vrrp' in site.rules
