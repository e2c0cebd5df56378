"""Activation on a running appliance: what is unconfirmed goes back on the live system, whatever dies meanwhile."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster import activation
from cluster.model import SetValue
from cluster.rpc.messages import Activate, ConfirmActivation, EditConfig, GetHistory, History, RollBack
from cluster.units import Nanoseconds
from tests.support.appliance import Appliance, until
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

OLD, NEW = "10.1.0.1/24", "10.1.0.2/24"
FACTORY = {"interfaces": {"LAN1": {"id": 1}}, "addresses": {"1": {"device": "LAN1", "address": OLD}}}


@pytest.fixture
def node() -> Iterator[Appliance]:
    network = Network()
    with tempfile.TemporaryDirectory(prefix="life") as directory:
        Path(directory).chmod(0o755)
        namespace = network.node()
        network.wire(namespace, "LAN1", "LAN1")
        appliance = Appliance(namespace, Path(directory), FACTORY)
        appliance.start()
        yield appliance
        appliance.close()
    network.close()


def readdress(node: Appliance) -> None:
    """The edit that cuts its maker off."""
    node.ask(EditConfig((SetValue(("addresses", "1", "address"), NEW),)))


def addresses(node: Appliance) -> set[str]:
    return node.namespace.addresses("LAN1")


def test_an_address_that_nobody_confirms_comes_back(node: Appliance) -> None:
    readdress(node)

    node.ask(Activate(5))
    assert addresses(node) == {NEW}

    until(lambda: addresses(node) == {OLD}, "the old address comes back")
    until(lambda: node.has("activation-undone"), "and the event says so")
    (mine, *_) = [line for line in node.ask(GetHistory(), History).revisions if "address" in line.why]
    node.ask(RollBack(mine.number))
    node.update()
    assert addresses(node) == {NEW}, "what was tried is not lost"


def test_what_is_confirmed_stays_also_after_the_deadline_and_a_restart(node: Appliance) -> None:
    readdress(node)
    node.ask(Activate(5))
    node.ask(ConfirmActivation())

    node.kill()
    node.start()

    assert addresses(node) == {NEW}
    assert not node.has("activation-undone")
    assert not (node.run / "activation.json").exists()


@pytest.mark.parametrize("how", ["killed, and started before it", "killed, and started after it", "hangup"])
def test_it_comes_back_though_clusterd_ends_meanwhile(node: Appliance, how: str) -> None:
    readdress(node)
    node.ask(Activate(5))

    if how == "hangup":
        assert node.process is not None
        os.kill(node.process.pid, signal.SIGHUP)
    else:
        node.kill()
        if how.endswith("after it"):
            record = node.run / "activation.json"
            until(lambda: _passed(record), "the deadline passes")
        node.start()

    until(lambda: addresses(node) == {OLD}, "the old address comes back")
    until(lambda: node.has("activation-undone"), "and the event says so")


def _passed(record: Path) -> bool:
    return activation.decode(record.read_bytes()).left(Nanoseconds(time.monotonic_ns())) == 0
