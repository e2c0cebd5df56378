"""Two nodes, a client and a switch in namespaces, driven by our engine or by keepalived with the same timers.

Both rigs offer the same words, so that one measurement serves both and every figure is a ratio of one run.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
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
WATCH = ROOT / "tests" / "support" / "watch.py"
NODES = ("high", "low")
ETHERTYPE_IPV4, VRRP = 0x0800, 112
UNPRIVILEGED = ("setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice", "--")
"""What takes a daemon the right to real-time scheduling."""


def _terminate(process: subprocess.Popen[Any]) -> None:
    """End a process in good order; returns the moment it is gone (`wait` with a limit asks at intervals)."""
    handle = os.pidfd_open(process.pid)
    try:
        process.send_signal(signal.SIGTERM)
        assert select.select((handle,), (), (), 10)[0], "it does not stop"
    finally:
        os.close(handle)
    process.wait()


def other(node: str) -> str:
    """The partner's name."""
    return "low" if node == "high" else "high"


class Wrapped:
    """A namespace whose commands all run behind another one."""

    def __init__(self, namespace: Namespace, wrapper: tuple[str, ...]) -> None:
        self._namespace, self._wrapper = namespace, wrapper

    def command(self, *words: str) -> list[str]:
        """The command line that runs these words in the namespace."""
        return self._namespace.command(*self._wrapper, *words)


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

    def await_advert(self, node: str) -> None:
        """Return as soon as the client's LAN has carried the next advert of this node."""
        source = socket.inet_aton(f"10.77.{len(self.lans)}.{NODES.index(node) + 1}")
        with self.client.inside():
            listener = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETHERTYPE_IPV4))
        with listener:
            listener.settimeout(4 * self.advert / 100 + 1)
            while True:
                packet = listener.recv(2048)
                if packet[9] == VRRP and packet[12:16] == source:
                    return

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
        self.network.close()
        shutil.rmtree(self.directory)


class Ours(Rig):
    """Our engine, signed adverts, as clusterd would run it."""

    name = "utmcli"
    mode = "hmac"

    def __init__(self, advert: int, lans: int = 1, delay: int = 2, *, real_time: bool = True) -> None:
        super().__init__(advert, lans, delay, real_time=real_time)
        self.engines: dict[str, Engine] = {}
        for node in NODES:
            place: Any = self.nodes[node] if real_time else Wrapped(self.nodes[node], UNPRIVILEGED)
            self.engines[node] = Engine(place, self.directory / node, self.document(node))

    def document(self, node: str, **changes: Any) -> dict[str, Any]:
        """The node's engine.json."""
        interfaces = [interface(lan, int(lan[3:]), self.virtual(lan)) for lan in self.lans]
        base = {"priority": node, "advert_interval": self.advert, "trigger_delay": self.delay}
        return configuration(*interfaces, mode=self.mode, **base, **changes)

    def begin(self, node: str) -> None:
        engine = self.engines[node]
        if engine.process is not None and engine.process.stderr is not None:
            engine.process.stderr.close()
        engine.start()

    def start(self, node: str) -> None:
        self.begin(node)
        engine = self.engines[node]
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
        _terminate(self.engines[node].running)

    def daemons(self, node: str) -> list[int]:
        return [self.engines[node].running.pid]

    def switch(self, node: str) -> None:
        """Hand the role over."""
        answer = self.engines[node].ask("switch", force=False)
        assert "error" not in answer, answer

    def lower(self, node: str) -> None:
        self._maintenance(node, on=True)

    def restore(self, node: str) -> None:
        self._maintenance(node, on=False)

    def _maintenance(self, node: str, *, on: bool) -> None:
        self.engines[node].configure(self.document(node, maintenance=on))
        answer = self.engines[node].ask("reload")
        assert "error" not in answer, answer


class Unsigned(Ours):
    """Our engine without authentication."""

    name = "unsigned"
    mode = "none"


class Keepalived(Rig):
    """keepalived as configured by those who want the same: VRRPv3, same timers, same priorities."""

    name = "keepalived"

    def __init__(self, advert: int, lans: int = 1, delay: int = 2, *, real_time: bool = True) -> None:
        super().__init__(advert, lans, delay, real_time=real_time)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for node in NODES:
            (self.directory / f"{node}.conf").write_text(self.document(node))

    def document(self, node: str, priority: int = 0) -> str:
        """The node's keepalived.conf."""
        priority = priority or (254 if node == "high" else 253)
        instances = "\n".join(
            f"""vrrp_instance {lan} {{
                state BACKUP
                interface {lan}
                virtual_router_id {lan[3:]}
                priority {priority}
                advert_int {self.advert / 100}
                virtual_ipaddress {{ {self.virtual(lan)} }}
            }}"""
            for lan in self.lans
        )
        # One member a line: a long line is more than its parser takes.
        members = "\n".join(self.lans)
        group = f"vrrp_sync_group all {{\ngroup {{\n{members}\n}}\n}}" if len(self.lans) > 1 else ""
        # Its limit of 10 ms for one turn of a real-time process kills it where there are many interfaces.
        real_time = "vrrp_rt_priority 50\nvrrp_rlimit_rttime 1000000" if self.real_time else ""
        return f"global_defs {{\nvrrp_version 3\n{real_time}\n}}\n{instances}\n{group}\n"

    def begin(self, node: str) -> None:
        files = [f"--{word}={self.directory}/{node}.{word}" for word in ("pid", "vrrp_pid")]
        files.append(f"--use-file={self.directory}/{node}.conf")
        command = ["keepalived", "--dont-fork", "--vrrp", "--log-console", *files]
        wrapper = () if self.real_time else UNPRIVILEGED
        self.processes[node] = subprocess.Popen(
            self.nodes[node].command(*wrapper, *command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def start(self, node: str) -> None:
        self.begin(node)
        eventually(lambda: len(self.daemons(node)) > 1, 5)

    def daemons(self, node: str) -> list[int]:
        process = self.processes[node]
        if process.poll() is not None:
            return []
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [process.pid, *map(int, children)]

    def lower(self, node: str) -> None:
        self._reload(node, 100)

    def restore(self, node: str) -> None:
        self._reload(node)

    def _reload(self, node: str, priority: int = 0) -> None:
        (self.directory / f"{node}.conf").write_text(self.document(node, priority))
        if self.daemons(node):
            self.processes[node].send_signal(signal.SIGHUP)

    def kill(self, node: str) -> None:
        process = self.processes.get(node)
        if process is None:
            return
        # The parent first: it would start its child anew.
        for pid in self.daemons(node):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        for word in ("pid", "vrrp_pid"):
            (self.directory / f"{node}.{word}").unlink(missing_ok=True)

    def stop(self, node: str) -> None:
        _terminate(self.processes[node])


def available() -> list[type[Rig]]:
    """The rigs that can run here; says why one is missing."""
    if reason := why_not():
        sys.exit(f"this benchmark cannot run: {reason}")
    if shutil.which("keepalived") is None:
        print("keepalived is not installed: its column is missing")
        return [Ours]
    return [Ours, Keepalived]
