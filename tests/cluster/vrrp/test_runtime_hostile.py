"""A hostile network: no packet ends the engine, makes two masters, or goes uncounted."""

from __future__ import annotations

import random
import socket
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from cluster.units import Centiseconds, Priority, Vrid
from cluster.vrrp.auth import Key, Signer, derive_key
from cluster.vrrp.packet import GROUP_IPV4, GROUP_MAC_IPV4, Advert, encode_ipv4
from tests.support import vectors
from tests.support.engine import PATIENCE, SECRET, Engine, eventually, interface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace, Network

pytestmark = pytest.mark.netns

STRANGER_MAC = bytes.fromhex("020000000099")
STRANGER = bytes((192, 168, 12, 99))
VIRTUAL = bytes((192, 168, 200, 1))
KEY = Key(1, derive_key(SECRET))


@contextmanager
def wire(namespace: Namespace, lan: str = "LAN2") -> Iterator[socket.socket]:
    with namespace.inside():
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0003))
        raw.bind((lan, 0x0003))
    raw.settimeout(PATIENCE)
    yield raw
    raw.close()


def frame(packet: bytes, mac: bytes = STRANGER_MAC) -> bytes:
    return GROUP_MAC_IPV4 + mac + b"\x08\x00" + packet


def forged(priority: int = 255, sequence: int | None = None, vrid: int = 2, source: bytes = STRANGER) -> bytes:
    advert = Advert(3, Vrid(vrid), Priority(priority), Centiseconds(25), (VIRTUAL,))
    if sequence is None:
        return frame(encode_ipv4(advert, source))
    message = encode_ipv4(advert, source)[20:]
    return frame(encode_ipv4(advert._replace(trailer=Signer(KEY, source, message).trailer(sequence)), source))


@pytest.fixture
def master(engine: MakeEngine, first: Namespace) -> Engine:
    made = engine(first)
    made.becomes("master")
    return made


def rejected(node: Engine) -> dict[str, int]:
    counted: dict[str, int] = node.status()["interfaces"][0]["rejected"]
    return counted


def received(node: Engine) -> int:
    count: int = node.status()["interfaces"][0]["adverts_received"]
    return count


def all_was_received(node: Engine, raw: socket.socket, vrid: int = 2, sequence: int | None = 2**63) -> None:
    """What was sent before is behind the engine: it believed an advert that was sent after it."""
    last = bytes((192, 168, 12, 98))
    raw.send(forged(priority=3, sequence=sequence, vrid=vrid, source=last))
    eventually(lambda: node.status()["interfaces"][0]["partner_address"] == "192.168.12.98")


def test_an_unsigned_advert_of_the_highest_priority_moves_nothing(master: Engine, second: Namespace) -> None:
    with wire(second) as raw:
        for _ in range(20):
            raw.send(forged())

    eventually(lambda: rejected(master).get("no-trailer") == 20)

    assert master.is_("master")
    reports = master.events("advert-dropped")
    assert len(reports) == 1
    assert "192.168.12.99 on LAN2 was dropped: not signed" in reports[0]["text"]


def test_an_advert_signed_with_another_key_moves_nothing(master: Engine, second: Namespace) -> None:
    packet = bytearray(forged(sequence=2**63))
    packet[-1] ^= 1
    with wire(second) as raw:
        raw.send(packet)

    eventually(lambda: rejected(master) == {"bad-tag": 1})
    assert master.is_("master")


def test_a_replayed_advert_moves_nothing_not_even_after_a_restart(master: Engine, second: Namespace) -> None:
    recorded = forged(priority=1, sequence=5)
    with wire(second) as raw:
        raw.send(recorded)
        eventually(lambda: received(master) == 1)
        raw.send(recorded)
        eventually(lambda: rejected(master) == {"replayed": 1})
        master.kill()
        master.start()
        master.becomes("master")
        raw.send(recorded)

        eventually(lambda: rejected(master) == {"replayed": 1})

    assert received(master) == 0


def test_a_source_is_reported_once_whatever_it_does(master: Engine, second: Namespace) -> None:
    altered = bytearray(forged(sequence=2**63))
    altered[-1] ^= 1
    with wire(second) as raw:
        for packet in (forged(), altered, forged(source=bytes((192, 168, 12, 98)))):
            raw.send(packet)

    eventually(lambda: rejected(master) == {"no-trailer": 2, "bad-tag": 1})

    texts = [event["text"] for event in master.events("advert-dropped")]
    assert [text.split()[3] for text in texts] == ["192.168.12.99", "192.168.12.98"]


def test_the_hotwire_sets_back_how_far_a_sender_got_and_that_survives_a_crash(
    master: Engine, second: Namespace
) -> None:
    with wire(second) as raw:
        raw.send(forged(priority=1, sequence=1000))
        eventually(lambda: received(master) == 1)
        raw.send(forged(priority=1, sequence=11))
        eventually(lambda: rejected(master) == {"replayed": 1})

        answer = master.ask("partner", role=None, sequence=10, sources=["192.168.12.99", "192.168.12.142"])

        assert answer == {"re": "partner"}
        raw.send(forged(priority=1, sequence=10))
        eventually(lambda: rejected(master) == {"replayed": 2})
        raw.send(forged(priority=1, sequence=11))
        eventually(lambda: received(master) == 2)

        master.ask("partner", role=None, sequence=5, sources=["192.168.12.99"])
        master.kill()
        master.start()
        master.becomes("master")
        raw.send(forged(priority=1, sequence=6))
        eventually(lambda: received(master) == 1)


def test_the_hotwire_sets_back_nobody_else(master: Engine, second: Namespace) -> None:
    with wire(second) as raw:
        raw.send(forged(priority=1, sequence=1000))
        eventually(lambda: received(master) == 1)
        master.ask("partner", role=None, sequence=10, sources=["192.168.12.98"])
        raw.send(forged(priority=1, sequence=11))
        eventually(lambda: rejected(master) == {"replayed": 1})


def test_what_was_set_back_is_kept_for_the_next_boot_at_once(master: Engine, second: Namespace) -> None:
    marks = master.state_dir / "vrrp.marks"
    with wire(second) as raw:
        raw.send(forged(priority=1, sequence=1000))
        eventually(lambda: received(master) == 1)

    master.ask("partner", role=None, sequence=4711, sources=["192.168.12.99"])

    eventually(lambda: marks.exists() and (4711).to_bytes(8, sys.byteorder) in marks.read_bytes())


def test_our_own_adverts_thrown_back_at_us_are_known(master: Engine, second: Namespace) -> None:
    with wire(second) as raw:
        own = b""
        while own[:6] != GROUP_MAC_IPV4:
            own = raw.recv(2000)
        raw.send(own)
        raw.send(own[:6] + STRANGER_MAC + own[12:])

    eventually(lambda: rejected(master) == {"own-packet": 1, "reflected": 1})
    assert master.is_("master")


def test_the_virtual_routers_of_others_are_left_alone(master: Engine, second: Namespace) -> None:
    with wire(second) as raw:
        raw.send(forged(vrid=77))

    eventually(lambda: rejected(master) == {"unknown-vrid": 1})


@pytest.mark.parametrize("mode", ["hmac", "none"])
def test_nothing_that_real_daemons_ever_sent_ends_the_engine(
    engine: MakeEngine, first: Namespace, second: Namespace, mode: str
) -> None:
    master = engine(first, interfaces=(interface("LAN2", 51),), mode=mode)
    master.becomes("master")

    with wire(second) as raw:
        for name in vectors.names():
            for captured in vectors.frames(name):
                raw.send(captured)
        all_was_received(master, raw, vrid=51, sequence=2**63 if mode == "hmac" else None)

    unsigned = {"bad-tag", "no-trailer"} if mode == "hmac" else set()
    assert rejected(master).keys() == {"ipsec-ah", "version-mismatch"} | unsigned
    assert received(master) > (1 if mode == "none" else 0)
    assert master.is_("master")


def test_no_garbage_ends_the_engine(master: Engine, second: Namespace) -> None:
    chance = random.Random(112)
    with wire(second) as raw:
        for _ in range(3000):
            packet = bytearray(forged(sequence=chance.getrandbits(63)))
            for _ in range(chance.randrange(1, 8)):
                packet[chance.randrange(14, len(packet))] = chance.getrandbits(8)
            packet[23] = 112
            raw.send(packet[: chance.randrange(24, len(packet) + 1)] + bytes(chance.randrange(40)))
        all_was_received(master, raw)

    assert sum(rejected(master).values()) > 1000
    assert master.is_("master")
    assert master.status()["pid"] == master.running.pid


def test_adverts_that_cannot_be_sent_are_counted_and_nothing_more(master: Engine, first: Namespace) -> None:
    first.run("ip", "link", "set", "LAN2", "down")
    eventually(lambda: master.status()["interfaces"][0]["errors"].get("ENETDOWN"))

    first.run("ip", "link", "set", "LAN2", "up")
    sent = master.status()["interfaces"][0]["adverts_sent"]

    eventually(lambda: master.status()["interfaces"][0]["adverts_sent"] > sent + 2)
    assert master.is_("master")


def test_other_virtual_addresses_are_accepted_and_reported_once(master: Engine, second: Namespace) -> None:
    other = Advert(3, Vrid(2), Priority(1), Centiseconds(25), (bytes((10, 0, 0, 1)),))
    message = encode_ipv4(other, STRANGER)[20:]
    with wire(second) as raw:
        for number, sequence in enumerate((8, 9), 1):  # one after the other: on a busy machine two frames may swap
            signed = other._replace(trailer=Signer(KEY, STRANGER, message).trailer(sequence))
            raw.send(frame(encode_ipv4(signed, STRANGER, GROUP_IPV4)))
            eventually(lambda number=number: received(master) == number)

    reports = master.events("addresses-differ")
    assert len(reports) == 1
    assert "10.0.0.1, 192.168.200.1" in reports[0]["text"]


def test_a_flood_of_what_is_not_believed_on_all_interfaces_does_not_drown_the_master(
    engine: MakeEngine, network: Network
) -> None:
    lans = {"LAN2": 2, "LAN3": 3}
    nodes = [network.node() for _ in range(3)]
    for number, node in enumerate(nodes):
        for lan, vrid in lans.items():
            network.wire(node, lan, lan.lower(), f"192.168.{10 + vrid}.{141 + number}/24")
    interfaces = [interface(lan, vrid, f"192.168.20{vrid}.1/24") for lan, vrid in lans.items()]
    master = engine(nodes[0], interfaces=interfaces)
    master.becomes("master")
    backup = engine(nodes[1], interfaces=interfaces, priority="low")
    backup.becomes("backup")
    eventually(lambda: all(one["adverts_received"] > 1 for one in backup.status()["interfaces"]))
    began = backup.events("role")

    junk = forged(vrid=9)
    with wire(nodes[2], "LAN2") as one, wire(nodes[2], "LAN3") as other:
        end = time.monotonic() + 3
        while time.monotonic() < end:
            for _ in range(50):
                one.send(junk)
                other.send(junk)

    assert backup.status()["interfaces"][0]["rejected"]["unknown-vrid"] > 1000
    assert backup.events("role") == began
