"""How often the log hears of the same thing, so that nobody can fill it from outside. Pure: `now` comes in."""

from __future__ import annotations

EVERY = 60.0
"""Seconds until the same subject is worth a line again."""
KEPT = 16
"""Subjects that are remembered, and named within `EVERY`; what more there are is said in one line."""


class Complaints:
    """What was complained of lately: a line a subject and minute, and few subjects, whoever alternates."""

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}
        self._others = _Said(-EVERY)

    def line(self, subject: str, text: str, now: float) -> str | None:
        """What to write into the log; None: nothing, that was said.

        Args:
            subject: what it is about, such as an address.
            text: what is wrong.
            now: monotonic seconds.
        """
        said = self._said.get(subject)
        if said is None:
            self._forget(now)
            if len(self._said) >= KEPT:
                text = f"there are more than {KEPT} such callers; the others are not named for a minute"
                return self._others.again(text, now)
            said = self._said[subject] = _Said(now - EVERY)
        return said.again(text, now)

    def _forget(self, now: float) -> None:
        self._said = {subject: said for subject, said in self._said.items() if now - said.at < EVERY}


class _Said:
    """When it was said last, and how often it happened since without a word.

    Args:
        at: monotonic seconds.
    """

    def __init__(self, at: float) -> None:
        self.at = at
        self._unsaid = 0

    def again(self, text: str, now: float) -> str | None:
        if now - self.at < EVERY:
            self._unsaid += 1
            return None
        text += f" ({self._unsaid} times more since that was said last)" if self._unsaid else ""
        self.at, self._unsaid = now, 0
        return text
