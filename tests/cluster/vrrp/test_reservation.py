"""The authentication sequence across reboots, whatever the clock does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds, Seconds
from cluster.vrrp.reservation import AHEAD, Reservation, reach
from cluster.vrrp.settings import Authentication

if TYPE_CHECKING:
    from pathlib import Path

NOON = Nanoseconds(1_795_000_000 * NANOSECONDS_PER_SECOND)


def seconds_later(count: int) -> Nanoseconds:
    return Nanoseconds(NOON + count * NANOSECONDS_PER_SECOND)


def keep(reservation: Reservation, unix: Nanoseconds) -> None:
    if reservation.renew(unix):
        reservation.write()


def test_a_machine_that_boots_with_its_clock_behind_goes_on_above_all_it_sent(tmp_path: Path) -> None:
    before = Reservation(str(tmp_path), 0, AHEAD)
    for second in range(100):
        keep(before, seconds_later(second))
        sent = before.sequence.next(seconds_later(second))

    after = Reservation(str(tmp_path), 0, AHEAD)

    assert after.sequence.next(Nanoseconds(0)) > sent


def test_the_disk_is_asked_once_a_minute_not_once_an_advert(tmp_path: Path) -> None:
    reservation = Reservation(str(tmp_path), 0, AHEAD)
    written = set()
    for second in range(300):
        keep(reservation, seconds_later(second))
        reservation.sequence.next(seconds_later(second))
        written.add((tmp_path / "vrrp.sequence").read_text())

    assert len(written) <= 6


def test_an_orderly_stop_keeps_exactly_what_was_used(tmp_path: Path) -> None:
    before = Reservation(str(tmp_path), 0, AHEAD)
    keep(before, NOON)
    last = before.sequence.next(NOON)

    before.settle()

    assert Reservation(str(tmp_path), 0, AHEAD).sequence.last == last


def test_the_state_page_knows_better_than_the_file(tmp_path: Path) -> None:
    keep(Reservation(str(tmp_path), 0, AHEAD), NOON)

    assert Reservation(str(tmp_path), 42, AHEAD).sequence.last == 42


def test_without_a_state_directory_nothing_is_written() -> None:
    reservation = Reservation(None, 0, AHEAD)

    keep(reservation, NOON)
    reservation.settle()

    assert reservation.sequence.last == 0


def test_a_state_directory_that_cannot_be_written_is_an_error_to_report(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keep(Reservation(str(tmp_path / "missing"), 0, AHEAD), NOON)


@pytest.mark.parametrize("damage", ["", "no number\n", "\xff"])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    (tmp_path / "vrrp.sequence").write_text(damage)

    assert Reservation(str(tmp_path), 0, AHEAD).sequence.last == 0


@pytest.mark.parametrize(("freshness", "expected"), [(None, AHEAD), (60, 30), (1000, AHEAD), (1, 2)])
def test_a_reservation_never_reaches_out_of_the_freshness_window(freshness: int | None, expected: int) -> None:
    authentication = Authentication(freshness=None if freshness is None else Seconds(freshness))

    assert reach(authentication) == expected
