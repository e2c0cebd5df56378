"""The minimal rtnetlink: against pyroute2 as independent judge of the bytes, and against the real kernel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.net import rtnetlink
from cluster.net.rtnetlink import Address, AddressGone, Link, LinkGone, Monitor, Requests
from cluster.units import Seconds
from tests.support.netns import Namespace, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

VIRTUAL = bytes((192, 168, 200, 1))
OWN = bytes((192, 168, 12, 141))
needs_namespaces = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    made = Namespace()
    made.run("ip", "link", "add", "LAN2", "type", "veth", "peer", "name", "far")
    made.run("ip", "link", "set", "LAN2", "up")
    made.run("ip", "link", "set", "far", "up")
    made.run("ip", "address", "add", "192.168.12.141/24", "dev", "LAN2")
    yield made
    made.close()


@pytest.fixture
def requests(namespace: Namespace) -> Iterator[Requests]:
    with namespace.inside():
        made = Requests()
    yield made
    made.close()


@pytest.fixture
def monitor(namespace: Namespace, requests: Requests) -> Iterator[Monitor]:
    with namespace.inside():
        made = Monitor(requests)
    yield made
    made.close()


def test_a_request_reads_the_same_to_pyroute2() -> None:
    from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg  # noqa: PLC0415 - slow to import, needed here only

    message = ifaddrmsg(rtnetlink.put_address(7, VIRTUAL, 24, Seconds(5)))
    message.decode()

    assert (message["header"]["type"], message["index"], message["prefixlen"]) == (20, 7, 24)
    assert message.get_attr("IFA_LOCAL") == message.get_attr("IFA_ADDRESS") == "192.168.200.1"
    assert message.get_attr("IFA_CACHEINFO")["ifa_valid"] == 5


@given(st.binary(max_size=300))
def test_no_bytes_confuse_the_reader(data: bytes) -> None:
    for kind, _, body in rtnetlink.messages(data):
        rtnetlink.parse(kind, body)


@given(st.sampled_from((16, 17, 20, 21)), st.binary(max_size=200))
def test_no_body_confuses_the_parser(kind: int, body: bytes) -> None:
    assert rtnetlink.parse(kind, body) is None or len(body) >= 8


def test_a_bridge_port_that_leaves_its_bridge_is_no_interface_that_is_gone() -> None:
    name = b"\x09\x00\x03\x00LAN2\x00\x00\x00\x00"
    as_port = bytes((7, 0)) + b"\x01\x00" + (3).to_bytes(4, "little") + bytes(8) + name
    as_link = bytes((0, 0)) + as_port[2:]

    assert rtnetlink.parse(rtnetlink.RTM_DELLINK, as_port) is None
    assert rtnetlink.parse(rtnetlink.RTM_DELLINK, as_link) == LinkGone(3, "LAN2")


@needs_namespaces
@pytest.mark.netns
class TestWithTheKernel:
    def test_a_link_is_found_by_name(self, requests: Requests) -> None:
        link = requests.link("LAN2")

        assert link is not None
        assert (link.name, len(link.mac), link.running) == ("LAN2", 6, True)

    def test_a_missing_link_is_none(self, requests: Requests) -> None:
        assert requests.link("LAN9") is None

    def test_an_address_that_was_put_is_there_with_its_connected_route(
        self, namespace: Namespace, requests: Requests
    ) -> None:
        link = requests.link("LAN2")
        assert link is not None

        failed = requests.send([rtnetlink.put_address(link.ifindex, VIRTUAL, 24, Seconds(5))])

        assert failed == []
        assert "192.168.200.1/24" in namespace.addresses("LAN2")
        assert "192.168.200.0/24 dev LAN2" in namespace.run("ip", "route")

    def test_putting_an_address_again_renews_its_life(self, namespace: Namespace, requests: Requests) -> None:
        link = requests.link("LAN2")
        assert link is not None
        requests.send([rtnetlink.put_address(link.ifindex, VIRTUAL, 24, Seconds(1))])

        failed = requests.send([rtnetlink.put_address(link.ifindex, VIRTUAL, 24, Seconds(60))])

        assert failed == []
        assert "valid_lft 60sec" in namespace.run("ip", "address", "show", "dev", "LAN2")

    def test_what_was_put_carries_our_mark(self, requests: Requests) -> None:
        link = requests.link("LAN2")
        assert link is not None
        requests.send([rtnetlink.put_address(link.ifindex, VIRTUAL, 24, Seconds(5))])

        found = [address for address in requests.addresses() if address.ifindex == link.ifindex]

        assert found == [Address(link.ifindex, OWN, 24, ours=False), Address(link.ifindex, VIRTUAL, 24, ours=True)]

    def test_failures_are_told_one_by_one_and_the_rest_is_done(
        self, namespace: Namespace, requests: Requests
    ) -> None:
        link = requests.link("LAN2")
        assert link is not None
        nowhere = rtnetlink.put_address(9999, VIRTUAL, 24, Seconds(5))
        absent = rtnetlink.remove_address(link.ifindex, VIRTUAL, 24)
        good = rtnetlink.put_address(link.ifindex, VIRTUAL, 24, Seconds(5))

        failed = requests.send([nowhere, absent, good])

        assert [rtnetlink.error_name(number) for number in failed] == ["ENODEV", "EADDRNOTAVAIL"]
        assert "192.168.200.1/24" in namespace.addresses("LAN2")

    def test_many_addresses_go_in_few_packets(self, namespace: Namespace, requests: Requests) -> None:
        link = requests.link("LAN2")
        assert link is not None
        many = [bytes((10, 0, number // 200, number % 200 + 1)) for number in range(1000)]

        failed = requests.send(rtnetlink.put_address(link.ifindex, one, 32, Seconds(9)) for one in many)

        assert failed == []
        assert len(namespace.addresses("LAN2")) == 1001
        assert len(requests.addresses()) == 1002

    def test_what_others_change_is_reported(
        self, namespace: Namespace, requests: Requests, monitor: Monitor
    ) -> None:
        link = requests.link("LAN2")
        assert link is not None

        namespace.run("ip", "address", "add", "10.0.0.1/8", "dev", "LAN2", "valid_lft", "60", "preferred_lft", "60")
        namespace.run("ip", "address", "del", "10.0.0.1/8", "dev", "LAN2")
        namespace.run("ip", "link", "set", "LAN2", "down")
        namespace.run("ip", "link", "del", "LAN2")

        changes = monitor.changes()
        assert changes is not None
        ours = [change for change in changes if change[0] == link.ifindex]
        ten = bytes((10, 0, 0, 1))
        assert Address(link.ifindex, ten, 8, ours=False) in ours
        assert AddressGone(link.ifindex, ten, 8) in ours
        assert Link(link.ifindex, "LAN2", link.mac, running=False) in ours
        assert LinkGone(link.ifindex, "LAN2") in ours

    def test_what_we_change_ourselves_is_not_reported(self, requests: Requests, monitor: Monitor) -> None:
        link = requests.link("LAN2")
        assert link is not None

        requests.send([rtnetlink.put_address(link.ifindex, VIRTUAL, 24, Seconds(5))])
        requests.send([rtnetlink.remove_address(link.ifindex, VIRTUAL, 24)])

        assert monitor.changes() == []

    def test_an_address_that_nobody_renews_is_removed_by_the_kernel(
        self, requests: Requests, monitor: Monitor
    ) -> None:
        link = requests.link("LAN2")
        assert link is not None
        requests.send([rtnetlink.put_address(link.ifindex, VIRTUAL, 24, Seconds(1))])

        end = time.monotonic() + 20
        while not (changes := monitor.changes()):
            assert time.monotonic() < end
            time.sleep(0.05)

        assert changes == [AddressGone(link.ifindex, VIRTUAL, 24, expired=True)]
