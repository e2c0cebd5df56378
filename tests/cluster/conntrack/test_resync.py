"""When a backup knows the master's connections, seen through counters."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from cluster.conntrack.counters import Counters
from cluster.conntrack.resync import Next, Resync
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTHING = Counters(*(0,) * len(Counters._fields))


def look(*seen: tuple[int, int]) -> Iterator[Next]:
    """Four looks a second at counters: packets heard, entries that came, both since the start."""
    resync = Resync(NOTHING)
    for number, (packets, entries) in enumerate(seen, 1):
        now = Nanoseconds(number * NANOSECONDS_PER_SECOND // 4)
        yield resync.look(NOTHING._replace(packets_received=packets, injected=entries), now)


def steps(*seen: tuple[int, int]) -> str:
    """A letter for each look: dots, an A for asking, a D for done, and nothing after that."""
    letters = {Next.LOOK_AGAIN: ".", Next.ASK: "A", Next.DONE: "D"}
    told = "".join(letters[step] for step in look(*seen))
    return told.partition("D")[0] + told[told.find("D") :][:1] if "D" in told else told


def test_while_nobody_is_heard_nothing_is_known() -> None:
    assert steps(*[(0, 0)] * 200) == "." * 200


def test_a_partner_that_is_heard_but_sends_nothing_is_asked_and_has_nothing() -> None:
    assert steps(*[(1, 0)] * 20) == "..A.D"


def test_a_partner_that_sends_is_not_asked_again_and_is_done_when_it_falls_silent() -> None:
    table = [(1, 8_000), (2, 16_000), (3, 24_000), (4, 30_000), (4, 30_000), (4, 30_000), (4, 30_000)]
    assert steps(*table) == ".....D"


def test_traffic_goes_on_while_the_rest_comes_to_its_end() -> None:
    bulk = [(1, 8_000 * (number + 1)) for number in range(5)]
    traffic = [(1, 40_000 + 900 * (number + 1)) for number in range(10)]
    assert steps(*bulk, *traffic) == "......D"


def test_a_short_stop_in_the_middle_is_not_the_end() -> None:
    assert steps((1, 8_000), (1, 16_000), (1, 16_000), (1, 24_000), (1, 24_000), (1, 24_000)) == ".....D"


def test_what_came_before_anybody_was_heard_counts_too() -> None:
    assert steps((0, 10), (0, 10), (0, 10), (0, 10)) == "..D"


def test_traffic_at_a_fifth_of_full_speed_and_more_hides_the_end() -> None:
    busy = itertools.accumulate([8_000, *[2_000] * 50])
    assert "D" not in steps(*((1, entries) for entries in busy))


def test_only_what_came_since_the_beginning_counts() -> None:
    before = NOTHING._replace(packets_received=500, injected=1_000)
    resync = Resync(before)
    assert resync.look(before, Nanoseconds(1)) is Next.LOOK_AGAIN
    assert resync.entries == 0
    resync.look(before._replace(injected=1_070), Nanoseconds(2))
    assert resync.entries == 70
