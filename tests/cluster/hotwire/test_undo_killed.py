"""Either node, killed at every step of `system config rollback both 1` between two real clusterds.

Each case sends a configuration, lets the node to be killed run under halting.py, and ends with both nodes back at
what they had before: one pair serves them all.
"""

from __future__ import annotations

import json
import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.errors import UnreachableError
from cluster.rpc.messages import (
    ConfigReply,
    Configs,
    GetConfig,
    ListConfigs,
    RollBackBoth,
    SaveConfig,
    SetStartConfig,
    Synchronize,
)
from tests.support.appliance import until
from tests.support.netns import why_not
from tests.support.pair import in_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.appliance import Appliance
    from tests.support.pair import Pair

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.xdist_group("killed undoing"),
]

AT_SENDER = ["before:ask-undo", "after:ask-undo", "after:name", "after:point", "after:return", "before:mark"]
AT_RECEIVER = ["before:answer-undo", "after:point", "after:undo", "before:mark", "after:answer-undo"]
"""`name` and `point` lie within the one transaction of a node."""
NUMBERS = count(1)


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    with tempfile.TemporaryDirectory(prefix="killed") as directory, in_step(Path(directory)) as made:
        yield made


class Case:
    """One synchronization that is undone on both nodes.

    Args:
        pair: synchronized nodes.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        pair.await_sync("synchronized")
        number = next(NUMBERS)
        self.old, self.new = self.of(pair.master), (20 + number, f"c{number}")
        assert self.of(pair.spare) == self.old
        pair.master.set(
            cluster__advert_interval=self.new[0], globals={f"GLOB_{n}": [self.new[1]] * 50 for n in range(20)}
        )
        pair.master.update()
        pair.master.ask(SaveConfig(self.new[1]))
        pair.master.ask(SetStartConfig(self.new[1]))
        pair.master.ask(Synchronize())
        pair.await_sync("synchronized")

    @staticmethod
    def of(node: Appliance) -> tuple[int, str]:
        """What a node has: one configuration, which runs, boots, and holds nothing of another."""
        shown = node.ask(ListConfigs(), Configs).configs
        start = next(each.name for each in shown if each.start)
        config = node.ask(GetConfig(secrets=True), ConfigReply).config
        assert node.ask(GetConfig(start, secrets=True), ConfigReply).config == config
        assert [each.name for each in shown if each.current or each.unsaved] == [start]
        words = {word for values in config.globals.values() for word in values}
        assert len(words) <= 1
        return config.cluster.advert_interval, next(iter(words), "")

    def halting(self, victim: Appliance, moment: str) -> None:
        """Start a clusterd anew so that it dies at a moment of the undoing; its engine goes on."""
        victim.start_halting(moment, "kill")
        self.pair.await_sync("synchronized")

    def cut_off(self, victim: Appliance) -> None:
        """The undoing begins, and the victim dies of it; then it is started again."""
        with pytest.raises(UnreachableError):
            self.pair.master.ask(RollBackBoth())
        victim.start_again()

    def ends_well(self) -> None:
        """Each node had the old or the new one; the same request does the rest, and it is in force everywhere."""
        nodes = (self.pair.master, self.pair.spare)
        back = [self.of(node) == self.old for node in nodes]
        assert all(self.of(node) in {self.old, self.new} for node in nodes)
        assert back != [True, False], "the partner goes back first"
        if back == [True, True]:
            self.pair.await_sync("synchronized")
        else:
            self.pair.await_sync("pending" if back[1] else "synchronized")
            self.pair.master.ask(RollBackBoth())
            assert [self.of(node) for node in nodes] == [self.old, self.old]
            self.pair.await_sync("synchronized")
        for node in nodes:
            until(lambda: self.in_force(node) == self.old[0], "what came back is in force")  # noqa: B023 - at once

    @staticmethod
    def in_force(node: Appliance) -> int:
        """The interval of adverts that the engine was told."""
        interval: int = json.loads((node.run / "engine.json").read_text())["advert_interval"]
        return interval


@pytest.mark.parametrize("moment", AT_SENDER)
def test_the_node_that_sent_is_killed_at_any_step_of_undoing_on_both(pair: Pair, moment: str) -> None:
    case = Case(pair)
    case.halting(pair.master, moment)
    case.cut_off(pair.master)
    case.ends_well()


@pytest.mark.parametrize("moment", AT_RECEIVER)
def test_the_node_that_received_is_killed_at_any_step_of_undoing_on_both(pair: Pair, moment: str) -> None:
    case = Case(pair)
    case.halting(pair.spare, moment)
    case.cut_off(pair.spare)
    case.ends_well()
