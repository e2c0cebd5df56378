"""The client's end of ``| save NAME``: the text becomes a file of the person who typed it.

The shell host holds no privilege and clients may be root's, so the host must not be able to have files written
where they mean something: whatever it asks for becomes a new file in one directory, ``~/utmcli``, under a name
without a slash, and never replaces anything.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORY = "utmcli"
"""Below the home directory; made for its owner alone."""
LONGEST_NAME = 100


class Keeper:
    """One file, written as its parts come.

    Args:
        home: of the user.
        name: of the file.

    Raises:
        OSError: the file exists already, or cannot be made.
        ValueError: the name is none.
    """

    def __init__(self, home: Path, name: str) -> None:
        if not is_name(name):
            raise ValueError(name)
        self._directory = home / DIRECTORY
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self.path = self._directory / name
        self._failure = ""
        inside = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(name, how, 0o600, dir_fd=inside)
        finally:
            os.close(inside)

    def write(self, data: bytes) -> None:
        """Add a part; what fails is said by `close`."""
        try:
            while data and not self._failure:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self._failure = why(error, self.path.name)

    def close(self) -> str:
        """The file is whole; or it is taken away again, and the sentence says why."""
        os.close(self._file)
        if self._failure:
            self.path.unlink(missing_ok=True)
        return self._failure


def is_name(name: str) -> bool:
    """Whether a file may be called so; checked again here because the host is not to be believed."""
    plain = name.isprintable() and name.isascii() and name == name.strip()
    return plain and 0 < len(name) <= LONGEST_NAME and "/" not in name and name[0] not in ".-~"


def why(error: Exception, name: str) -> str:
    """What went wrong, as a sentence."""
    if isinstance(error, FileExistsError):
        return f"~/{DIRECTORY}/{name} is there already, and save replaces nothing"
    if isinstance(error, OSError):
        return f"~/{DIRECTORY}/{name} cannot be written: {error.strerror}"
    return f"a file cannot be called {name!r}"
