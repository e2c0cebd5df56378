"""Edits by path: all of them or none, and a path that leads nowhere is told so."""

from __future__ import annotations

import pytest

from cluster.config.schema import apply
from cluster.errors import InvalidConfigurationError, NotFoundError
from cluster.model import Interface, RemoveValue, SetValue
from tests.cluster.config.config_examples import config


def test_a_field_is_set() -> None:
    assert apply(config(), [SetValue(("cluster", "priority"), "low")]).cluster.priority == "low"


def test_a_list_is_replaced_not_extended() -> None:
    changed = apply(config(), [SetValue(("interfaces", "LAN1", "zones"), ["dmz"])])
    assert changed.interfaces["LAN1"].zones == ("dmz",)


def test_a_member_of_a_collection_is_added_as_a_whole() -> None:
    changed = apply(config(), [SetValue(("interfaces", "LAN4"), {"id": 9, "zones": ["dmz"]})])
    assert changed.interfaces["LAN4"] == Interface(id=9, zones=("dmz",))
    assert changed.interfaces["LAN1"] == config().interfaces["LAN1"]


def test_the_variables_of_an_application_come_and_go_with_the_first_and_the_last() -> None:
    start = config(variables={})
    path = ("variables", "securepoint_firewall", "UPDATE_TRIGGER_DELAY")
    changed = apply(start, [SetValue(path, "3")])
    assert changed.variables == {"securepoint_firewall": {"UPDATE_TRIGGER_DELAY": "3"}}
    assert apply(changed, [RemoveValue(path)]) == start


def test_another_variable_of_the_application_stays() -> None:
    start = config(variables={"app": {"A": "1", "B": "2"}})
    assert apply(start, [RemoveValue(("variables", "app", "A"))]).variables == {"app": {"B": "2"}}


def test_a_removed_field_has_its_default_again() -> None:
    assert apply(config(), [RemoveValue(("cluster", "passphrase"))]).cluster.passphrase == ""


def test_only_the_end_result_must_be_valid() -> None:
    """Given an interface with an address, when both go in one edit, then their order does not matter."""
    gone = [RemoveValue(("interfaces", "LAN3")), RemoveValue(("addresses", "2"))]
    assert apply(config(), gone) == apply(config(), gone[::-1])
    with pytest.raises(InvalidConfigurationError) as caught:
        apply(config(), gone[:1])
    assert caught.value.details == ("addresses.2.device: there is no interface 'LAN3'; did you mean LAN2?",)


def test_nothing_changes_when_a_later_change_fails() -> None:
    start = config()
    with pytest.raises(NotFoundError):
        apply(start, [SetValue(("hostname",), "new.local"), RemoveValue(("interfaces", "LAN9"))])
    assert start == config()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (SetValue((), {}), "the path of a change is empty; it must name a field or a key"),
        (RemoveValue(()), "the path of a change is empty; it must name a field or a key"),
        (SetValue(("hostnme",), "a"), "the configuration has no field 'hostnme'; did you mean hostname?"),
        (SetValue(("cluster", "prio"), "low"), "cluster has no field 'prio'; did you mean priority?"),
        (SetValue(("interfaces", "A1.10", "zones"), []), 'there is no interfaces."A1.10"; set it as a whole first'),
        (SetValue(("hostname", "x"), "a"), "hostname is a value: there is no x below it"),
        (
            SetValue(("cluster", "hotwire_remote", "0"), "a"),
            "cluster.hotwire_remote is a value: there is no 0 below it",
        ),
        (SetValue(("variables", "app", "A", "B"), "a"), "variables.app.A is a value: there is no B below it"),
        (RemoveValue(("interfaces", "LAN9")), "there is no interfaces.LAN9 to remove"),
        (RemoveValue(("interfaces", "LAN9", "zones")), "there is no interfaces.LAN9 to remove"),
        (RemoveValue(("interfaces", "LAN2", "zones")), "there is no interfaces.LAN2.zones to remove"),
        (RemoveValue(("interfaces", "LAN2", "zone")), "interfaces.LAN2 has no field 'zone'; did you mean zones?"),
        (RemoveValue(("variables", "app")), "there is no variables.app to remove"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_so(change: SetValue | RemoveValue, sentence: str) -> None:
    with pytest.raises(NotFoundError) as caught:
        apply(config(), [change])
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (SetValue(("cluster", "priority"), "middle"), 'cluster.priority: must be one of high, low, not "middle"'),
        (SetValue(("interfaces", "LAN4"), {"id": 9, "zone": []}), "interfaces.LAN4.zone: there is no such field; "),
        (SetValue(("interfaces",), 3), "interfaces: must be an object, not 3"),
        (
            RemoveValue(("interfaces", "LAN1", "id")),
            "interfaces.LAN1.id: is missing; it must be a whole number of ",
        ),
    ],
)
def test_an_edit_with_an_invalid_result_is_refused_with_all_details(
    change: SetValue | RemoveValue, detail: str
) -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        apply(config(), [change])
    (found,) = caught.value.details
    assert found.startswith(detail)
