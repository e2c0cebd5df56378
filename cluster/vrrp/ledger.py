"""What of the authentication must outlive the engine: our own sequence, and how far the others' got."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds
from cluster.vrrp.marks import Marks
from cluster.vrrp.reservation import Reservation, reach

if TYPE_CHECKING:
    from cluster.vrrp.aside import Aside
    from cluster.vrrp.page import Page
    from cluster.vrrp.reporter import Reporter
    from cluster.vrrp.settings import Authentication

SAVE_EVERY = Nanoseconds(60_000_000_000)


class Ledger:
    """Keeps both on the state page, exactly, and in the state directory, well enough for the next boot.

    Args:
        page: the state page.
        state_dir: None to keep nothing beyond a boot.
        authentication: as configured at the start.
        reporter: is told when the state directory cannot be written; the engine goes on then.
        aside: where the disk may keep us waiting.

    Attributes:
        marks: how far each sender's sequence got.
        sequence: gives our signatures their numbers.
        due: monotonic instant of the next copy to the state directory.
    """

    def __init__(
        self,
        page: Page,
        state_dir: str | None,
        authentication: Authentication,
        reporter: Reporter,
        aside: Aside,
    ) -> None:
        self._page = page
        self._state_dir = state_dir
        self._reporter = reporter
        self._aside = aside
        self._reservation = Reservation(state_dir, page.sequence, reach(authentication))
        self.sequence = self._reservation.sequence
        self.marks = Marks(page.marks)
        if page.before is None and state_dir is not None:
            self.marks.restore(state_dir)
        self.due = Nanoseconds(time.monotonic_ns() + SAVE_EVERY)

    def numbers(self, count: int, unix: Nanoseconds) -> int:
        """Numbers for so many adverts: the first one, the others follow it.

        They are on the state page before one of them is used: who dies in between may leave numbers out, but never
        lets a later life use one again.

        Args:
            count: of adverts.
            unix: nanoseconds since 1970, UTC.
        """
        first = self.sequence.next(unix, count)
        last = first + count - 1
        self._page.signed(last)
        if last >= self._reservation.enough_until and self._reservation.renew(unix):
            self._aside.do(self._reservation.write, self._failed)
        return first

    def save(self, now: Nanoseconds) -> None:
        """Copy the marks to the state directory; `now` is the monotonic clock."""
        self.due = Nanoseconds(now + SAVE_EVERY)
        if self._state_dir is not None:
            self._aside.do(self._save_marks, self._failed)

    def close(self) -> None:
        """An orderly stop: leave everything exact, and take the time for it."""
        try:
            self._save_marks()
            self._reservation.settle()
        except OSError as problem:
            self._failed(problem)

    def _save_marks(self) -> None:
        if self._state_dir is not None:
            self.marks.save(self._state_dir)

    def _failed(self, problem: OSError) -> None:
        text = f"the state directory cannot be written, signatures may repeat after a reboot: {problem}"
        self._reporter.tell_once("state", "state", "", text)
