"""clusterd: the program. What must be true before an engine may run, then the engine, and only then all the rest.

A start of clusterd may race the partner's Master_Down_Interval: whoever killed clusterd may have killed the engine
with it. So nothing is imported before the engine starts that its start does not need (all the rest takes several
times as long as the engine's own start), and until then clusterd does not wait for a turn on a busy machine.

    1. the command line                                     cluster/options.py
    2. the directories, and the lock of the run directory   here
    3. the engine, where nothing speaks against it          cluster/engine/early.py
    4. everything else                                      cluster/wiring.py
"""

# ruff: noqa: PLC0415 - when what is imported is what this file is about
from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from typing import TYPE_CHECKING

from cluster.errors import ClusterError, LockedError
from cluster.process.haste import haste

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cluster.options import Options

LOCK_FILE = "clusterd.lock"


def main() -> None:
    """The cluster's daemon, from its command line to its exit status."""
    again: bool | None = None
    try:
        with contextlib.ExitStack() as held:
            options, engine = _begin(held)
            from cluster import wiring

            again = wiring.run(options, engine)
    except* ClusterError as problems:
        from cluster.service import begin_log

        for text in _sentences(problems):
            begin_log().critical("%s", text)
    if again is None:
        sys.exit(1)
    if again:
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - no shell is what we want


def _begin(held: contextlib.ExitStack) -> tuple[Options, int | None]:
    """All that may race the partner's patience.

    Args:
        held: gets what has to be held as long as clusterd runs.

    Returns:
        What clusterd was told, and the pid of the engine if it was started.

    Raises:
        ClusterError: it cannot start, and why.
    """
    with haste():
        from cluster import options
        from cluster.engine import early
        from cluster.process.limits import leave_no_cores

        told = options.read(sys.argv[1:])
        leave_no_cores()
        _make_directory(told.state_dir, 0o700)
        _make_directory(told.run_dir, 0o755)
        held.enter_context(_only_one(told.run_dir))
        return told, early.start(told.run_dir, told.state_dir)


def _sentences(problems: BaseExceptionGroup[ClusterError]) -> Iterator[str]:
    """What an administrator has to know of errors that ended the start, one line each."""
    for problem in problems.exceptions:
        if isinstance(problem, BaseExceptionGroup):
            yield from _sentences(problem)
        else:
            yield problem.message
            yield from problem.details


@contextlib.contextmanager
def _only_one(run_dir: Path) -> Iterator[None]:
    """Be the only clusterd of this run directory: a second one would adopt the engine and replace our socket.

    Raises:
        LockedError: there is another one.
        ClusterError: the directory cannot be used.
    """
    try:
        handle = os.open(run_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ClusterError(f"{run_dir} cannot be used: {error.strerror}") from error
    with contextlib.ExitStack() as leaving:
        leaving.callback(os.close, handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(f"another clusterd runs in {run_dir}") from None
        yield


def _make_directory(path: Path, mode: int) -> None:
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise ClusterError(f"{path} cannot be made: {error.strerror}") from error


if __name__ == "__main__":
    main()
