"""A bounded journal on disk: JSON lines that a restart still finds, and that never fill the disk.

The file is written anew, half as long, when it has become too long. A line that a power loss tore is left out.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from cluster import files
from cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_LOG = logging.getLogger("clusterd")
_Line = TypeVar("_Line", bound=msgspec.Struct)


class Journal(Generic[_Line]):
    """The newest lines of one kind, in memory and on disk.

    Args:
        path: of the file; made when missing, readable by its owner only.
        kind: of the lines.
        capacity: lines kept at least; the file holds up to twice as many.

    Attributes:
        lines: the newest ones, oldest of them first.

    Raises:
        ClusterError: the file is there but cannot be read.
    """

    def __init__(self, path: Path, kind: type[_Line], capacity: int) -> None:
        self._path = path
        self._capacity = capacity
        read, torn = _read(path, kind)
        self.lines: deque[_Line] = deque(read, maxlen=capacity)
        self._in_file = len(read)
        self._before_next = b"\n" if torn else b""

    def append(self, lines: Iterable[_Line]) -> bool:
        """Keep further lines. A disk that refuses is logged: memory has them all the same.

        Returns:
            Whether the file was written anew.
        """
        added = list(lines)
        self.lines.extend(added)
        try:
            with open(self._path, "ab", opener=_private) as file:
                file.write(self._before_next + b"".join(map(_encoded, added)))
            self._before_next = b""
            self._in_file += len(added)
            return self._shorten()
        except (OSError, ClusterError) as error:
            _LOG.error("%s: a line is not kept on disk: %s", self._path.name, error)
            return False

    def _shorten(self) -> bool:
        if self._in_file < 2 * self._capacity:
            return False
        files.replace(self._path, b"".join(_encoded(line) for line in self.lines))
        self._in_file = len(self.lines)
        return True


def _encoded(line: msgspec.Struct) -> bytes:
    return msgspec.json.encode(line) + b"\n"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _read(path: Path, kind: type[_Line]) -> tuple[list[_Line], bool]:
    """The lines of the file, and whether a power loss tore the last one; damaged ones are left out."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return [], False
    except OSError as error:
        raise ClusterError(f"{path}: {path.name} cannot be read: {error.strerror}") from error
    lines = []
    for text in raw.splitlines():
        try:
            lines.append(msgspec.json.decode(text, type=kind))
        except (msgspec.DecodeError, UnicodeDecodeError):
            _LOG.warning("a damaged line of %s is left out", path)
    return lines, bool(raw) and not raw.endswith(b"\n")
