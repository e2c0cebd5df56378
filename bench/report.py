"""How every benchmark prints: one line per case and daemon, the ratio to the peer, the target beside the figure."""

from __future__ import annotations

import os
import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Target(NamedTuple):
    """What our figure has to reach.

    Attributes:
        words: the target as people say it.
        met: told our values and the peer's (empty without a peer), whether it was reached.
    """

    words: str
    met: Callable[[Sequence[float], Sequence[float]], bool]


def heading(text: str, unit: str = "ms") -> None:
    """Begin a table; the load of the machine is part of every figure."""
    print(f"\n{text}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"  {'case':34} {'daemon':11} {'median ' + unit:>11} {'max ' + unit:>11}")


def row(case: str, daemon: str, values: Sequence[float], scale: float = 1000.0) -> None:
    """One daemon's figures; by default seconds, printed as milliseconds."""
    middle, most = (value * scale for value in (statistics.median(values), max(values)))
    print(f"  {case:34} {daemon:11} {middle:11.4g} {most:11.4g}", flush=True)


def judge(ours: Sequence[float], peer: Sequence[float], target: Target) -> None:
    """The ratio to the peer in the same run, and whether the target was met."""
    ratio = f"ratio of medians {_ratio(ours, peer)}; " if peer else ""
    verdict(f"{ratio}target {target.words}", met=target.met(ours, peer))


def verdict(text: str, *, met: bool) -> None:
    """One target."""
    print(f"    {'met   ' if met else 'MISSED'} {text}", flush=True)


def _ratio(ours: Sequence[float], peer: Sequence[float]) -> str:
    below = statistics.median(peer)
    return f"{statistics.median(ours) / below:.3f}" if below else "without meaning, the peer's is 0"


def at_most_peer(factor: float) -> Target:
    """Our median against the peer's."""

    def met(ours: Sequence[float], peer: Sequence[float]) -> bool:
        return not peer or statistics.median(ours) <= factor * statistics.median(peer)

    return Target(f"median at most {factor:g} x keepalived's", met)


def at_most(limit: float, words: str) -> Target:
    """Our worst value against a limit."""
    return Target(words, lambda ours, _peer: max(ours) <= limit)
