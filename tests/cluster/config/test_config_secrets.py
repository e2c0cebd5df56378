"""What an export leaves out comes back with the import: authentication is never switched off by the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from cluster.config import canonical, schema
from cluster.config.secrets import completed
from cluster.errors import InvalidConfigurationError
from tests.cluster.config.config_examples import config, configs, document

KEYS = {"2": {"secret": "battery staple"}}


@given(configs())
def test_an_export_that_is_imported_again_changes_nothing(example: Any) -> None:
    assert schema.parse_import(canonical.export_text(example), example)[0] == example


def test_it_says_what_it_took_over() -> None:
    running = config(cluster__auth_keys=KEYS)
    read, taken = schema.parse_import(canonical.export_text(running), running)
    assert read == running
    assert taken == ("cluster.passphrase", "cluster.auth_keys.2.secret")


def test_a_text_that_does_not_mention_the_cluster_at_all_gets_the_passphrase() -> None:
    read, taken = schema.parse_import("{}", config())
    assert (read.cluster.passphrase, taken) == ("correct horse", ("cluster.passphrase",))
    assert read.cluster.hotwire_local == "", "what is no secret is not taken over"


@pytest.mark.parametrize("passphrase", ["", "another one"])
def test_a_secret_that_the_text_has_stays_an_empty_one_too(passphrase: str) -> None:
    read, taken = schema.parse_import(json.dumps(document(cluster__passphrase=passphrase)), config())
    assert (read.cluster.passphrase, taken) == (passphrase, ())


def test_a_key_that_the_running_configuration_does_not_know_is_named() -> None:
    text = canonical.export_text(config(cluster__auth_keys=KEYS))
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse_import(text, config())
    assert caught.value.details == ("cluster.auth_keys.2.secret: is missing; it must be text",)


def test_a_key_that_the_text_does_not_name_is_not_brought_back() -> None:
    read, _ = schema.parse_import(json.dumps(document()), config(cluster__auth_keys=KEYS))
    assert read.cluster.auth_keys == {}


@pytest.mark.parametrize(
    "odd",
    [{"cluster": 7}, {"cluster": {"auth_keys": []}}, {"cluster": {"auth_keys": {"2": 3}}}, {"interfaces": None}],
)
def test_a_text_of_the_wrong_shape_is_left_for_the_schema_to_name(odd: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigurationError):
        schema.parse_import(json.dumps(odd), config(cluster__auth_keys=KEYS))


def test_nothing_is_invented_where_there_is_nothing_to_take() -> None:
    assert completed({"hostname": "a.local"}, {}) == ({"hostname": "a.local"}, ())
