"""What happens: events and adverts, once or as a stream."""

from __future__ import annotations

from msgspec import Struct

from cluster.observed import ClusterEvent
from cluster.rpc.messages.base import Ask


class GetEvents(Ask, frozen=True, tag="events"):
    """The last role and sync changes -> Events."""

    limit: int = 200


class FollowEvents(Ask, frozen=True, tag="follow-events"):
    """Events as they happen -> a stream of Events, until the client hangs up."""


class Events(Struct, frozen=True, tag="events"):
    """Answer to GetEvents, and each message of a FollowEvents stream."""

    events: tuple[ClusterEvent, ...]


class FollowAdverts(Ask, frozen=True, tag="follow-adverts"):
    """`cluster capture`: adverts of an HA interface as they pass -> a stream: Done once it is on, then Capture."""

    interface: str


class Capture(Struct, frozen=True, tag="capture", kw_only=True):
    """Each message of a FollowAdverts stream: one advert.

    `frame` is the whole Ethernet frame in hexadecimal digits. `verdict`, of adverts received and accepted, is
    ``valid``, ``unsigned`` or ``unchecked``; of others the reason, `explained` in a sentence; of adverts sent
    ``signed`` or ``unsigned``. `missed` adverts before it were not shown, since the reader was too slow.
    """

    at: float
    interface: str
    sent: bool
    frame: str
    accepted: bool
    verdict: str
    explained: str = ""
    missed: int = 0
