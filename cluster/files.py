"""Files that are either the old one or the new one, whatever dies in between."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cluster.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path


def replace(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put a file with this content in the place of the one at `path`.

    Args:
        path: where.
        content: of the file.
        mode: whose owner alone may read it, unless something else is said.

    Raises:
        ClusterError: the disk refuses; the old file is still there.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise ClusterError(f"{path} cannot be written: {error.strerror}") from error
