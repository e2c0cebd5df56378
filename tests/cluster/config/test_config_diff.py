"""A difference names every path that differs, and no secret."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given

from cluster.config import canonical, schema
from cluster.config.diff import diff
from cluster.model import Change, Config, Difference, RemoveValue, SetValue
from tests.cluster.config.config_examples import config, configs


def test_a_changed_field_shows_both_values_also_when_one_is_the_default() -> None:
    assert diff(config(), config(cluster__advert_interval=100)) == (
        Difference("cluster.advert_interval", "25", "100"),
    )


def test_flags_and_lists_are_joined_and_what_is_unset_is_absent() -> None:
    left, right = config(), config(interfaces__LAN1__flags=["HA"], interfaces__LAN1__vrid=1)
    assert diff(left, right) == (
        Difference("interfaces.LAN1.flags", "", "HA"),
        Difference("interfaces.LAN1.vrid", None, "1"),
    )
    remote = diff(config(), config(cluster__hotwire_remote=["10.0.0.1", "10.0.0.2"], cluster__enabled=False))
    assert remote == (
        Difference("cluster.enabled", "true", "false"),
        Difference("cluster.hotwire_remote", "192.168.180.3", "10.0.0.1,10.0.0.2"),
    )


def test_of_a_new_thing_all_that_was_set_is_listed() -> None:
    assert diff(config(), config(interfaces__A1={"id": 9, "zones": ["dmz", "x"]})) == (
        Difference("interfaces.A1.id", None, "9"),
        Difference("interfaces.A1.zones", None, "dmz,x"),
    )


def test_of_a_thing_that_went_all_that_was_set_is_listed() -> None:
    assert diff(config(), config(virtual_addresses={})) == (
        Difference("virtual_addresses.1.device", "LAN2", None),
        Difference("virtual_addresses.1.address", "192.168.200.1/24", None),
    )


def test_a_variable_that_came_is_listed_by_its_path() -> None:
    assert diff(config(variables={}), config()) == (
        Difference("variables.securepoint_firewall.UPDATE_TRIGGER_DELAY", None, "5"),
    )


def test_things_come_in_the_order_in_which_people_count() -> None:
    more = {str(n): {"device": "LAN1", "address": f"10.0.0.{n}/24"} for n in (10, 9)}
    found = [
        each.path for each in diff(config(addresses={}), config(addresses=more)) if each.path.endswith("device")
    ]
    assert found == ["addresses.9.device", "addresses.10.device"]


def test_secrets_are_masked_on_both_sides() -> None:
    assert diff(config(), config(cluster__passphrase="battery staple")) == (
        Difference("cluster.passphrase", "(secret)", "(secret)"),
    )
    assert diff(config(), config(cluster__passphrase=None)) == (Difference("cluster.passphrase", "(secret)", ""),)


@given(configs(), configs())
def test_applying_the_right_of_every_difference_to_the_left_gives_the_right(left: Config, right: Config) -> None:
    assert schema.apply(left, changes(left, right)) == right


@given(configs(), configs())
def test_the_mirrored_difference_is_the_difference_of_the_mirror(left: Config, right: Config) -> None:
    mirrored = {Difference(each.path, each.right, each.left) for each in diff(left, right)}
    assert mirrored == set(diff(right, left))


@given(configs())
def test_a_configuration_does_not_differ_from_itself(example: Config) -> None:
    assert diff(example, schema.parse(canonical.document(example))) == ()


def changes(left: Config, right: Config) -> list[Change]:
    """What makes the right of the left, found by nothing but the paths of their difference."""
    before, after = canonical.document(left), canonical.document(right)
    made: dict[tuple[str, ...], Change] = {}
    for difference in diff(left, right):
        path = split(difference.path)
        ways = [path[:depth] for depth in range(1, len(path))]
        # A thing that only one of them has is added or removed as a whole.
        whole = next((way for way in ways if (at(before, way) is None) != (at(after, way) is None)), path)
        made[whole] = RemoveValue(whole) if at(after, whole) is None else SetValue(whole, at(after, whole))
    return list(made.values())


def at(document: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if part not in document:
            return None
        document = document[part]
    return document


def split(text: str) -> tuple[str, ...]:
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|[^.]+', text)
    return tuple(json.loads(part) if part.startswith('"') else part for part in parts)


def test_a_name_with_a_dot_is_quoted_in_the_path() -> None:
    right = schema.parse({"interfaces": {"a.b": {"id": 1}}})
    assert diff(Config(), right) == (Difference('interfaces."a.b".id', None, "1"),)
