"""A stretch of clusterd that a busy machine may not hold up: waiting for a turn takes longer than the work."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PRIORITY = 40
"""Above all that is not in real time, and below the engine (cluster/vrrp/realtime.py), which is never held up."""


@contextlib.contextmanager
def haste() -> Iterator[None]:
    """Be scheduled in real time within the block, where permitted, and as before afterwards.

    Only for work whose length is known, and short. Processes started within the block inherit it.
    """
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with contextlib.suppress(PermissionError):  # then as everybody else: later on a busy machine
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_PRIORITY))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)
