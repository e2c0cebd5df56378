"""clusterd as a service of a machine that systemd runs: what each way to end it does to the role."""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.appliance import Appliance, until
from tests.support.machine import PATIENCE, Machine, why_no_systemd
from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.netns,
    pytest.mark.xdist_group("systemd"),
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(why_no_systemd() is not None, reason=str(why_no_systemd())),
]

BIN = Path(sys.executable).parent
VIRTUAL = "192.168.200.1/24"
FACTORY = "/etc/utmcli-factory.json"
UNIT = "/etc/systemd/system/clusterd.service"
HANDOVER = "/etc/systemd/system/clusterd-handover.service"
APPLICATION = """
[Unit]
After=network.target
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sleep infinity
TimeoutStopSec=infinity
"""
"""One that does not end, such as a proxy that waits for its clients."""


def configuration(last: int, priority: str) -> dict[str, Any]:
    return {
        "hostname": f"utm{last}.cluster.local",
        "cluster": {"enabled": True, "priority": priority, "passphrase": "hex:" + "5a" * 32},
        "interfaces": {"LAN2": {"id": 1, "flags": ["HA"], "vrid": 2}},
        "addresses": {"1": {"device": "LAN2", "address": f"192.168.12.{last}/24"}},
        "virtual_addresses": {"1": {"device": "LAN2", "address": VIRTUAL}},
    }


class Service:
    """A firewall with the service installed, and its partner in a directory of the test."""

    def __init__(self, directory: Path) -> None:
        self.network = Network()
        self.node, other = self.network.node(), self.network.node()
        for node in (self.node, other):
            self.network.wire(node, "LAN2", "LAN2")
        (directory / "machine").mkdir()
        self.machine = Machine(self.node, directory / "machine")
        self.partner = Appliance(other, directory, configuration(142, "low"))
        self.seen = 0

    def install(self) -> None:
        """As an administrator does; the drop-in gives it a configuration."""
        machine = self.machine
        machine.write(FACTORY, json.dumps(configuration(141, "high")))
        # Where the repository of the test is in /tmp, the service has to see it.
        private = "no" if BIN.is_relative_to("/tmp") else "yes"
        command = f"ExecStart=\nExecStart={BIN}/clusterd --factory {FACTORY}"
        machine.write(f"{UNIT}.d/test.conf", f"[Service]\n{command}\nPrivateTmp={private}\n")
        machine.write(f"{HANDOVER}.d/test.conf", f"[Service]\nPrivateTmp={private}\n")
        machine.write("/etc/systemd/system/openvpn.service", APPLICATION)
        machine.run(str(BIN / "utmcli"), "service", "install", "--now")

    def begin(self) -> None:
        """The firewall is master and its partner backup; from now on changes count."""
        self.install()
        until(lambda: self.info["cluster_state"] == "master", "the firewall is master", PATIENCE)
        if self.partner.process is None:
            self.partner.start()
        until(lambda: self.partner.role == "backup", "the partner is backup", PATIENCE)
        self.seen = len(self.partner.roles)

    def brutally(self) -> None:
        """From now on a stop finds a clusterd that does not end in order, and kills it in the end."""
        self.machine.write(f"{UNIT}.d/z.conf", "[Service]\nExecStop=\nKillSignal=SIGKILL\n")
        self.machine.run("systemctl", "daemon-reload")

    def gently(self) -> None:
        self.machine.run("rm", "-f", f"{UNIT}.d/z.conf")

    @property
    def info(self) -> dict[str, Any]:
        said = self.machine.run(str(BIN / "utmcli"), "--json", "cluster", "info", check=False)
        found: dict[str, Any] = json.loads(said) if said.startswith("{") else {"cluster_state": ""}
        return found

    @property
    def main(self) -> int:
        return int(self.machine.property("MainPID"))

    @property
    def engine(self) -> int:
        return self.machine.one("cluster.vrrp")

    def is_served_anew(self, before: int) -> bool:
        """Whether another clusterd than this one has come up."""
        return self.machine.property("ActiveState") == "active" and self.main not in (0, before)

    def assert_same_role(self, engine: int) -> None:
        """The engine that ran goes on, and the partner never saw a reason to act."""
        assert self.engine == engine, self.machine.journal
        assert self.info["cluster_state"] == "master"
        assert self.partner.roles[self.seen :] == [], self.machine.journal
        assert VIRTUAL in self.node.addresses("LAN2")

    def assert_handed_over(self) -> None:
        """The partner was asked to take over, before silence could tell it anything."""
        until(lambda: self.partner.role == "master", "the partner has taken over", PATIENCE)
        taken = [event.text for event in self.partner.events if event.role == "master"][-1]
        assert "no advert" not in taken, (taken, self.machine.journal)
        until(lambda: VIRTUAL not in self.node.addresses("LAN2"), "the virtual address is released", PATIENCE)

    def close(self) -> None:
        self.machine.close()
        if self.partner.process is not None:
            self.partner.close()
        self.network.close()


@contextmanager
def booted() -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="systemd") as directory:
        made = Service(Path(directory))
        try:
            if reason := made.machine.why_not():
                pytest.skip(f"systemd does not run in namespaces here: {reason}")
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Service]:
    with booted() as made:
        yield made


@pytest.fixture
def service(shared: Service) -> Service:
    """Given an installed service that is master, whatever the test before did to it."""
    shared.gently()
    shared.begin()
    return shared


def test_the_service_runs_with_no_more_privileges_than_its_parts_need(service: Service) -> None:
    machine = service.machine
    engine, shell = service.engine, machine.one("utmcli serve")
    until(lambda: "\nCapEff:\t0000000000000000\n" in machine.run("cat", f"/proc/{shell}/status"), "the shell host")

    assert machine.run("stat", "-c", "%U", f"/proc/{shell}").strip() in {"utmcli", "root"}
    assert "CapBnd:\t0000000000807000" in machine.run("cat", f"/proc/{engine}/status")
    assert machine.run("stat", "-c", "%a %U", "/var/lib/utmcli", "/run/utmcli") == "700 root\n755 root\n"
    # What is forbidden to the service is needed by none of its parts.
    assert "not permitted" not in machine.run(str(BIN / "utmcli"), "cluster", "status")
    assert "inet utmcli_cluster" in machine.run("nft", "list", "tables")
    machine.run(str(BIN / "utmcli"), "appmgmt", "start", "application", "openvpn")
    until(lambda: machine.property("ActiveState", "openvpn.service") == "active", "clusterd starts units", PATIENCE)


def test_a_restart_keeps_the_engine_and_the_role(service: Service) -> None:
    engine, main = service.engine, service.main

    service.machine.run("systemctl", "restart", "clusterd")

    assert service.is_served_anew(main)
    service.assert_same_role(engine)

    service.machine.run("systemctl", "reload", "clusterd")

    until(lambda: service.machine.journal.count("executing itself anew"), "clusterd is another", PATIENCE)
    until(lambda: service.info["cluster_state"] == "master", "it answers", PATIENCE)
    service.assert_same_role(engine)


def test_a_killed_clusterd_comes_back_to_its_engine(service: Service) -> None:
    engine, main = service.engine, service.main

    service.machine.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "clusterd")

    until(lambda: service.is_served_anew(main), "clusterd is back", PATIENCE)
    service.assert_same_role(engine)


def test_a_stop_hands_the_role_over_and_leaves_nothing(service: Service) -> None:
    service.machine.run("systemctl", "stop", "clusterd")

    assert service.machine.processes() == {}
    assert service.machine.property("Result") == "success"
    service.assert_handed_over()


def test_a_stop_hands_over_even_when_clusterd_hangs(service: Service) -> None:
    service.brutally()

    service.machine.run("systemctl", "stop", "clusterd")

    assert service.machine.processes() == {}
    assert "the engine (pid" in service.machine.journal
    service.assert_handed_over()


def test_removing_the_service_hands_over(service: Service) -> None:
    service.machine.run(str(BIN / "utmcli"), "service", "uninstall")

    service.assert_handed_over()


@pytest.mark.parametrize("hangs", [False, True])
def test_a_shutdown_hands_over_whether_applications_end_or_not(*, hangs: bool) -> None:
    with booted() as service:
        service.begin()
        if hangs:
            service.machine.run("systemctl", "start", "openvpn")

        service.machine.run("systemctl", "--no-block", "poweroff")

        service.assert_handed_over()
        until(lambda: hangs or service.machine.why_not(), "the machine has ended", PATIENCE)
