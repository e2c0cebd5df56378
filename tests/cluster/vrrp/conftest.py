"""Two nodes on one LAN for the tests of the engine as a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.engine import Engine, configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.netns import Namespace, Network

    MakeEngine = Callable[..., Engine]


@pytest.fixture
def first(network: Network) -> Namespace:
    node = network.node()
    network.wire(node, "LAN2", "lan2", "192.168.12.141/24")
    return node


@pytest.fixture
def second(network: Network) -> Namespace:
    node = network.node()
    network.wire(node, "LAN2", "lan2", "192.168.12.142/24")
    return node


@pytest.fixture
def engine(tmp_path: Path, network: Network) -> Iterator[MakeEngine]:
    """Makes and starts engines; all of them end with the test, before their namespaces do."""
    made: list[Engine] = []

    def make(namespace: Namespace, *, start: bool = True, **changes: Any) -> Engine:
        new = Engine(namespace, tmp_path / f"node{len(made)}", configuration(**changes))
        made.append(new)
        if start:
            new.start()
        return new

    yield make
    for one in made:
        one.close()
