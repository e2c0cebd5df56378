"""Shows adverts to managers that want to see them: as they were on the wire, and what became of them.

Nothing is done while nobody looks. Somebody who looks and does not read loses adverts, which are counted; the
engine never waits for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from cluster.errors import NotFoundError, ProtocolError
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster.vrrp.control_server import ControlServer
    from cluster.vrrp.ports import Ports
    from cluster.vrrp.reject import Reject


class Seen(NamedTuple):
    """One advert on its way in or out.

    Attributes:
        unix: nanoseconds since 1970, UTC.
        sent: by us; otherwise received.
        frame: the whole Ethernet frame.
        verdict: received and believed: ``valid``, ``unsigned`` or ``unchecked``; sent: ``signed`` or ``unsigned``.
        reason: why it was dropped instead.
    """

    unix: Nanoseconds
    sent: bool
    frame: bytes
    verdict: str
    reason: Reject | None = None


class Captures:
    """Who looks at the adverts of which interface.

    Args:
        ports: the HA interfaces.
        server: through which they look.
    """

    def __init__(self, ports: Ports, server: ControlServer) -> None:
        self._ports = ports
        self._server = server
        self._watching: dict[int, str] = {}
        self._missed: dict[int, int] = {}

    def ask(self, manager: int, request: Mapping[str, Any]) -> None:
        """A manager wants to see the adverts of an interface from now on, or no longer.

        Raises:
            NotFoundError: that is no HA interface.
            ProtocolError: the request is malformed.
        """
        name, on = request.get("interface"), request.get("on")
        if not isinstance(name, str) or not isinstance(on, bool):
            raise ProtocolError("a capture names an interface and says whether it is on")
        names = [port.settings.name for port in self._ports]
        if on and name not in names:
            known = f"those in force are {', '.join(names)}" if names else "none is in force"
            raise NotFoundError(f"{name} is no HA interface with a virtual address; {known}")
        self.forget(manager)
        if on:
            self._watching[manager] = name
            # An event that finds no room hangs its reader up; somebody who only looks shall not come to that.
            self._server.quiet.add(manager)
            self.renew()

    def forget(self, manager: int) -> None:
        """A manager looks no longer."""
        if self._watching.pop(manager, None) is not None:
            self._missed.pop(manager, None)
            self._server.quiet.discard(manager)
            self.renew()

    def renew(self) -> None:
        """Let exactly those interfaces show adverts that somebody looks at; to be called when interfaces change."""
        watched = set(self._watching.values())
        for port in self._ports:
            port.seen = self._seen if port.settings.name in watched else None

    def _seen(self, name: str, seen: Seen) -> None:
        for manager, watched in self._watching.items():
            if watched == name:
                missed = self._missed.get(manager, 0)
                self._missed[manager] = 0 if self._server.show(manager, _packet(name, seen, missed)) else missed + 1


def _packet(name: str, seen: Seen, missed: int) -> bytes:
    return json.dumps({
        "capture": {
            "at": seen.unix / NANOSECONDS_PER_SECOND,
            "interface": name,
            "sent": seen.sent,
            "frame": seen.frame.hex(),
            "accepted": seen.reason is None,
            "verdict": seen.verdict if seen.reason is None else seen.reason.value,
            "explained": "" if seen.reason is None else seen.reason.explanation,
            "missed": missed,
        }
    }).encode()
