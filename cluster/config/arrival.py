"""What both nodes last had in common, and what comes from the partner. Pure; sync_record.py keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cluster.config.revision import Content


class Base(NamedTuple):
    """When both nodes last had the same.

    Attributes:
        digest: of the shared part; empty: they never had.
        revision: number of our own revision then; None: never.
        offered: digest of what was sent last and may have arrived; empty: nothing.
    """

    digest: str
    revision: int | None
    offered: str

    @property
    def possible(self) -> tuple[str, ...]:
        """The digests that the partner may take for the base."""
        return tuple(digest for digest in (self.digest, self.offered) if digest)


class Arrival(NamedTuple):
    """What the partner sent, put together with our machine facts.

    Attributes:
        name: of the configuration at the sender.
        running: becomes the running, current and start configuration.
        applied: what the live system shall follow; None: the same.
        base: digest of the shared part.
    """

    name: str
    running: Content
    applied: Content | None
    base: str
