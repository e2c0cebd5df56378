"""One engine in a network namespace: two would fight over addresses.

Two locks, because neither suffices. An abstract socket name belongs to the network namespace, exactly the thing
that must not be shared, but any process in it may take the name first; so it counts only where root or our own user
holds it. A file lock in a directory that only root writes to cannot be taken by others, but an engine in another
mount namespace looks for it elsewhere.
"""

from __future__ import annotations

import errno
import os
from _socket import AF_UNIX, SO_PEERCRED, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, socket
from fcntl import LOCK_EX, LOCK_NB, flock
from struct import Struct

from cluster.errors import LockedError

DIRECTORY = "/run/utmcli-locks"
_NAME = b"\0utmcli-vrrp"
_NAMESPACE = "/proc/thread-self/ns/net"
_WRITABLE_BY_OTHERS = 0o022
_CREDENTIALS = Struct("=iII")
_LOCKED = "another engine runs in this network namespace"


class EngineLock:
    """Held until it is closed, or until the process ends in whatever way.

    Args:
        directory: where the lock files are.

    Attributes:
        note: what is wrong with a lock that could not be taken though no engine holds it, as a sentence; or empty.

    Raises:
        LockedError: another engine runs here.
    """

    def __init__(self, directory: str = DIRECTORY) -> None:
        self.note = ""
        self._file = -1
        self._socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC)
        try:
            self._take_file(directory)
            self._take_name()
        except LockedError:
            self.close()
            raise

    def close(self) -> None:
        """Let another engine run."""
        self._socket.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _take_file(self, directory: str) -> None:
        try:
            self._file = _open_private(directory)
            flock(self._file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise LockedError(_LOCKED) from None
        except OSError as problem:
            self.note = f"the engine's lock file cannot be used, another engine might start: {problem}"

    def _take_name(self) -> None:
        try:
            self._socket.bind(_NAME)
            self._socket.listen(1)
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise
            pid, uid = self._holder()
            if uid in (0, os.geteuid()):
                raise LockedError(_LOCKED) from problem
            self.note = f"process {pid} of user {uid} holds the engine's name in this network namespace; ignored"

    def _holder(self) -> tuple[int, int | None]:
        """Process and user that listen under the name; no user where nobody does or they cannot be asked."""
        try:
            self._socket.connect(_NAME)
            pid, uid, _ = _CREDENTIALS.unpack(self._socket.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size))
        except OSError:
            return 0, None
        return pid, uid


def _open_private(directory: str) -> int:
    found = os.stat(_NAMESPACE)  # noqa: PTH116 - importing pathlib costs the start 5 ms
    try:
        os.mkdir(directory, 0o700)  # noqa: PTH102 - as above
    except FileExistsError:
        there = os.lstat(directory)
        if there.st_uid != os.geteuid() or there.st_mode & _WRITABLE_BY_OTHERS:
            raise OSError(errno.EPERM, "others may write there", directory) from None
    path = f"{directory}/engine-{found.st_dev:x}-{found.st_ino:x}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def engine_lock(directory: str = DIRECTORY) -> EngineLock:
    """Take the lock of this network namespace; arguments and errors as of the class."""
    return EngineLock(directory)
