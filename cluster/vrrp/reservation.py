"""Where the authentication sequence got, kept across reboots: a reservation in the state directory.

The state page keeps the exact value through a crash of the engine; this file matters only when the machine
boots with a clock behind the one it had. It is written without waiting for the disk, since an engine that waits
for a disk is no master: its owner calls `write` on another thread, and a reservation reaches so far ahead that the
kernel has written it back (after 30 s and a few more) long before it is needed.
"""

from __future__ import annotations

import os
from struct import Struct, error
from typing import TYPE_CHECKING

from cluster.units import Nanoseconds, Seconds
from cluster.vrrp.sequence import Sequence

if TYPE_CHECKING:
    from cluster.vrrp.settings import Authentication

FILE = "vrrp.sequence"
_FORM = Struct(">Q")
AHEAD = Seconds(120)


def reach(authentication: Authentication) -> Seconds:
    """How far to reserve: a sequence further ahead of the clock than a freshness window would be called stale."""
    if authentication.freshness is None:
        return AHEAD
    return Seconds(max(2, min(AHEAD, authentication.freshness // 2)))


class Reservation:
    """The sequence together with its file.

    Args:
        directory: the state directory, or None to keep nothing.
        last: the last value known from the state page, 0 if unknown.
        ahead: from `reach`.

    Attributes:
        sequence: what signs.
        enough_until: `renew` has something to do only when the sequence got here.
    """

    def __init__(self, directory: str | None, last: int, ahead: Seconds) -> None:
        self._path = None if directory is None else f"{directory}/{FILE}"
        self.sequence = Sequence(last or self._read(), ahead)
        self._half = (ahead << 32) // 2
        self.enough_until = 0
        self._value = 0

    def renew(self, unix: Nanoseconds) -> bool:
        """Reserve further when half of the reservation is used up.

        Args:
            unix: nanoseconds since 1970.

        Returns:
            Whether there is a reservation to be written now.
        """
        if self.sequence.last < self.enough_until:
            return False
        value = self.sequence.reservation(unix)
        if value is None:
            return False
        self.sequence.reserved(value)
        self.enough_until = value - self._half
        self._value = value
        return True

    def settle(self) -> None:
        """An orderly stop: keep exactly the last value.

        Raises:
            OSError: the state directory cannot be written.
        """
        self._value = self.sequence.last
        self.write()

    def _read(self) -> int:
        if self._path is None:
            return 0
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return 0
        try:
            text = os.read(handle, 64)
        finally:
            os.close(handle)
        try:
            (value,) = _FORM.unpack(bytes.fromhex(text.decode("ascii")))
        except (ValueError, error):
            # Damaged: the clock decides, as at the very first start.
            return 0
        return int(value)

    def write(self) -> None:
        """Keep the reservation.

        Raises:
            OSError: the state directory cannot be written; the sequence then survives a crash, but no reboot.
        """
        if self._path is None:
            return
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # One block, overwritten in place: a torn write cannot happen, and no rename has to reach the disk.
            os.pwrite(handle, f"{_FORM.pack(self._value).hex()}\n".encode(), 0)
        finally:
            os.close(handle)
