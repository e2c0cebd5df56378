"""How many may stand at the door unknown. Pure: the clock comes in as `now`.

Connections that have not logged in yet are few, in all, of each source, and of those sources that sent wrong
passwords lately: of these a further one is turned away before it costs anything. Any other newcomer is let in, for
it may be an administrator: the one leaves that stands there longest of those who sent a password or come from such
a source; if there is none, of the source that takes most room. So guessers keep nobody out who shows a key.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

IN_ALL = 256
OF_A_SOURCE = 12
OF_SUSPECTS = 16


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
    suspect: bool = False


class Entrance:
    """Who stands at the door; each by a number of the caller's."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Stranger] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def arrive(self, number: int, source: str, now: float, *, suspect: bool = False) -> int | None:
        """Somebody connected; the number of who has to leave, if anybody has: perhaps the newcomer.

        Args:
            number: of the connection.
            source: see `source_of`.
            now: monotonic seconds.
            suspect: wrong passwords came from this source lately.
        """
        if suspect and sum(stranger.suspect for stranger in self._waiting.values()) >= OF_SUSPECTS:
            return number
        crowd = Counter(stranger.source for stranger in self._waiting.values())
        leaving = None
        if crowd[source] >= OF_A_SOURCE:
            leaving = self._first_of(source)
        elif len(self._waiting) >= IN_ALL:
            leaving = self._first_suspect() or self._first_of(crowd.most_common(1)[0][0])
        if leaving is not None:
            del self._waiting[leaving]
        self._waiting[number] = _Stranger(source, now, suspect)
        return leaving

    def guessed(self, number: int) -> None:
        """They sent a password, right or wrong."""
        if number in self._waiting:
            self._waiting[number].suspect = True

    def leave(self, number: int) -> None:
        """They were let in, or hung up."""
        self._waiting.pop(number, None)

    def _first_suspect(self) -> int | None:
        there = [(stranger.since, number) for number, stranger in self._waiting.items() if stranger.suspect]
        return min(there)[1] if there else None

    def _first_of(self, source: str) -> int:
        there = [each for each in self._waiting.items() if each[1].source == source]
        number, _ = min(there, key=lambda each: (not each[1].suspect, each[1].since))
        return number
