"""Our own key: ed25519, a file in the state directory, made on first use. Host key and client key of this node."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cluster import files, publickey
from cluster.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

    from cluster.publickey import PublicKey

KEY_FILE = "hotwire.key"


class OwnKey:
    """The key pair of this node. The file, in OpenSSH's format, mode 0600, is all there is.

    Its methods import asyncssh (0.36 s) and may compute: they belong beside the loop.

    Args:
        state_dir: where the file is.
        comment: what stands beside the public key, for people: the host name.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / KEY_FILE
        self._making = threading.Lock()

    def private(self, comment: str) -> bytes:
        """The private key in OpenSSH's format; made where there is none.

        Args:
            comment: what a new one carries for people: the host name.

        Raises:
            ClusterError: the file is damaged or cannot be written; it is left as it is.
        """
        try:
            with self._making:
                return self._path.read_bytes() if self._path.exists() else self._made(comment)
        except OSError as error:
            raise ClusterError(f"{self._path} cannot be read: {error.strerror}") from error

    def public(self, comment: str) -> PublicKey:
        """The public key; see `private`.

        Raises:
            ClusterError: as `private`.
        """
        from asyncssh import KeyImportError  # noqa: PLC0415 - 360 ms that no start waits for

        content = self.private(comment)
        try:
            return _public(content)
        except KeyImportError as error:
            raise ClusterError(f"{self._path} is damaged: {error}; cluster key new makes a new key") from error

    def prepared(self, comment: str) -> tuple[bytes, PublicKey]:
        """A new key for `take`, which is not in use yet: private in OpenSSH's format, and public."""
        content = _generated(comment)
        return content, _public(content)

    def take(self, content: bytes) -> None:
        """Put a prepared key in the place of the old one.

        Raises:
            ClusterError: the disk refuses; the old one is still there.
        """
        with self._making:
            files.replace(self._path, content)

    def renew(self, comment: str) -> bytes:
        """Make a new key in the place of the old one; the partner has to be told it.

        Raises:
            ClusterError: the disk refuses; the old one is still there.
        """
        with self._making:
            return self._made(comment)

    def _made(self, comment: str) -> bytes:
        content = _generated(comment)
        files.replace(self._path, content)
        return content


def _generated(comment: str) -> bytes:
    from asyncssh import generate_private_key  # noqa: PLC0415 - 360 ms that no start waits for

    content: bytes = generate_private_key("ssh-ed25519", comment=comment).export_private_key("openssh")
    return content


def _public(content: bytes) -> PublicKey:
    from asyncssh import import_private_key  # noqa: PLC0415 - as above

    return publickey.parse(import_private_key(content).export_public_key().decode())
