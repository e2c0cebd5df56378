"""How far each sender's authentication sequence got, kept where kill -9 and reboots do not reach it.

Without this memory, a node that starts anew would believe any recorded advert until the partner's next genuine
one; with the partner gone, for ever. The table lives on the state page, so keeping a mark is a store and no system
call; a copy in the state directory serves the next boot.
"""

from __future__ import annotations

import os
from struct import Struct

from cluster.vrrp.auth import Sender

FILE = "vrrp.marks"

_RECORD = Struct("=BB6x16s8sQQ")
_SEQUENCE = Struct("=Q")
_SEQUENCE_AT = 32


class Marks:
    """A table of sequences by sender and key.

    Args:
        memory: where it lives; its size is a multiple of 8. What it holds already is taken over.
    """

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._places: dict[tuple[Sender, str], int] = {}
        self._current: dict[Sender, str] = {}
        self._turn = 0
        self._room = len(memory) // _RECORD.size
        self._next = 0

    def load(self) -> dict[str, dict[str, int]]:
        """What the table holds, as `Verifier` takes it."""
        found = []
        for place in range(self._room):
            at = place * _RECORD.size
            family, vrid, source, fingerprint, sequence, turn = _RECORD.unpack_from(self._memory, at)
            if family in (4, 6):
                sender = Sender(family, vrid, source[: 4 if family == 4 else 16])
                found.append((turn, place, sender, fingerprint.hex(), sequence))
        marks: dict[str, dict[str, int]] = {}
        # In the order of use: the key used last has to come last.
        for turn, place, sender, fingerprint, sequence in sorted(found):
            name = f"{sender.family}/{sender.vrid}/{sender.source.hex()}"
            marks.setdefault(name, {})[fingerprint] = sequence
            self._places[sender, fingerprint] = place
            self._current[sender] = fingerprint
            self._turn = turn
            self._next = max(self._next, place + 1)
        return marks

    def keep(self, sender: Sender, fingerprint: str, sequence: int) -> None:
        """A sender got this far with this key."""
        place = self._places.get((sender, fingerprint))
        if place is None or self._current[sender] != fingerprint:
            self._enter(sender, fingerprint, sequence, place)
        else:
            _SEQUENCE.pack_into(self._memory, place * _RECORD.size + _SEQUENCE_AT, sequence)

    def reset(self, source: bytes, sequence: int) -> None:
        """A sender is here, with all of its keys and virtual routers, although it may have been further before."""
        for (sender, _), place in self._places.items():
            if sender.source == source:
                _SEQUENCE.pack_into(self._memory, place * _RECORD.size + _SEQUENCE_AT, sequence)

    def save(self, directory: str) -> None:
        """Copy the table to the state directory.

        Raises:
            OSError: it cannot be written.
        """
        handle = os.open(f"{directory}/{FILE}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # A copy: this may run beside the loop, and writing lets the loop go on in the middle of a record.
            os.pwrite(handle, bytes(self._memory), 0)
        finally:
            os.close(handle)

    def restore(self, directory: str) -> None:
        """Fill the table from the state directory, if an earlier boot left a copy of the right size there."""
        try:
            handle = os.open(f"{directory}/{FILE}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            data = os.read(handle, len(self._memory) + 1)
        finally:
            os.close(handle)
        if len(data) == len(self._memory):
            self._memory[:] = data

    def _enter(self, sender: Sender, fingerprint: str, sequence: int, place: int | None) -> None:
        """Write a whole record: for a new sender or key, and when a sender returns to an earlier key."""
        if place is None:
            # The table holds more senders than a cluster has; in a longer life the oldest record makes room.
            place = self._next % self._room
            self._next += 1
            for key in [key for key, used in self._places.items() if used == place]:
                del self._places[key]
        self._turn += 1
        self._places[sender, fingerprint] = place
        self._current[sender] = fingerprint
        record = (sender.family, sender.vrid, sender.source, bytes.fromhex(fingerprint), sequence, self._turn)
        _RECORD.pack_into(self._memory, place * _RECORD.size, *record)
