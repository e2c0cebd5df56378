"""An application that stays down in backup outlives power loss of the master, at the other node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lab import APPLIANCES, Lab, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]


@pytest.fixture
def lab_with_one(lab: Lab) -> Iterator[Lab]:
    """Given a program that both nodes have and that only the master runs."""
    for node in APPLIANCES:
        directory = lab.home.of(node) / "applications.d"
        directory.mkdir(mode=0o755, exist_ok=True)
        (directory / "openvpn").write_text("/bin/sleep 1000000\n")
        configure(lab, node, "[ SSL-VPN ]")
    yield lab
    for node in APPLIANCES:
        if node not in lab.home.running().nodes:
            lab.start(node)
            eventually(lambda node=node: lab.role(node) != "", otherwise=lambda: "clusterd does not answer")
        configure(lab, node, "[ ]")
        lab.cli(node, "system config save")


def configure(lab: Lab, node: str, applications: str) -> None:
    lab.cli(node, f"cluster backup_disable set applications {applications}")
    lab.cli(node, "system update interface")


def state(lab: Lab, node: str) -> str:
    lines = lab.cli(node, "appmgmt status").splitlines()
    return next(line.split("|")[1].strip() for line in lines if line.startswith("openvpn"))


def runs(lab: Lab, node: str) -> bool:
    return bool(lab.exec(node, "pgrep", "-f", "sleep 1000000", check=False).strip())


def test_when_the_master_loses_power_the_spare_runs_it(lab_with_one: Lab) -> None:
    lab = lab_with_one
    eventually(lambda: state(lab, "master") == "UP", otherwise=lambda: lab.cli("master", "cluster events"))
    assert (state(lab, "spare"), runs(lab, "master"), runs(lab, "spare")) == ("DOWN", True, False)

    lab.kill("master")

    lab.await_roles("", "master")
    eventually(lambda: state(lab, "spare") == "UP", otherwise=lambda: lab.cli("spare", "cluster events"))
    assert runs(lab, "spare")
