"""Run or replay schedules.

`python -m tests.simulation SEED [SEED ..]` prints the transcript of each seed; `--count N` runs the seeds from
`--first` on and prints the transcripts of those that broke an invariant, three at most; with `--seconds` it goes on
with the next ones until the time is over or an invariant breaks.
"""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import Pool

from tests.simulation.invariants import Broken
from tests.simulation.schedule import run

SHOWN = 3


def replay(seed: int) -> tuple[str, bool]:
    """The transcript of a seed, and whether its invariants held."""
    trace: list[str] = []
    try:
        outcome = run(seed, trace)
    except Broken as broken:
        return "\n".join([f"seed {seed}", *trace, f"BROKEN: {broken}"]), False
    closing = f"held: {outcome.faults} faults, {outcome.intervals} intervals, {outcome.changes} role changes"
    return "\n".join([f"seed {seed}", *trace, closing]), True


def try_out(seed: int) -> tuple[int, str, int]:
    """Run a seed without a transcript: seed, what broke (or nothing), role changes."""
    try:
        return seed, "", run(seed).changes
    except Broken as broken:
        return seed, str(broken), 0


def many(first: int, count: int, workers: int) -> list[int]:
    """Run many seeds; returns those that broke an invariant."""
    began = time.monotonic()
    with Pool(workers) as pool:
        results = list(pool.imap_unordered(try_out, range(first, first + count), chunksize=100))
    broken = sorted((seed, why) for seed, why, _ in results if why)
    for seed, why in broken:
        print(f"seed {seed}: {why}")
    changes = sum(changes for _, _, changes in results)
    print(
        f"{count} schedules from seed {first}, {changes} role changes, {len(broken)} broken, "
        f"{time.monotonic() - began:.1f} s"
    )
    return [seed for seed, _ in broken]


def main(arguments: list[str]) -> int:
    """Replay or run; 1 if an invariant broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="*", help="seeds to replay with their transcripts")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0, help="run for so long, in batches of --count")
    parser.add_argument("--workers", type=int, default=1)
    chosen = parser.parse_args(arguments)
    replays = [replay(seed) for seed in chosen.seeds]
    until = time.monotonic() + chosen.seconds
    first, broken = chosen.first, []
    while chosen.count and not broken and (first == chosen.first or time.monotonic() < until):
        broken = many(first, chosen.count, chosen.workers)
        first += chosen.count
    replays += [replay(seed) for seed in broken[:SHOWN]]
    for transcript, _ in replays:
        print(transcript)
    return 0 if all(held for _, held in replays) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
