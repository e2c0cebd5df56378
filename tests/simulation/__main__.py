"""Replay schedules: `python -m tests.simulation SEED [SEED ..]` prints the transcript of each."""

from __future__ import annotations

import sys

from tests.simulation.invariants import Broken
from tests.simulation.schedule import run


def replay(seed: int) -> tuple[str, bool]:
    """The transcript of a seed, and whether its invariants held."""
    trace: list[str] = []
    try:
        outcome = run(seed, trace)
    except Broken as broken:
        return "\n".join([f"seed {seed}", *trace, f"BROKEN: {broken}"]), False
    closing = f"held: {outcome.faults} faults, {outcome.intervals} intervals, {outcome.changes} role changes"
    return "\n".join([f"seed {seed}", *trace, closing]), True


def main(arguments: list[str]) -> int:
    """Print the transcripts; 1 if one of them broke an invariant."""
    replays = [replay(int(argument)) for argument in arguments]
    for transcript, _ in replays:
        print(transcript)
    return 0 if all(held for _, held in replays) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
