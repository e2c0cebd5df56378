"""Two nodes, a client and a switch in namespaces, driven by our engine or by keepalived with the same timers.

Both rigs offer the same words, so that one measurement serves both and every figure is a ratio of one run.
"""

from __future__ import annotations

import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.engine import Engine, configuration, eventually, interface  # noqa: E402
from tests.support.lab import Outcome  # noqa: E402
from tests.support.netns import Namespace, Network, why_not  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

VIRTUAL = "192.168.200.1"
PROBE = ROOT / "tests" / "support" / "probe.py"
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
    """

    name = ""

    def __init__(self, advert: int, lans: int = 1, delay: int = 2) -> None:
        self.advert, self.delay = advert, delay
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

    def virtual(self, lan: str) -> str:
        """The virtual address of a LAN; the client's is always the same."""
        return f"{VIRTUAL}/24" if lan == self.lans[-1] else f"192.168.{100 + int(lan[3:])}.1/24"

    @property
    def master_down(self) -> float:
        """Seconds; a little more than Master_Down_Interval."""
        return 3.1 * self.advert / 100

    def start(self, node: str) -> None:
        """Start the daemon of a node."""
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
        eventually(lambda: self.holds("high"), 5 * self.master_down + 5)
        self.start("low")
        time.sleep(max(1.0, 1.2 * self.master_down))

    def await_holder(self, node: str) -> None:
        """Wait until this node alone has the address."""
        eventually(lambda: self.holds(node) and not self.holds(other(node)), 4 * self.master_down + 10)

    # --- what happens to a node -----------------------------------------------------------------------

    def unplug(self, node: str, *lans: str) -> None:
        """Carrier loss at both ends."""
        for lan in lans or self.lans:
            self.network.cable(self.ports[node, lan], plugged=False)

    def plug(self, node: str, *lans: str) -> None:
        """The cable is back."""
        for lan in lans or self.lans:
            self.network.cable(self.ports[node, lan], plugged=True)

    def blackhole(self, node: str, *lans: str) -> None:
        """The switch drops every frame of the node, with the carrier up."""
        for lan in lans or self.lans:
            self.network.switch.run("ip", "link", "set", self.ports[node, lan], "nomaster")

    def forward(self, node: str, *lans: str) -> None:
        """The switch forwards again."""
        for lan in lans or self.lans:
            self.network.switch.run("ip", "link", "set", self.ports[node, lan], "master", lan)

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
        self.network.close()
        shutil.rmtree(self.directory)


class Ours(Rig):
    """Our engine, signed adverts, as clusterd would run it."""

    name = "utmcli"

    def __init__(self, advert: int, lans: int = 1, delay: int = 2) -> None:
        super().__init__(advert, lans, delay)
        self.engines: dict[str, Engine] = {}
        for node in NODES:
            self.engines[node] = Engine(self.nodes[node], self.directory / node, self.document(node))

    def document(self, node: str, **changes: Any) -> dict[str, Any]:
        """The node's engine.json."""
        interfaces = [interface(lan, int(lan[3:]), self.virtual(lan)) for lan in self.lans]
        base = {"priority": node, "advert_interval": self.advert, "trigger_delay": self.delay}
        return configuration(*interfaces, **base, **changes)

    def start(self, node: str) -> None:
        engine = self.engines[node]
        if engine.process is not None and engine.process.stderr is not None:
            engine.process.stderr.close()
        engine.start()
        eventually(lambda: (engine.run_dir / "engine.sock").exists() and engine.page is not None, 5)
        eventually(lambda: self._resynchronised(engine), 5)

    @staticmethod
    def _resynchronised(engine: Engine) -> bool:
        try:
            return "error" not in engine.ask("resynchronised")
        except OSError:
            return False

    def kill(self, node: str) -> None:
        engine = self.engines[node]
        if engine.process is not None and engine.process.poll() is None:
            engine.kill()

    def power_off(self, node: str) -> None:
        super().power_off(node)
        # The run directory is a tmpfs: nothing of it is there after a boot.
        for name in ("engine.page", "engine.sock"):
            (self.engines[node].run_dir / name).unlink(missing_ok=True)

    def stop(self, node: str) -> None:
        self.engines[node].stop()

    def switch(self, node: str) -> None:
        """Hand the role over."""
        self.engines[node].ask("switch", force=False)

    def maintenance(self, node: str, *, on: bool) -> None:
        """Maintenance on or off, in force at once."""
        self.engines[node].configure(self.document(node, maintenance=on))
        self.engines[node].ask("reload")


class Keepalived(Rig):
    """keepalived as configured by those who want the same: VRRPv3, same timers, same priorities."""

    name = "keepalived"

    def __init__(self, advert: int, lans: int = 1, delay: int = 2, binary: str = "keepalived") -> None:
        super().__init__(advert, lans, delay)
        self.binary = binary
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for node in NODES:
            (self.directory / f"{node}.conf").write_text(self.document(node))

    def document(self, node: str) -> str:
        """The node's keepalived.conf."""
        instances = "\n".join(
            f"""vrrp_instance {lan} {{
                state BACKUP
                interface {lan}
                virtual_router_id {lan[3:]}
                priority {254 if node == "high" else 253}
                advert_int {self.advert / 100}
                virtual_ipaddress {{ {self.virtual(lan)} }}
            }}"""
            for lan in self.lans
        )
        group = f"vrrp_sync_group all {{ group {{ {' '.join(self.lans)} }} }}" if len(self.lans) > 1 else ""
        return f"global_defs {{ vrrp_version 3 }}\n{instances}\n{group}\n"

    def start(self, node: str) -> None:
        files = [f"--{word}={self.directory}/{node}.{word}" for word in ("pid", "vrrp_pid")]
        files.append(f"--use-file={self.directory}/{node}.conf")
        command = [self.binary, "--dont-fork", "--vrrp", "--log-console", *files]
        self.running[node] = subprocess.Popen(
            self.nodes[node].command(*command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def kill(self, node: str) -> None:
        process = self.running.pop(node, None)
        if process is None:
            return
        pid = process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split() if process.poll() is None else []
        process.kill()
        process.wait()
        for child in children:
            subprocess.run(["kill", "-9", child], check=False)
        for word in ("pid", "vrrp_pid"):
            (self.directory / f"{node}.{word}").unlink(missing_ok=True)

    def stop(self, node: str) -> None:
        process = self.running.pop(node)
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def available() -> list[type[Rig]]:
    """The rigs that can run here; says why one is missing."""
    if reason := why_not():
        sys.exit(f"this benchmark cannot run: {reason}")
    if shutil.which("keepalived") is None:
        print("keepalived is not installed: its column is missing")
        return [Ours]
    return [Ours, Keepalived]


def summary(values: list[float], unit: float = 1000.0) -> str:
    """Median and maximum, in milliseconds unless told otherwise."""
    return f"{statistics.median(values) * unit:9.1f} {max(values) * unit:9.1f}"
