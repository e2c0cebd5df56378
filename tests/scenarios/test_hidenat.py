"""A client behind the pair reaches a server with the virtual address as its source, whoever is master."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.test_connections import BULK, ECHO, PORT, connections, in_order
from tests.support.lab import APPLIANCES, Lab, eventually, lab_name

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.netns,
    pytest.mark.xdist_group("hidenat"),
    pytest.mark.skipif(
        shutil.which("conntrackd") is None, reason="conntrackd is not installed (make setup installs it as root)"
    ),
]
OUTSIDE = "192.168.175.101"
NEW = "rule new src internal-network dst internet service any flags [ ACCEPT HIDENAT ] nat_node external-interface"
PATIENCE = 60.0


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    lab = Lab(lab_name("hidenat"))
    lab.up()
    yield lab
    lab.down()


def sources(lab: Lab) -> set[str]:
    """From which addresses the server's connections come."""
    lines = lab.exec("router", "ss", "-Htn", "state", "established", f"sport = :{PORT}").splitlines()
    return {line.split()[3].rpartition(":")[0].removeprefix("[::ffff:").rstrip("]") for line in lines}


def test_connections_hidden_behind_a_virtual_address_live_on_when_the_master_loses_power(lab: Lab) -> None:
    in_order(lab)
    lab.cli("master", NEW)
    lab.cli("master", "system update rule")
    lab.cli("master", "system config save")
    eventually(lambda: lab.info("master")["sync_state"] != "error", PATIENCE)
    lab.cli("master", "system config synchronize")

    with connections(lab) as through:
        assert sources(lab) == {OUTSIDE}
        in_order(lab)
        lab.kill("master")
        lab.await_roles("", "master", PATIENCE)
        assert through.call().alive == (ECHO, BULK)
    with connections(lab) as through:
        assert sources(lab) == {OUTSIDE}, "new connections are hidden by the new master, too"

    lab.start("master")
    lab.await_roles("master", "backup", PATIENCE)
    for node in APPLIANCES:
        lab.cli(node, "cluster set enabled 0")
        lab.cli(node, "system update interface")
        assert "utmcli" not in lab.exec(node, "nft", "list", "ruleset")
