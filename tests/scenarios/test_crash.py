"""A process that dies does not move the role, and costs no client a packet."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from cluster.vrrp.addresses import LIFETIME
from tests.support.lab import VIRTUAL, eventually

if TYPE_CHECKING:
    from tests.support.lab import Lab

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]

ENGINE, MANAGER, SHELL = "cluster.vrrp", "clusterd", "utmcli serve"


def test_a_killed_engine_resumes_its_role_before_the_partner_or_a_client_notices(lab: Lab) -> None:
    partner_before = lab.role_changes("spare")

    with lab.probe() as client:
        time.sleep(0.3)
        (before,) = lab.signal("master", ENGINE)
        eventually(lambda: lab.pids("master", ENGINE) not in ([], [before]))
        time.sleep(1.0)

    assert client.lost == []
    assert lab.roles() == ("master", "backup")
    assert lab.role_changes("spare") == partner_before


def test_a_killed_engine_of_the_backup_comes_back_as_backup(lab: Lab) -> None:
    partner_before = lab.role_changes("master")

    (before,) = lab.signal("spare", ENGINE)
    eventually(lambda: lab.pids("spare", ENGINE) not in ([], [before]))
    time.sleep(1.0)

    assert lab.roles() == ("master", "backup")
    assert lab.role_changes("master") == partner_before


def test_a_stopped_engine_is_replaced_and_never_leaves_two_holders(lab: Lab) -> None:
    with lab.watch() as holding:
        (before,) = lab.signal("master", ENGINE, signal.SIGSTOP)
        eventually(lambda: lab.pids("master", ENGINE) not in ([], [before]))
        time.sleep(1.0)

    assert holding.both <= 1.0
    lab.await_roles("master", "backup", patience=40.0)


def test_the_engine_goes_on_without_clusterd_and_the_next_clusterd_adopts_it(lab: Lab) -> None:
    partner_before, (engine,) = lab.role_changes("spare"), lab.pids("master", ENGINE)

    with lab.probe() as client:
        time.sleep(0.3)
        (before,) = lab.signal("master", MANAGER)
        eventually(lambda: lab.pids("master", MANAGER) not in ([], [before]))
        eventually(lambda: lab.role("master") != "")
        time.sleep(0.5)

    assert client.lost == []
    assert lab.pids("master", ENGINE) == [engine]
    assert lab.roles() == ("master", "backup")
    assert lab.role_changes("spare") == partner_before


def test_a_killed_shell_host_comes_back(lab: Lab) -> None:
    (before,) = lab.signal("master", SHELL)

    eventually(lambda: lab.pids("master", SHELL) not in ([], [before]))
    eventually(lambda: lab.role("master") == "master")


def test_an_engine_that_nobody_restarts_leaves_no_virtual_address_behind(lab: Lab) -> None:
    lab.signal("master", MANAGER, signal.SIGSTOP)
    try:
        lab.signal("master", ENGINE)
        held = ("ip", "-brief", "address")
        eventually(lambda: f"{VIRTUAL}/" not in lab.exec("master", *held), patience=2 * LIFETIME)
        assert lab.role("spare") == "master"
    finally:
        lab.signal("master", MANAGER, signal.SIGCONT)


def test_an_address_that_somebody_removes_is_put_back_within_a_second(lab: Lab) -> None:
    with lab.watch() as holding:
        lab.exec("master", "ip", "address", "del", f"{VIRTUAL}/24", "dev", "LAN2")
        time.sleep(1.2)

    (_, gone), (back, _) = holding.held["master"]
    assert back - gone < 1.0
    assert holding.held["spare"] == []
