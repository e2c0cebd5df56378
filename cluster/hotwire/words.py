"""Base of everything that is asked and answered over the hotwire; each topic brings its own words. Pure."""

from __future__ import annotations

from msgspec import Struct


class HotwireAsk(Struct, frozen=True):
    """Base of all asks; subclasses are tagged."""


class HotwireAnswer(Struct, frozen=True):
    """Base of all answers; subclasses are tagged."""


class Failure(HotwireAnswer, frozen=True, tag="failure"):
    """A ClusterError of the partner: its code, sentence and details (cluster/errors.py)."""

    code: str
    message: str
    details: tuple[str, ...] = ()
