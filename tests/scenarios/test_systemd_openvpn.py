"""Debian's OpenVPN under a real systemd, which clusterd tells where its instances listen."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.test_systemd import BIN, FACTORY, UNIT, configuration
from tests.support.appliance import until
from tests.support.machine import PATIENCE, Machine, why_no_systemd
from tests.support.netns import Network, why_not
from tests.support.openvpn import COMMON, Identity, listens, streams, why_no_openvpn

if TYPE_CHECKING:
    from collections.abc import Iterator

WHY_NOT = why_not() or why_no_systemd() or why_no_openvpn()
pytestmark = [
    pytest.mark.netns,
    pytest.mark.xdist_group("systemd"),
    pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT)),
]

VIRTUAL, PORT = "192.168.200.1", 20000


class Firewall:
    """A machine that is master, with two files of OpenVPN: one for each of Debian's units."""

    def __init__(self, directory: Path) -> None:
        self._network = Network()
        self.node = self._network.node()
        self._network.wire(self.node, "LAN2", "LAN2")
        (directory / "machine").mkdir()
        self.machine = Machine(self.node, directory / "machine")
        self._directory = directory

    def install(self) -> None:
        machine = self.machine
        tun = "mkdir -p /dev/net && mknod /dev/net/tun c 10 200 && : <>/dev/net/tun && echo there"
        if machine.run("sh", "-c", tun, check=False).strip() != "there":
            pytest.skip("devices cannot be made here")
        machine.run("systemd-tmpfiles", "--create", "openvpn.conf")
        server, client = Identity(self._directory, "server"), Identity(self._directory, "client")
        for path in (server.key, server.certificate):
            machine.write(f"/etc/openvpn/{path.name}", path.read_text())
            machine.run("chmod", "600", f"/etc/openvpn/{path.name}")
        own = f"{COMMON}port 1194\ntls-server\ndh none\npeer-fingerprint {client.fingerprint}\n"
        own += "key /etc/openvpn/server.key\ncert /etc/openvpn/server.crt\n"
        machine.write("/etc/openvpn/office.conf", f"{own}ifconfig 10.99.0.1 10.99.0.2\n")
        machine.write("/etc/openvpn/server/home.conf", f"{own}ifconfig 10.98.0.1 10.98.0.2\n")
        config = configuration(141, "high")
        config["cluster"]["backup_disable_applications"] = ["SSL-VPN"]
        machine.write(FACTORY, json.dumps(config))
        private = "no" if BIN.is_relative_to("/tmp") else "yes"
        command = f"ExecStart=\nExecStart={BIN}/clusterd --factory {FACTORY}"
        machine.write(f"{UNIT}.d/test.conf", f"[Service]\n{command}\nPrivateTmp={private}\n")
        machine.run(str(BIN / "utmcli"), "service", "install", "--now")
        until(lambda: "|master" in self.type("cluster info"), "it is master", PATIENCE)

    def type(self, line: str) -> str:
        """A command; what it prints, errors included."""
        return self.machine.run("sh", "-c", '"$@" 2>&1', "sh", str(BIN / "utmcli"), *line.split(), check=False)

    def does(self, line: str) -> None:
        said = self.type(line)
        assert said == "OK\n", (line, said, self.machine.journal)

    def close(self) -> None:
        self.machine.close()
        self._network.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Firewall]:
    with tempfile.TemporaryDirectory(prefix="openvpn") as directory:
        made = Firewall(Path(directory))
        try:
            if reason := made.machine.why_not():
                pytest.skip(f"systemd does not run in namespaces here: {reason}")
            made.install()
            yield made
        finally:
            made.close()


@pytest.fixture
def firewall(shared: Firewall) -> Iterator[Firewall]:
    """Given a firewall on which OpenVPN has no instance."""
    yield shared
    for instance in json.loads(shared.type("openvpn get | json")):
        shared.does(f"openvpn delete id {instance['id']}")


def test_instances_are_debians_units_and_listen_where_they_are_told(firewall: Firewall) -> None:
    here, machine = firewall.node, firewall.machine
    firewall.does("openvpn new name office")
    firewall.does(f"openvpn set id 1 local_addr {VIRTUAL} local_port {PORT}")
    firewall.does(f"openvpn new name home local_addr {VIRTUAL} local_port 443 proto tcp")

    firewall.does("appmgmt restart application openvpn")

    until(lambda: (VIRTUAL, PORT) in listens(here), "openvpn@office listens there", PATIENCE)
    until(lambda: (VIRTUAL, 443) in streams(here), "and openvpn-server@home here", PATIENCE)
    for unit in ("openvpn@office", "openvpn-server@home"):
        assert machine.property("ActiveState", unit) == "active"
    assert "openvpn       |UP" in firewall.type("appmgmt status")

    firewall.does(f"openvpn set id 1 local_port {PORT + 1}")
    firewall.does("openvpn delete id 2")
    firewall.does("appmgmt restart application openvpn")

    until(lambda: (VIRTUAL, PORT + 1) in listens(here), "it listens at the other port", PATIENCE)
    until(lambda: (VIRTUAL, 443) not in streams(here), "the deleted one is gone", PATIENCE)
    assert (VIRTUAL, PORT) not in listens(here)

    firewall.does("appmgmt stop application openvpn")

    until(lambda: (VIRTUAL, PORT + 1) not in listens(here), "it listens no more", PATIENCE)
    assert "openvpn       |DOWN" in firewall.type("appmgmt status")


def test_an_instance_without_a_file_of_openvpn_is_named(firewall: Firewall) -> None:
    firewall.does("openvpn new name nowhere")
    said = firewall.type("appmgmt restart application openvpn")
    assert "no file for the instance nowhere: there is neither /etc/openvpn/nowhere.conf nor " in said
