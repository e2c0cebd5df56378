"""Applications of a machine without systemd: one file a program, whose name is the application's.

    /etc/utmcli/applications.d/openvpn:
        # Blank lines and lines that begin with # say nothing; one line is the command, which must stay in the
        # foreground. Words are split and quoted as a shell does it, but no shell ever sees them.
        /usr/sbin/openvpn --config /etc/openvpn/server.conf

In the line of openvpn, %i stands for the name of an instance (`openvpn get`): the program runs once for each of
them, and gets its settings as its last words (openvpn.py).

clusterd runs it as root, so nobody but root may be able to write the file, or to put another one in its place.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from typing import TYPE_CHECKING

from cluster.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST = 65536
_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def names(directory: Path) -> tuple[str, ...]:
    """Applications that have a file, by name; none where there is no such directory."""
    try:
        return tuple(sorted(entry.name for entry in directory.iterdir() if _NAME.fullmatch(entry.name)))
    except OSError:
        return ()


def command(directory: Path, name: str) -> tuple[str, ...]:
    """The command line of an application.

    Raises:
        ClusterError: there is no such file, others could have written it, or it holds no command.
    """
    path = directory / name
    try:
        _require_root(directory, directory.stat())
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise ClusterError(f"{path} is refused: it must be a plain file")
            _require_root(path, found)
            text = file.read(_LONGEST).decode()
    except OSError as error:
        raise ClusterError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ClusterError(f"{path} is refused: it must be text in UTF-8") from error
    return _words(path, text)


def _require_root(path: Path, found: os.stat_result) -> None:
    if found.st_uid != 0 or found.st_mode & _BY_OTHERS:
        raise ClusterError(f"{path} is refused: it must belong to root and be writable by nobody else")


def _words(path: Path, text: str) -> tuple[str, ...]:
    lines = [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]
    if len(lines) != 1:
        raise ClusterError(f"{path} is refused: it must hold one command line and has {len(lines)}")
    try:
        words = tuple(shlex.split(lines[0]))
    except ValueError as error:
        raise ClusterError(f"{path} is refused: {str(error).lower()}") from error
    if not words[0].startswith("/") or "\0" in lines[0]:
        raise ClusterError(f"{path} is refused: the command must begin with the absolute path of a program")
    return words
