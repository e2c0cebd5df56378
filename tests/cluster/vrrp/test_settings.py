"""engine.json: everything that is wrong is named, with its path; everything that is right arrives typed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.errors import InvalidConfigurationError
from cluster.units import Centiseconds, Seconds
from cluster.vrrp.events import HaInterface
from cluster.vrrp.settings import load, parse

LAN2 = {"name": "LAN2", "vrid": 2, "addresses": ["192.168.200.1/24"]}


def problems(document: Any) -> list[str]:
    with pytest.raises(InvalidConfigurationError) as refused:
        parse(document)
    return list(refused.value.details)


def test_what_is_left_out_has_the_documented_defaults() -> None:
    settings = parse({"version": 1, "interfaces": [LAN2]})

    assert (settings.enabled, settings.high, settings.maintenance, settings.resync) == (True, True, False, False)
    assert (settings.advert_interval, settings.trigger_delay) == (Centiseconds(25), Seconds(2))
    assert settings.authentication.mode == "none"


def test_the_documented_example_is_read_completely() -> None:
    settings = parse({
        "version": 1, "enabled": True, "priority": "low", "maintenance": True, "advert_interval": 100,
        "trigger_delay": 0, "resync": True,
        "authentication": {"mode": "hmac", "policy": "permissive", "keys": [{"id": 1, "secret": "hex:00"}],
                           "send_key": 1, "freshness": 30},
        "interfaces": [LAN2 | {"watch": ["192.0.2.1"]}],
    })

    assert (settings.high, settings.maintenance, settings.resync) == (False, True, True)
    assert (settings.advert_interval, settings.trigger_delay) == (100, 0)
    assert settings.authentication.secret == "hex:00"
    assert (settings.authentication.policy, settings.authentication.freshness) == ("permissive", 30)
    assert str(settings.interfaces[0].addresses[0]) == "192.168.200.1/24"
    assert settings.interfaces[0].watch == (bytes((192, 0, 2, 1)),)


def test_the_election_gets_its_part() -> None:
    settings = parse({"version": 1, "priority": "low", "trigger_delay": 5, "interfaces": [LAN2]})

    election = settings.for_election({"LAN2": 7})

    assert election.interfaces == (HaInterface("LAN2", settings.interfaces[0].vrid, 7),)
    assert (election.high, election.trigger_delay) == (False, 5)


def test_keys_that_a_newer_manager_writes_are_ignored() -> None:
    parse({"version": 1, "colour": "blue", "interfaces": [LAN2 | {"mtu": 1500}]})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"version": 2}, "version"),
        ({"enabled": 1}, "enabled"),
        ({"priority": "middle"}, "priority"),
        ({"priority": ["high"]}, "priority"),
        ({"advert_interval": 0}, "advert_interval"),
        ({"advert_interval": 4096}, "advert_interval"),
        ({"advert_interval": True}, "advert_interval"),
        ({"trigger_delay": -1}, "trigger_delay"),
        ({"authentication": []}, "authentication"),
        ({"authentication": {"mode": "md5"}}, "authentication.mode"),
        ({"authentication": {"mode": "hmac"}}, "authentication.send_key"),
        ({"authentication": {"keys": [{"id": 0, "secret": "x"}]}}, "authentication.keys[0].id"),
        ({"authentication": {"keys": [{"id": 1, "secret": ""}]}}, "authentication.keys[0].secret"),
        ({"authentication": {"keys": [{"id": 1, "secret": "x"}] * 2}}, "authentication.keys"),
        ({"authentication": {"freshness": 0}}, "authentication.freshness"),
        ({"interfaces": {}}, "interfaces"),
        ({"interfaces": [LAN2, LAN2]}, "interfaces"),
        ({"interfaces": [LAN2 | {"name": f"LAN{n}"} for n in range(61)]}, "interfaces"),
        ({"interfaces": [LAN2 | {"name": "a" * 16}]}, "interfaces[0].name"),
        ({"interfaces": [LAN2 | {"name": "../etc"}]}, "interfaces[0].name"),
        ({"interfaces": [LAN2 | {"vrid": 256}]}, "interfaces[0].vrid"),
        ({"interfaces": [LAN2 | {"addresses": []}]}, "interfaces[0].addresses"),
        ({"interfaces": [LAN2 | {"addresses": ["10.0.0.1"]}]}, "interfaces[0].addresses[0]"),
        ({"interfaces": [LAN2 | {"addresses": ["10.0.0.1/33"]}]}, "interfaces[0].addresses[0]"),
        ({"interfaces": [LAN2 | {"addresses": ["10.0.0.1/24"] * 256}]}, "interfaces[0].addresses"),
        ({"interfaces": [LAN2 | {"watch": ["example.org"]}]}, "interfaces[0].watch[0]"),
    ],
)
def test_a_wrong_value_is_named_with_its_path(change: dict[str, Any], path: str) -> None:
    found = problems({"version": 1, "interfaces": [LAN2]} | change)

    assert [problem.split(" ")[0] for problem in found] == [path]


def test_version_2_knows_whole_seconds_only() -> None:
    simple = {"mode": "simple", "keys": [{"id": 1, "secret": "insecure"}]}

    found = problems({"version": 1, "advert_interval": 25, "authentication": simple, "interfaces": [LAN2]})

    assert found == ["advert_interval must be a multiple of 100 in mode simple: VRRPv2 knows whole seconds"]


def test_all_problems_are_named_at_once() -> None:
    found = problems({"priority": 1, "trigger_delay": "x", "interfaces": [{}]})

    assert len(found) == 6


def test_a_file_that_is_no_json_is_refused(tmp_path: Any) -> None:
    (tmp_path / "engine.json").write_text("{")

    with pytest.raises(InvalidConfigurationError, match="cannot be read"):
        load(str(tmp_path / "engine.json"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(("version", "interfaces", "authentication", "keys", "name", "vrid", "addresses", "watch")),
        inner, max_size=4,
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_document_raises_anything_but_the_one_error(document: Any) -> None:
    with suppress(InvalidConfigurationError):
        parse(document)
