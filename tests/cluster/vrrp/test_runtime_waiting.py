"""An engine never waits: for a disk, for the kernel's lock, or for its turn after it was stopped."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from cluster.units import Centiseconds, Nanoseconds, Priority, Vrid
from cluster.vrrp.addresses import LIFETIME
from cluster.vrrp.packet import GROUP_MAC_IPV4, Advert, encode_ipv4
from tests.support.engine import MASTER_DOWN, eventually, interface

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.engine import Engine
    from tests.support.netns import Namespace, Network

pytestmark = pytest.mark.netns
VIRTUAL = "192.168.200.1/24"


def monotonic() -> Nanoseconds:
    return Nanoseconds(time.monotonic_ns())


def hang(engine: Engine) -> None:
    """Leave its loop waiting for ever, but not its other thread: it reloads a pipe into which nobody writes."""
    document = engine.run_dir / "engine.json"
    document.unlink()
    os.mkfifo(document)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as manager:
        manager.connect(str(engine.run_dir / "engine.sock"))
        manager.send(b'{"do": "reload"}')
        eventually(lambda: (page := engine.page) and page.heartbeat_age(monotonic()) > 2 * page.beat_limit)


def test_an_engine_whose_loop_hangs_while_its_other_thread_lives_leaves_no_virtual_address(
    engine: MakeEngine, first: Namespace
) -> None:
    stuck = engine(first)
    stuck.becomes("master")
    # Long enough for renewals to be under way.
    time.sleep(LIFETIME)
    assert VIRTUAL in first.addresses("LAN2")

    hang(stuck)

    eventually(lambda: VIRTUAL not in first.addresses("LAN2"), within=LIFETIME + 1.5)
    time.sleep(LIFETIME)
    assert VIRTUAL not in first.addresses("LAN2")
    assert stuck.running.poll() is None


def test_a_disk_that_keeps_it_waiting_delays_no_advert(engine: MakeEngine, first: Namespace) -> None:
    alone = engine(first)
    alone.becomes("backup")
    # Whoever opens a pipe for writing waits until somebody reads.
    os.mkfifo(alone.state_dir / "vrrp.sequence")
    alone.becomes("master")

    sent = alone.status()["interfaces"][0]["adverts_sent"]
    eventually(lambda: alone.status()["interfaces"][0]["adverts_sent"] > sent + 2)


def test_a_state_directory_that_cannot_be_written_is_said_once_and_harms_nothing(
    engine: MakeEngine, first: Namespace
) -> None:
    alone = engine(first)
    alone.becomes("backup")
    (alone.state_dir / "vrrp.sequence").mkdir()
    alone.becomes("master")

    said = eventually(lambda: alone.events("state"))

    assert len(said) == 1
    assert "signatures may repeat after a reboot" in said[0]["text"]
    assert alone.is_("master")


def test_a_backup_that_was_stopped_for_longer_than_its_patience_does_not_take_over_from_a_living_master(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    master = engine(first)
    master.becomes("master")
    backup = engine(second, priority="low")
    backup.becomes("backup")
    eventually(lambda: backup.status()["interfaces"][0]["adverts_received"])

    for _ in range(3):
        os.kill(backup.running.pid, signal.SIGSTOP)
        time.sleep(1.5 * MASTER_DOWN)
        os.kill(backup.running.pid, signal.SIGCONT)
        time.sleep(0.3)

    assert [event["role"] for event in backup.events("role")] == ["backup"]
    assert master.events("two-masters") == []


def adverts(namespace: Namespace, name: str, vrid: int, *priorities: int) -> None:
    """Advertise like another master, one advert after the other."""
    with namespace.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((name, 0))
        for priority in priorities:
            virtual = socket.inet_aton(f"192.168.20{vrid}.1")
            advert = Advert(3, Vrid(vrid), Priority(priority), Centiseconds(25), (virtual,))
            packet = encode_ipv4(advert, bytes((192, 168, 12, 142)))
            raw.send(GROUP_MAC_IPV4 + bytes.fromhex("0200000000990800") + packet)


def test_a_backup_that_stood_still_decides_nothing_on_old_adverts_while_newer_ones_wait(
    engine: MakeEngine, first: Namespace, second: Namespace, network: Network
) -> None:
    for node in (first, second):
        network.wire(node, "LAN1", "lan1")
    lans = (interface("LAN1", 1, "192.168.201.1/24"), interface("LAN2", 2, "192.168.202.1/24"))
    backup = engine(first, mode="none", interfaces=list(lans))
    backup.becomes("backup")

    for _ in range(3):
        os.kill(backup.running.pid, signal.SIGSTOP)
        for vrid in (1, 2):
            adverts(second, f"LAN{vrid}", vrid, *[100] * 8, 255)
        os.kill(backup.running.pid, signal.SIGCONT)
        time.sleep(0.1)

    assert [port["adverts_received"] for port in backup.status()["interfaces"]] == [27, 27]
    assert [event["role"] for event in backup.events("role")] == ["backup"]
