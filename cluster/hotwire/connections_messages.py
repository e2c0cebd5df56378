"""What a node asks the other about connections while it learns them. Pure."""

from __future__ import annotations

from cluster.hotwire.words import HotwireAnswer, HotwireAsk


class HeldAsk(HotwireAsk, frozen=True, tag="held"):
    """How many connections do you hold to send them? -> Held."""


class Held(HotwireAnswer, frozen=True, kw_only=True, tag="held-answer"):
    """The state of their synchronisation in a word (cluster/conntrack/supervisor.py), and how many there are."""

    state: str
    entries: int
