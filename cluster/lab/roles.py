"""How the commands ask each appliance for its role: over its own socket, reached through its process 1."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cluster.errors import ClusterError
from cluster.lab.node import RUN_DIRECTORY
from cluster.lab.plan import APPLIANCES
from cluster.rpc.client import Client
from cluster.rpc.messages import Actor, GetInfo, Info

if TYPE_CHECKING:
    from cluster.lab.home import Record
    from cluster.process.identity import Identity

_ACTOR = Actor(user="lab", source="lab", role="readonly")
_ASK_PATIENCE = 1.0
_ASK_AGAIN = 0.05
SETTLED = frozenset({"master", "backup"})
OFFLINE = frozenset({"offline"})


def role(process: Identity) -> str:
    """What the appliance says it is; empty when it does not answer."""
    info = asyncio.run(_info(process))
    return info.cluster_state if info else ""


async def _info(process: Identity) -> Info | None:
    socket = Path(f"/proc/{process.pid}/root{RUN_DIRECTORY}/clusterd.sock")
    try:
        async with asyncio.timeout(_ASK_PATIENCE):
            client = await Client.connect(socket)
            try:
                info = await client.ask(GetInfo(), _ACTOR, _ASK_PATIENCE)
            finally:
                await client.close()
    except (ClusterError, OSError, TimeoutError):
        return None
    return info if isinstance(info, Info) else None


def roles(record: Record) -> dict[str, str]:
    """The role of each appliance that is on."""
    return {node: role(record.nodes[node]) for node in APPLIANCES if node in record.nodes}


def await_roles(record: Record, patience: float, wanted: frozenset[str] = SETTLED) -> dict[str, str]:
    """Wait until the appliances have these roles between them, by default one master and one backup.

    Args:
        record: of the lab.
        patience: in seconds.
        wanted: `SETTLED`, or `OFFLINE` where they are no cluster yet.

    Raises:
        ClusterError: they are not, after that time; says what they were.
    """
    deadline = time.monotonic() + patience
    while True:
        found = roles(record)
        if set(found.values()) == wanted:
            return found
        if time.monotonic() > deadline:
            told = ", ".join(f"{node} is {state or 'not answering'}" for node, state in found.items())
            expected = "one master and one backup" if wanted == SETTLED else "an answer of both"
            raise ClusterError(f"after {patience:.0f} s there is not {expected}: {told}")
        time.sleep(_ASK_AGAIN)


def await_preferred(record: Record, patience: float) -> dict[str, str]:
    """Wait until the node that is configured as master is it; the other one may have come up sooner.

    Args:
        record: of the lab.
        patience: in seconds.

    Returns:
        The role of each appliance, whatever it is by then: a lab the other way round is of use, too.
    """
    deadline = time.monotonic() + patience
    while (found := roles(record)).get(APPLIANCES[0]) != "master" and time.monotonic() < deadline:
        time.sleep(_ASK_AGAIN)
    return found


def await_hotwire(record: Record, patience: float) -> bool:
    """Wait until the appliances hear each other over the hotwire.

    Args:
        record: of the lab.
        patience: in seconds.

    Returns:
        Whether they do; a lab is of use without it, too.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = [asyncio.run(_info(record.nodes[node])) for node in APPLIANCES if node in record.nodes]
        if all(info is not None and info.sync_state != "error" for info in found):
            return True
        time.sleep(_ASK_AGAIN)
    return False
