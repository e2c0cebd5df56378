"""One HA interface: its socket, its ready-made frames, and what happened on it."""

from __future__ import annotations

import errno
from _socket import AF_INET, inet_ntop
from typing import TYPE_CHECKING, NamedTuple

from cluster.net.announce import REPEAT, gratuitous_arp
from cluster.net.rtnetlink import error_name
from cluster.vrrp.auth import Claim, Signer
from cluster.vrrp.capture import Seen
from cluster.vrrp.events import Heard
from cluster.vrrp.local import Local, check_local, foreign_addresses
from cluster.vrrp.packet import (
    GROUP_IPV4,
    GROUP_MAC_IPV4,
    TRAILER_SIZE,
    Advert,
    Received,
    decode_ipv4,
    encode,
    ipv4_header,
)
from cluster.vrrp.reject import Reject, RejectedError
from cluster.vrrp.sockets import ETHERNET_HEADER, ETHERTYPE_IPV4, MAX_FRAME, advert_socket, group_membership

if TYPE_CHECKING:
    from _socket import socket
    from collections.abc import Callable

    from cluster.net.rtnetlink import Link
    from cluster.units import Nanoseconds, Priority
    from cluster.vrrp.settings import InterfaceSettings
    from cluster.vrrp.wire import Guard, Wire


_BUFFER = bytearray(MAX_FRAME)
"""One for all interfaces, read one after the other: sixty of them would never be found in a cache."""
_FRAME = memoryview(_BUFFER)


class Dropped(NamedTuple):
    """An advert that was not believed: why, and whose it was (IPv4 address as text)."""

    reason: Reject
    source: str


class Differing(NamedTuple):
    """An advert that was believed although its virtual addresses differ from ours (those that differ)."""

    heard: Heard
    source: str
    addresses: frozenset[bytes]


class _Known(NamedTuple):
    """An advert that passed every check but that of its signature.

    Attributes:
        size: of the frame.
        start: the frame up to the signature; all checks but the signature's depend on nothing else.
        received: decoded.
        claim: what its signature vouches for.
        outcome: what is told of it.
    """

    size: int
    start: bytes
    received: Received
    claim: Claim
    outcome: Heard | Differing


class Port:
    """One HA interface.

    Args:
        settings: from engine.json.
        wire: common to all interfaces.
        guard: judges signatures; None: adverts are not authenticated that way.

    Attributes:
        settings: as given.
        link: the interface as the kernel has it, None while it is missing.
        own_address: the interface's first address that is no virtual one, None without one.
        sent: adverts that left.
        received: adverts that were believed.
        unsigned: how many of these were not signed although keys are configured.
        rejected: how many were not, by reason.
        errors: system calls that failed, by symbol.
        seen: told of every advert while somebody looks, with the interface's name.
    """

    __slots__ = (
        "_addresses", "_frames", "_guard", "_known", "_local", "_membership", "_socket", "_wire", "errors", "link",
        "own_address", "received", "rejected", "seen", "sent", "settings", "unsigned",
    )

    def __init__(self, settings: InterfaceSettings, wire: Wire, guard: Guard | None) -> None:
        self.settings = settings
        self.link: Link | None = None
        self.own_address: bytes | None = None
        self.sent = 0
        self.received = 0
        self.unsigned = 0
        self.rejected: dict[Reject, int] = {}
        self.errors: dict[str, int] = {}
        self.seen: Callable[[str, Seen], None] | None = None
        self._wire = wire
        self._guard = guard
        self._socket: socket | None = None
        self._membership: socket | None = None
        self._frames: dict[Priority, tuple[bytes, Signer | None]] = {}
        self._known: _Known | None = None
        self._addresses = frozenset(v.address for v in settings.addresses)
        self._local = self._make_local()

    @property
    def source(self) -> bytes:
        """The address our adverts come from: the interface's own, else its virtual one."""
        return self.own_address or self.settings.addresses[0].address

    def configure(self, settings: InterfaceSettings, wire: Wire, guard: Guard | None) -> None:
        """Replace the configuration; socket and counters stay."""
        self.settings = settings
        self._wire = wire
        self._guard = guard
        self._addresses = frozenset(v.address for v in settings.addresses)
        self._renew()

    @property
    def running(self) -> bool:
        """Whether the interface is there and has link."""
        return self.link is not None and self.link.running

    @property
    def handle(self) -> int:
        """File descriptor of the socket, -1 while there is none."""
        return -1 if self._socket is None else self._socket.fileno()

    def attach(self, link: Link | None, own_address: bytes | None, given: socket | None = None) -> bool:
        """Take the interface as the kernel has it now.

        Args:
            link: None while it is missing.
            own_address: its first address that is no virtual one.
            given: a packet socket an earlier engine had for this interface, or None.

        Returns:
            Whether a socket was opened just now, which has to be polled.
        """
        before, self.link, self.own_address = self.link, link, own_address
        self._renew()
        if link is not None and self._socket is not None and before is not None and before.ifindex == link.ifindex:
            return False
        self.close()
        return link is not None and self._open(link, given)

    def close(self) -> None:
        """Close the sockets."""
        for found in (self._socket, self._membership):
            if found is not None:
                found.close()
        self._socket = self._membership = None

    def advertise(self, priority: Priority, number: int, unix: Nanoseconds) -> bool:
        """Send one advert.

        Args:
            priority: to say.
            number: of the signature, never used before.
            unix: nanoseconds since 1970, UTC.

        Returns:
            Whether it left.
        """
        if self._socket is None:
            self._failed(errno.ENODEV)
            return False
        frame, signer = self._frames.get(priority) or self._build(priority)
        if signer is not None:
            frame += signer.trailer(number)
        try:
            self._socket.send(frame)
        except OSError as problem:
            self._failed(problem.errno)
            return False
        self.sent += 1
        if self.seen is not None:
            self.seen(self.settings.name, Seen(unix, True, frame, "unsigned" if signer is None else "signed"))
        return True

    def announce(self) -> None:
        """Tell the network that the virtual addresses live here: several gratuitous ARP for each, at once."""
        if self._socket is None or self.link is None:
            self._failed(errno.ENODEV)
            return
        frames = [gratuitous_arp(self.link.mac, virtual.address) for virtual in self.settings.addresses]
        for frame in frames * REPEAT:
            try:
                self._socket.send(frame)
            except OSError as problem:
                self._failed(problem.errno)

    def receive(self, unix: Nanoseconds) -> Heard | Differing | Dropped | None:
        """Read one advert.

        Args:
            unix: nanoseconds since 1970, UTC.

        Returns:
            What it was; None when no more are waiting.
        """
        if self._socket is None:
            return None
        try:
            size = self._socket.recv_into(_BUFFER)
        except BlockingIOError:
            return None
        except OSError as problem:
            # ENETDOWN comes once when the interface goes down; the socket works again when it is up.
            self._failed(problem.errno)
            return None
        known = self._known
        # A master says the same for hours: only the signature is new, and only the signature is judged anew.
        if known is None or size != known.size or not _BUFFER.startswith(known.start):
            read = self._read(_FRAME[:size], unix)
            if isinstance(read, Dropped):
                return read
            known = read
        verdict = "unchecked"
        if self._guard is not None:
            at = len(known.start)
            trailer = bytes(_FRAME[at : at + TRAILER_SIZE]) if known.received.advert.trailer else b""
            judged = self._guard.judge(known.claim, trailer, unix)
            if judged.reason is not None and not judged.accepted:
                return self._drop(judged.reason, known.received.source, _FRAME[:size], unix)
            verdict = "valid" if judged.reason is None else "unsigned"
            self.unsigned += judged.reason is not None
        self._known = known
        self.received += 1
        if self.seen is not None:
            self.seen(self.settings.name, Seen(unix, False, bytes(_FRAME[:size]), verdict))
        return known.outcome

    def _read(self, frame: memoryview, unix: Nanoseconds) -> _Known | Dropped:
        try:
            received = decode_ipv4(frame[ETHERNET_HEADER:])
        except RejectedError as problem:
            return self._drop(problem.reason, bytes(frame[26:30]), frame, unix)
        reason = check_local(received, self._local, bytes(frame[6:12]))
        if reason is not None:
            return self._drop(reason, received.source, frame, unix)
        advert, source = received.advert, received.source
        heard = Heard(self.settings.name, advert.priority, advert.interval, int.from_bytes(source, "big"))
        differing = foreign_addresses(received, self._addresses)
        outcome = Differing(heard, inet_ntop(AF_INET, source), differing) if differing else heard
        # The IP header tells where the packet ends; behind it there may be padding.
        end = ETHERNET_HEADER + int.from_bytes(frame[16:18], "big")
        return _Known(len(frame), bytes(frame[: end - len(advert.trailer)]), received, Claim(received), outcome)

    def _open(self, link: Link, given: socket | None) -> bool:
        try:
            self._socket = advert_socket(link.name, link.ifindex, given)
            self._membership = group_membership(link.ifindex)
        except OSError as problem:
            self._failed(problem.errno)
        return self._socket is not None

    def _renew(self) -> None:
        self._frames.clear()
        self._known = None
        self._local = self._make_local()

    def _make_local(self) -> Local:
        return Local(
            self.settings.vrid,
            self._wire.version,
            self.own_address,
            self.link.mac if self.link else b"",
            self._wire.interval,
            self._wire.auth_type,
            self._wire.auth_data,
        )

    def _build(self, priority: Priority) -> tuple[bytes, Signer | None]:
        """Everything of the frame but the signature, kept: between two adverts nothing else changes."""
        wire = self._wire
        advert = Advert(
            wire.version,
            self.settings.vrid,
            priority,
            wire.interval,
            tuple(v.address for v in self.settings.addresses),
            wire.auth_type,
            wire.auth_data if wire.version == 2 else b"",
        )
        message = encode(advert, self.source, GROUP_IPV4)
        signer = None if wire.key is None else Signer(wire.key, self.source, message)
        size = len(message) + (TRAILER_SIZE if signer else 0)
        mac = self.link.mac if self.link else b""
        ethernet = GROUP_MAC_IPV4 + mac + ETHERTYPE_IPV4.to_bytes(2, "big")
        built = (ethernet + ipv4_header(self.source, GROUP_IPV4, size) + message, signer)
        self._frames[priority] = built
        return built

    def _drop(self, reason: Reject, source: bytes, frame: memoryview, unix: Nanoseconds) -> Dropped:
        self.rejected[reason] = self.rejected.get(reason, 0) + 1
        if self.seen is not None:
            self.seen(self.settings.name, Seen(unix, False, bytes(frame), "", reason))
        return Dropped(reason, inet_ntop(AF_INET, source) if len(source) == 4 else "")

    def failed(self, problem: OSError) -> None:
        """Count a system call that failed."""
        self._failed(problem.errno)

    def _failed(self, number: int | None) -> None:
        name = error_name(number or 0)
        self.errors[name] = self.errors.get(name, 0) + 1
