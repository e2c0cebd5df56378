"""What a master says again and again: the adverts of one moment, word for word those of the last.

Nearly all turns of an idle backup bring nothing else. Then one comparison takes the place of sixty, and one instant
is set that all the hearings share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.vrrp.paths import Instant
from cluster.vrrp.priority import AT_ONCE

if TYPE_CHECKING:
    from cluster.units import Nanoseconds
    from cluster.vrrp.events import Heard
    from cluster.vrrp.paths import Paths


class Refrain:
    """The adverts heard together last time, as long as hearing them again would change nothing but its time."""

    def __init__(self) -> None:
        self._adverts: tuple[Heard, ...] = ()
        self._instant = Instant(AT_ONCE)

    def forget(self) -> None:
        """Something was heard or configured that may give the same words another meaning."""
        self._adverts = ()

    def learn(self, adverts: tuple[Heard, ...], paths: Paths, now: Nanoseconds) -> None:
        """Remember what was heard last, if all of it says one thing and nobody is heard who stands alone.

        Args:
            adverts: heard just now, in this order, and nothing since.
            paths: where they were heard.
            now: the present instant.
        """
        if paths.crowded or any(advert[1:3] != adverts[0][1:3] for advert in adverts):
            return
        instant = Instant(now)
        for advert in adverts:
            path = paths.get(advert.interface)
            if path is None or path.last is None:
                return
            path.last.share(instant)
        self._adverts, self._instant = adverts, instant

    def again(self, adverts: tuple[Heard, ...], now: Nanoseconds) -> bool:
        """Whether these are the same once more; then they are heard now."""
        # Each interface keeps the words of its last advert, so that equal ones mostly are the same object.
        if adverts != self._adverts:
            return False
        self._instant.at = now
        return True
