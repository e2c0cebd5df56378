"""How long a password has to wait before it is looked at. Pure: the clock comes in as `now`.

Every wrong password makes the next one wait longer, counted by account and by source; waiting attempts stand in one
line, so that many connections at once gain nothing. A source from which an account has logged in lately does not
wait for what others do to that account. Public keys never wait: nobody can guess them.

Memory is bounded: of each kind the `REMEMBERED` that were seen last are kept.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

REMEMBERED = 4096
"""Accounts, sources, and pairs of them."""
FREE = 2
"""Wrong passwords that cost no wait: fingers slip."""
ACCOUNT_LONGEST = 4.0
"""Seconds between two passwords for one account, at most: strangers must not lock an administrator out."""
SOURCE_LONGEST = 60.0
"""Seconds between two passwords from one source, at most."""
PATIENCE = 20.0
"""Seconds that a password may wait; one that had to wait longer is refused at once, unseen."""
FORGOTTEN = 900.0
"""Seconds after which a wrong password no longer counts."""


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    last: float = 0.0
    next: float = 0.0


class _Counts:
    """Wrong passwords by key, the least recently seen forgotten first."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def __len__(self) -> int:
        return len(self._counts)

    def of(self, key: str, now: float) -> _Count:
        count = self._counts.get(key)
        if count is None or now - count.last > FORGOTTEN:
            count = self._counts[key] = _Count(last=now)
        self._counts.move_to_end(key)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return count

    def wrong(self, key: str, now: float) -> int:
        """How many there were lately; a look that is remembered by nobody."""
        count = self._counts.get(key)
        return count.wrong if count is not None and now - count.last <= FORGOTTEN else 0

    def gap(self, count: _Count) -> float:
        over = count.wrong - FREE
        return min(0.25 * 2.0 ** min(over, 20), self._longest) if over >= 0 else 0.0

    def forget(self, key: str) -> None:
        self._counts.pop(key, None)


class Throttle:
    """What is known of wrong passwords."""

    def __init__(self) -> None:
        self._accounts = _Counts(ACCOUNT_LONGEST)
        self._sources = _Counts(SOURCE_LONGEST)
        self._welcome: OrderedDict[str, None] = OrderedDict()
        self._trusted: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accounts) + len(self._sources) + len(self._trusted) + len(self._welcome)

    def wait(self, account: str, source: str, now: float) -> float | None:
        """A password came: how many seconds it has to wait, or None to refuse it unseen.

        Args:
            account: that is tried, whether it exists or not.
            source: address, or network, that it comes from.
            now: monotonic seconds.
        """
        lines = [(self._sources, self._sources.of(source, now))]
        if (account, source) not in self._trusted:
            lines.append((self._accounts, self._accounts.of(account, now)))
        start = max(now, *(count.next for _, count in lines))
        if start - now > PATIENCE:
            return None
        for counts, count in lines:
            count.next = start + counts.gap(count)
        return start - now

    def suspects(self, source: str, now: float) -> bool:
        """Whether a source sent more wrong passwords than fingers slip, and nobody logged in from it lately."""
        return source not in self._welcome and self._sources.wrong(source, now) > FREE

    def welcome(self, source: str) -> None:
        """Somebody logged in from there, in whatever way."""
        self._welcome[source] = None
        self._welcome.move_to_end(source)
        while len(self._welcome) > REMEMBERED:
            self._welcome.popitem(last=False)

    def wrong(self, account: str, source: str, now: float) -> int:
        """The password was wrong; how many there were for this account lately."""
        for counts, key in ((self._accounts, account), (self._sources, source)):
            count = counts.of(key, now)
            count.wrong += 1
            count.last = now
            count.next = max(count.next, now + counts.gap(count))
        self._trusted.pop((account, source), None)
        return self._accounts.of(account, now).wrong

    def right(self, account: str, source: str) -> None:
        """The password was right: this source is trusted with this account; what others did still counts."""
        self._sources.forget(source)
        self._trusted[account, source] = None
        self._trusted.move_to_end((account, source))
        while len(self._trusted) > REMEMBERED:
            self._trusted.popitem(last=False)
