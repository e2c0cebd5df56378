"""Watched hosts: an HA interface counts as usable only while one of them answers (`ping_check_host`).

Each host is asked once a second (ICMP echo, RFC 792) and lost after three questions without an answer. Two
rules keep the watch from doing harm: at the start a host counts as answering until it proves the contrary, since
a restarted engine must not lower its priority; and an interface without an address of its own is not watched,
since it has nothing to ask from.
"""

from __future__ import annotations

import os
from _socket import (
    AF_INET,
    IPPROTO_ICMP,
    SO_BINDTODEVICE,
    SOCK_CLOEXEC,
    SOCK_NONBLOCK,
    SOCK_RAW,
    SOL_SOCKET,
    inet_ntop,
    socket,
)
from select import EPOLLIN
from struct import Struct
from typing import TYPE_CHECKING

from cluster.net.rtnetlink import error_name
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from select import epoll

    from cluster.vrrp.port import Port

ASK_EVERY = Nanoseconds(NANOSECONDS_PER_SECOND)
LOSSES = 3

_ECHO = Struct(">BBHHH")
_REQUEST, _REPLY = 8, 0
_SOL_RAW = 255
_ICMP_FILTER = 1
_ONLY_REPLIES = 0xFFFF_FFFE
_ANSWERS_PER_TURN = 16


class Watch:
    """The watched hosts of one interface.

    Args:
        port: the interface.
    """

    def __init__(self, port: Port) -> None:
        self.port = port
        self.unanswered = dict.fromkeys(port.settings.watch, 0)
        self._number = 0
        self._ifindex = 0
        self._socket: socket | None = None

    @property
    def answering(self) -> bool:
        """Whether a host answers, or nothing speaks against it."""
        return any(count < LOSSES for count in self.unanswered.values())

    @property
    def handle(self) -> int:
        """File descriptor of the socket, -1 while there is none."""
        return -1 if self._socket is None else self._socket.fileno()

    def close(self) -> None:
        """Stop asking."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def reopen(self) -> bool:
        """Follow the interface when it was made anew; True when there is a new socket to be polled."""
        link = self.port.link
        if link is not None and self._socket is not None and link.ifindex == self._ifindex:
            return False
        self.close()
        if link is None:
            return False
        try:
            self._socket = _echo_socket(link.name)
        except OSError as problem:
            self._failed(problem)
            return False
        self._ifindex = link.ifindex
        return True

    def ask(self) -> None:
        """Count the last question as unanswered if it was, and ask again."""
        if self._socket is None or self.port.own_address is None or not self.port.running:
            return
        self._number = (self._number + 1) & 0xFFFF
        question = _echo(os.getpid() & 0xFFFF, self._number)
        for host in self.unanswered:
            self.unanswered[host] += 1
            try:
                self._socket.sendto(question, (inet_ntop(AF_INET, host), 0))
            except OSError as problem:
                self._failed(problem)

    def receive(self) -> None:
        """Read the answers."""
        for _ in range(_ANSWERS_PER_TURN):
            try:
                packet = b"" if self._socket is None else self._socket.recv(256)
            except BlockingIOError:
                return
            except OSError as problem:
                self._failed(problem)
                return
            at = (packet[0] & 0x0F) * 4 if packet else 0
            if len(packet) < at + _ECHO.size or not packet:
                continue
            kind, _, _, identifier, _ = _ECHO.unpack_from(packet, at)
            if kind == _REPLY and identifier == os.getpid() & 0xFFFF and packet[12:16] in self.unanswered:
                self.unanswered[packet[12:16]] = 0

    def _failed(self, problem: OSError) -> None:
        name = f"watch {error_name(problem.errno or 0)}"
        self.port.errors[name] = self.port.errors.get(name, 0) + 1


class Watches:
    """The watches of all HA interfaces.

    Args:
        poller: where their sockets are registered.

    Attributes:
        due: monotonic instant of the next questions; None while nothing is watched.
    """

    def __init__(self, poller: epoll) -> None:
        self.due: Nanoseconds | None = None
        self._poller = poller
        self._watches: dict[str, Watch] = {}

    def configure(self, ports: Iterable[Port], now: Nanoseconds) -> None:
        """Follow the interfaces: call again whenever one comes, goes or changes."""
        before, self._watches = self._watches, {}
        for port in ports:
            if not port.settings.watch:
                continue
            watch = before.pop(port.settings.name, None)
            if watch is None or watch.port is not port or tuple(watch.unanswered) != port.settings.watch:
                if watch is not None:
                    watch.close()
                watch = Watch(port)
            if watch.reopen():
                self._poller.register(watch.handle, EPOLLIN)
            self._watches[port.settings.name] = watch
        for watch in before.values():
            watch.close()
        if not self._watches:
            self.due = None
        elif self.due is None:
            self.due = now

    def usable(self, port: Port) -> bool:
        """Whether an interface has link and, where hosts are watched, one that answers."""
        watch = self._watches.get(port.settings.name)
        return port.running and (watch is None or watch.answering)

    def answers(self, port: Port) -> dict[str, bool]:
        """By watched host, whether it answers."""
        watch = self._watches.get(port.settings.name)
        hosts = {} if watch is None else watch.unanswered
        return {inet_ntop(AF_INET, host): count < LOSSES for host, count in hosts.items()}

    def receive(self, handle: int) -> Port | None:
        """Read answers from the socket with this descriptor; the interface whose usability changed by them."""
        watch = next((watch for watch in self._watches.values() if watch.handle == handle), None)
        if watch is None:
            return None
        before = watch.answering
        watch.receive()
        return watch.port if watch.answering != before else None

    def owns(self, handle: int) -> bool:
        """Whether a descriptor is one of a watch."""
        return any(watch.handle == handle for watch in self._watches.values())

    def ask(self, now: Nanoseconds) -> list[Port]:
        """Ask every host; returns the interfaces whose hosts all failed to answer just now."""
        self.due = Nanoseconds(now + ASK_EVERY)
        changed = []
        for watch in self._watches.values():
            before = watch.answering
            watch.ask()
            if watch.answering != before:
                changed.append(watch.port)
        return changed


def _echo_socket(name: str) -> socket:
    found = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP)
    try:
        found.setsockopt(_SOL_RAW, _ICMP_FILTER, _ONLY_REPLIES.to_bytes(4, "little"))
        found.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, name.encode() + b"\0")
    except OSError:
        found.close()
        raise
    return found


def _echo(identifier: int, number: int) -> bytes:
    total = (_REQUEST << 8) + identifier + number
    return _ECHO.pack(_REQUEST, 0, 0xFFFF - (total % 0xFFFF or 0xFFFF), identifier, number)
