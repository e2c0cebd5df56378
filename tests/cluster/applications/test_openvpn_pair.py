"""Two real clusterds with Debian's OpenVPN: a client reaches it at the virtual address of whoever is master."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.errors import ClusterError
from cluster.model import RemoveValue
from cluster.rpc.messages import (
    Applications,
    ControlApplication,
    EditConfig,
    GetApplications,
    SaveConfig,
    Switch,
    Synchronize,
    UpdateInterface,
)
from tests.support.appliance import until
from tests.support.netns import why_not
from tests.support.openvpn import COMMON, OPENVPN, Identity, listens, streams, why_no_openvpn
from tests.support.pair import Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.appliance import Appliance
    from tests.support.netns import Namespace

WHY_NOT = why_not() or why_no_openvpn()
pytestmark = [pytest.mark.netns, pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))]

VIRTUAL = "192.168.200.1"
PORT = 20000
OF_ITS_OWN = 1194
FAR_END = {2: "10.99.0.2", 3: "10.99.0.3"}
"""The address in the tunnel, by node: who answers there tells which of them it is."""
PATIENCE = 60.0

class Site:
    """Two appliances whose administrator has OpenVPN on a port of its own, and a client in their LAN."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.pair = Pair(directory, backup_disable_applications=["SSL-VPN"])
        self.client = self.pair.network.node()
        self.pair.network.wire(self.client, "eth0", "lan", "192.168.200.77/24")
        self._server, self._visitor = Identity(directory, "server"), Identity(directory, "client")
        self._process: subprocess.Popen[bytes] | None = None
        for last, node in self.pair.nodes.items():
            node.applications.mkdir()
            (node.applications / "openvpn").write_text(f"{OPENVPN} --config {node.state.parent}/%i.conf\n")
            self.own_file(last).write_text(
                f"{COMMON}port {OF_ITS_OWN}\ntls-server\ndh none\n{self._server.speaks_to(self._visitor)}"
                f"ifconfig {FAR_END[last]} 10.99.0.77\n"
            )

    def own_file(self, last: int) -> Path:
        return self.pair.nodes[last].state.parent / "office.conf"

    def start(self) -> None:
        self.pair.start()
        until(lambda: self.pair.master.role == "master", "the preferred node is master", PATIENCE)
        until(lambda: self.pair.spare.role == "backup", "the other one is backup", PATIENCE)

    def dial(self) -> None:
        """Start the client of the tunnel, which tries until there is somebody."""
        config = self._directory / "client.conf"
        routes = "".join(f"route {address}\n" for address in FAR_END.values())
        config.write_text(
            f"{COMMON}nobind\ntls-client\nremote {VIRTUAL} {PORT}\nconnect-retry 1 1\nserver-poll-timeout 4\n"
            f"{self._visitor.speaks_to(self._server)}ifconfig 10.99.0.77 10.99.0.200\n{routes}"
        )
        log = (self._directory / "client.log").open("wb")
        command = self.client.command(OPENVPN, "--config", str(config))
        self._process = subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def answering(self) -> list[int]:
        """The nodes that answer in the tunnel."""
        return [last for last, address in FAR_END.items() if self._ping(address)]

    def _ping(self, address: str) -> bool:
        command = self.client.command("ping", "-c", "1", "-W", "1", address)
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.pair.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def state(node: Appliance) -> str:
    return {each.name: each.state for each in node.ask(GetApplications(), Applications).applications}["openvpn"]


def restart(node: Appliance) -> None:
    node.ask(ControlApplication("openvpn", "restart"))


def test_it_listens_at_the_virtual_address_of_whoever_is_master_and_clients_get_through(site: Site) -> None:
    site.start()
    master, spare = site.pair.master, site.pair.spare
    here, there = site.pair.namespaces[2], site.pair.namespaces[3]
    master.set(openvpn__1={"name": "office", "local_addr": VIRTUAL, "local_port": PORT})

    restart(master)

    until(lambda: (VIRTUAL, PORT) in listens(here), f"it listens there; {master.log}", PATIENCE)
    assert state(spare) == "DOWN"
    assert all(port != OF_ITS_OWN for _, port in listens(here)), "its own file has the say no more"
    site.dial()
    until(lambda: site.answering == [2], "the client reaches the master", PATIENCE)

    master.ask(SaveConfig())
    until(lambda: synchronizes(master), f"the spare takes it over; {master.log}", PATIENCE)
    until(lambda: hands_over(master), f"the spare takes the role; {master.events}", PATIENCE)

    until(lambda: (VIRTUAL, PORT) in listens(there), f"it listens at the spare; {spare.log}", PATIENCE)
    until(lambda: state(master) == "DOWN" and (VIRTUAL, PORT) not in listens(here), "and here no more", PATIENCE)
    until(lambda: site.answering == [3], "the same client reaches the new master", PATIENCE)


def synchronizes(node: Appliance) -> bool:
    try:
        node.ask(Synchronize())
    except ClusterError:
        return False  # the hotwire is still about to come up
    return True


def hands_over(node: Appliance) -> bool:
    try:
        node.ask(Switch())
    except ClusterError:
        return False  # the partner has not resynchronised yet
    return True


def test_a_change_is_effective_with_a_restart_and_not_before(site: Site) -> None:
    site.start()
    master, here = site.pair.master, site.pair.namespaces[2]
    master.set(openvpn__1={"name": "office", "local_addr": VIRTUAL, "local_port": PORT})
    restart(master)
    until(lambda: (VIRTUAL, PORT) in listens(here), f"it listens there; {master.log}", PATIENCE)

    master.set(openvpn__1__local_port=PORT + 1)
    master.ask(UpdateInterface())
    assert (VIRTUAL, PORT) in listens(here)
    restart(master)
    until(lambda: (VIRTUAL, PORT + 1) in listens(here), f"the other port; {master.log}", PATIENCE)
    assert (VIRTUAL, PORT) not in listens(here)

    master.set(openvpn__1={"name": "office"})
    restart(master)
    until(lambda: ("0.0.0.0", OF_ITS_OWN) in listens(here), "as its own file says", PATIENCE)


def test_several_instances_run_beside_each_other_and_each_is_supervised(site: Site) -> None:
    site.start()
    master, here = site.pair.master, site.pair.namespaces[2]
    own = site.own_file(2)
    own.with_name("home.conf").write_text(own.read_text().replace("10.99.0", "10.98.0"))
    master.set(
        openvpn__1={"name": "office", "local_addr": VIRTUAL, "local_port": PORT},
        openvpn__2={"name": "home", "local_addr": VIRTUAL, "local_port": 443, "proto": "tcp"},
    )
    restart(master)
    until(lambda: (VIRTUAL, PORT) in listens(here), f"the first one listens; {master.log}", PATIENCE)
    until(lambda: (VIRTUAL, 443) in streams(here), f"the second one, with TCP; {master.log}", PATIENCE)

    (pid,) = [each for each in pids(here) if b"home.conf" in Path(f"/proc/{each}/cmdline").read_bytes()]
    os.kill(pid, 9)

    until(lambda: any("openvpn@home" in event.text for event in master.events), "it is missed", PATIENCE)
    until(lambda: (VIRTUAL, 443) in streams(here), "and started again", PATIENCE)

    master.ask(EditConfig(changes=(RemoveValue(("openvpn", "2")),)))
    restart(master)
    until(lambda: (VIRTUAL, PORT) in listens(here), "the first one listens again", PATIENCE)
    assert (VIRTUAL, 443) not in streams(here)


def pids(namespace: Namespace) -> list[int]:
    """Processes named openvpn in a namespace."""
    ours = Path(f"/proc/{namespace.pid}/ns/net").readlink()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "comm").read_text().strip() == "openvpn":
                found += [int(entry.name)] if (entry / "ns/net").readlink() == ours else []
        except OSError:
            continue  # it has just ended
    return found
