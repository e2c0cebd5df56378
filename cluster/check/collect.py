"""The facts of this machine, gathered beside the loop; nothing here judges."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.check.facts import Listener, Machine, Placed
from cluster.check.nftrules import Rules
from cluster.check.sockets import Open, Transport, listening
from cluster.errors import ClusterError
from cluster.net import filter as packet_filter
from cluster.net import hiding, ruleset
from cluster.net.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.collaborators import Network
    from cluster.model import Config
    from cluster.net.routes import Routes

COMMANDS = ("conntrackd", "nft")
_NET = Path("/proc/thread-self/net")
"""Of the calling thread: the lab and the tests live in several network namespaces."""
_FILES: tuple[tuple[Transport, str], ...] = (("tcp", "tcp"), ("tcp", "tcp6"), ("udp", "udp"), ("udp", "udp6"))


async def machine(network: Network, config: Config, routes: Routes, applied: Config, state_dir: Path) -> Machine:
    """This machine as it is now.

    Args:
        network: knows the configured interfaces.
        config: names them.
        routes: knows the static routes.
        applied: the configuration in force, whose routes they are.
        state_dir: where clusterd keeps what shall last.
    """
    states, found, listeners, (rules, tables), taken = await asyncio.gather(
        network.states(tuple(config.interfaces)),
        asyncio.to_thread(survey),
        asyncio.to_thread(_listeners),
        _rules(),
        _taken(routes, applied),
    )
    return Machine(
        states=states,
        placed=tuple(Placed(*each) for each in found.addresses),
        default_routes=found.default_routes,
        listeners=listeners,
        client_ports=int(_text(Path("/proc/sys/net/ipv4/ip_local_port_range")).split()[0]),
        rules=rules,
        legacy=tuple(_text(_NET / "ip_tables_names").split()),
        tables=tables,
        routes=taken,
        forwards=_text(Path("/proc/sys/net/ipv4/ip_forward")).strip() == "1",
        free=_free(state_dir),
        commands=frozenset(filter(shutil.which, COMMANDS)),
    )


async def _taken(routes: Routes, applied: Config) -> tuple[str, ...] | None:
    try:
        return await routes.online(applied)
    except ClusterError:
        return None  # said so in the list


def _free(directory: Path) -> int | None:
    try:
        disk = os.statvfs(directory)
    except OSError:
        return None  # said so in the list
    return disk.f_bavail * disk.f_frsize


async def _rules() -> tuple[Rules | None, frozenset[str]]:
    """The rules of others, and the names of all tables."""
    try:
        said = await packet_filter.run(("--json", "list", "ruleset"))
        listed = json.loads(said.out) if said.code == 0 else None
    except (FileNotFoundError, ClusterError, ValueError):
        listed = None  # what is not known is said so in the list
    if not isinstance(listed, dict):
        return None, frozenset()
    tables = frozenset(entry["table"]["name"] for entry in listed.get("nftables", []) if "table" in entry)
    return Rules(listed, ruleset.TABLE, hiding.TABLE), tables


def _listeners() -> tuple[Listener, ...]:
    sockets = [found for transport, name in _FILES for found in listening(transport, _text(_NET / name))]
    wanted = {found.inode for found in sockets if not ip_address(found.address).is_loopback}
    owners = dict(_owners(wanted))
    return tuple(_listener(found, owners.get(found.inode)) for found in sockets if found.inode in wanted)


def _listener(found: Open, pid: int | None) -> Listener:
    process = "a process" if pid is None else f"{_text(Path(f'/proc/{pid}/comm')).strip()}[{pid}]"
    return Listener(found.transport, found.address, found.port, process, ours=pid is not None and _is_ours(pid))


def _is_ours(pid: int) -> bool:
    """clusterd, or its shell host, which may have been started by an earlier clusterd."""
    return pid == os.getpid() or "\0utmcli\0serve\0" in _text(Path(f"/proc/{pid}/cmdline"))


def _owners(inodes: set[int]) -> Iterator[tuple[int, int]]:
    """Which process has which of these sockets open; those of other pid namespaces stay unknown."""
    targets = {f"socket:[{inode}]": inode for inode in inodes}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            # It may end while it is looked at.
            with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
                for handle in (process / "fd").iterdir():
                    with suppress(FileNotFoundError):
                        inode = targets.get(str(handle.readlink()))
                        if inode is not None:
                            yield inode, int(process.name)


def _text(path: Path) -> str:
    """A file of the kernel; empty where this kernel has none."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
