"""Two real clusterds on one LAN, with real engines, and no hotwire between them."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cluster.rpc.messages import GetStatus, Status
from tests.support.appliance import Appliance, until
from tests.support.netns import Network

if TYPE_CHECKING:
    from collections.abc import Iterator

VIRTUAL = "192.168.200.1/24"


def configuration(last: int, priority: str) -> dict[str, Any]:
    return {
        "hostname": f"utm{last}.cluster.local",
        "cluster": {"enabled": True, "priority": priority, "passphrase": "hex:" + "5a" * 32},
        "interfaces": {"LAN2": {"id": 1, "flags": ["HA"], "vrid": 2}, "LAN3": {"id": 2, "flags": ["HOTWIRE"]}},
        "addresses": {"1": {"device": "LAN2", "address": f"192.168.12.{last}/24"}},
        "virtual_addresses": {"1": {"device": "LAN2", "address": VIRTUAL}},
    }


class Pair:
    """Two appliances on one LAN; the master has the high priority."""

    def __init__(self, directory: Path) -> None:
        self.network = Network()
        self._all: list[Appliance] = []
        self.master = self._appliance(directory / "m", 141, "high")
        self.spare = self._appliance(directory / "s", 142, "low")

    def _appliance(self, directory: Path, last: int, priority: str) -> Appliance:
        directory.mkdir()
        node = self.network.node()
        for interface in ("LAN2", "LAN3", "LAN9"):
            self.network.wire(node, interface, interface)
        appliance = Appliance(node, directory, configuration(last, priority))
        self._all.append(appliance)
        return appliance

    def start(self) -> None:
        self.master.start()
        until(lambda: self.master.role == "master", "the master has its role")
        self.spare.start()
        until(lambda: self.spare.role == "backup", "the spare has its role")
        until(lambda: self.partner_heard, "the spare hears the master")

    def alone(self) -> Appliance:
        """The master without its partner, at its work."""
        self.master.start()
        until(lambda: self.master.role == "master", "a lone node becomes master")
        return self.master

    @property
    def partner_heard(self) -> bool:
        (interface,) = self.spare.ask(GetStatus(), Status).status.interfaces
        return interface.partner_heard_age is not None

    def assert_undisturbed(self, seconds: float = 1.0) -> None:
        """Nobody changed its role, and nobody does within the partner's patience."""
        time.sleep(seconds)
        assert self.spare.roles == ["backup"], self.spare.log
        assert self.master.role == "master"
        assert self.master.roles == ["backup", "master"], self.master.log
        assert self.master.holds(VIRTUAL)

    def assert_handed_over(self) -> None:
        """The spare has the role and was told to take it, perhaps a moment later: it did not wait for silence."""
        until(lambda: self.spare.role == "master", "the spare takes over")
        assert self.spare.holds(VIRTUAL)
        causes = [event.text for event in self.spare.events if event.kind == "role"]
        assert "no advert" not in causes[-1]

    def close(self) -> None:
        for appliance in self._all:
            if appliance.process is not None:
                appliance.close()
        self.network.close()


@contextmanager
def two_daemons() -> Iterator[Pair]:
    """Neither is started yet; both end with the block."""
    with tempfile.TemporaryDirectory(prefix="pair") as directory:
        Path(directory).chmod(0o755)  # as /run is: the shell host and other users get as far as the sockets
        made = Pair(Path(directory))
        try:
            yield made
        finally:
            made.close()


def status_of(pid: int | None) -> dict[str, str]:
    """What the kernel says of a process."""
    return dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
