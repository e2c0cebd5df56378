"""Break every rule of the election, one at a time, and see whether the tests and the simulation notice.

A mutant is one small change of the source: a comparison shifted or turned round, a condition forced, a number
moved by one, a statement left out, two effects in the wrong order, one role or errand for another. Each mutant runs
in a process of its own: a few schedules of the simulation, the unit tests of the election, many more schedules. It
is killed as soon as one of them fails. What survives is printed with its line: either a rule that nobody checks, or
a change that makes no difference (see EQUIVALENT).

    python bench/mutate_election.py                     all mutants
    python bench/mutate_election.py --seeds 1000        more schedules for those that tests let pass
    python bench/mutate_election.py --only simulation   what the simulation alone kills
    python bench/mutate_election.py vigil:120           mutants of one line
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.abc
import importlib.util
import io
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mutants import Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
MODULES = ("election", "vigil", "refrain", "reign", "handover", "paths", "priority")
FIRST_SEEDS = 20
"""Schedules before the unit tests: most mutants die of them, and they cost less than starting pytest."""
PATIENCE = 5
"""Seconds of processor time, more for many seeds, after which a mutant counts as hanging, and so as killed."""
MEMORY = 2 << 30

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "election",
        "self._settings = events.Settings((), enabled=False)",
        "False  ->  True",
    ): "Started brings the settings before anything looks at them",
    (
        "election",
        "if self._handover.floor is not None and self._vigil.handed_back(self._paths, now):",
        (
            "self._handover.floor is not None and self._vigil.handed_back(self._paths, now)  ->  "
            "self._vigil.handed_back(self._paths, now)"
        ),
    ): "a shortcut: no floor stays no floor",
    (
        "election",
        "if errand is not None and self._give_up_at <= now:",
        "errand is not None and self._give_up_at <= now  ->  self._give_up_at <= now",
    ): "without an errand nothing is given up; the check is for the type checker",
    (
        "election",
        "if now < self._only_adverts_until and isinstance(event, events.Tick):",
        "if now < self._only_adverts_until and isinstance(event, events.Tick):  ->  if False:",
    ): "a shortcut",
    ("election", "if news:", "if news:  ->  if True:"): "without the shortcut",
    (
        "refrain",
        "self._instant = Instant(AT_ONCE)",
        "self._instant = Instant(AT_ONCE)  ->  left out",
    ): "set before it is read",
    (
        "refrain",
        "if path is None or path.last is None:",
        "path is None or path.last is None  ->  path is None",
    ): "somebody was heard there just now; the check is for the type checker",
    (
        "reign",
        "self._said = AdvertiseEverywhere(FAREWELL)",
        "self._said = AdvertiseEverywhere(FAREWELL)  ->  left out",
    ): "set before it is read",
    ("reign", "self._beats = 0", "0  ->  1"): "any number will do",
    ("reign", "self._beats += 1", "1  ->  2"): "the same",
    ("reign", "self._interval = Nanoseconds(0)", "0  ->  1"): "set before it is read",
    ("reign", "self._interval = Nanoseconds(0)", "self._interval = Nanoseconds(0)  ->  left out"): "the same",
    (
        "paths",
        "if path.pending or path.burst_due < NEVER:",
        "if path.pending or path.burst_due < NEVER:  ->  if True:",
    ): "without the shortcut",
    (
        "paths",
        "if path.pending or path.burst_due < NEVER:",
        "path.burst_due < NEVER  ->  path.burst_due <= NEVER",
    ): "without the shortcut",
    ("paths", "if path.crowded:", "if path.crowded:  ->  if True:"): "without the shortcut",
    ("priority", "AT_ONCE = Nanoseconds(0)", "0  ->  1"): "early enough",
    (
        "vigil",
        "self._silent_since = Nanoseconds(0)",
        "self._silent_since = Nanoseconds(0)  ->  left out",
    ): "begin() sets it before it is read",
    ("vigil", "self._silent_since = Nanoseconds(0)", "0  ->  1"): "begin() sets it before it is read",
    (
        "vigil",
        "if hearing.priority > rival.priority:",
        "hearing.priority > rival.priority  ->  hearing.priority >= rival.priority",
    ): "of two equal claims either will do",
    (
        "vigil",
        "if self.resynchronised or (self.newest is not None and self.newest.priority == FAREWELL):",
        "self.newest is not None and self.newest.priority == FAREWELL  ->  self.newest.priority == FAREWELL",
    ): "a challenge implies that somebody was heard; the check is for the type checker",
    (
        "vigil",
        "if newest is not None and since is not None and now >= self._challenge_due(since, priority, settings):",
        (
            "newest is not None and since is not None and (now >= self._challenge_due(since, priority, settings))"
            "  ->  since is not None and now >= self._challenge_due(since, priority, settings)"
        ),
    ): "a challenge implies that somebody was heard; the check is for the type checker",
    ("reign", "self.next_advert = NEVER", "self.next_advert = NEVER  ->  left out"): "set before it is read",
    ("paths", "self.answered = -1", "1  ->  2"): "before any",
    ("paths", "self.crowded = False", "False  ->  True"): "a shortcut",
    ("paths", "self._told_at = Nanoseconds(0)", "0  ->  1"): "set before it is read",
    (
        "paths",
        "self._told_at = Nanoseconds(0)",
        "self._told_at = Nanoseconds(0)  ->  left out",
    ): "set before it is read",
    ("paths", "self._rival_until = Nanoseconds(0)", "0  ->  1"): "set before it is read",
    (
        "paths",
        "self._rival_until = Nanoseconds(0)",
        "self._rival_until = Nanoseconds(0)  ->  left out",
    ): "set before it is read",
    ("paths", "self.rival_told = True", "True  ->  False"): "set before it is read",
    ("paths", "self.rival_told = True", "self.rival_told = True  ->  left out"): "set before it is read",
    ("paths", "if len(self.hearings) > 1:", "if len(self.hearings) > 1:  ->  if True:"): "a shortcut",
    ("paths", "if len(self.hearings) > 1:", "len(self.hearings) > 1  ->  len(self.hearings) >= 1"): "a shortcut",
    ("priority", "NEVER = Nanoseconds(1 << 63)", "63  ->  64"): "late enough",
    ("priority", "NEVER = Nanoseconds(1 << 63)", "63  ->  62"): "late enough",
    ("priority", "NEVER = Nanoseconds(1 << 63)", "1  ->  2"): "late enough",
}
"""Mutants that make no difference, as (module, line of source, change), and why."""


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"cluster.vrrp.{mutant.module}"
        self._source = mutant.source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._name, "exec"), module.__dict__)


def _tests_notice(tree: Path) -> bool:
    tests = sorted(str(path) for path in (tree / "tests/cluster/vrrp").glob("test_election_*.py"))
    arguments = ["-x", "-q", "--assert=plain", "-c", str(tree / "pytest.ini"), "--rootdir", str(tree), *tests]
    return pytest.main(["-p", "no:cacheprovider", *arguments]) != pytest.ExitCode.OK


def _try_in_child(mutant: Mutant, only: str, seeds: int, tree: Path) -> str:
    """What killed the mutant, or ``survived``; runs in a process that dies with it."""
    sys.meta_path.insert(0, _Changed(mutant))
    try:
        from tests.simulation.schedule import run  # noqa: PLC0415 - it imports the mutant

        for seed in range(FIRST_SEEDS if only != "tests" else 0):
            run(seed)
        if only != "simulation" and _tests_notice(tree):
            return "tests"
        for seed in range(FIRST_SEEDS, seeds if only != "tests" else 0):
            run(seed)
    except AssertionError:
        return "simulation"
    except Exception:  # noqa: BLE001 - a mutant may fail in any way, and every way is noticed
        return "crash"
    return "survived"


VERDICTS = ("survived", "tests", "simulation", "crash")


def _start(mutant: Mutant, only: str, seeds: int, tree: Path) -> int:
    """Fork a process for a mutant; its exit code is the place of the verdict."""
    pid = os.fork()
    if pid:
        return pid
    patience = PATIENCE + seeds // 60
    resource.setrlimit(resource.RLIMIT_CPU, (patience, patience))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        verdict = _try_in_child(mutant, only, seeds, tree)
    os._exit(VERDICTS.index(verdict))


def run_all(chosen: list[Mutant], only: str, seeds: int, workers: int, tree: Path) -> list[tuple[Mutant, str]]:
    """Run every mutant in a process of its own, some at a time."""
    results: list[tuple[Mutant, str]] = []
    running: dict[int, Mutant] = {}
    waiting = chosen[::-1]
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            running[_start(mutant, only, seeds, tree)] = mutant
        pid, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        verdict = VERDICTS[code] if 0 <= code < len(VERDICTS) else "hangs"
        mutant = running.pop(pid)
        results.append((mutant, verdict))
        if verdict == "survived":
            print(f"survived  {mutant.module}.py:{mutant.line}  {mutant.change}", flush=True)
    return results


def copy_of_the_sources(place: Path) -> None:
    """A copy of product and tests, so that the run is not disturbed by anybody's editor."""
    for package in ("cluster", "tests"):
        shutil.copytree(ROOT / package, place / package, ignore=shutil.ignore_patterns("__pycache__"))
    (place / "pytest.ini").write_text("[pytest]\n")
    sys.path.insert(0, str(place))


def main() -> int:
    """Run the mutants; 1 if one survived that makes a difference."""
    with tempfile.TemporaryDirectory() as place:
        copy_of_the_sources(Path(place))
        return run_chosen(Path(place))


def run_chosen(tree: Path) -> int:
    """Run what the command line asks for on a copy of the sources."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="*", help="module or module:line")
    parser.add_argument("--only", choices=("both", "tests", "simulation"), default="both")
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="print the mutants and run none")
    chosen = parser.parse_args()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    every = [mutant for module in MODULES for mutant in mutants(tree, module)]
    if chosen.places:
        every = [one for one in every if {one.module, f"{one.module}:{one.line}"} & set(chosen.places)]
    different = [one for one in every if (one.module, one.text, one.change) not in EQUIVALENT]
    if chosen.list:
        print("\n".join(f"{one.module}.py:{one.line}  {one.change}" for one in different))
        return 0
    began = time.monotonic()
    results = run_all(different, chosen.only, chosen.seeds, chosen.workers, tree)
    counts = Counter(verdict for _, verdict in results)
    killed = len(results) - counts["survived"]
    killers = [f"{count} by {kind}" for kind, count in sorted(counts.items()) if kind != "survived"]
    print(
        f"{len(results)} mutants, {killed} killed ({', '.join(killers)}), "
        f"{counts['survived']} survived: {100 * killed / max(1, len(results)):.1f} %; "
        f"{len(every) - len(different)} equivalent ones left out; {time.monotonic() - began:.0f} s"
    )
    return 1 if counts["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
