"""Events: numbered, kept over restarts, never told twice, told to followers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cluster.errors import ClusterError, UnreachableError
from cluster.events_log import CAPACITY, EventLog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events"


def texts(log: EventLog, limit: int = CAPACITY) -> list[str]:
    return [event.text for event in log.last(limit)]


def test_events_are_numbered_and_the_last_ones_come_oldest_first(path: Path) -> None:
    log = EventLog(path)
    for text in ("one", "two", "three"):
        log.add("note", text, at=1.0)
    assert [(event.number, event.text) for event in log.last(2)] == [(2, "two"), (3, "three")]
    assert log.last(0) == ()


def test_a_new_daemon_shows_what_the_old_one_noted_and_goes_on_counting(path: Path) -> None:
    first = EventLog(path)
    first.add("role", "became master", at=1.5, interface="LAN2", role="master", origin=7)
    second = EventLog(path)
    second.add("note", "later", at=2.0)
    assert second.last(1)[0].number == 2
    assert second.last(2)[0] == first.last(1)[0]


def test_what_the_engine_repeats_is_noted_once_even_by_a_new_daemon(path: Path) -> None:
    log = EventLog(path)
    log.add("role", "became master", at=1.0, origin=1)
    log.add("role", "became master", at=1.0, origin=1)
    again = EventLog(path)
    again.add("role", "became master", at=1.0, origin=1)
    assert texts(again) == ["became master"]


def test_an_engine_that_counts_anew_after_a_boot_is_heard(path: Path) -> None:
    EventLog(path).add("role", "before", at=1.0, origin=1)
    log = EventLog(path)
    log.add("role", "after", at=9.0, origin=1)
    assert texts(log) == ["before", "after"]


def test_a_line_torn_by_a_power_loss_is_left_out(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = EventLog(path)
    log.add("note", "one", at=1.0)
    log.add("note", "two", at=1.0)
    path.write_bytes(path.read_bytes()[:-20])
    assert texts(EventLog(path)) == ["one"]
    assert "damaged line" in caplog.text


def test_what_is_noted_after_a_torn_line_is_not_lost_with_it(path: Path) -> None:
    EventLog(path).add("note", "torn", at=1.0)
    path.write_bytes(path.read_bytes()[:-20])
    EventLog(path).add("note", "next", at=2.0)
    assert texts(EventLog(path)) == ["next"]


def test_a_journal_that_cannot_be_read_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ClusterError, match="events cannot be read: Is a directory"):
        EventLog(path)


def test_the_file_stays_bounded_and_readable_by_its_owner_only(path: Path) -> None:
    log = EventLog(path)
    for number in range(2 * CAPACITY + 10):
        log.add("note", str(number), at=1.0)
    assert CAPACITY <= len(path.read_bytes().splitlines()) < 2 * CAPACITY
    assert texts(EventLog(path))[-1] == str(2 * CAPACITY + 9)
    assert path.stat().st_mode & 0o077 == 0


def test_a_disk_that_is_full_costs_the_line_on_disk_and_nothing_else(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = EventLog(path)
    path.mkdir()
    log.add("note", "kept in memory", at=1.0)
    assert texts(log) == ["kept in memory"]
    assert "not kept on disk" in caplog.text


def test_followers_are_told_what_happens_from_now_on(path: Path) -> None:
    async def scenario() -> list[str]:
        log = EventLog(path)
        log.add("note", "before", at=1.0)
        stream = log.follow()
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        log.add("note", "one", at=1.0)
        log.add("note", "two", at=1.0)
        return [(await waiting).text, (await anext(stream)).text]

    assert asyncio.run(scenario()) == ["one", "two"]


def test_a_follower_that_is_too_slow_is_told_so_after_what_it_has(path: Path) -> None:
    seen: list[int] = []

    async def scenario() -> None:
        log = EventLog(path)
        stream = log.follow()
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        for _event in range(1000):
            log.add("note", "flood", at=1.0)
        seen.append((await waiting).number)
        async for event in stream:
            seen.append(event.number)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(UnreachableError, match="wait to be read"):
        asyncio.run(scenario())
    assert seen == list(range(1, 257))


def test_who_listens_misses_nothing_that_happens_before_it_reads(path: Path) -> None:
    log = EventLog(path)
    with log.listening() as heard:
        log.note("one", "at once")
        assert heard.get_nowait().text == "at once"
    log.note("two", "too late")
    assert heard.empty()
