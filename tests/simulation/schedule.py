"""A random schedule: the cluster's parameters and what goes wrong, drawn from one seed.

Every schedule lasts at least 60 advert intervals and has at least five faults. Then everything is mended except for
what lasts (cables left out, maintenance), and after `Bounds.settle` the roles must be the right ones and
must not move any more.
"""

from __future__ import annotations

from random import Random

from cluster.units import NANOSECONDS_PER_SECOND, Centiseconds, Seconds, Vrid
from cluster.vrrp.events import HaInterface, Role, Settings
from cluster.vrrp.listener import LINGER, LINGER_SHARE
from cluster.vrrp.priority import NEVER
from tests.simulation import faults
from tests.simulation.invariants import Broken, bounds
from tests.simulation.network import Segment, Weather
from tests.simulation.node import Node
from tests.simulation.stranger import Stranger
from tests.simulation.world import REPORT_EVERY, World

INTERVALS = 60
MINIMUM_FAULTS = 5


class Outcome:
    """What a schedule came to, for statistics: faults, role changes, and longest runs of every watch."""

    def __init__(self, world: World, faults: int) -> None:
        self.faults = faults
        self.changes = sum(node.changes for node in world.nodes)
        self.intervals = world.now // max(node.settings.advert_interval.nanoseconds for node in world.nodes)
        self.longest = {watch.name: watch.longest for watch in world.watches()}
        self.world = world


def _settings(rng: Random, names: list[str]) -> tuple[Settings, Settings]:
    """Two nodes of one cluster; addresses may be crossed between interfaces, priorities may be equal."""
    vrids = rng.sample(range(1, 256), len(names))
    sources = [rng.sample(range(1, 255), 2) for _ in names]
    interval = Centiseconds(rng.choice((25,) * 12 + (100,) * 4 + (50, 10, 10, 5, 2)))
    delay = Seconds(rng.choice((0, 1, 2, 2)) if interval >= 25 else 0)
    equal = rng.random() < 0.2
    high = rng.random() < 0.5

    def of(number: int) -> Settings:
        return Settings(
            tuple(
                HaInterface(name, Vrid(vrid), (10 << 24) + (place << 8) + pair[number])
                for place, (name, vrid, pair) in enumerate(zip(names, vrids, sources, strict=True))
            ),
            high=high if equal else high ^ bool(number),
            advert_interval=interval,
            trigger_delay=delay,
            resync_limit=Seconds(2 if interval >= 10 else 1),
        )

    return of(0), of(1)


def build(rng: Random, trace: list[str] | None) -> World:
    """The cluster of a schedule, not yet started."""
    names = [f"LAN{number + 1}" for number in range(rng.choice((1, 2, 2, 2, 3, 4)))]
    settings = _settings(rng, names)
    interval = settings[0].advert_interval.nanoseconds
    latency = rng.choice((50_000, 500_000, 5_000_000))
    calm = Weather(latency, rng.randrange(1, 1 + min(interval // 20, 3_000_000)))
    world = World(rng, [Segment(name, calm) for name in names], rng.choice((1, 100_000, 1_000_000)), trace)
    world.nodes = [Node(world, number, one) for number, one in enumerate(settings)]
    for node in world.nodes:
        node.linger = rng.choice((0, min(LINGER, interval // LINGER_SHARE)))
    if rng.random() < 0.3:
        priority = rng.choice((1, 50, 100, 200, 250, 252, 253, 254, 255))
        segment = rng.randrange(len(names))
        source = (10 << 24) + (segment << 8) + 255 * (rng.random() < 0.5)
        world.stranger = Stranger(segment, priority, source, settings[0].advert_interval)
    world.hotwire = rng.random() < 0.5
    first = settings[0]
    world.watch(
        bounds(
            interval=interval,
            delay=latency + calm.jitter,
            lateness=world.lateness,
            trigger_delay=first.trigger_delay.nanoseconds,
            resync_limit=first.resync_limit.nanoseconds,
            reports=REPORT_EVERY,
        )
    )
    return world


def run(seed: int, trace: list[str] | None = None) -> Outcome:
    """Run the schedule of a seed.

    Raises:
        Broken: an invariant does not hold.
    """
    rng = Random(seed)
    world = build(rng, trace)
    interval = world.nodes[0].settings.advert_interval.nanoseconds
    for node in world.nodes:
        world.at(rng.randrange(5 * interval), faults.boot, (world, node, 0))
    world.at(rng.randrange(NANOSECONDS_PER_SECOND), world.report)
    end = (INTERVALS + rng.randrange(20)) * interval
    world.end = end
    count = MINIMUM_FAULTS + rng.randrange(6)
    for fault in rng.choices(faults.FAULTS, k=count):
        world.at(rng.randrange(2 * interval, end), fault, (world, rng))
    world.run(end)
    _mend(world, rng)
    _settle(world)
    return Outcome(world, count)


def _mend(world: World, rng: Random) -> None:
    """Only what lasts remains: cables left out, maintenance, nodes switched off."""
    world.say("mended", "all segments carry everything, both nodes run")
    for segment in world.segments:
        segment.cut.clear()
        segment.weather = segment.calm
    world.surroundings_changed()


def _settle(world: World) -> None:
    """When everything had time to settle, the right node is master and nothing moves any more."""
    world.run(world.now + world.bounds.settle)
    before = [(node.role, node.changes) for node in world.nodes]
    interval = world.nodes[0].settings.advert_interval.nanoseconds
    world.run(world.now + 10 * interval)
    if before != [(node.role, node.changes) for node in world.nodes]:
        raise Broken("a role changed although nothing had happened for long")
    world.sound()
    _expect_winner(world)


def _expect_winner(world: World) -> None:
    """The one with the better priority is master; an equal, a bar or a stranger may speak against it."""
    able = [node for node in world.nodes if node.settings.enabled]
    masters = [node for node in able if node.role is Role.MASTER]
    stranger = world.stranger
    if stranger is not None and stranger.alive:
        return
    if len(able) == 1 and masters != able:
        raise Broken(f"{able[0].name} is alone and not master")
    if len(able) < 2:
        return
    if not any(segment.carries(0, 1) and segment.carries(1, 0) for segment in world.segments):
        if len(masters) != 2:
            raise Broken("without any path both must be master")
        return
    best, other = sorted(able, key=lambda node: -node.election.view(node.clock()).priority)
    better = best.election.view(best.clock()).priority > other.election.view(other.clock()).priority
    if len(masters) != 1 or (better and masters != [best] and best.election._vigil.barred_until == NEVER):
        raise Broken(f"{best.name} is the better node and not the only master")
