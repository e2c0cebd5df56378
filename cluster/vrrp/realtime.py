"""What keeps the engine on time on a busy machine: real-time scheduling and locked memory, where permitted."""

from __future__ import annotations

import gc
import os

PRIORITY = 50
_TIMER_SLACK = "/proc/self/timerslack_ns"
_PR_SET_DUMPABLE = 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


def schedule() -> str:
    """Ask for SCHED_RR, and for timers that do not wait to be merged with others; harmless when asked twice.

    Returns:
        A phrase for `cluster status`.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(PRIORITY))
    except OSError as problem:
        _tighten_timers()
        return f"SCHED_RR is not permitted ({problem.strerror})"
    return f"SCHED_RR priority {PRIORITY}"


def forgo_collection() -> None:
    """Collect no garbage: what the start left is none, and the loop makes no cycles."""
    gc.freeze()
    gc.disable()


def lock_memory() -> str:
    """Keep every page in memory once it is there, so that the engine never waits for a disk.

    And in no other place: this process holds keys, and leaves no core dump (a limit on their size does not keep
    them from a program that collects them).

    Called aside, after the first adverts are out: importing ctypes costs milliseconds, or waits for a disk.

    Returns:
        A phrase for `cluster status`.
    """
    import ctypes  # noqa: PLC0415 - see above

    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if library.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT):
        return f"locking memory is not permitted ({os.strerror(ctypes.get_errno())})"
    return "memory locked"


def _tighten_timers() -> None:
    """Without real time, at least wake up to the microsecond; the default merges timers within 50."""
    try:
        handle = os.open(_TIMER_SLACK, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        # A kernel without that file: timers are 50 microseconds coarser, nothing else.
        return
    try:
        os.write(handle, b"1000")
    finally:
        os.close(handle)
