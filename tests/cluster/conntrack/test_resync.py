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


def look(*seen: tuple[int, int], expected: int | None) -> Iterator[Next]:
    """Four looks a second at counters: packets heard, entries that came, both since the start."""
    resync = Resync(NOTHING)
    for number, (packets, entries) in enumerate(seen, 1):
        now = Nanoseconds(number * NANOSECONDS_PER_SECOND // 4)
        yield resync.look(NOTHING._replace(packets_received=packets, injected=entries), now, expected)


def steps(*seen: tuple[int, int], expected: int | None = None) -> str:
    """A letter for each look: dots, an A for asking, a D for done, and nothing after that."""
    letters = {Next.LOOK_AGAIN: ".", Next.ASK: "A", Next.DONE: "D"}
    before, done, _after = "".join(letters[step] for step in look(*seen, expected=expected)).partition("D")
    return before + done


def test_while_nobody_is_heard_nothing_is_known() -> None:
    assert steps(*[(0, 0)] * 200) == "." * 200


def test_a_partner_that_is_heard_is_asked_once_and_may_have_nothing() -> None:
    assert steps((0, 0), *[(1, 0)] * 20) == ".A...D"


def test_a_partner_that_sends_is_done_when_it_falls_silent() -> None:
    table = [(1, 8_000), (2, 16_000), (3, 24_000), (4, 30_000), *[(4, 30_000)] * 5]
    assert steps(*table) == "A.....D"


def test_traffic_goes_on_while_the_rest_comes_to_its_end() -> None:
    bulk = [(1, 8_000 * (number + 1)) for number in range(5)]
    traffic = [(1, 40_000 + 900 * (number + 1)) for number in range(10)]
    assert steps(*bulk, *traffic) == "A......D"


def test_a_short_stop_in_the_middle_is_not_the_end() -> None:
    halting = [(1, 8_000), (1, 16_000), (1, 16_000), (1, 16_000), (1, 24_000), *[(1, 24_000)] * 5]
    assert steps(*halting) == "A......D"


def test_traffic_that_comes_before_the_rest_is_not_taken_for_it_where_the_partner_says_how_much_there_is() -> None:
    slow = [(1, 5), (1, 9), (1, 12), (1, 15), (1, 18), (1, 20), (1, 8_000), (1, 16_000), *[(1, 16_000)] * 5]
    assert steps(*slow, expected=15_000) == "....A.....D"
    assert steps(*slow) == "A...D"


def test_a_partner_that_says_how_much_there_is_and_sends_it_is_not_asked() -> None:
    assert steps((0, 0), (1, 8_000), (1, 16_000), *[(1, 16_000)] * 9, expected=16_000) == ".....D"
    assert steps((0, 0), *[(1, 0)] * 20, expected=0) == ".....D"


def test_entries_that_the_kernel_did_not_take_came_all_the_same() -> None:
    resync = Resync(NOTHING)
    resync.look(NOTHING._replace(injected=60, inject_failed=40), Nanoseconds(1))
    assert resync.entries == 100


def test_entries_that_never_come_are_asked_for_three_times() -> None:
    assert steps(*[(1, 100)] * 100, expected=101) == "....A...A...A...D"


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
