"""Our engine and somebody else's daemon on one LAN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.engine import Engine, configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.interop.peers import Peer
    from tests.support.netns import Network

    MakePeer = Callable[[type[Peer]], Peer]
    MakeEngine = Callable[..., Engine]


@pytest.fixture
def ours(tmp_path: Path, network: Network) -> Iterator[MakeEngine]:
    """Makes our engine, not yet started; 192.168.12.141 on LAN2, VRID 2, not signed unless asked for."""
    made: list[Engine] = []

    def make(**changes: Any) -> Engine:
        node = network.node()
        network.wire(node, "LAN2", "lan2", "192.168.12.141/24")
        made.append(Engine(node, tmp_path / "ours", configuration(**{"mode": "none"} | changes)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def theirs(tmp_path: Path, network: Network) -> Iterator[MakePeer]:
    """Makes a peer, not yet started; 192.168.12.142 on LAN2, VRID 2, the same virtual address and interval."""
    made: list[Peer] = []

    def make(kind: type[Peer]) -> Peer:
        if (reason := kind.why_not()) is not None:
            pytest.skip(reason)
        node = network.node()
        port = network.wire(node, "LAN2", "lan2", "192.168.12.142/24")
        made.append(kind(node, port, tmp_path / "theirs"))
        return made[-1]

    yield make
    for peer in made:
        peer.close()
