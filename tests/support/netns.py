"""Anonymous network namespaces for tests: no names to collide, nothing left behind when a test dies."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000


class Namespace:
    """One network namespace, alive as long as its keeper, which ends with the test that holds its input."""

    def __init__(self) -> None:
        hold = ["unshare", "--net", "sh", "-c", "echo; exec cat"]
        self._keeper = subprocess.Popen(hold, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._keeper.stdout is not None
        self._keeper.stdout.readline()
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        return self._keeper.pid

    def command(self, *words: str) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *words]

    def run(self, *words: str, check: bool = True) -> str:
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(words)}: {done.stderr or done.stdout}")
        return done.stdout

    def addresses(self, interface: str) -> set[str]:
        lines = self.run("ip", "-4", "-o", "address", "show", "dev", interface, check=False).splitlines()
        return {line.split()[3] for line in lines}

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets made in here belong to the namespace for good."""
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        away = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
        try:
            assert libc.setns(away, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            yield
        finally:
            assert libc.setns(home, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            os.close(home)
            os.close(away)

    def close(self) -> None:
        """Nothing of the test lives on in here: what a supervised daemon left would keep the namespace, too."""
        for pid in self._inhabitants() - {self.pid}:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.close()
        self._keeper.stdout.close()
        self._keeper.wait(30)

    def _inhabitants(self) -> set[int]:
        ours = Path(f"/proc/{self.pid}/ns/net").readlink()
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(OSError):  # it has just ended
                    if (entry / "ns/net").readlink() == ours:
                        found.add(int(entry.name))
        return found


class Network:
    """Namespaces around one switch: `node` adds one, `wire` plugs it into a LAN (a bridge of the switch)."""

    def __init__(self) -> None:
        self.switch = Namespace()
        self._all = [self.switch]
        self._bridges: set[str] = set()
        # A switch forwards frames whatever is in them; br_netfilter, where loaded, drops bad IP headers.
        self.switch.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0", check=False)

    def node(self) -> Namespace:
        made = Namespace()
        self._all.append(made)
        return made

    def wire(self, node: Namespace, interface: str, lan: str, address: str = "") -> str:
        """Give a node an interface in a LAN; returns the switch's port, whose state is the cable."""
        if lan not in self._bridges:
            self.switch.run("ip", "link", "add", lan, "type", "bridge", "mcast_snooping", "0")
            self.switch.run("ip", "link", "set", lan, "up")
            self._bridges.add(lan)
        port = f"{lan}p{len(self._all)}n{node.pid % 10000}"[:15]
        peer = ("peer", "name", interface, "netns", str(node.pid))
        self.switch.run("ip", "link", "add", port, "type", "veth", *peer)
        self.switch.run("ip", "link", "set", port, "master", lan, "up")
        node.run("ip", "link", "set", interface, "up")
        if address:
            node.run("ip", "address", "add", address, "dev", interface)
        return port

    def forwards(self, port: str) -> bool:
        """Whether the switch passes frames from this port; it does so a moment after there is link."""
        return '"forwarding"' in self.switch.run("bridge", "-json", "link", "show", "dev", port)

    def cable(self, port: str, *, plugged: bool) -> None:
        self.switch.run("ip", "link", "set", port, "up" if plugged else "down")

    def close(self) -> None:
        for namespace in reversed(self._all):
            namespace.close()


def why_not() -> str | None:
    """Why namespaces cannot be made here, or None."""
    if os.geteuid():
        return "network namespaces need root"
    if not Path("/proc/self/ns/net").exists():
        return "this kernel has no network namespaces"
    done = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip() or None
