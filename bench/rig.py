"""Two nodes, a client and a switch in namespaces, what happens to them, and how it is seen from outside.

Which daemon drives the nodes is said in rigs.py; a measurement speaks of a `Rig` and serves every one of them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pyroute2 import IPRoute  # noqa: E402

from tests.support.engine import eventually  # noqa: E402
from tests.support.lab import Outcome  # noqa: E402
from tests.support.netns import Namespace, Network  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

VIRTUAL = "192.168.200.1"
PROBE = ROOT / "tests" / "support" / "probe.py"
WATCH = ROOT / "tests" / "support" / "watch.py"
NODES = ("high", "low")


def other(node: str) -> str:
    """The partner's name."""
    return "low" if node == "high" else "high"


class Rig:
    """The network both rigs share: `lans` HA interfaces LAN1 .. per node, a client on the last of them.

    Args:
        advert: centiseconds between adverts.
        lans: how many HA interfaces each node has.
        delay: UPDATE_TRIGGER_DELAY in seconds (our engine only; keepalived has none).
        real_time: whether the daemon may, and does, use real-time scheduling.
    """

    name = ""

    def __init__(self, advert: int, lans: int = 1, delay: int = 2, *, real_time: bool = True) -> None:
        self.advert, self.delay, self.real_time = advert, delay, real_time
        self.lans = tuple(f"LAN{number}" for number in range(1, lans + 1))
        self.directory = Path(tempfile.mkdtemp(prefix="bench-"))
        self.network = Network()
        self.nodes: dict[str, Namespace] = {}
        self.ports: dict[tuple[str, str], str] = {}
        for number, node in enumerate(NODES, 1):
            self.nodes[node] = self.network.node()
            for subnet, lan in enumerate(self.lans, 1):
                address = f"10.77.{subnet}.{number}/24"
                self.ports[node, lan] = self.network.wire(self.nodes[node], lan, lan, address)
        self.client = self.network.node()
        self.network.wire(self.client, "LAN", self.lans[-1], "192.168.200.10/24")
        with self.network.switch.inside():
            self._switch = IPRoute()
        self._index = {link.get("ifname"): link["index"] for link in self._switch.get_links()}

    def virtual(self, lan: str) -> str:
        """The virtual address of a LAN; the client's is always the same."""
        return f"{VIRTUAL}/24" if lan == self.lans[-1] else f"192.168.{100 + int(lan[3:])}.1/24"

    @property
    def master_down(self) -> float:
        """Seconds; a little more than Master_Down_Interval."""
        return 3.1 * self.advert / 100

    @classmethod
    @contextmanager
    def running(cls, *arguments: Any, **named: Any) -> Iterator[Rig]:
        """A rig that is up for as long as the block runs."""
        rig = cls(*arguments, **named)
        try:
            rig.up()
            yield rig
        finally:
            rig.close()

    def start(self, node: str) -> None:
        """Start the daemon of a node."""
        raise NotImplementedError

    def begin(self, node: str) -> None:
        """Start the daemon of a node without waiting for anything."""
        raise NotImplementedError

    def daemons(self, node: str) -> list[int]:
        """The processes of a node's daemon."""
        raise NotImplementedError

    def lower(self, node: str) -> None:
        """Hand the role over by configuration: maintenance, or a lower priority."""
        raise NotImplementedError

    def restore(self, node: str) -> None:
        """Undo `lower`."""
        raise NotImplementedError

    def kill(self, node: str) -> None:
        """Kill the daemon of a node with everything that belongs to it."""
        raise NotImplementedError

    def stop(self, node: str) -> None:
        """End the daemon of a node in good order; returns when it is gone."""
        raise NotImplementedError

    def holds(self, node: str) -> bool:
        """Whether the node has the client's virtual address."""
        return f"{VIRTUAL}/24" in self.nodes[node].addresses(self.lans[-1])

    def up(self) -> None:
        """Both nodes started, the high one master."""
        self.start("high")
        eventually(lambda: self.holds("high"), 5 * self.master_down + 15)
        self.start("low")
        time.sleep(max(1.0, 1.2 * self.master_down))

    def await_holder(self, node: str) -> None:
        """Wait until this node alone has the address."""
        eventually(lambda: self.holds(node) and not self.holds(other(node)), 4 * self.master_down + 10)

    # --- what happens to a node -----------------------------------------------------------------------

    def unplug(self, node: str, *lans: str) -> None:
        """Carrier loss at both ends."""
        for lan in lans or self.lans:
            self._port(node, lan, state="down")

    def plug(self, node: str, *lans: str) -> None:
        """The cable is back."""
        for lan in lans or self.lans:
            self._port(node, lan, state="up")

    def blackhole(self, node: str, *lans: str) -> None:
        """The switch drops every frame of the node, with the carrier up."""
        for lan in lans or self.lans:
            self._port(node, lan, master=0)

    def forward(self, node: str, *lans: str) -> None:
        """The switch forwards again."""
        for lan in lans or self.lans:
            self._port(node, lan, master=self._index[lan])

    def _port(self, node: str, lan: str, **change: Any) -> None:
        """Change a port of the switch, within a millisecond; `ip` in a process of its own takes about six."""
        self._switch.link("set", index=self._index[self.ports[node, lan]], **change)

    def power_off(self, node: str) -> None:
        """Power loss: silence first, then the processes."""
        self.unplug(node)
        self.kill(node)
        for lan in self.lans:
            self.nodes[node].run("ip", "address", "del", self.virtual(lan), "dev", lan, check=False)

    def power_on(self, node: str) -> None:
        """Boot."""
        self.plug(node)
        self.start(node)

    @contextmanager
    def watch(self, node: str) -> Iterator[list[tuple[float, str]]]:
        """When the node's client-side virtual address came (here) and went (gone); filled when the block ends."""
        command = self.nodes[node].command("chrt", "-f", "60", sys.executable, str(WATCH), VIRTUAL)
        told: list[tuple[float, str]] = []
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            first = process.stdout.readline()
            yield told
            process.stdin.close()
            for line in (first, *process.stdout):
                at, word = line.split()
                told.append((float(at), word))

    @contextmanager
    def probe(self, rate: int = 1000) -> Iterator[Outcome]:
        """Echo requests from the client to the virtual address while the block runs."""
        command = self.client.command("chrt", "-f", "60", sys.executable, str(PROBE), VIRTUAL, str(rate))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            outcome = Outcome()
            time.sleep(0.2)
            yield outcome
            process.stdin.close()
            report = json.loads(process.stdout.read())
        outcome.sent, outcome.lost, outcome.outage = report["sent"], report["lost"], report["outage"]

    def close(self) -> None:
        """End everything."""
        for node in NODES:
            self.kill(node)
        self._switch.close()
        self.network.close()
        shutil.rmtree(self.directory)
