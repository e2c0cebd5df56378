"""What the kernel needs before conntrackd starts, and what it allows."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
from pathlib import Path

from cluster.conntrack.settings import Machine
from cluster.errors import ClusterError

_LOG = logging.getLogger("clusterd")

NETFILTER = Path("/proc/sys/net/netfilter")
MODULE = "nf_conntrack"
WHOLE_RANGE = 4294967295
"""How many user ids the first user namespace has (user_namespaces(7))."""


def prepare(netfilter: Path = NETFILTER) -> None:
    """Have the kernel track connections and tell of every change.

    `nf_conntrack_events` is 2 by default: events only for connections that began while somebody listened. Those
    that are older than conntrackd would be hidden from it (nf_conntrack-sysctl.rst).

    Args:
        netfilter: where its settings are.

    Raises:
        ClusterError: this kernel does not track connections, or does not tell.
    """
    if not netfilter.is_dir():
        _load()
    try:
        (netfilter / "nf_conntrack_events").write_text("1\n", encoding="ascii")
    except FileNotFoundError:
        raise ClusterError("this kernel does not track connections (nf_conntrack)") from None
    except OSError as error:
        raise ClusterError(f"the kernel does not tell of connections: {error.strerror}") from error


def machine(netfilter: Path = NETFILTER) -> Machine:
    """What this machine allows.

    Raises:
        ClusterError: this kernel does not track connections.
    """
    try:
        most = int((netfilter / "nf_conntrack_max").read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise ClusterError("this kernel does not track connections (nf_conntrack)") from None
    return Machine(most, buffers=is_privileged())


def is_privileged() -> bool:
    """Whether root is root here."""
    return is_first_namespace(Path("/proc/self/uid_map").read_text(encoding="ascii"))


def is_first_namespace(uid_map: str) -> bool:
    """Whether this is the user namespace in which root is root: it maps every id onto itself.

    Args:
        uid_map: the content of /proc/self/uid_map.
    """
    return uid_map.split() == ["0", "0", str(WHOLE_RANGE)]


def _load() -> None:
    """Load the module; where there are no modules, the kernel has it or has it not."""
    modprobe = shutil.which("modprobe", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if modprobe is None:
        return
    done = subprocess.run((modprobe, MODULE), stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        _LOG.warning("the module %s cannot be loaded: %s", MODULE, done.stderr.strip())
