"""A plan as scripts for ``ip -batch`` (pure) and the one function that runs them.

ip(8) rather than pyroute2: a lab is built once, in a handful of batches, and importing pyroute2 would take
longer than all of them together.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster.lab.plan import Plan, Port


def switch(lab: Plan) -> tuple[str, ...]:
    """The bridges. They forward at once (no spanning tree) and flood multicast (no snooping)."""
    return tuple(
        line
        for segment in lab.segments
        for line in (
            f"link add {segment} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set {segment} up",
        )
    )


def plug(port: Port, pid: int) -> tuple[str, ...]:
    """A cable from the switch into the network namespace of process `pid`; no carrier yet."""
    return (
        f"link add {port.name} type veth peer name {port.interface} address {port.hardware} netns {pid}",
        f"link set {port.name} master {port.segment}",
    )


def unplug(port: Port) -> tuple[str, ...]:
    """The cable and both its ends are gone."""
    return (f"link delete {port.name}",)


def carrier(states: Iterable[tuple[Port, bool]]) -> tuple[str, ...]:
    """Carrier on or off: both ends of a veth pair lose it when one end is down."""
    return tuple(f"link set {port.name} {'up' if up else 'down'}" for port, up in states)


def run(pid: int, lines: Iterable[str], *, force: bool = False) -> None:
    """Run a script in the network namespace of process `pid`.

    Args:
        pid: a process in that namespace.
        lines: commands for ip(8).
        force: go on after a line that fails, and say nothing of it (an interface may be gone by itself).

    Raises:
        ClusterError: ip(8) refused a line; says which and why.
    """
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", "ip", *(["-force"] if force else []), "-batch", "-"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if done.returncode and not force:
        raise ClusterError("a cable could not be laid: " + " ".join(done.stderr.split()))
