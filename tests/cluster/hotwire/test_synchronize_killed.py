"""Sender, receiver and link, killed at every step of an exchange between two real clusterds.

Each case begins from nodes that have the same, lets the one to be killed run under halting.py, and ends with both
nodes synchronized again: one pair serves them all.
"""

from __future__ import annotations

import shutil
import tempfile
from itertools import count
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from cluster.errors import UnreachableError
from cluster.rpc.messages import (
    ConfigReply,
    Configs,
    Events,
    GetConfig,
    GetEvents,
    ListConfigs,
    SaveConfig,
    SetStartConfig,
    Synchronize,
)
from tests.support.appliance import until
from tests.support.netns import why_not
from tests.support.pair import VIRTUAL, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.model import Config
    from tests.support.appliance import Appliance

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.xdist_group("killed exchanges"),
]

STEPS = ("hello", "lock", "stage", "switch")
AT_SENDER = [
    *(f"{when}:ask-{step}" for step in STEPS for when in ("before", "after")),
    "before:offer", "after:offer", "before:common", "after:common",
]  # fmt: skip
AT_RECEIVER = [
    *(f"{when}:answer-{step}" for step in STEPS for when in ("before", "after")),
    "before:receive", "before:name", "after:name", "after:receive",
    "before:activate", "after:activate", "before:mark", "after:mark",
]  # fmt: skip
NUMBERS = count(1)
STATES = {True: "synchronized", False: "pending"}
NO_LINK = "the hotwire LAN3 has no link"


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    directory = Path(tempfile.mkdtemp(prefix="killed"))
    made = Pair(directory)
    try:
        for namespace in made.namespaces.values():
            made.network.wire(namespace, "wan0", "wan")
        made.start()
        until(lambda: (made.master.role, made.spare.role) == ("master", "backup"), "roles")
        made.await_sync("synchronized")
        made.master.set(interfaces__wan0={"id": 9, "type": "WAN"})
        made.master.ask(SaveConfig())
        made.master.ask(Synchronize())
        yield made
    finally:
        made.close()
        shutil.rmtree(directory)


class Case:
    """One exchange that is interrupted.

    Args:
        pair: synchronized nodes.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        pair.await_sync("synchronized")
        self.old = self.of_spare()
        self.roles = self.role_changes()
        number = next(NUMBERS)
        self.name, self.interval, self.dial_in = f"c{number}", 20 + number, f"203.0.113.{number}/32"
        pair.master.set(
            cluster__advert_interval=self.interval,
            globals={f"GLOB_{n}": [self.name] * 50 for n in range(20)},
            addresses__9={"device": "wan0", "address": self.dial_in},
        )
        pair.master.ask(SaveConfig(self.name))
        pair.master.ask(SetStartConfig(self.name))

    def role_changes(self) -> list[tuple[float, str]]:
        """When which node took or lost the role; of as many events as are kept."""
        both = (self.pair.master, self.pair.spare)
        events = (event for node in both for event in node.ask(GetEvents(1000), Events).events)
        return [(event.at, event.role) for event in events if event.kind == "role"]

    def of_spare(self) -> tuple[str, Config]:
        """What the spare has: one configuration in one place."""
        start = next(each.name for each in self.pair.spare.ask(ListConfigs(), Configs).configs if each.start)
        running = self.pair.spare.ask(GetConfig(secrets=True), ConfigReply)
        assert self.pair.spare.ask(GetConfig(start, secrets=True), ConfigReply).config == running.config
        assert [each for each in self.pair.spare.ask(ListConfigs(), Configs).configs if each.unsaved] == []
        return start, running.config

    def halting(self, victim: Appliance, moment: str, deed: str) -> None:
        """Start a clusterd anew so that it stops at a moment of the exchange; its engine goes on."""
        victim.start_halting(moment, deed)
        self.pair.await_sync("pending")

    def has_old_or_new(self) -> bool:
        """Whether the spare has the new one; if not, it has all of the old one."""
        name, config = self.of_spare()
        if name != self.name:
            assert (name, config) == self.old
            return False
        assert config.cluster.advert_interval == self.interval
        assert config.globals == {f"GLOB_{n}": (self.name,) * 50 for n in range(20)}
        old = self.old[1]
        own = {key: each for key, each in old.addresses.items() if each.device != "wan0"}
        assert {key: each for key, each in config.addresses.items() if each.device != "wan0"} == own
        assert config.hostname == old.hostname
        assert config.cluster.priority == "low"
        assert config.cluster.hotwire_partner_keys == old.cluster.hotwire_partner_keys
        return True

    def states_tell(self) -> bool:
        """Whether `sync_state` of both says which one the spare has.

        A cable that is soon back delivers what the kernel had not sent before (packets that wait for ARP), so that
        the switch may come after its sender gave it up.
        """
        told = {node.info.sync_state for node in (self.pair.master, self.pair.spare)}
        return len(told) == 1 and "error" not in told and told == {STATES[self.has_old_or_new()]}

    def ends_well(self) -> None:
        """Both are usable: what was interrupted succeeds, and the roles never moved."""
        until(self.states_tell, lambda: f"sync_state tells what arrived\n{self.pair.logs}", 30)
        self.pair.master.ask(Synchronize())
        assert self.has_old_or_new()
        self.pair.await_sync("synchronized")
        settings = self.pair.spare.run / "engine.json"
        until(lambda: self.pair.spare.holds(self.dial_in, "wan0"), "what arrived is in force")
        until(lambda: f'"advert_interval": {self.interval}' in settings.read_text(), settings.read_text())
        assert self.role_changes() == self.roles
        assert self.pair.master.holds(VIRTUAL)


@pytest.mark.parametrize("moment", AT_SENDER)
def test_a_sender_killed_at_any_step(pair: Pair, moment: str) -> None:
    case = Case(pair)
    case.halting(pair.master, moment, "kill")
    with pytest.raises(UnreachableError):
        pair.master.ask(Synchronize())
    pair.master.start()
    case.ends_well()


@pytest.mark.parametrize("moment", AT_RECEIVER)
def test_a_receiver_killed_at_any_step(pair: Pair, moment: str) -> None:
    case = Case(pair)
    case.halting(pair.spare, moment, "kill")
    with pytest.raises(UnreachableError):
        pair.master.ask(Synchronize())
    pair.spare.start_again()
    case.ends_well()


@pytest.mark.parametrize("moment", [moment for moment in AT_SENDER if ":ask-" in moment])
def test_a_cable_pulled_at_any_step(pair: Pair, tmp_path: Path, moment: str) -> None:
    case = Case(pair)
    case.halting(pair.master, moment, f"wait:{tmp_path}")
    outcome: list[str] = []

    def send() -> None:
        try:
            pair.master.ask(Synchronize())
            outcome.append("done")
        except UnreachableError as error:
            outcome.append(error.message)

    sending = Thread(target=send)
    sending.start()
    until((tmp_path / "here").exists, "the exchange comes to this step")
    pair.plug(plugged=False)
    (tmp_path / "go").touch()
    sending.join(20)
    assert not sending.is_alive()
    arrived = case.has_old_or_new()
    assert outcome == ["done"] if arrived else NO_LINK in outcome[0]
    assert arrived == (moment == "after:ask-switch")
    pair.plug(plugged=True)
    case.ends_well()
