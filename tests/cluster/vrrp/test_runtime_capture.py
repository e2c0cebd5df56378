"""A running engine shows its adverts, sent and received, through the manager's end of the control socket."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from cluster.engine.capture import capture
from cluster.errors import RefusedError, UnreachableError
from cluster.rpc.messages import Capture, Done
from tests.cluster.vrrp.test_runtime_hostile import forged, wire
from tests.support.engine import PATIENCE, SECRET, Engine, configuration, eventually, interface

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace

pytestmark = pytest.mark.netns


@pytest.fixture
def master(engine: MakeEngine, first: Namespace) -> Engine:
    made = engine(first)
    made.becomes("master")
    return made


async def watch(node: Engine, count: int, send: list[bytes], raw: socket.socket) -> list[Capture]:
    """The first adverts seen; the packets are sent as soon as one was."""
    found: list[Capture] = []
    async with aclosing(capture(node.run_dir / "engine.sock", "LAN2")) as stream:
        async with asyncio.timeout(PATIENCE):
            assert await anext(stream) == Done()
            async for seen in stream:
                assert isinstance(seen, Capture)
                found.append(seen)
                if len(found) == 1:
                    for packet in send:
                        raw.send(packet)
                if len(found) == count:
                    break
    return found


def test_adverts_are_shown_with_what_became_of_them(master: Engine, second: Namespace) -> None:
    altered = bytearray(forged(priority=1, sequence=9))
    altered[-1] ^= 1
    packets = [forged(), forged(priority=1, sequence=8), bytes(altered)]
    with wire(second) as raw:
        found = asyncio.run(watch(master, 6, packets, raw))

    sent = [seen for seen in found if seen.sent]
    received = [seen for seen in found if not seen.sent]
    assert {(seen.accepted, seen.verdict) for seen in sent} == {(True, "signed")}
    assert [(seen.accepted, seen.verdict) for seen in received] == [
        (False, "no-trailer"),
        (True, "valid"),
        (False, "bad-tag"),
    ]
    assert [bytes.fromhex(seen.frame) for seen in received] == packets
    assert {seen.interface for seen in found} == {"LAN2"}
    assert [seen.at for seen in found] == sorted(seen.at for seen in found)


def test_what_was_sent_is_shown_as_it_was_on_the_wire(master: Engine, second: Namespace) -> None:
    with wire(second) as raw:
        (seen,) = asyncio.run(watch(master, 1, [], raw))
        on_the_wire = set()
        eventually(lambda: on_the_wire.add(raw.recv(2000)) or bytes.fromhex(seen.frame) in on_the_wire)


def test_without_keys_nothing_is_checked(engine: MakeEngine, first: Namespace, second: Namespace) -> None:
    node = engine(first, mode="none")
    node.becomes("master")
    with wire(second) as raw:
        found = asyncio.run(watch(node, 3, [forged(priority=1)], raw))
    assert {(seen.sent, seen.verdict) for seen in found} == {(True, "unsigned"), (False, "unchecked")}


def test_a_spectator_that_never_reads_holds_up_nothing_and_may_stay(master: Engine, second: Namespace) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as deaf, wire(second) as raw:
        deaf.connect(str(master.run_dir / "engine.sock"))
        deaf.send(b'{"do": "capture", "interface": "LAN2", "on": true}')
        count = 3000
        for number in range(count):
            raw.send(forged(priority=1))
            if number % 100 == 99:
                eventually(lambda n=number: master.status()["interfaces"][0]["rejected"].get("no-trailer", 0) > n)
        master.ask("switch")  # an event that finds no room
        eventually(lambda: master.events("handover-failed") or master.events("role"))
        deaf.settimeout(PATIENCE)
        packets = iter(lambda: deaf.recv(200_000), b"")
        missed = next(found for found in (_missed(packet) for packet in packets) if found)

    assert 0 < missed <= count
    assert master.status()["pid"] == master.running.pid


def _missed(packet: bytes) -> int:
    content = json.loads(packet)
    return int(content["capture"]["missed"]) if "capture" in content else 0


def test_what_is_no_ha_interface_is_refused(master: Engine) -> None:
    async def watch_another() -> None:
        async for _ in capture(master.run_dir / "engine.sock", "LAN9"):
            pytest.fail("nothing passes there")

    with pytest.raises(RefusedError, match="LAN9 is no HA interface"):
        asyncio.run(watch_another())


def test_the_capture_ends_with_the_engine_and_says_so(master: Engine) -> None:
    async def watch_it_end() -> None:
        async for _ in capture(master.run_dir / "engine.sock", "LAN2"):
            master.running.kill()

    with pytest.raises(UnreachableError, match="the engine"):
        asyncio.run(watch_it_end())


def test_an_unsigned_advert_that_the_policy_lets_pass_is_told_from_a_valid_one(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    keys = [{"id": 1, "secret": SECRET}]
    node = engine(first, authentication={"mode": "hmac", "policy": "permissive", "keys": keys})
    node.becomes("master")
    with wire(second) as raw:
        found = asyncio.run(watch(node, 4, [forged(priority=1), forged(priority=1, sequence=8)], raw))
    assert [seen.verdict for seen in found if not seen.sent] == ["unsigned", "valid"]
    assert node.status()["interfaces"][0]["adverts_unsigned"] == 1


def test_a_capture_goes_on_when_the_interface_left_the_configuration_and_came_back(master: Engine) -> None:
    async def watch_it_return() -> None:
        async with aclosing(capture(master.run_dir / "engine.sock", "LAN2")) as stream:
            assert await anext(stream) == Done()
            for name in ("LAN9", "LAN2"):
                master.configure(configuration(interface(name)))
                assert "error" not in await asyncio.to_thread(master.ask, "reload")
            before = time.time()
            async with asyncio.timeout(PATIENCE):
                async for seen in stream:
                    if isinstance(seen, Capture) and seen.at > before:
                        return

    asyncio.run(watch_it_return())


def test_whoever_connects_after_a_spectator_left_is_a_manager_like_any_other(master: Engine) -> None:
    path = str(master.run_dir / "engine.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as spectator:
        spectator.connect(path)
        spectator.send(b'{"do": "capture", "interface": "LAN2", "on": true}')
        eventually(lambda: b"capture" in spectator.recv(200_000))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as manager:
        manager.connect(path)
        manager.settimeout(PATIENCE)
        sent = master.status()["interfaces"][0]["adverts_sent"]
        eventually(lambda: master.status()["interfaces"][0]["adverts_sent"] > sent + 2)
        manager.send(b'{"do": "resynchronised"}')
        packets = []
        while not packets or "re" not in packets[-1]:
            packets.append(json.loads(manager.recv(200_000)))
    assert all("event" in packet for packet in packets[:-1])
