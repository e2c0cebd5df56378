"""The state page: what must outlive the engine, in memory that kill -9 does not take away.

A file in the run directory (a tmpfs), mapped by the engine: writing a field is a store, no system call. The
manager reads the heartbeat from it; an engine started anew reads what its predecessor left:

- whether it may resume the master role: only while the partner cannot have noticed the gap, i.e. inside the
  partner's Master_Down_Interval since our last advert (RFC 9568 section 6.1);
- the last authentication sequence used, the number of the last event, and since when the role is held.

The page belongs to one boot: instants of a monotonic clock mean nothing in the next one.
"""

from __future__ import annotations

import os
import time
from mmap import mmap
from struct import Struct
from time import CLOCK_BOOTTIME, clock_gettime_ns
from typing import NamedTuple

from cluster.units import Centiseconds, Nanoseconds
from cluster.vrrp.events import Role

MAGIC = b"UTMVRRP1"
SIZE = 4096

_LAYOUT = Struct("=8sQQQQQQQQQ16s")
_PID, _HEARTBEAT, _ADVERT, _PARTNER_PATIENCE, _ROLE, _SINCE, _EVENT, _SEQUENCE, _HANDED_OVER = range(1, 10)
_BOOT_AT = 80
_MARKS_AT = 1024
_ROLES = (Role.OFFLINE, Role.BACKUP, Role.MASTER)
_SHORTEST_BEAT, _LONGEST_BEAT = 250_000_000, 1_000_000_000
_BOOT_ID = "/proc/sys/kernel/random/boot_id"


def boot_id() -> bytes:
    """The 16 bytes that name this boot of the machine."""
    handle = os.open(_BOOT_ID, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return bytes.fromhex(os.read(handle, 64).decode().strip().replace("-", ""))
    finally:
        os.close(handle)


def beat_every(interval: Centiseconds) -> Nanoseconds:
    """How often the loop turns at least, a little longer than the advert interval.

    So each advert is a beat, and few turns are made for beats alone; 260 ms at the default of 250 ms.
    """
    return Nanoseconds(min(max(interval.nanoseconds, _SHORTEST_BEAT), _LONGEST_BEAT) * 26 // 25)


def partner_patience(interval: Centiseconds) -> Nanoseconds:
    """The shortest Master_Down_Interval a partner can have: three intervals and the skew of priority 254."""
    return Nanoseconds(3 * interval.nanoseconds + interval.nanoseconds * 2 // 256)


class Snapshot(NamedTuple):
    """What the page said at one instant.

    Attributes:
        pid: of the engine that wrote it.
        heartbeat: CLOCK_MONOTONIC of that engine's last turn of its loop.
        advert: CLOCK_BOOTTIME of its last advert as master, 0 for never; counts through a suspend, as the
            partner's clock does.
        patience: the partner's Master_Down_Interval as that engine knew it.
        role: its role.
        since: unix time in nanoseconds at which that role began.
        event: number of its last event.
        sequence: last authentication sequence it used.
        handed_over: it had handed the role to the partner.
    """

    pid: int
    heartbeat: Nanoseconds
    advert: Nanoseconds
    patience: Nanoseconds
    role: Role
    since: Nanoseconds
    event: int
    sequence: int
    handed_over: bool

    def heartbeat_age(self, now: Nanoseconds) -> Nanoseconds:
        """How long ago the engine last turned its loop; `now` is CLOCK_MONOTONIC."""
        return Nanoseconds(now - self.heartbeat)

    @property
    def beat_limit(self) -> Nanoseconds:
        """The age at which a heartbeat counts as lost; `heartbeat.py` says why."""
        # `patience` is 3 1/128 intervals.
        beat = beat_every(Centiseconds(self.patience * 128 // 385 // 10_000_000))
        return Nanoseconds(beat * 20 // 13)

    def resumable(self, now: Nanoseconds) -> bool:
        """Whether a new engine takes the master role up again; `now` is CLOCK_BOOTTIME."""
        return self.role is Role.MASTER and 0 <= now - self.advert < self.patience


class Page:
    """The engine's side of the page.

    Args:
        path: the file; made when missing, taken over as it is otherwise.

    Raises:
        OSError: the run directory is full or not writable.
    """

    def __init__(self, path: str) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            _allocate(handle, path)
            self._map = mmap(handle, SIZE)
        finally:
            os.close(handle)
        boot = boot_id()
        self.before = _decode(bytes(self._map[: _LAYOUT.size]), boot)
        if self.before is None:
            self._map[:] = bytes(SIZE)
        self._map[_BOOT_AT : _BOOT_AT + len(boot)] = boot
        # Aligned eight-byte stores: a reader sees the old value or the new one, never half of each.
        self._words = memoryview(self._map).cast("Q")
        self._map[: len(MAGIC)] = MAGIC

    @staticmethod
    def read(path: str) -> Snapshot | None:
        """What the page says now, for the manager; None without a page of this boot."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            data = os.read(handle, _LAYOUT.size)
        finally:
            os.close(handle)
        return _decode(data, boot_id())

    @property
    def marks(self) -> memoryview:
        """The place of the senders' sequences (marks.py)."""
        return memoryview(self._map)[_MARKS_AT:]

    def claim(self) -> None:
        """From now on the page speaks for this process; not before its role is on it."""
        self.beat(Nanoseconds(time.monotonic_ns()))
        self._words[_PID] = os.getpid()

    def beat(self, now: Nanoseconds) -> None:
        """The loop turned at `now` (CLOCK_MONOTONIC)."""
        self._words[_HEARTBEAT] = now

    def advertised(self) -> None:
        """An advert of ours as master just left."""
        self._words[_ADVERT] = clock_gettime_ns(CLOCK_BOOTTIME)

    def signed(self, sequence: int) -> None:
        """The last authentication sequence used, as one 64-bit number."""
        self._words[_SEQUENCE] = sequence

    def role_is(self, role: Role, since: Nanoseconds, *, handed_over: bool) -> None:
        """The role, the unix time in nanoseconds at which it began, and whether it was handed to the partner."""
        self._words[_SINCE] = since
        self._words[_HANDED_OVER] = handed_over
        self._words[_ROLE] = _ROLES.index(role)

    def interval_is(self, interval: Centiseconds) -> None:
        """Our advert interval, which the partner adopts."""
        self._words[_PARTNER_PATIENCE] = partner_patience(interval)

    @property
    def event(self) -> int:
        """Number of the last event."""
        return self._words[_EVENT]

    @event.setter
    def event(self, number: int) -> None:
        self._words[_EVENT] = number

    @property
    def sequence(self) -> int:
        """The last one that was `signed` with."""
        return self._words[_SEQUENCE]


def _allocate(handle: int, path: str) -> None:
    """Have the memory now: a store into a page that a full tmpfs cannot give later would be SIGBUS."""
    try:
        os.posix_fallocate(handle, 0, SIZE)
    except OSError as problem:
        raise OSError(problem.errno, problem.strerror, path) from None


def _decode(data: bytes, boot: bytes) -> Snapshot | None:
    if len(data) < _LAYOUT.size:
        return None
    magic, pid, heartbeat, advert, patience, role, since, event, sequence, handed, written_in = _LAYOUT.unpack(data)
    if magic != MAGIC or written_in != boot or role >= len(_ROLES):
        return None
    return Snapshot(
        pid,
        Nanoseconds(heartbeat),
        Nanoseconds(advert),
        Nanoseconds(patience),
        _ROLES[role],
        Nanoseconds(since),
        event,
        sequence,
        bool(handed),
    )
