"""Old documents come up to date step by step; newer ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from cluster.config import migrations, schema
from cluster.config.migrations import migrate
from cluster.errors import InvalidConfigurationError


def zones_become_lists(document: dict[str, Any]) -> dict[str, Any]:
    """An example of a step: version 1 would have had one zone an interface, version 2 has a list."""
    interfaces = {
        name: {"zones": [interface["zone"]]} if "zone" in interface else interface
        for name, interface in document.get("interfaces", {}).items()
    }
    return {**document, "interfaces": interfaces}


def hosts_are_renamed(document: dict[str, Any]) -> dict[str, Any]:
    return {("hostname" if key == "host" else key): value for key, value in document.items()}


STEPS = (zones_become_lists, hosts_are_renamed)
OLD = {"schema": 1, "host": "a", "interfaces": {"LAN1": {"zone": "dmz"}}}


def test_a_document_of_the_first_version_takes_every_step_in_order() -> None:
    assert migrate(OLD, STEPS) == {"hostname": "a", "interfaces": {"LAN1": {"zones": ["dmz"]}}}


def test_a_document_takes_only_the_steps_after_its_version() -> None:
    assert migrate({"schema": 2, "host": "a", "interfaces": {"LAN1": {"zone": "x"}}}, STEPS) == {
        "hostname": "a",
        "interfaces": {"LAN1": {"zone": "x"}},
    }


def test_a_document_of_the_present_version_or_without_one_stays_as_it_is() -> None:
    assert migrate({"schema": 3, "host": "a"}, STEPS) == {"host": "a"}
    assert migrate({"host": "a"}, STEPS) == {"host": "a"}


def test_the_given_document_is_not_changed() -> None:
    before = repr(OLD)
    migrate(OLD, STEPS)
    assert repr(OLD) == before


@pytest.mark.parametrize("version", [0, -1, "1", 1.0, True, None])
def test_a_version_that_is_none_is_refused(version: Any) -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse({"schema": version})
    assert caught.value.details == ("schema: must be the version of the schema, a whole number from 1 to 1",)


def test_a_newer_version_is_refused() -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse({"schema": migrations.VERSION + 1, "unheard_of": 1})
    assert caught.value.details == ("schema: version 2 was written by newer software; this one reads up to 1",)
