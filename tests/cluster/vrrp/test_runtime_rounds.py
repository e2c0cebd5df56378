"""A backup that only waits for the end of a round misses nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.engine import Engine, configuration, eventually, interface

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.netns import Namespace, Network

pytestmark = pytest.mark.netns
INTERVAL = 100
"""Centiseconds: long enough to tell what is noticed at once from what waits for the next round."""
LANS = ("LAN2", "LAN3")
IPPROTO_VRRP = 112


@pytest.fixture
def pair(network: Network, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """A master and a backup with two HA interfaces; every round the backup heard was whole."""
    engines = []
    interfaces: list[dict[str, Any]] = [interface(lan, int(lan[3]), f"192.168.20{lan[3]}.1/24") for lan in LANS]
    for number, priority in enumerate(("high", "low"), 1):
        node = network.node()
        for lan in LANS:
            network.wire(node, lan, lan, f"10.77.{lan[3]}.{number}/24")
        changes = {"priority": priority, "advert_interval": INTERVAL, "trigger_delay": 0}
        engines.append(Engine(node, tmp_path / priority, configuration(*interfaces, **changes)))
    master, backup = engines
    master.start()
    master.becomes("master")
    backup.start()
    backup.becomes("backup")
    yield master, backup
    for one in engines:
        one.close()


def waits_for_the_end_of_a_round(node: Namespace) -> bool:
    """Whether the alarm is there, which tells of news meanwhile."""
    return f":{IPPROTO_VRRP:04X} " in node.run("cat", "/proc/net/raw")


def heard(backup: Engine) -> list[int]:
    return [one["adverts_received"] for one in backup.status()["interfaces"]]


def after_a_round(backup: Engine, rounds: int) -> None:
    """Return right after so many rounds more."""
    for _ in range(rounds):
        before = heard(backup)
        eventually(lambda before=before: all(map(int.__gt__, heard(backup), before)))


def test_a_better_word_on_the_other_interface_is_heard_at_once(pair: tuple[Engine, Engine]) -> None:
    master, backup = pair
    eventually(lambda: waits_for_the_end_of_a_round(backup.namespace))
    after_a_round(backup, 2)
    assert waits_for_the_end_of_a_round(backup.namespace)

    # Whose last interface lost its link says so on the other one, and its adverts on the last one are missing.
    master.namespace.run("ip", "link", "set", LANS[-1], "down")
    cut = time.time()

    assert backup.since("master") - cut < INTERVAL / 100
    master.becomes("backup")
    assert not waits_for_the_end_of_a_round(backup.namespace)


def test_the_end_of_rounds_that_stays_away_ends_the_wait_for_it(pair: tuple[Engine, Engine]) -> None:
    _, backup = pair
    eventually(lambda: waits_for_the_end_of_a_round(backup.namespace))
    after_a_round(backup, 2)

    hook = f"type filter hook ingress device {LANS[-1]} priority 0; policy drop;"
    backup.namespace.run("nft", f"add table netdev t; add chain netdev t c {{ {hook} }}")
    before = heard(backup)
    eventually(lambda: heard(backup)[0] > before[0] + 3)

    assert heard(backup)[1] == before[1]
    assert not waits_for_the_end_of_a_round(backup.namespace)
    assert backup.is_("backup")
