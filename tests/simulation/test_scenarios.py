"""Stories of two nodes, each told once: link states, handovers, one-way loss, a rebooting switch.

The invariants of the simulation hold in all of them, too.
"""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from cluster.units import Centiseconds, Seconds, Vrid
from cluster.vrrp.events import HaInterface, Resynchronised, Role, Settings, StopAsked, SwitchAsked
from tests.simulation import faults
from tests.simulation.invariants import bounds
from tests.simulation.network import Segment, Weather
from tests.simulation.node import Node
from tests.simulation.world import REPORT_EVERY, World

SECOND = 1_000_000_000
MS = 1_000_000


def pair(latency: int = MS // 2, segments: int = 2, seed: int = 1, **changes: object) -> World:
    """UTM1 high, UTM2 low, default timers; not started."""
    names = [f"LAN{number}" for number in range(1, segments + 1)]
    calm = Weather(latency, MS // 10)
    world = World(Random(seed), [Segment(name, calm) for name in names], lateness=1, trace=None)
    world.nodes = [
        Node(
            world,
            number,
            Settings(
                tuple(HaInterface(name, Vrid(place), 100 * place + number) for place, name in enumerate(names, 1)),
                high=not number,
            )._replace(**changes),
        )
        for number in (0, 1)
    ]
    world.watch(
        bounds(
            interval=world.nodes[0].settings.advert_interval.nanoseconds,
            delay=latency + MS,
            lateness=1,
            trigger_delay=2 * SECOND,
            resync_limit=30 * SECOND,
            reports=REPORT_EVERY,
        )
    )
    return world


def running(world: World) -> World:
    """Both started and settled, with all connections known."""
    for node in world.nodes:
        node.start()
        node.deliver(Resynchronised())
    world.surroundings_changed()
    world.run(world.now + 2 * SECOND)
    return world


def roles(world: World) -> tuple[str, str]:
    """What the two nodes are."""
    first, second = world.nodes
    return first.role.value, second.role.value


class Holders:
    """Notes how many nodes hold the addresses whenever that changes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.least = self.most = sum(node.held for node in world.nodes)
        self.both_since: int | None = None
        self.both_longest = 0
        changed = world.changed

        def watch() -> None:
            changed()
            count = sum(node.held for node in world.nodes)
            self.least, self.most = min(self.least, count), max(self.most, count)
            if count == 2 and self.both_since is None:
                self.both_since = world.now
            if count < 2 and self.both_since is not None:
                self.both_longest = max(self.both_longest, world.now - self.both_since)
                self.both_since = None

        world.changed = watch  # type: ignore[method-assign]


# --- link states ----------------------------------------------------------------------------------------


def unplug(world: World, links: tuple[bool, ...]) -> None:
    """Take out cables: LAN1 of UTM1, LAN1 of UTM2, LAN2 of UTM1, LAN2 of UTM2."""
    for place, usable in enumerate(links):
        if not usable:
            faults.plug(world, world.nodes[place % 2], world.segments[place // 2], usable=False)


DOCUMENTED = [
    ((True, True, True, True), ("master", "backup")),
    ((False, True, True, True), ("backup", "master")),
    ((False, False, True, True), ("master", "backup")),
    ((False, False, True, False), ("master", "master")),
    ((False, False, False, False), ("master", "master")),
]


@pytest.mark.parametrize(("links", "expected"), DOCUMENTED)
def test_the_documented_link_states_have_the_documented_roles(
    links: tuple[bool, ...], expected: tuple[str, str]
) -> None:
    world = running(pair())
    unplug(world, links)
    world.run(world.now + 10 * SECOND)
    assert roles(world) == expected


@pytest.mark.parametrize("links", list(product((True, False), repeat=4)))
def test_every_link_state_has_a_master_and_two_only_where_no_path_is_left(links: tuple[bool, ...]) -> None:
    world = running(pair())
    unplug(world, links)
    world.run(world.now + 10 * SECOND)
    path = (links[0] and links[1]) or (links[2] and links[3])
    assert roles(world).count("master") == (1 if path else 2)


@pytest.mark.parametrize("links", list(product((True, False), repeat=4)))
def test_from_every_link_state_the_cluster_comes_back_to_its_high_node(links: tuple[bool, ...]) -> None:
    world = running(pair())
    unplug(world, links)
    world.run(world.now + 5 * SECOND)
    for node in world.nodes:
        for segment in world.segments:
            faults.plug(world, node, segment, usable=True)
    world.run(world.now + 10 * SECOND)
    assert roles(world) == ("master", "backup")


def test_a_switch_that_serves_both_nodes_and_reboots_moves_nothing() -> None:
    for late in (0, 100 * MS, 400 * MS, 900 * MS):
        for first in (0, 1):
            world = running(pair())
            before = [node.changes for node in world.nodes]
            segment = world.segments[0]
            for number in (first, 1 - first):
                faults.plug(world, world.nodes[number], segment, usable=False)
                world.run(world.now + late)
            world.run(world.now + 30 * SECOND)
            for number in (first, 1 - first):
                faults.plug(world, world.nodes[number], segment, usable=True)
                world.run(world.now + late)
            world.run(world.now + 10 * SECOND)
            assert [node.changes for node in world.nodes] == before


# --- handing over -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("latency", [MS // 20, MS // 2, 5 * MS])
@pytest.mark.parametrize("planned", ["switch", "stop", "off", "maintenance"])
def test_a_planned_handover_leaves_no_instant_without_addresses_and_no_long_one_with_two(
    planned: str, latency: int
) -> None:
    for seed in range(10):
        world = running(pair(latency, seed=seed))
        holders = Holders(world)
        first = world.nodes[0]
        if planned == "switch":
            first.deliver(SwitchAsked())
        elif planned == "stop":
            first.leaving = True
            first.deliver(StopAsked())
        else:
            faults.configure(world, first, **({"enabled": False} if planned == "off" else {"maintenance": True}))
        world.run(world.now + 3 * SECOND)
        assert world.nodes[1].role is Role.MASTER
        assert (holders.least, holders.most) == (1, 2)
        assert holders.both_longest <= 20 * MS + 2 * latency + MS


def test_a_switch_there_and_back_ends_where_it_began() -> None:
    world = running(pair())
    world.nodes[0].deliver(SwitchAsked())
    world.run(world.now + 3 * SECOND)
    assert roles(world) == ("backup", "master")
    world.nodes[1].deliver(SwitchAsked())
    world.run(world.now + 3 * SECOND)
    assert roles(world) == ("master", "backup")
    world.nodes[0].deliver(SwitchAsked())
    world.run(world.now + 3 * SECOND)
    assert roles(world) == ("backup", "master")


def test_a_switch_to_a_partner_that_has_lost_more_is_taken_back() -> None:
    world = running(pair())
    faults.plug(world, world.nodes[1], world.segments[0], usable=False)
    world.run(world.now + 3 * SECOND)
    world.nodes[0].deliver(SwitchAsked())
    world.run(world.now + 3 * SECOND)
    assert roles(world) == ("master", "backup")
    world.nodes[0].deliver(SwitchAsked(force=True))
    world.run(world.now + 60 * SECOND)
    assert roles(world) == ("backup", "master")


# --- loss -----------------------------------------------------------------------------------------------


def test_one_blackholed_segment_of_two_moves_nothing_and_two_make_two_masters_until_they_heal() -> None:
    world = running(pair())
    before = [node.changes for node in world.nodes]
    world.segments[0].cut |= {(0, 1), (1, 0)}
    world.surroundings_changed()
    world.run(world.now + 10 * SECOND)
    assert [node.changes for node in world.nodes] == before
    world.segments[1].cut |= {(0, 1), (1, 0)}
    world.surroundings_changed()
    world.run(world.now + 10 * SECOND)
    assert roles(world) == ("master", "master")
    world.segments[1].cut.clear()
    world.surroundings_changed()
    world.run(world.now + SECOND)
    assert roles(world) == ("master", "backup")


@pytest.mark.parametrize("way", [(0, 1), (1, 0)])
def test_when_every_segment_carries_one_direction_only_there_is_one_master(way: tuple[int, int]) -> None:
    world = running(pair())
    for segment in world.segments:
        segment.cut.add(way)
    world.surroundings_changed()
    world.run(world.now + 250 * SECOND)
    assert sorted(roles(world)) == ["backup", "master"]
    assert sum(node.changes for node in world.nodes) <= 5


def test_crossed_one_way_segments_have_one_master() -> None:
    world = running(pair())
    world.segments[0].cut.add((0, 1))
    world.segments[1].cut.add((1, 0))
    world.surroundings_changed()
    world.run(world.now + 30 * SECOND)
    assert roles(world) == ("master", "backup")


@pytest.mark.parametrize("seed", range(20))
def test_equals_with_crossed_addresses_settle_on_one_master(seed: int) -> None:
    world = pair(seed=seed, high=True, trigger_delay=Seconds(2), advert_interval=Centiseconds(25))
    first, second = (node.settings.interfaces for node in world.nodes)
    for node, (one, other) in zip(world.nodes, ((first, second), (second, first)), strict=True):
        node.settings = node.settings._replace(
            interfaces=(one[0], one[1]._replace(source=other[1].source))
        )
    running(world)
    world.run(world.now + 5 * SECOND)
    changes = [node.changes for node in world.nodes]
    assert sorted(roles(world)) == ["backup", "master"]
    world.run(world.now + 60 * SECOND)
    assert [node.changes for node in world.nodes] == changes
