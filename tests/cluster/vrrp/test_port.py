"""A port remembers what the last advert said, and is no more credulous for it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from cluster.units import Centiseconds, Nanoseconds, Priority, Vrid
from cluster.vrrp.auth import Key, Policy, Signer
from cluster.vrrp.events import Heard
from cluster.vrrp.marks import Marks
from cluster.vrrp.packet import GROUP_IPV4, GROUP_MAC_IPV4, TRAILER_SIZE, Advert, encode, ipv4_header
from cluster.vrrp.port import Differing, Dropped, Port
from cluster.vrrp.settings import InterfaceSettings, VirtualAddress
from cluster.vrrp.wire import Guard, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = Key(1, b"k" * 32)
INTERVAL = Centiseconds(25)
PARTNER = bytes((10, 77, 1, 1))
VIRTUAL = bytes((192, 168, 200, 1))
NOW = Nanoseconds(0)
PADDING = b"\0" * 6


def frame(sequence: int | None, priority: int = 254, virtual: bytes = VIRTUAL) -> bytes:
    message = encode(Advert(3, Vrid(2), Priority(priority), INTERVAL, (virtual,)), PARTNER, GROUP_IPV4)
    trailer = b"" if sequence is None else Signer(KEY, PARTNER, message).trailer(sequence)
    ethernet = GROUP_MAC_IPV4 + bytes.fromhex("020000000001") + bytes.fromhex("0800")
    size = len(message) + len(trailer)
    return ethernet + ipv4_header(PARTNER, GROUP_IPV4, size) + message + trailer + PADDING


class Listener:
    """A port with one end of a pair of sockets instead of a network."""

    def __init__(self, policy: Policy = Policy.ENFORCE) -> None:
        guard = Guard(Marks(memoryview(bytearray(1024))))
        guard.configure([KEY], policy, None)
        settings = InterfaceSettings("LAN2", Vrid(2), (VirtualAddress(VIRTUAL, 24),))
        self.port = Port(settings, Wire(3, INTERVAL), guard)
        self.wire, ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.port._socket = ours

    def hears(self, data: bytes) -> Heard | Differing | Dropped | None:
        self.wire.send(data)
        return self.port.receive(NOW)

    def close(self) -> None:
        self.wire.close()
        self.port.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def test_each_signature_is_judged_although_the_rest_is_known(listener: Listener) -> None:
    heard = [listener.hears(frame(sequence)) for sequence in (1, 2, 2, 3)]

    assert [type(what).__name__ for what in heard] == ["Heard", "Heard", "Dropped", "Heard"]
    assert listener.port.rejected.popitem()[0].value == "replayed"


@pytest.mark.parametrize("at", range(len(frame(1)) - len(PADDING)))
def test_an_altered_byte_is_judged_as_if_nothing_were_known(at: int) -> None:
    altered = bytearray(frame(2))
    altered[at] ^= 0x01
    knowing, forgetful = Listener(), Listener()
    for one in (knowing, forgetful):
        assert isinstance(one.hears(frame(1)), Heard)
    forgetful.port._renew()

    outcomes = [one.hears(altered) for one in (knowing, forgetful)]

    assert outcomes[0] == outcomes[1]
    # Nothing vouches for the Ethernet header; all behind it does.
    assert isinstance(outcomes[0], Dropped) == (at >= 14)
    assert isinstance(knowing.hears(frame(3)), Heard)
    knowing.close()
    forgetful.close()


def test_a_priority_that_changed_is_heard(listener: Listener) -> None:
    listener.hears(frame(1))

    heard = listener.hears(frame(2, priority=1))

    assert isinstance(heard, Heard)
    assert heard.priority == 1


def test_other_virtual_addresses_are_told_each_time(listener: Listener) -> None:
    other = frame(1, virtual=bytes((192, 168, 200, 9))), frame(2, virtual=bytes((192, 168, 200, 9)))

    assert all(isinstance(listener.hears(data), Differing) for data in other)


def test_new_settings_forget_what_was_known(listener: Listener) -> None:
    listener.hears(frame(1))
    port = listener.port

    port.configure(port.settings._replace(vrid=Vrid(3)), Wire(3, INTERVAL), None)

    assert isinstance(listener.hears(frame(2)), Dropped)


def test_an_unsigned_advert_is_believed_again_and_again_only_where_it_may_be() -> None:
    permissive = Listener(Policy.PERMISSIVE)
    assert all(isinstance(permissive.hears(frame(None)), Heard) for _ in range(3))
    assert permissive.port.unsigned == 3

    strict = Listener()
    assert all(isinstance(strict.hears(frame(None)), Dropped) for _ in range(3))
    assert isinstance(strict.hears(frame(1)), Heard)
    cut_off = frame(2)[: -TRAILER_SIZE - len(PADDING)]
    assert isinstance(strict.hears(cut_off), Dropped)
    for one in (permissive, strict):
        one.close()
