"""The key by which clients know this node: made once, and the same after every restart, boot and update."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "ssh_host_ed25519_key"
"""In the state directory, beside the configurations; only root reads it."""


def load(directory: Path) -> bytes:
    """The private key in OpenSSH's form; made when there is none.

    Called while the shell host may still read it: the account it becomes may not.

    Args:
        directory: clusterd's state directory.

    Raises:
        OSError: it can neither be read nor made.
    """
    path = directory / FILE
    with suppress(FileNotFoundError):
        return path.read_bytes()
    fresh = path.with_name(f"{FILE}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_made())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another shell host was quicker, and clients may have seen its key already
            os.link(fresh, path)
    finally:
        fresh.unlink()
    return path.read_bytes()


def _made() -> bytes:
    # Imported here: it takes its time, and happens once in the life of a node.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
