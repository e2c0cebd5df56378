"""How many may stand at the door unknown. Pure: the clock comes in as `now`.

Connections that have not logged in yet are few, in all and of each source. When the place is full, the next one is
not turned away, for it may be an administrator: the one leaves who has tried a wrong password already, else the one
that has stood there longest, of the source that takes most room. A login with a key takes a fraction of a second.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

IN_ALL = 48
OF_A_SOURCE = 12


def source_of(address: str) -> str:
    """What counts as one source: an IPv4 address, or the /64 network of an IPv6 one, where all hosts are one's own.

    Args:
        address: as the socket has it, IPv4 possibly mapped into IPv6.
    """
    ip = ip_address(address.partition("%")[0])
    if not isinstance(ip, IPv6Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{IPv6Address(int(ip) >> 64 << 64)}/64"


@dataclass(slots=True)
class _Stranger:
    source: str
    since: float
    failed: bool = False


class Entrance:
    """Who stands at the door; each by a number of the caller's."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Stranger] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def arrive(self, number: int, source: str, now: float) -> int | None:
        """Somebody connected; the number of who has to leave for them, if anybody has.

        Args:
            number: of the connection.
            source: see `source_of`.
            now: monotonic seconds.
        """
        crowd = Counter(stranger.source for stranger in self._waiting.values())
        leaving = None
        if crowd[source] >= OF_A_SOURCE:
            leaving = self._first_of(source)
        elif len(self._waiting) >= IN_ALL:
            most = max(crowd.values())
            leaving = self._first_of(*(name for name, count in crowd.items() if count == most))
        if leaving is not None:
            del self._waiting[leaving]
        self._waiting[number] = _Stranger(source, now)
        return leaving

    def failed(self, number: int) -> None:
        """They tried a wrong password."""
        if number in self._waiting:
            self._waiting[number].failed = True

    def leave(self, number: int) -> None:
        """They were let in, or hung up."""
        self._waiting.pop(number, None)

    def _first_of(self, *sources: str) -> int:
        there = [(number, stranger) for number, stranger in self._waiting.items() if stranger.source in sources]
        number, _ = min(there, key=lambda each: (not each[1].failed, each[1].since))
        return number
