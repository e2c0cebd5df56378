"""Two real clusterds with real programs: what stays down in backup runs on the master, and there only."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from cluster.errors import ClusterError, RefusedError
from cluster.process.identity import Identity
from cluster.rpc.messages import (
    Actor,
    Applications,
    ControlApplication,
    GetApplications,
    Switch,
    UpdateInterface,
)
from tests.support.appliance import PATIENCE, until
from tests.support.netns import why_not
from tests.support.pair import VIRTUAL, Pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.appliance import Appliance

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

SLEEP = "/bin/sleep 1000"
STUBBORN = """/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'"""


class Site:
    """A pair whose nodes have an openvpn, by the name of its title in backup_disable."""

    def __init__(self, directory: Path) -> None:
        self.pair = Pair(directory, backup_disable_applications=["SSL-VPN", "WLAN Server"])
        for node in self.nodes:
            node.applications.mkdir()
            drop(node, "openvpn", SLEEP)

    @property
    def nodes(self) -> tuple[Appliance, Appliance]:
        return self.pair.master, self.pair.spare

    def start(self) -> None:
        self.pair.start()
        self.await_on(self.pair.master)

    def await_on(self, node: Appliance) -> None:
        """Wait until it runs here and nowhere else."""
        (other,) = (each for each in self.nodes if each is not node)
        until(lambda: states(node)["openvpn"] == "UP", f"openvpn runs; {node.events}")
        until(lambda: states(other)["openvpn"] == "DOWN", f"openvpn is down; {other.events}")

    def close(self) -> None:
        self.pair.close()  # before looking: the last one to go may have taken over meanwhile
        for process in [each for node in self.nodes for each in recorded(node).values()]:
            if process.pid:
                process.end(signal.SIGKILL, PATIENCE)


def drop(node: Appliance, name: str, line: str) -> None:
    (node.applications / name).write_text(f"# for the test\n{line}\n")


def recorded(node: Appliance) -> dict[str, Identity]:
    """Its programs."""
    path = node.run / "programs.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    return {name: Identity(*identity) for name, (_argv, identity) in found.items()}


def pid(node: Appliance, name: str = "openvpn") -> int:
    return recorded(node)[name].pid


def states(node: Appliance) -> dict[str, str]:
    return {each.name: each.state for each in node.ask(GetApplications(), Applications).applications}


def hands_over(node: Appliance) -> bool:
    """Ask for a switch; whether the partner could take the role, and did."""
    try:
        node.ask(Switch())
    except RefusedError:
        return False
    return True


def control(node: Appliance, verb: Literal["start", "stop", "restart"], application: str = "openvpn") -> None:
    node.ask(ControlApplication(application, verb))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.close()


def test_it_runs_on_the_master_and_goes_with_the_role(site: Site) -> None:
    site.start()
    master, spare = site.nodes
    assert states(master)["wlan"] == "MISSING", "what is not installed is no error"
    assert not master.has("follower-failed")
    before = recorded(master)["openvpn"]

    assert master.stop() == 0

    until(lambda: states(spare)["openvpn"] == "UP", "it runs on the new master")
    assert not before.alive, "an orderly end leaves nothing running"
    master.start()
    site.await_on(master)


def test_a_killed_application_is_started_again_and_an_event_says_so(site: Site) -> None:
    site.start()
    master = site.pair.master
    before = pid(master)

    os.kill(before, signal.SIGKILL)

    until(lambda: pid(master) not in {before, 0} and states(master)["openvpn"] == "UP", "another one runs")
    assert any("openvpn" in event.text and "SIGKILL" in event.text for event in master.events)


def test_a_restarted_clusterd_adopts_it_and_an_update_touches_nothing(site: Site) -> None:
    site.start()
    master = site.pair.master
    before = pid(master)

    master.kill()
    assert Path(f"/proc/{before}").exists()
    master.start()
    until(lambda: master.role == "master", "the role stayed")
    master.ask(UpdateInterface())

    assert (states(master)["openvpn"], pid(master)) == ("UP", before)
    os.kill(before, signal.SIGKILL)
    until(lambda: pid(master) not in {before, 0}, "an adopted one is supervised as well")


def test_what_ended_while_clusterd_was_dead_is_started_by_the_next_one(site: Site) -> None:
    site.start()
    master = site.pair.master
    before = pid(master)
    master.kill()
    os.kill(before, signal.SIGKILL)

    master.start()

    until(lambda: states(master)["openvpn"] == "UP", "it runs again")
    assert pid(master) != before


def test_what_an_administrator_stopped_stays_so_until_the_role_changes(site: Site) -> None:
    site.start()
    master, spare = site.nodes
    control(master, "stop")
    master.ask(UpdateInterface())
    assert states(master)["openvpn"] == "DOWN"

    with pytest.raises(RefusedError, match="stays down while this node is not master"):
        control(spare, "start")
    control(master, "restart")
    assert states(master)["openvpn"] == "UP"


def test_the_role_readonly_may_only_look(site: Site) -> None:
    site.start()
    master = site.pair.master
    viewer = Actor(user="viewer", source="console", role="readonly")

    assert master.ask(GetApplications(), Applications, viewer)
    with pytest.raises(ClusterError, match="readonly"):
        master.ask(ControlApplication("openvpn", "stop"), actor=viewer)
    assert states(master)["openvpn"] == "UP"


def test_one_that_hangs_delays_neither_the_addresses_nor_the_others(site: Site) -> None:
    master, spare = site.nodes
    drop(master, "wlan", STUBBORN)
    site.start()
    until(lambda: states(master)["wlan"] == "UP", "the stubborn one runs")
    stubborn = pid(master, "wlan")

    until(lambda: hands_over(master), "the spare takes over")

    until(lambda: spare.holds(VIRTUAL) and not master.holds(VIRTUAL), "the addresses have moved")
    site.await_on(spare)
    assert Path(f"/proc/{stubborn}").exists(), "the stubborn one had not ended by then"
    until(lambda: states(master)["wlan"] == "DOWN", "in the end it is killed")


def test_one_that_cannot_be_started_is_named_and_tried_again_with_the_next_update(site: Site) -> None:
    master = site.pair.master
    drop(master, "wlan", "/bin/false")
    site.start()
    until(lambda: any("wlan" in event.text and event.kind == "follower-failed" for event in master.events), "named")

    drop(master, "wlan", SLEEP)
    control(master, "stop", "WLAN Server")
    control(master, "start", "wlan")
    assert states(master)["wlan"] == "UP"


def test_a_cluster_that_is_switched_off_keeps_what_runs(site: Site) -> None:
    site.start()
    master = site.pair.master
    before = pid(master)

    master.set(cluster__enabled=False)
    master.update()

    assert master.role == "offline"
    assert (states(master)["openvpn"], pid(master)) == ("UP", before)
