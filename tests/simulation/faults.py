"""What can go wrong: each fault strikes at an instant, says so in the transcript, and mends itself later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.units import NANOSECONDS_PER_SECOND
from cluster.vrrp.events import Configured, Role, StopAsked, SwitchAsked, UsableChanged
from tests.simulation.network import STRANGER, Segment, Weather

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.simulation.node import Node
    from tests.simulation.world import World

DETECTION = 5_000_000
"""From a pulled cable to the word of the kernel."""
HEARTBEAT_LIMIT = 400_000_000
"""A supervisor notices a dead or stopped engine within this."""

JOINS = 1
"""Role changes of a node that becomes backup before it takes, or is given, anything."""


def _while(world: World, rng: Random) -> int:
    """How long a fault lasts: from less than an interval to many."""
    interval = world.nodes[0].settings.advert_interval.nanoseconds
    return int(interval * rng.choice((0.3, 1, 3, 5, 12, 25)) * (0.5 + rng.random()))


def _node(world: World, rng: Random) -> Node:
    return world.nodes[rng.randrange(2)]


def _some(world: World, rng: Random) -> list[Segment]:
    return list(world.segments) if rng.random() < 0.5 else [rng.choice(world.segments)]


def _names(segments: list[Segment]) -> str:
    return ", ".join(segment.name for segment in segments)


# --- cables --------------------------------------------------------------------------------------------


def plug(world: World, node: Node, segment: Segment, usable: bool) -> None:
    """A cable is plugged or pulled; the kernel says so a moment later."""
    (segment.unplugged.discard if usable else segment.unplugged.add)(node.number)
    world.surroundings_changed()
    world.at(world.now + DETECTION, node.deliver, (UsableChanged(segment.name, usable),))


def link(world: World, rng: Random) -> None:
    node, segment, lasts = _node(world, rng), rng.choice(world.segments), _while(world, rng)
    world.say("fault", f"{node.name} loses its link on {segment.name} for {lasts / 1e9:.3f} s")
    plug(world, node, segment, usable=False)
    if rng.random() < 0.9:
        world.later(lasts, plug, (world, node, segment, True))


def switch_reboot(world: World, rng: Random) -> None:
    segment, lasts = rng.choice(world.segments), _while(world, rng)
    world.say("fault", f"the switch of {segment.name} reboots, {lasts / 1e9:.3f} s")
    for node in world.nodes:
        late = rng.randrange(200_000_000)
        world.later(late, plug, (world, node, segment, False))
        world.later(late + lasts, plug, (world, node, segment, True))


# --- the air between ---------------------------------------------------------------------------------


def _cut(world: World, segments: list[Segment], ways: set[tuple[int, int]], lasts: int) -> None:
    for segment in segments:
        segment.cut |= ways
    world.surroundings_changed()
    world.later(lasts, _mend, (world, segments, ways))


def _mend(world: World, segments: list[Segment], ways: set[tuple[int, int]]) -> None:
    world.say("mended", f"{_names(segments)}: {sorted(ways)} pass again")
    for segment in segments:
        segment.cut -= ways
    world.surroundings_changed()


def one_way(world: World, rng: Random) -> None:
    way = rng.choice(((0, 1), (1, 0)))
    segments, lasts = _some(world, rng), _while(world, rng)
    where, ends = _names(segments), f"from UTM{way[0] + 1} to UTM{way[1] + 1}"
    world.say("fault", f"{where}: nothing passes {ends}, {lasts / 1e9:.3f} s")
    _cut(world, segments, {way}, lasts)


def partition(world: World, rng: Random) -> None:
    segments, lasts = _some(world, rng), _while(world, rng)
    world.say("fault", f"{_names(segments)}: nothing passes between the nodes, {lasts / 1e9:.3f} s")
    _cut(world, segments, {(0, 1), (1, 0)}, lasts)


def crossed(world: World, rng: Random) -> None:
    lasts = _while(world, rng)
    world.say("fault", f"every segment carries one direction only, {lasts / 1e9:.3f} s")
    for number, segment in enumerate(world.segments):
        _cut(world, [segment], {(0, 1) if number % 2 else (1, 0)}, lasts)


def deaf_stranger(world: World, rng: Random) -> None:
    ways = {(rng.randrange(2), STRANGER), (STRANGER, rng.randrange(2))}
    lasts = _while(world, rng)
    world.say("fault", f"the stranger is cut off: {sorted(ways)}, {lasts / 1e9:.3f} s")
    _cut(world, list(world.segments), ways, lasts)


def storm(world: World, rng: Random) -> None:
    segments, lasts = _some(world, rng), _while(world, rng)
    weather = Weather(segments[0].calm.latency, segments[0].calm.jitter)
    kind = rng.randrange(3)
    interval = world.nodes[0].settings.advert_interval.nanoseconds
    if kind != 1:
        weather.loss = rng.choice((0.05, 0.2, 0.5, 0.9))
    if kind != 0:
        weather.duplication = rng.random()
        weather.jitter = rng.randrange(2 * interval)
    world.say(
        "fault",
        f"{_names(segments)}: loses {weather.loss:.0%}, doubles {weather.duplication:.0%}, delays up to "
        f"{weather.jitter / 1e9:.4f} s, for {lasts / 1e9:.3f} s",
    )
    for segment in segments:
        segment.weather = weather
    world.delayed(weather.jitter)
    # While frames are lost or overtake each other, every interval may move the role on every segment.
    world.disturbed(2 * len(segments) * (2 + lasts // interval))
    world.surroundings_changed()
    world.later(lasts, _clear_up, (world, segments))


def _clear_up(world: World, segments: list[Segment]) -> None:
    for segment in segments:
        segment.weather = segment.calm
    world.surroundings_changed()


# --- nodes -------------------------------------------------------------------------------------------


def boot(world: World, node: Node, life: int, resume: bool = False) -> None:
    """The engine starts, unless it has been started meanwhile."""
    if node.life != life:
        return
    world.say("fault", f"{node.name} starts{' and resumes' if resume else ''}")
    node.start(resume)
    world.resynchronise(node)
    world.surroundings_changed()
    world.disturbed(JOINS)


def power_loss(world: World, rng: Random) -> None:
    node, lasts = _node(world, rng), _while(world, rng)
    if not node.alive:
        return
    world.say("fault", f"{node.name} loses power for {lasts / 1e9:.3f} s")
    node.die(power=True)
    node.handed_over = False
    world.surroundings_changed()
    world.later(lasts, boot, (world, node, node.life))


def kill(world: World, rng: Random) -> None:
    node = _node(world, rng)
    if not node.alive:
        return
    lasts = rng.choice((15_000_000, 60_000_000, HEARTBEAT_LIMIT))
    world.say("fault", f"the engine of {node.name} is killed, {lasts / 1e9:.3f} s")
    was_master = node.role is Role.MASTER
    node.handed_over = node.election.view(node.clock()).handed_over
    node.die(power=False)
    world.surroundings_changed()
    world.later(lasts, _restart, (world, node, node.life, was_master))


def _restart(world: World, node: Node, life: int, was_master: bool) -> None:
    """What the engine's shell decides from the state page: resume within the partner's Master_Down_Interval."""
    interval = node.settings.advert_interval.nanoseconds
    smallest_skew = 2 * interval // 256
    fresh = world.now - node.last_advert < 3 * interval + smallest_skew
    boot(world, node, life, was_master and fresh and node.settings.enabled)


def stop(world: World, rng: Random) -> None:
    node, lasts = _node(world, rng), _while(world, rng)
    if not node.alive:
        return
    world.say("fault", f"{node.name} is stopped in good order, off for {lasts / 1e9:.3f} s afterwards")
    node.leaving = True
    node.handed_over = False
    world.disturbed()
    node.deliver(StopAsked())
    interval = node.settings.advert_interval.nanoseconds
    world.later(5 * interval + lasts + NANOSECONDS_PER_SECOND, _start_again, (world, node, node.life))


def _start_again(world: World, node: Node, life: int) -> None:
    if node.life == life:
        node.die(power=True)
        boot(world, node, node.life)


def stall(world: World, rng: Random) -> None:
    node = _node(world, rng)
    interval = node.settings.advert_interval.nanoseconds
    lasts = int(min(HEARTBEAT_LIMIT, 4 * interval) * rng.random())
    if not node.alive or world.now < node.stalled_until:
        return
    world.say("fault", f"the engine of {node.name} gets no processor for {lasts / 1e9:.4f} s")
    node.stalled_until = world.now + lasts
    world.surroundings_changed()
    world.at(node.stalled_until, _wake, (world, node, node.life))


def _wake(world: World, node: Node, life: int) -> None:
    if node.life == life:
        node.wake()
        world.surroundings_changed()


# --- the administrator -----------------------------------------------------------------------------------


def configure(world: World, node: Node, **changes: object) -> None:
    """New settings for one node."""
    world.say("admin", f"{node.name}: {changes}")
    node.settings = node.settings._replace(**changes)
    world.disturbed()
    if changes.get("enabled"):
        world.disturbed(JOINS)
    node.deliver(Configured(node.settings))
    world.changed()


def maintenance(world: World, rng: Random) -> None:
    node, lasts = _node(world, rng), _while(world, rng)
    configure(world, node, maintenance=True)
    if rng.random() < 0.8:
        world.later(lasts, lambda: configure(world, node, maintenance=False))


def switched_off(world: World, rng: Random) -> None:
    node, lasts = _node(world, rng), _while(world, rng)
    configure(world, node, enabled=False)
    if rng.random() < 0.9:
        world.later(lasts, lambda: configure(world, node, enabled=True))


def swap_priorities(world: World, rng: Random) -> None:
    for node in rng.sample(world.nodes, 2):
        late = rng.randrange(300_000_000)
        high = not node.settings.high
        world.later(late, lambda node=node, high=high: configure(world, node, high=high))


def switch(world: World, rng: Random) -> None:
    node = next((node for node in world.nodes if node.role is Role.MASTER), _node(world, rng))
    force = rng.random() < 0.3
    refusal = node.election.switch_refusal(node.clock(), force)
    world.say("admin", f"{node.name}: cluster switch{' force 1' if force else ''} -> {refusal or 'asked'}")
    world.disturbed()
    if refusal is None or rng.random() < 0.1:
        node.deliver(SwitchAsked(force))


def hotwire(world: World, rng: Random) -> None:
    if world.hotwire:
        world.say("fault", "the hotwire is cut")
        world.cut_hotwire()
    else:
        world.say("mended", "the hotwire works")
        world.hotwire = True


def stranger(world: World, rng: Random) -> None:
    other = world.stranger
    if other is None:
        partition(world, rng)
    elif other.alive:
        world.say("fault", "the stranger disappears")
        other.alive = False
        world.changed()
    else:
        where = world.segments[other.segment].name
        world.say("fault", f"a stranger with priority {other.priority} appears on {where}")
        world.start_stranger()


FAULTS: tuple[Callable[[World, Random], None], ...] = (
    link, link, link, switch_reboot, one_way, one_way, partition, partition, crossed, deaf_stranger, storm, storm,
    power_loss, power_loss, kill, kill, stop, stall, maintenance, switched_off, swap_priorities, switch, switch,
    hotwire, stranger,
)
