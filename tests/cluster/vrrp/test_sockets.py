"""The engine's sockets in a real kernel: what reaches them and what does not."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from cluster.errors import LockedError
from cluster.units import Centiseconds, Priority, Vrid
from cluster.vrrp.lock import engine_lock
from cluster.vrrp.packet import GROUP_MAC_IPV4, Advert, encode_ipv4
from cluster.vrrp.sockets import advert_socket, group_membership
from tests.support.netns import Namespace, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

ADVERT = Advert(3, Vrid(2), Priority(254), Centiseconds(25), (bytes((192, 168, 200, 1)),))
PACKET = encode_ipv4(ADVERT, bytes((192, 168, 12, 142)))
SENDER = bytes.fromhex("020000000001")


def frame(packet: bytes = PACKET, to: bytes = GROUP_MAC_IPV4, tag: bytes = b"") -> bytes:
    return to + SENDER + tag + b"\x08\x00" + packet


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    made = Namespace()
    made.run("ip", "link", "add", "LAN2", "type", "veth", "peer", "name", "far")
    for name in ("LAN2", "far"):
        made.run("ip", "link", "set", name, "up")
    yield made
    made.close()


@pytest.fixture
def far(namespace: Namespace) -> Iterator[socket.socket]:
    with namespace.inside():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("far", 0))
    yield raw
    raw.close()


def received(near: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(near.recv(2048))
        except BlockingIOError:
            return found


@pytest.fixture
def near(namespace: Namespace) -> Iterator[socket.socket]:
    with namespace.inside():
        made = advert_socket("LAN2", socket.if_nametoindex("LAN2"))
    found = socket.socket(fileno=made.detach())
    found.setblocking(False)
    yield found
    found.close()


def test_an_advert_arrives_whole_on_an_interface_without_any_address(
    near: socket.socket, far: socket.socket
) -> None:
    far.send(frame())

    assert received(near) == [frame()]


def test_an_advert_arrives_although_the_packet_filter_drops_everything(
    namespace: Namespace, near: socket.socket, far: socket.socket
) -> None:
    wall = "type filter hook prerouting priority -400; policy drop;"
    namespace.run("nft", f"add table ip wall {{ chain nothing {{ {wall} }}; }}")

    far.send(frame())

    assert received(near) == [frame()]


def test_an_advert_from_an_address_that_we_hold_arrives_too(
    namespace: Namespace, near: socket.socket, far: socket.socket
) -> None:
    namespace.run("ip", "address", "add", "192.168.12.142/24", "dev", "LAN2")

    far.send(frame())

    assert received(near) == [frame()]


def test_an_advert_inside_an_authentication_header_arrives_to_be_counted(
    near: socket.socket, far: socket.socket
) -> None:
    wrapped = frame(PACKET[:9] + b"\x33" + PACKET[10:])

    far.send(wrapped)

    assert received(near) == [wrapped]


@pytest.mark.parametrize(
    ("kind", "unwanted"),
    [
        ("tcp", frame(PACKET[:9] + b"\x06" + PACKET[10:])),
        ("ipsec of others", frame(PACKET[:9] + b"\x33" + PACKET[10:16] + bytes((192, 168, 12, 141)) + PACKET[20:])),
        ("for another host", frame(to=bytes.fromhex("020000000777"))),
        ("arp", frame().replace(b"\x08\x00", b"\x08\x06", 1)),
    ],
)
def test_what_is_no_advert_for_us_does_not_arrive(
    near: socket.socket, far: socket.socket, kind: str, unwanted: bytes
) -> None:
    far.send(unwanted)
    far.send(frame())

    assert received(near) == [frame()], kind


def test_what_we_send_ourselves_does_not_arrive(near: socket.socket) -> None:
    near.send(frame())

    assert received(near) == []


def test_an_interface_that_does_not_exist_is_an_error(namespace: Namespace) -> None:
    with namespace.inside(), pytest.raises(OSError, match="No such device"):
        advert_socket("LAN9", 99)


def test_the_group_is_joined_for_the_switches_and_left_with_the_socket(namespace: Namespace) -> None:
    with namespace.inside():
        member = group_membership(socket.if_nametoindex("LAN2"))
    assert "224.0.0.18" in namespace.run("ip", "maddress", "show", "dev", "LAN2")

    member.close()

    assert "224.0.0.18" not in namespace.run("ip", "maddress", "show", "dev", "LAN2")


def test_the_network_card_passes_the_groups_frames_while_the_socket_lives(
    namespace: Namespace, near: socket.socket
) -> None:
    assert "01:00:5e:00:00:12" in namespace.run("ip", "maddress", "show", "dev", "LAN2")

    near.close()

    assert "01:00:5e:00:00:12" not in namespace.run("ip", "maddress", "show", "dev", "LAN2")


def test_one_namespace_has_one_lock_and_another_one_its_own(namespace: Namespace) -> None:
    elsewhere = Namespace()
    with namespace.inside():
        held = engine_lock()
        with pytest.raises(LockedError, match="another engine runs in this network namespace"):
            engine_lock()
    with elsewhere.inside():
        engine_lock().close()
    held.close()
    with namespace.inside():
        engine_lock().close()
    elsewhere.close()
