"""The clocks of the engine's loop.

They give plain numbers at run time: several are read in each turn, and making each a `Nanoseconds` is a call and an
object more than an idle engine should fetch into cold caches.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.units import Nanoseconds

monotonic = cast("Callable[[], Nanoseconds]", time.monotonic_ns)
unix = cast("Callable[[], Nanoseconds]", time.time_ns)
"""Since 1970, UTC."""
