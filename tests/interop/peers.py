"""Other people's VRRP daemons, each in a namespace of its own, none of them touching the host."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tests.support.engine import PATIENCE, SECRET, eventually

if TYPE_CHECKING:
    from tests.support.netns import Namespace

VIRTUAL = "192.168.200.1"
ADDRESS = "192.168.12.142"


class Peer:
    """A daemon that runs virtual router 2 with 192.168.200.1 on LAN2, adverts every 250 ms."""

    name: ClassVar[str]
    engine: ClassVar[dict[str, Any]] = {}
    """What our engine has to be configured with beside it."""

    def __init__(self, namespace: Namespace, port: str, directory: Path) -> None:
        self.namespace = namespace
        self.port = port
        self.directory = directory
        directory.mkdir()
        self._processes: list[subprocess.Popen[bytes]] = []

    @classmethod
    def why_not(cls) -> str | None:
        raise NotImplementedError

    def start(self, priority: int) -> None:
        raise NotImplementedError

    def holds(self) -> bool:
        """Whether it has the virtual address, and so is master."""
        raise NotImplementedError

    def advertises(self, frame: bytes) -> bool:
        """Whether this frame is an advert of its, and no farewell."""
        vrrp = 14 + 4 * (frame[14] & 15)
        return (frame[23], frame[26:30]) == (112, socket.inet_aton(ADDRESS)) and frame[vrrp + 2] != 0

    def becomes(self, *, master: bool, within: float = PATIENCE) -> None:
        eventually(lambda: self.holds() == master, within)

    def stop(self) -> None:
        """Orderly, with a farewell."""
        for process in reversed(self._processes):
            process.terminate()
            process.wait(PATIENCE)
        self._processes.clear()

    def close(self) -> None:
        self.stop()

    def _run(self, *words: str) -> None:
        command = self.namespace.command(*words)
        log = (self.directory / "log").open("ab")
        self._processes.append(subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log))
        log.close()


class Keepalived(Peer):
    name = "keepalived"
    binary: ClassVar[str] = "keepalived"

    @classmethod
    def why_not(cls) -> str | None:
        return None if shutil.which(cls.binary) else f"{cls.binary} is not installed"

    @property
    def authentication(self) -> str:
        """What else stands in the virtual router's configuration."""
        return ""

    def start(self, priority: int) -> None:
        configuration = self.directory / "keepalived.conf"
        configuration.write_text(f"""
            global_defs {{ vrrp_version 3 }}
            vrrp_instance peer {{
                state BACKUP
                interface LAN2
                virtual_router_id 2
                priority {priority}
                advert_int 0.25
                virtual_ipaddress {{ {VIRTUAL}/24 dev LAN2 }}
                {self.authentication}
            }}
        """)
        parent, child = (self.directory / f"{part}.pid" for part in ("parent", "vrrp"))
        files = [f"--use-file={configuration}", f"--pid={parent}", f"--vrrp_pid={child}"]
        self._run(self.binary, "--dont-fork", "--log-console", *files)

    def holds(self) -> bool:
        return f"{VIRTUAL}/24" in self.namespace.addresses("LAN2")


def _version(binary: str) -> tuple[int, ...]:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"Keepalived v(\d+)\.(\d+)", shown.stderr + shown.stdout)
    return tuple(map(int, found.groups())) if found else ()


class SignedKeepalived(Keepalived):
    """One that signs its adverts: keepalived 2.4 or later, as KEEPALIVED says or as it is installed.

    It accepts what is signed with the keys it has, and of that only what is as fresh as its default demands.
    """

    name = "keepalived-signed"
    binary = os.environ.get("KEEPALIVED", "keepalived")
    engine: ClassVar[dict[str, Any]] = {"mode": "hmac"}
    NEEDED: ClassVar[tuple[int, ...]] = (2, 4)

    def __init__(self, namespace: Namespace, port: str, directory: Path) -> None:
        super().__init__(namespace, port, directory)
        self.keys = {1: SECRET}
        self.signs = True

    @classmethod
    def why_not(cls) -> str | None:
        if (reason := super().why_not()) is not None:
            return reason
        found = _version(cls.binary)
        if found < cls.NEEDED:
            shown = ".".join(map(str, found)) or "of unknown version"
            return f"{cls.binary} {shown} cannot sign; KEEPALIVED may name one that can, 2.4 or later"
        return None

    @property
    def authentication(self) -> str:
        keys = "\n".join(f"key {number} {secret}" for number, secret in self.keys.items())
        return f"auth_hmac {{\n{keys}\nactive_key 1\nmode enforce\n}}" if self.signs else ""


class Frr(Peer):
    """FRR's vrrpd keeps the address on a macvlan interface, and that interface down while it is backup."""

    name = "frr"
    _DAEMONS = Path("/usr/lib/frr")

    @classmethod
    def why_not(cls) -> str | None:
        if not (cls._DAEMONS / "vrrpd").exists():
            return "FRR's vrrpd is not installed"
        return None

    def start(self, priority: int) -> None:
        # Its daemons give up root for the user frr, and must find their way through pytest's directories.
        for directory in (self.directory, *self.directory.parents):
            if directory == Path(tempfile.gettempdir()):
                break
            directory.chmod(directory.stat().st_mode | 0o755)
        shutil.chown(self.directory, "frr", "frr")
        run = self.namespace.run
        run("ip", "link", "add", "vrrp2", "link", "LAN2", "type", "macvlan", "mode", "bridge", check=False)
        run("ip", "link", "set", "vrrp2", "address", "00:00:5e:00:01:02")
        run("ip", "address", "replace", f"{VIRTUAL}/24", "dev", "vrrp2")
        run("ip", "link", "set", "vrrp2", "up")
        (self.directory / "zebra.conf").write_text("hostname zebra\n")
        (self.directory / "vrrpd.conf").write_text(
            "interface LAN2\n vrrp 2 version 3\n"
            f" vrrp 2 priority {priority}\n vrrp 2 advertisement-interval 250\n vrrp 2 ip {VIRTUAL}\n"
        )
        for daemon in ("zebra", "vrrpd"):
            files = ["-f", f"{daemon}.conf", "-i", str(self.directory / f"{daemon}.pid")]
            sockets = ["-z", str(self.directory / "zserv.api"), "--vty_socket", str(self.directory), "-P", "0"]
            self._run(str(self._DAEMONS / daemon), *files, *sockets, "-u", "frr", "-g", "frr", "--log", "stdout")
            eventually(lambda socket=f"{daemon}.vty": (self.directory / socket).exists(), 20)

    def holds(self) -> bool:
        shown = self.namespace.run("ip", "-o", "link", "show", "vrrp2", check=False)
        return "LOWER_UP" in shown and "vrrpd" in str(self._processes[-1].args) if self._processes else False


PEERS: list[type[Peer]] = [Keepalived, SignedKeepalived, Frr]
