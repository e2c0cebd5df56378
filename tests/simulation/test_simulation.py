"""Thousands of random schedules, none of which may break an invariant."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.__main__ import replay
from tests.simulation.invariants import Broken, Watch
from tests.simulation.schedule import INTERVALS, MINIMUM_FAULTS, run

SCHEDULES = int(os.environ.get("SCHEDULES", "20000"))
SOAK_SECONDS = int(os.environ.get("SOAK_SECONDS", "0"))
"""With this, the schedules after those of every test run, for so long."""


@pytest.mark.timeout(600 + SCHEDULES // 20 + SOAK_SECONDS)
def test_no_schedule_breaks_an_invariant() -> None:
    soak = ["--first", str(SCHEDULES), "--seconds", str(SOAK_SECONDS)] if SOAK_SECONDS else []
    finished = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--count", str(SCHEDULES), "--workers", "2", *soak],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-20_000:] + finished.stderr[-2_000:]


def test_a_seed_replays_exactly_and_reads_as_a_transcript() -> None:
    first, held = replay(4)
    again, _ = replay(4)
    assert held
    assert first == again
    assert first.startswith("seed 4\n")
    assert "RoleChanged" in first
    assert "fault" in first
    assert "role changes" in first.splitlines()[-1]


def test_every_schedule_is_long_and_bad_enough() -> None:
    for seed in range(50):
        outcome = run(seed)
        assert outcome.intervals >= INTERVALS
        assert outcome.faults >= MINIMUM_FAULTS


def test_a_condition_may_last_as_long_as_its_bound_and_no_longer() -> None:
    watch = Watch("two of them", 10)
    watch.see(condition=True, now=100)
    watch.see(condition=True, now=110)
    with pytest.raises(Broken, match="two of them"):
        watch.see(condition=False, now=111)


def test_a_condition_that_breaks_off_is_counted_anew() -> None:
    watch = Watch("two of them", 10)
    for now in range(100, 200, 10):
        watch.see(condition=True, now=now)
        watch.see(condition=False, now=now + 5)
