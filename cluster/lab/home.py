"""The directory of one lab: its record, its lock, and clearing up what a crash left.

Under /run/utmcli-lab for root, under $XDG_RUNTIME_DIR or /tmp for everybody else. It holds a directory per
appliance (factory configuration, state, log), the warden's socket and log, and ``lab.json``, the record.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.errors import ClusterError, NotFoundError
from cluster.process.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_NAME = "lab"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_CAP_NET_ADMIN, _CAP_SYS_ADMIN = 12, 21
_PATIENCE = 5.0
_BASE = "utmcli-lab"
_PASSWORD_FILE = "password"  # noqa: S105 - the name of a file
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that looks like another."""


def privileged() -> bool:
    """Whether namespaces may be made without a user namespace around them."""
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    held = int(status.split("CapEff:", 1)[1].split(None, 1)[0], 16)
    return all(held >> capability & 1 for capability in (_CAP_NET_ADMIN, _CAP_SYS_ADMIN))


def base() -> Path:
    """Where the labs of this user are."""
    if os.geteuid() == 0:
        return Path("/run") / _BASE
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    # Inherited through su or setpriv, the variable may name somebody else's directory.
    if runtime and os.access(runtime, os.W_OK) and Path(runtime).stat().st_uid == os.geteuid():
        return Path(runtime) / _BASE
    return Path("/tmp") / f"{_BASE}-{os.geteuid()}"  # noqa: S108 - ours alone: made 0700, and checked below


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a running lab.

    Attributes:
        example: number of its example network.
        warden: the process that owns it.
        nodes: process 1 of every node that is on.
        pulled: cables that are unplugged, as ``master-LAN2``.
    """

    example: int
    warden: Identity
    nodes: dict[str, Identity]
    pulled: tuple[str, ...] = ()


class Home:
    """The directory of the lab of this name.

    Args:
        name: letters, digits, ``-`` and ``_``; at most 32.
        above: the directory of all labs; this user's own by default.

    Raises:
        ClusterError: not a usable name.
    """

    def __init__(self, name: str = DEFAULT_NAME, above: Path | None = None) -> None:
        if not _NAME.fullmatch(name):
            raise ClusterError(f"{name!r} is no name for a lab: letters, digits, - and _, at most 32")
        self.name = name
        self.path = (above or base()) / name

    @property
    def socket(self) -> Path:
        """Where the warden listens."""
        return self.path / "warden.sock"

    @property
    def log(self) -> Path:
        """What the warden has to say."""
        return self.path / "warden.log"

    @property
    def password(self) -> str:
        """The initial password of the appliances' administrator."""
        return (self.path / _PASSWORD_FILE).read_text(encoding="ascii")

    def new_password(self) -> str:
        """Make one, another for every lab, and keep it for as long as the lab lasts."""
        handle = os.open(self.path / _PASSWORD_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write("-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(3)))
        return self.password

    def of(self, node: str) -> Path:
        """The directory of one node."""
        return self.path / node

    def record(self) -> Record | None:
        """The record of the running lab; None when there is none, or its warden has died."""
        try:
            document = json.loads((self.path / "lab.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        nodes = {node: Identity(*pair) for node, pair in document["nodes"].items()}
        record = Record(document["example"], Identity(*document["warden"]), nodes, tuple(document["pulled"]))
        return record if record.warden.alive else None

    def running(self) -> Record:
        """The record of the running lab.

        Raises:
            NotFoundError: it is not up.
        """
        record = self.record()
        if record is None:
            raise NotFoundError(f"the lab {self.name} is not up: utmcli lab up{self.option}")
        return record

    @property
    def option(self) -> str:
        """What has to be added to a command so that it means this lab."""
        return "" if self.name == DEFAULT_NAME else f" --name {self.name}"

    def write(self, record: Record) -> None:
        """Replace the record, at once and as a whole."""
        document = {
            "example": record.example,
            "warden": record.warden,
            "nodes": record.nodes,
            "pulled": record.pulled,
        }
        fresh = self.path / "lab.json.new"
        fresh.write_text(json.dumps(document), encoding="utf-8")
        fresh.replace(self.path / "lab.json")

    @contextlib.contextmanager
    def locked(self, *, create: bool = False) -> Iterator[bool]:
        """Hold the lab's lock: one up or down at a time.

        Args:
            create: make the directory if it is missing.

        Yields:
            Whether there is such a directory; without one nothing is locked.
        """
        held = self._lock(create=create, wait=True)
        try:
            yield held is not None
        finally:
            if held is not None:
                os.close(held)

    def _lock(self, *, create: bool, wait: bool) -> int | None:
        while True:
            if create:
                self._make()
            try:
                held = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except FileNotFoundError:
                if create:
                    continue
                return None
            try:
                fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                # The holder before us may have removed the directory: then ours is a lock on nothing.
                if self.path.exists() and self.path.stat().st_ino == os.fstat(held).st_ino:
                    return held
            except BlockingIOError:
                os.close(held)
                return None
            os.close(held)
            if not create and not self.path.exists():
                return None

    def _make(self) -> None:
        above = self.path.parent
        try:
            above.mkdir(mode=0o700)
        except FileExistsError:
            if above.is_symlink() or above.stat().st_uid != os.geteuid():
                raise ClusterError(f"{above} belongs to somebody else") from None
        # Another lab's end may remove the directory above between these two lines; the caller tries again.
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            self.path.mkdir(mode=0o700)

    def remove(self) -> None:
        """Remove the directory, and the one above it if this was the last lab."""
        shutil.rmtree(self.path, ignore_errors=False)
        with contextlib.suppress(OSError):
            self.path.parent.rmdir()

    def remove_unless_locked(self) -> None:
        """The warden's own clearing up: whoever holds the lock does it otherwise."""
        held = self._lock(create=False, wait=False)
        if held is not None:
            self.remove()
            os.close(held)

    def sweep(self) -> None:
        """End what a crashed lab left running, and empty its directory. The lock is held."""
        try:
            document = json.loads((self.path / "lab.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            document = {"nodes": {}}
        left = [Identity(*pair) for pair in document["nodes"].values()]
        if "warden" in document:
            left.append(Identity(*document["warden"]))
        for process in left:
            if not process.end(signal.SIGKILL, _PATIENCE):
                raise ClusterError(f"process {process.pid} of the lab {self.name} does not end")
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
