"""Which process listens on a unix socket: how a restarted clusterd finds what it supervised before."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from cluster.peer import peer_of

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 1.0


def listener_of(path: Path, kind: socket.SocketKind) -> int | None:
    """The pid of the process that listens at `path`, by the kernel's word (SO_PEERCRED, unix(7)).

    Args:
        path: of the socket.
        kind: its type.

    Returns:
        None when nobody listens there, or nobody of this kind.
    """
    with socket.socket(socket.AF_UNIX, kind) as probe:
        probe.settimeout(_PATIENCE)
        try:
            probe.connect(str(path))
        except OSError:  # nothing there, nobody behind it, another kind of socket, a path too long for any
            return None
        return peer_of(probe).pid
