"""What a backup waits for, with real sockets: the end of a round, and news on any interface."""

from __future__ import annotations

import os
import socket
from select import EPOLLIN, epoll
from typing import TYPE_CHECKING

import pytest

from cluster.net.rtnetlink import Requests
from cluster.units import Centiseconds, Nanoseconds, Priority, Vrid
from cluster.vrrp import attention as module
from cluster.vrrp.attention import ROUNDS_UNTIL_PROOF, ROUNDS_UNTIL_RETRY, WHOLE_ROUNDS, Attention
from cluster.vrrp.clock import monotonic
from cluster.vrrp.events import Heard
from cluster.vrrp.packet import GROUP_IPV4, GROUP_MAC_IPV4, Advert, encode_ipv4
from cluster.vrrp.ports import Ports
from cluster.vrrp.priority import NEVER
from cluster.vrrp.settings import InterfaceSettings, VirtualAddress
from cluster.vrrp.wire import Wire
from tests.support.netns import Namespace, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

LANS = (1, 2, 3)
GROUP = ".".join(map(str, GROUP_IPV4))
INTERVAL = Centiseconds(100)
LATER = 0.5
"""Seconds in which nothing is expected to happen."""
SOON = 10.0


class Watch:
    """A node with three HA interfaces, the sockets of its partner on each, and what the node waits for."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        for lan in LANS:
            namespace.run("ip", "link", "add", f"LAN{lan}", "type", "veth", "peer", "name", f"far{lan}")
            namespace.run("ip", "address", "add", f"10.77.{lan}.2/24", "dev", f"LAN{lan}")
            for name in (f"LAN{lan}", f"far{lan}"):
                namespace.run("ip", "link", "set", name, "up")
        self.besides = epoll()
        self.attention = Attention(self.besides)
        self.far = {}
        with namespace.inside():
            for lan in LANS:
                self.far[lan] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
                self.far[lan].bind((f"far{lan}", 0))
            self.ports = Ports(Requests(), self.attention.everything)
            addresses = ((VirtualAddress(bytes((192, 168, lan, 1)), 24),) for lan in LANS)
            settings = [InterfaceSettings(f"LAN{lan}", Vrid(lan), next(addresses)) for lan in LANS]
            self.ports.configure(settings, Wire(3, INTERVAL), None)

    def say(self, lan: int, priority: int = 254) -> None:
        advert = Advert(3, Vrid(lan), Priority(priority), INTERVAL, (bytes((192, 168, lan, 1)),))
        packet = encode_ipv4(advert, bytes((10, 77, lan, 1)))
        ethernet = GROUP_MAC_IPV4 + bytes.fromhex("020000000001") + b"\x08\x00"
        self.far[lan].send(ethernet + packet)

    def round(self) -> None:
        """The partner advertises on all of them, and the node reads it."""
        for lan in LANS:
            self.say(lan)
        heard = [port.receive(Nanoseconds(0)) for port in self.ports]
        assert isinstance(heard[-1], Heard)
        assert not self.attention.anything_left()
        with self.namespace.inside():
            self.attention.whole(heard[-1], self.ports, monotonic())

    def narrow(self) -> None:
        for _ in range(WHOLE_ROUNDS + 1):
            assert not self.attention.narrow
            self.round()
        assert self.attention.narrow

    def silence_the_alarm(self) -> None:
        """Load a packet filter that lets no advert in."""
        chain = "add table ip t; add chain ip t c { type filter hook input priority 0; }"
        self.namespace.run("nft", f"{chain}; add rule ip t c ip daddr {GROUP} drop")

    def woken(self, seconds: float = SOON) -> list[tuple[int, int]]:
        return self.attention.poller.poll(seconds)

    def close(self) -> None:
        self.attention.widen()
        self.ports.close()
        for one in self.far.values():
            one.close()
        self.namespace.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch(Namespace())
    yield made
    made.close()


def test_after_whole_rounds_only_the_last_advert_of_a_round_wakes(watch: Watch) -> None:
    watch.narrow()

    watch.say(1)
    watch.say(2)
    assert watch.woken(LATER) == []

    watch.say(3)
    last = watch.ports.by_name["LAN3"].handle
    assert watch.woken() == [(last, EPOLLIN)]


@pytest.mark.parametrize("lan", LANS)
@pytest.mark.parametrize("priority", [0, 1, 253, 255])
def test_news_on_any_interface_wakes_and_ends_the_narrow_watch(watch: Watch, lan: int, priority: int) -> None:
    watch.narrow()

    watch.say(lan, priority)
    watch.attention.attend(watch.woken())

    assert not watch.attention.narrow
    assert watch.woken() == [(watch.ports.by_name[f"LAN{lan}"].handle, EPOLLIN)]


def test_what_is_no_ha_interface_wakes_in_either_case_and_ends_nothing(watch: Watch) -> None:
    reader, writer = socket.socketpair()
    with reader, writer:
        watch.besides.register(reader.fileno(), EPOLLIN)
        writer.send(b"x")
        wide = watch.woken()
        reader.recv(1)
        watch.narrow()
        writer.send(b"x")

        assert not watch.attention.anything_left()
        assert wide == watch.woken() == [(watch.besides.fileno(), EPOLLIN)]
        watch.attention.attend(wide)
        assert watch.attention.narrow
        watch.besides.unregister(reader.fileno())


def test_a_round_is_late_a_quarter_of_the_interval_after_it_was_due(watch: Watch) -> None:
    assert watch.attention.late_at == NEVER
    before = monotonic()
    watch.narrow()

    assert before + INTERVAL.nanoseconds * 5 // 4 < watch.attention.late_at <= monotonic() + 1_250_000_000
    first = watch.attention.late_at
    watch.round()
    assert watch.attention.late_at > first

    watch.attention.widen()
    assert watch.attention.late_at == NEVER


def test_the_watch_is_not_narrowed_where_the_alarm_hears_nothing(watch: Watch) -> None:
    watch.silence_the_alarm()
    for _ in range(WHOLE_ROUNDS + 1):
        watch.round()
    assert not watch.attention.narrow

    # It is tried again, not at once: each try costs as much as a round.
    watch.namespace.run("nft", "flush ruleset")
    for _ in range(ROUNDS_UNTIL_RETRY - 1):
        watch.round()
        assert not watch.attention.narrow
    for _ in range(2):
        watch.round()
    assert watch.attention.narrow


def test_a_packet_filter_that_is_loaded_later_is_noticed(watch: Watch) -> None:
    watch.narrow()
    watch.silence_the_alarm()

    for _ in range(ROUNDS_UNTIL_PROOF + 2):
        watch.round()

    assert not watch.attention.narrow


def test_an_alarm_that_works_is_believed_again_after_two_rounds(watch: Watch) -> None:
    watch.narrow()
    wide = 0
    for _ in range(3 * ROUNDS_UNTIL_PROOF):
        watch.round()
        wide += not watch.attention.narrow

    assert 0 < wide <= 6


def test_an_interface_that_has_no_socket_is_not_waited_for(watch: Watch) -> None:
    for _ in range(WHOLE_ROUNDS):
        watch.round()
    last = watch.ports.by_name["LAN3"]
    said = watch.ports.by_name["LAN1"]
    watch.ports._unwatch(last)
    last.close()
    for lan in LANS:
        watch.say(lan)
    heard = said.receive(Nanoseconds(0))
    assert isinstance(heard, Heard)

    watch.attention.whole(heard, watch.ports, monotonic())

    assert not watch.attention.narrow


def test_a_socket_that_was_given_up_wakes_nobody_although_another_process_holds_it(watch: Watch) -> None:
    held = os.dup(watch.ports.by_name["LAN3"].handle)
    kept = [port.settings for port in watch.ports][:2]
    with watch.namespace.inside():
        watch.ports.configure(kept, Wire(3, INTERVAL), None)

    watch.say(3)

    assert watch.woken(LATER) == []
    os.close(held)


def test_one_advert_too_many_is_enough_not_to_narrow_the_watch(watch: Watch) -> None:
    for _ in range(WHOLE_ROUNDS):
        watch.round()
    watch.say(1)
    watch.ports.by_name["LAN1"].receive(Nanoseconds(0))

    watch.round()

    assert not watch.attention.narrow


def test_a_broken_run_begins_again(watch: Watch) -> None:
    for _ in range(WHOLE_ROUNDS):
        watch.round()
    watch.attention.broken()

    watch.narrow()


def test_without_the_right_to_an_alarm_everything_is_watched_and_the_error_counted(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(module, "Alarm", refused)
    for _ in range(WHOLE_ROUNDS + 2):
        watch.round()

    assert not watch.attention.narrow
    assert watch.ports.by_name["LAN1"].errors == {"EPERM": 1}
