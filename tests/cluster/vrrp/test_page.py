"""The state page: what an engine leaves behind for its successor and for the manager."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cluster.units import Centiseconds, Nanoseconds
from cluster.vrrp.events import Role
from cluster.vrrp.page import SIZE, Page, Snapshot, beat_every, partner_patience
from tests.support.engine import ROOT, configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.netns import Namespace

NO_MOUNT = 77
ENGINE_IN_A_FULL_DIRECTORY = f"""
mount -t tmpfs -o size=32k tmpfs "$1" || exit {NO_MOUNT}
cp "$2" "$1/engine.json"
dd if=/dev/zero of="$1/filler" bs=4k status=none 2> /dev/null
exec "$3" -S -P -m cluster.vrrp --run-dir "$1"
"""


def snapshot(role: Role = Role.MASTER, advert: int = 1_000_000_000, patience: int = 750) -> Snapshot:
    never = Nanoseconds(0)
    return Snapshot(1, never, Nanoseconds(advert), Nanoseconds(patience), role, never, 0, 0, handed_over=False)


def test_what_an_engine_wrote_its_successor_finds(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.page")
    page = Page(path)
    page.interval_is(Centiseconds(25))
    page.role_is(Role.MASTER, Nanoseconds(1_795_000_000_000_000_000), handed_over=True)
    page.advertised()
    page.event = 7
    page.signed(2**63 + 5)
    page.claim()

    left = Page(path).before

    assert left is not None
    assert (left.pid, left.role, left.since) == (os.getpid(), Role.MASTER, 1_795_000_000_000_000_000)
    assert (left.event, left.sequence, left.handed_over) == (7, 2**63 + 5, True)
    assert left.advert > 0
    assert left.patience == partner_patience(Centiseconds(25))


def test_a_new_engine_does_not_speak_through_the_page_before_it_claims_it(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.page")
    page = Page(path)

    unclaimed = Page.read(path)
    page.claim()
    claimed = Page.read(path)

    assert unclaimed is not None
    assert unclaimed.pid == 0
    assert claimed is not None
    assert claimed.pid == os.getpid()


def test_the_heartbeat_is_seen_without_a_system_call_of_the_engine(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.page")
    page = Page(path)
    page.beat(Nanoseconds(5_000))

    seen = Page.read(path)

    assert seen is not None
    assert seen.heartbeat_age(Nanoseconds(7_000)) == 2_000


@pytest.mark.parametrize("damage", [b"", b"short", bytes(SIZE), b"UTMVRRP0" + bytes(SIZE)])
def test_a_page_that_is_none_is_as_good_as_no_page(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "engine.page"
    path.write_bytes(damage)

    assert Page.read(str(path)) is None
    assert Page(str(path)).before is None


def test_a_page_of_an_earlier_boot_means_nothing(tmp_path: Path) -> None:
    path = tmp_path / "engine.page"
    Page(str(path)).role_is(Role.MASTER, Nanoseconds(1), handed_over=False)
    data = bytearray(path.read_bytes())
    data[80] ^= 1
    path.write_bytes(data)

    page = Page(str(path))

    assert page.before is None
    assert page.event == 0


def test_there_is_no_page_before_the_first_engine(tmp_path: Path) -> None:
    assert Page.read(str(tmp_path / "engine.page")) is None


@pytest.mark.parametrize("symlink_target", ["victim"])
def test_a_symbolic_link_in_place_of_the_page_is_not_followed(tmp_path: Path, symlink_target: str) -> None:
    (tmp_path / symlink_target).write_bytes(b"precious")
    (tmp_path / "engine.page").symlink_to(tmp_path / symlink_target)

    with pytest.raises(OSError, match="symbolic link"):
        Page(str(tmp_path / "engine.page"))


@pytest.mark.netns
def test_a_full_run_directory_is_said_in_one_sentence(first: Namespace, tmp_path: Path) -> None:
    document, run_dir = tmp_path / "engine.json", tmp_path / "run"
    document.write_text(json.dumps(configuration()))
    run_dir.mkdir()
    words = [ENGINE_IN_A_FULL_DIRECTORY, "sh", str(run_dir), str(document), sys.executable]

    ended = subprocess.run(
        first.command("unshare", "--mount", "sh", "-c", *words),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )

    if ended.returncode == NO_MOUNT:
        pytest.skip("nothing may be mounted here")
    assert ended.returncode == 1, ended
    assert ended.stderr.count("\n") == 1
    assert f"No space left on device: '{run_dir}/engine.page'" in ended.stderr


class TestResume:
    """A master's role is taken up again while the partner cannot have noticed the gap."""

    def test_inside_the_partners_master_down_interval(self) -> None:
        assert snapshot().resumable(Nanoseconds(1_000_000_749))

    def test_not_at_its_end(self) -> None:
        assert not snapshot().resumable(Nanoseconds(1_000_000_750))

    def test_not_when_the_clock_is_before_the_last_advert(self) -> None:
        assert not snapshot().resumable(Nanoseconds(999_999_999))

    @pytest.mark.parametrize("role", [Role.BACKUP, Role.OFFLINE])
    def test_not_by_anybody_but_a_master(self, role: Role) -> None:
        assert not snapshot(role).resumable(Nanoseconds(1_000_000_001))

    def test_the_partners_patience_is_three_intervals_and_the_smallest_skew(self) -> None:
        assert partner_patience(Centiseconds(25)) == 751_953_125


def test_the_loop_turns_a_little_slower_than_adverts_come_but_always_once_a_second() -> None:
    def milliseconds(interval: int) -> int:
        return beat_every(Centiseconds(interval)) // 1_000_000

    assert [milliseconds(interval) for interval in (1, 25, 100, 4000)] == [260, 260, 1040, 1040]


@pytest.mark.parametrize("interval", [1, 10, 25, 33, 50, 100, 200, 4095])
def test_a_lost_heartbeat_is_noticed_after_more_than_a_beat_and_within_the_partners_patience(
    tmp_path: Path, interval: int
) -> None:
    path = str(tmp_path / "engine.page")
    page = Page(path)
    page.interval_is(Centiseconds(interval))
    page.claim()
    left = Page.read(path)
    assert left is not None

    limit = left.beat_limit

    assert limit == beat_every(Centiseconds(interval)) * 20 // 13
    if interval >= 25:
        # The last beat may be as old as the last advert; from the lost beat on it takes some 40 ms.
        restart = 40_000_000
        assert Centiseconds(interval).nanoseconds + limit + restart < left.patience


def test_with_the_default_timers_the_limit_is_400_milliseconds(tmp_path: Path) -> None:
    page = Page(str(tmp_path / "engine.page"))
    page.interval_is(Centiseconds(25))
    page.claim()
    left = Page.read(str(tmp_path / "engine.page"))
    assert left is not None
    assert left.beat_limit == 400_000_000
