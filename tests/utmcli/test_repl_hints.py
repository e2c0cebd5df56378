"""What an administrator is told before typing."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from cluster.errors import ClusterError, UnreachableError
from cluster.health import PartnerHealth
from cluster.observed import HaInterfaceStatus, NamedConfig
from cluster.rpc import messages
from tests.support.fake_clusterd import STATUS
from utmcli.hints import Surroundings, look, of_configs, of_info, of_status

NOW = STATUS.since + 3600 if STATUS.since else 0.0
INFO = messages.Info(
    cluster_state="master", sync_state="synchronized", hotwire_dev="LAN3", maintainance=False, hostname="utm.local"
)


def hearing(age: float | None) -> HaInterfaceStatus:
    return HaInterfaceStatus(
        name="LAN2", vrid=2, usable=True, pending=False, virtual_addresses=(), partner_heard_age=age,
        partner_priority=254, partner_address="192.168.12.142",
    )


def test_a_cluster_in_order_needs_no_words() -> None:
    assert of_info(INFO) == []
    assert of_status(STATUS, NOW) == []


def test_configurations_that_differ_are_named_with_the_reason() -> None:
    assert of_info(replace(INFO, sync_state="error", sync_reason="no link")) == [
        "the configurations of the nodes are not synchronized (error: no link)"
    ]
    assert of_info(replace(INFO, sync_state="pending")) == [
        "the configurations of the nodes are not synchronized (pending)"
    ]


def test_a_node_without_a_cluster_has_nothing_to_synchronize() -> None:
    assert of_info(replace(INFO, cluster_state="offline", sync_state="error")) == []


def test_maintenance_is_named() -> None:
    assert of_info(replace(INFO, maintainance=True)) == ["this node is in maintenance mode"]


def test_two_masters_are_named_with_the_interface() -> None:
    assert of_status(replace(STATUS, interfaces=(hearing(0.2),)), NOW) == [
        "both nodes are master: the partner's adverts are heard on LAN2"
    ]


def test_two_masters_that_do_not_hear_each_other_are_named_once_the_hotwire_tells() -> None:
    partner = PartnerHealth(hostname="spare", software="1.0", schema=1, role="master")
    assert of_status(replace(STATUS, partner=partner), NOW) == [
        "both nodes are master: the partner says so over the hotwire, and is heard on no HA interface"
    ]
    assert of_status(replace(STATUS, partner=replace(partner, role="backup")), NOW) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "backup"},
        {"handing_over": True},
        {"since": NOW - 0.5},
        {"interfaces": (hearing(60.0),)},
        {"interfaces": (hearing(None),)},
    ],
)
def test_an_advert_heard_is_no_second_master_on_a_backup_or_in_transit(changes: dict[str, object]) -> None:
    status = replace(STATUS, interfaces=(hearing(0.2),))
    assert of_status(replace(status, **changes), NOW) == []


def test_unsaved_edits_are_named_for_the_current_configuration_only() -> None:
    configs = (
        NamedConfig(name="here", current=True, start=False, unsaved=True),
        NamedConfig(name="there", current=False, start=True, unsaved=True),
    )
    assert of_configs(messages.Configs(configs)) == [
        "the configuration here has unsaved edits; system config save keeps them"
    ]


def seen(*answers: messages.AnyAnswer | ClusterError) -> Surroundings:
    left = list(answers)

    async def ask(_ask: messages.Ask) -> messages.AnyAnswer:
        answer = left.pop(0)
        if isinstance(answer, ClusterError):
            raise answer
        return answer

    return asyncio.run(look(ask, NOW))


def test_everything_is_asked_and_told_together() -> None:
    unsaved = messages.Configs((NamedConfig(name="x", current=True, start=True, unsaved=True),))
    found = seen(replace(INFO, maintainance=True), messages.Status(STATUS), unsaved)
    assert found.hostname == "utm.local"
    assert [hint.split()[0] for hint in found.hints] == ["this", "the"]


def test_a_clusterd_that_is_away_is_a_hint_and_no_error() -> None:
    assert seen(UnreachableError("clusterd does not run")) == Surroundings("", ("clusterd does not run",))
    assert seen(INFO, UnreachableError("gone")) == Surroundings("utm.local", ("gone",))


def test_nothing_from_outside_steers_the_terminal() -> None:
    info = replace(INFO, hostname="utm\x1b[31m", sync_state="error", sync_reason="\x1b]0;x\x07")
    found = seen(info, UnreachableError("\x1b[2J"))
    assert "\x1b" not in found.hostname + "".join(found.hints)
