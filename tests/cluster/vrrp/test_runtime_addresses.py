"""The virtual addresses of a running engine: held, put back, never left behind."""

from __future__ import annotations

import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from cluster.net.rtnetlink import Requests, put_address
from cluster.units import Seconds
from tests.support.engine import Engine, configuration, eventually, interface

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace, Network

pytestmark = pytest.mark.netns
VIRTUAL = "192.168.200.1/24"
OWN = "192.168.12.141/24"


@pytest.fixture
def master(engine: MakeEngine, first: Namespace) -> Engine:
    made = engine(first)
    made.becomes("master")
    return made


def test_a_removed_virtual_address_is_put_back_and_reported(master: Engine, first: Namespace) -> None:
    first.run("ip", "address", "del", VIRTUAL, "dev", "LAN2")

    eventually(lambda: VIRTUAL in first.addresses("LAN2"))

    assert "192.168.200.1 from LAN2" in master.events("address-removed")[0]["text"]


def test_an_address_that_expired_while_the_engine_was_stopped_was_removed_by_nobody(
    master: Engine, first: Namespace
) -> None:
    os.kill(master.running.pid, signal.SIGSTOP)
    eventually(lambda: VIRTUAL not in first.addresses("LAN2"), within=8)
    os.kill(master.running.pid, signal.SIGCONT)

    eventually(lambda: VIRTUAL in first.addresses("LAN2"))

    (said,) = (event["text"] for event in master.events("address-removed"))
    assert said == "the virtual address 192.168.200.1 expired on LAN2: the engine stood still; it is put back"


def test_a_flushed_interface_gets_its_virtual_address_back(master: Engine, first: Namespace) -> None:
    for _ in range(3):
        first.run("ip", "address", "flush", "dev", "LAN2")
        eventually(lambda: VIRTUAL in first.addresses("LAN2"))


def test_without_its_own_address_the_interface_advertises_from_the_virtual_one(
    master: Engine, first: Namespace
) -> None:
    assert master.status()["interfaces"][0]["source"] == "192.168.12.141"

    first.run("ip", "address", "del", OWN, "dev", "LAN2")
    eventually(lambda: master.status()["interfaces"][0]["source"] == "192.168.200.1")

    first.run("ip", "address", "add", OWN, "dev", "LAN2")
    eventually(lambda: master.status()["interfaces"][0]["source"] == "192.168.12.141")


def test_two_nodes_without_own_addresses_still_find_one_master(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    for node in (first, second):
        node.run("ip", "address", "flush", "dev", "LAN2")
    one = engine(first)
    one.becomes("master")
    two = engine(second, priority="low")
    two.becomes("backup")

    eventually(lambda: two.status()["interfaces"][0]["adverts_received"] > 4)

    assert two.is_("backup")
    one.kill()
    two.becomes("master")


def test_addresses_of_an_earlier_life_are_removed_at_the_start(engine: MakeEngine, first: Namespace) -> None:
    first.run("ip", "address", "add", VIRTUAL, "dev", "LAN2")
    first.run("ip", "address", "add", "10.9.9.9/32", "dev", "LAN2")

    engine(first).becomes("backup")

    assert first.addresses("LAN2") == {OWN, "10.9.9.9/32"}


def test_addresses_with_our_mark_are_removed_even_if_they_are_no_longer_configured(
    engine: MakeEngine, first: Namespace
) -> None:
    with first.inside():
        requests = Requests()
    lan2 = requests.link("LAN2")
    assert lan2 is not None
    requests.send([put_address(lan2.ifindex, bytes((10, 9, 9, 9)), 32, Seconds(60))])
    requests.close()

    engine(first).becomes("backup")

    assert first.addresses("LAN2") == {OWN}


def test_nothing_is_left_when_the_engine_dies_for_good(master: Engine, first: Namespace) -> None:
    master.kill()

    eventually(lambda: VIRTUAL not in first.addresses("LAN2"), within=8)

    assert first.addresses("LAN2") == {OWN}


def test_a_held_address_outlives_its_lifetime_while_the_engine_runs(master: Engine, first: Namespace) -> None:
    lives = first.run("ip", "address", "show", "dev", "LAN2")
    assert "valid_lft 5sec" in lives or "valid_lft 4sec" in lives or "valid_lft 3sec" in lives

    with pytest.raises(AssertionError, match=r"not within 7"):
        eventually(lambda: VIRTUAL not in first.addresses("LAN2"), within=7)


def test_an_interface_that_is_missing_at_the_start_is_used_when_it_comes(
    engine: MakeEngine, network: Network
) -> None:
    node = network.node()
    alone = engine(node)
    alone.becomes("master")
    assert alone.status()["interfaces"][0]["present"] is False
    assert "does not exist" in alone.events("interface-missing")[0]["text"]

    network.wire(node, "LAN2", "lan2", OWN)

    eventually(lambda: VIRTUAL in node.addresses("LAN2"))
    eventually(lambda: alone.status()["interfaces"][0]["adverts_sent"] > 1)


def test_an_interface_that_is_made_anew_is_used_again(
    master: Engine, engine: MakeEngine, first: Namespace, second: Namespace, network: Network
) -> None:
    first.run("ip", "link", "del", "LAN2")
    eventually(lambda: master.status()["interfaces"][0]["present"] is False)

    network.wire(first, "LAN2", "lan2")
    eventually(lambda: VIRTUAL in first.addresses("LAN2"))
    first.run("ip", "address", "add", OWN, "dev", "LAN2")

    listener = engine(second, priority="low")
    listener.becomes("backup")
    eventually(lambda: listener.status()["interfaces"][0]["partner_address"] == "192.168.12.141")


def test_a_socket_that_could_not_be_opened_is_opened_as_soon_as_it_can(
    master: Engine, first: Namespace, network: Network
) -> None:
    first.run("ip", "link", "del", "LAN2")
    eventually(lambda: master.status()["interfaces"][0]["present"] is False)
    pid = master.running.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    sent = master.status()["interfaces"][0]["adverts_sent"]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    network.wire(first, "LAN2", "lan2", OWN)
    eventually(lambda: VIRTUAL in first.addresses("LAN2"))

    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)

    eventually(lambda: master.status()["interfaces"][0]["adverts_sent"] > sent)
    assert master.status()["interfaces"][0]["errors"]["EMFILE"]


def test_removing_the_virtual_address_leaves_an_own_one_of_the_same_subnet(
    engine: MakeEngine, first: Namespace
) -> None:
    alone = engine(first, interfaces=(interface("LAN2", 2, "192.168.77.1/24"),))
    alone.becomes("master")
    first.run("ip", "address", "add", "192.168.77.2/24", "dev", "LAN2")

    alone.stop()

    assert first.addresses("LAN2") == {OWN, "192.168.77.2/24"}


def test_a_reload_exchanges_virtual_addresses_without_a_change_of_role(master: Engine, first: Namespace) -> None:
    master.configure(configuration(interface("LAN2", 2, "192.168.201.1/24", "192.168.202.1/24")))

    master.ask("reload")

    assert first.addresses("LAN2") == {OWN, "192.168.201.1/24", "192.168.202.1/24"}
    assert [event["role"] for event in master.events("role")] == ["backup", "master"]


def test_an_interface_that_is_no_longer_configured_is_left_clean(
    engine: MakeEngine, first: Namespace, network: Network
) -> None:
    network.wire(first, "LAN1", "lan1")
    both = (interface(), interface("LAN1", 1, "192.168.175.101/24"))
    alone = engine(first, interfaces=both)
    alone.becomes("master")
    assert first.addresses("LAN1") == {"192.168.175.101/24"}

    alone.configure(configuration())
    alone.ask("reload")

    assert first.addresses("LAN1") == set()
    assert VIRTUAL in first.addresses("LAN2")
