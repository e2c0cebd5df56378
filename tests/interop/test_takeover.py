"""One master at a time with the daemons of others, in both roles, and takeover both ways (VRRPv3)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.interop.peers import PEERS, VIRTUAL, Peer
from tests.support.ear import IPV4, ear, heard_at
from tests.support.engine import Engine, eventually

if TYPE_CHECKING:
    from tests.interop.conftest import MakeEngine, MakePeer
    from tests.support.netns import Network

pytestmark = [pytest.mark.netns, pytest.mark.parametrize("kind", PEERS, ids=lambda kind: kind.name)]

OURS, BETTER, WORSE = 253, 254, 100
SETTLED = 1.0
"""Seconds: more than any Master_Down_Interval at 250 ms."""


def we_hold(engine: Engine) -> bool:
    return f"{VIRTUAL}/24" in engine.namespace.addresses("LAN2")


def nothing_moves(engine: Engine, peer: Peer, *, ours: bool, seconds: float = SETTLED) -> None:
    """One holder, and always the same; a handover's last milliseconds may still be under way at first."""
    eventually(lambda: (we_hold(engine), peer.holds()) == (ours, not ours))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert (we_hold(engine), peer.holds()) == (ours, not ours)


@pytest.fixture
def peer(kind: type[Peer], theirs: MakePeer) -> Peer:
    return theirs(kind)


@pytest.fixture
def engine(kind: type[Peer], ours: MakeEngine) -> Engine:
    return ours(priority="low", **kind.engine)


def test_a_worse_peer_stays_backup(engine: Engine, peer: Peer) -> None:
    engine.start()
    engine.becomes("master")

    peer.start(WORSE)
    time.sleep(SETTLED)

    nothing_moves(engine, peer, ours=True)


def test_we_stay_backup_of_a_better_peer(engine: Engine, peer: Peer) -> None:
    peer.start(BETTER)
    peer.becomes(master=True)

    engine.start()
    engine.becomes("backup")
    eventually(lambda: engine.status()["interfaces"][0]["partner_priority"] == BETTER)

    nothing_moves(engine, peer, ours=False)
    assert engine.status()["interfaces"][0]["rejected"] == {}


def test_we_take_the_role_from_a_worse_peer(engine: Engine, peer: Peer) -> None:
    peer.start(WORSE)
    peer.becomes(master=True)

    engine.start()

    engine.becomes("master")
    peer.becomes(master=False)
    nothing_moves(engine, peer, ours=True)


def test_we_give_the_role_to_a_better_peer(engine: Engine, peer: Peer) -> None:
    engine.start()
    engine.becomes("master")

    peer.start(BETTER)

    peer.becomes(master=True)
    engine.becomes("backup")
    nothing_moves(engine, peer, ours=False)
    assert f"higher priority {BETTER}" in engine.events("role")[-1]["text"]


def test_we_take_over_at_once_when_the_peer_says_farewell(engine: Engine, peer: Peer) -> None:
    peer.start(BETTER)
    peer.becomes(master=True)
    engine.start()
    engine.becomes("backup")
    eventually(lambda: engine.status()["interfaces"][0]["partner_priority"] == BETTER)

    peer.stop()
    stopped = time.time()

    assert engine.since("master") - stopped < 0.5
    assert "192.168.12.142 gave" in engine.events("role")[-1]["text"]


def test_we_take_over_when_the_peer_falls_silent_and_return_the_role(
    engine: Engine, peer: Peer, network: Network
) -> None:
    peer.start(BETTER)
    peer.becomes(master=True)
    engine.start()
    engine.becomes("backup")
    eventually(lambda: engine.status()["interfaces"][0]["partner_priority"] == BETTER)

    network.cable(peer.port, plugged=False)
    silent = time.time()
    assert engine.since("master") - silent < 1.5

    network.cable(peer.port, plugged=True)
    engine.becomes("backup")
    peer.becomes(master=True)
    nothing_moves(engine, peer, ours=False)


def test_the_peer_takes_over_at_once_when_we_stop(engine: Engine, peer: Peer) -> None:
    engine.start()
    engine.becomes("master")
    peer.start(WORSE)
    time.sleep(SETTLED)

    with ear(engine.namespace, IPV4) as listening:
        engine.stop()
        stopped = time.time()
        assert heard_at(listening, peer.advertises) - stopped < 0.7

    peer.becomes(master=True)
    assert not we_hold(engine)


def test_the_peer_takes_over_when_we_are_killed_and_we_take_the_role_back(engine: Engine, peer: Peer) -> None:
    engine.start()
    engine.becomes("master")
    peer.start(WORSE)
    time.sleep(SETTLED)

    engine.kill()
    peer.becomes(master=True)

    engine.start()
    engine.becomes("master")
    peer.becomes(master=False)
    nothing_moves(engine, peer, ours=True)


def test_a_quick_restart_of_ours_goes_unnoticed_by_the_peer(engine: Engine, peer: Peer) -> None:
    engine.start()
    engine.becomes("master")
    peer.start(WORSE)
    time.sleep(SETTLED)

    for _ in range(3):
        engine.kill()
        engine.start()
        engine.becomes("master")
        nothing_moves(engine, peer, ours=True, seconds=0.5)
