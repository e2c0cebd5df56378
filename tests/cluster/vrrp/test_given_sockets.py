"""Packet sockets outlive an engine in its manager's hands, and the next engine goes on with them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import PATIENCE, ROOT, Engine, eventually, interface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace, Network

pytestmark = pytest.mark.netns

MANY = 12


class GivenEngine(Engine):
    """An engine that is started with the sockets of another one."""

    def __init__(self, namespace: Namespace, directory: Path, handles: list[int]) -> None:
        self.handles = handles
        self.namespace, self.run_dir, self.state_dir = namespace, directory, directory / "state"
        self.process = None

    def start(self) -> None:
        count = len(self.handles)
        module = [sys.executable, "-S", "-P", "-m", "cluster.vrrp", "--sockets", str(count)]
        directories = ["--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir)]
        wanted = [os.dup(handle) for handle in self.handles]

        def place() -> None:
            high = [os.dup2(handle, 200 + number) for number, handle in enumerate(wanted)]
            for number, handle in enumerate(high):
                os.dup2(handle, 3 + number)

        self.process = subprocess.Popen(
            self.namespace.command(*module, *directories),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=range(3, 3 + count),
            preexec_fn=place,  # noqa: PLW1509 - nothing else runs in this test
        )
        for handle in wanted:
            os.close(handle)


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as made:
        made.settimeout(PATIENCE)
        yield made


def passed(manager: socket.socket) -> list[int]:
    """The next sockets that the engine passes."""
    while True:
        packet, handles, _, _ = socket.recv_fds(manager, 200_000, 60)
        assert packet
        if handles:
            return handles


def asked(engine: Engine, manager: socket.socket) -> list[int]:
    manager.connect(str(engine.run_dir / "engine.sock"))
    manager.send(b'{"do": "sockets"}')
    return passed(manager)


def test_a_killed_engine_whose_sockets_are_kept_is_gone_at_once_and_the_next_one_hears_and_speaks(
    engine: MakeEngine, network: Network, manager: socket.socket
) -> None:
    node, other = network.node(), network.node()
    lans = [f"LAN{number}" for number in range(1, MANY + 1)]
    for number, lan in enumerate(lans, 1):
        network.wire(node, lan, lan, f"10.77.{number}.1/24")
        network.wire(other, lan, lan, f"10.77.{number}.2/24")
    interfaces = tuple(interface(lan, int(lan[3:]), f"192.168.{100 + int(lan[3:])}.1/24") for lan in lans)
    first = engine(node, interfaces=interfaces)
    first.becomes("master")
    handles = asked(first, manager)
    assert sorted(_bound(handles)) == sorted(lans)

    first.kill()
    after = GivenEngine(node, first.run_dir, handles)
    after.start()
    try:
        after.becomes("master")
        assert "resumed" in [event["kind"] for event in after.events()]
        partner = engine(other, priority="low", interfaces=interfaces)
        partner.becomes("backup")
        eventually(lambda: all(one["partner_priority"] == 254 for one in partner.status()["interfaces"]))
        after.ask("switch")
        partner.becomes("master")
        after.becomes("backup")
        eventually(lambda: all(one["adverts_received"] for one in after.status()["interfaces"]))
        assert all(not one["errors"] for one in after.status()["interfaces"])
    finally:
        after.close()
        for handle in handles:
            os.close(handle)


def test_what_waited_in_a_socket_while_nobody_listened_is_not_believed(
    engine: MakeEngine, first: Namespace, second: Namespace, manager: socket.socket
) -> None:
    spare = engine(first, priority="low")
    spare.becomes("master")
    handles = asked(spare, manager)
    spare.kill()
    partner = engine(second)
    partner.becomes("master")
    time.sleep(0.5)  # adverts gather in the sockets that are kept
    partner.kill()
    (spare.run_dir / "engine.page").unlink()

    after = GivenEngine(first, spare.run_dir, handles)
    after.start()
    try:
        after.becomes("backup")
        assert after.status()["interfaces"][0]["adverts_received"] == 0
        after.becomes("master")
    finally:
        after.close()
        for handle in handles:
            os.close(handle)


def test_what_is_no_socket_of_an_interface_is_put_aside(engine: MakeEngine, first: Namespace) -> None:
    known = engine(first, start=False)
    with first.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stray:
        reader, writer = os.pipe()
        odd = GivenEngine(first, known.run_dir, [stray.fileno(), reader])
        odd.start()
    try:
        odd.becomes("master")
        assert odd.status()["interfaces"][0]["errors"] == {}
    finally:
        odd.close()
        os.close(reader)
        os.close(writer)


def test_the_keeper_is_given_all_sockets_anew_when_an_interface_comes(
    engine: MakeEngine, network: Network, manager: socket.socket
) -> None:
    node = network.node()
    network.wire(node, "LAN2", "lan2", "192.168.12.141/24")
    both = (interface("LAN2", 2, "192.168.200.1/24"), interface("LAN3", 3, "192.168.201.1/24"))
    one = engine(node, interfaces=both)
    one.becomes("master")
    before = asked(one, manager)

    network.wire(node, "LAN3", "lan3", "192.168.13.141/24")

    after = passed(manager)
    assert (_bound(before), sorted(_bound(after))) == (["LAN2"], ["LAN2", "LAN3"])


def _bound(handles: list[int]) -> list[str]:
    """The interfaces that these packet sockets are bound to, asked in their own namespace."""
    names = []
    for handle in handles:
        with socket.socket(fileno=os.dup(handle)) as one:
            names.append(one.getsockname()[0])
    return names
