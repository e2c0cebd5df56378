"""Reading configurations: everything wrong is named at once, nothing right is refused."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from cluster.config import canonical, schema, shape
from cluster.errors import InvalidConfigurationError
from cluster.model import Config
from tests.cluster.config.config_examples import MASTER, config, configs, document, spelled_out

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def problems(example: Any) -> list[str]:
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse(example)
    return list(caught.value.details)


def test_the_documented_example_is_valid() -> None:
    read = schema.parse(MASTER)
    assert read.interfaces["LAN2"].vrid == 2
    assert read.cluster.hotwire_remote == ("192.168.180.3",)
    assert read.cluster.priority == "high"


def test_an_empty_document_is_a_configuration_of_defaults() -> None:
    assert schema.parse({}) == Config()


def test_every_problem_of_the_shape_is_named_at_once_with_its_path() -> None:
    assert problems(
        {
            "hostnme": "x",
            "cluster": {"enabled": 1, "priority": "hi", "passphrase": 12345678, "hotwire_remote": "10.0.0.1"},
            "interfaces": {
                "LAN2": {"flags": ["HAA", 3], "vrid": 900, "id": 0},
                "A1.10": {"typ": "VLAN"},
                "b": 3,
            },
            "variables": {"app": {"V": 1}},
        }
    ) == [
        "cluster.enabled: must be true or false, not 1",
        'cluster.priority: must be one of high, low, not "hi"',
        "cluster.passphrase: must be text",
        'cluster.hotwire_remote: must be a list, each member text, not "10.0.0.1"',
        "interfaces.LAN2.id: must be a whole number of at least 1, not 0",
        'interfaces.LAN2.flags: each member must be one of DHCP_CLIENT, DYNAMIC, HA, HOTWIRE, not "HAA"',
        "interfaces.LAN2.flags: each member must be one of DHCP_CLIENT, DYNAMIC, HA, HOTWIRE, not 3",
        "interfaces.LAN2.vrid: must be a whole number from 1 to 255 or null, not 900",
        'interfaces."A1.10".id: is missing; it must be a whole number of at least 1',
        'interfaces."A1.10".typ: there is no such field; did you mean type?',
        "interfaces.b: must be an object, not 3",
        "variables.app.V: must be text, not 1",
        "hostnme: there is no such field; did you mean hostname?",
    ]


def test_a_wrong_shape_in_one_place_hides_no_broken_rule_in_another() -> None:
    document = {
        "hostname": "-bad-",
        "cluster": {"hotwire_local": "x", "priority": "medium"},
        "interfaces": {"LAN2": {"flags": ["HA"]}, "this-name-is-too-long": {"id": 7}},
        "virtual_addresses": {"1": {"device": "LAN2", "address": "192.0.2.1/24"}},
    }

    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse(document)

    assert [detail.split(": ")[0] for detail in caught.value.details] == [
        "cluster.priority",
        "interfaces.LAN2.id",
        "hostname",
        "interfaces.this-name-is-too-long",
        "cluster.hotwire_local",
    ], "the virtual address speaks of LAN2, of which nothing reliable is known"


def test_an_unknown_field_that_resembles_nothing_gets_the_list_of_fields() -> None:
    assert problems({"virtual_addresses": {"1": {"device": "a", "address": "b", "q": 1}}}) == [
        "virtual_addresses.1.q: there is no such field; known are device, address"
    ]


def test_a_secret_is_never_repeated_in_a_problem() -> None:
    assert not any("4711" in line for line in problems(document(cluster__passphrase=4711)))


@pytest.mark.parametrize("example", [[], "x", None, 3])
def test_what_is_no_object_is_no_configuration(example: Any) -> None:
    (line,) = problems(example)
    assert line.startswith("the configuration: must be an object, not ")


def test_a_long_value_is_quoted_in_part() -> None:
    (line,) = problems({"interfaces": "x" * 1000})
    assert len(line) < 120


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "a whole number"),
        (Annotated[int, Meta(le=7)], "a whole number of at most 7"),
        (Annotated[int, Meta(ge=7)], "a whole number of at least 7"),
        (Annotated[int, Meta(ge=1, le=7)] | None, "a whole number from 1 to 7 or null"),
        (tuple[Annotated[str, Meta(description="x")], ...], "a list, each member text"),
        (Annotated[Literal["a", "b"], Meta(description="x")], "one of a, b"),
        (bool, "true or false"),
    ],
)
def test_every_type_of_a_field_can_be_said_in_words(annotation: Any, words: str) -> None:
    assert shape.expected(msgspec.inspect.type_info(annotation)) == words


def test_half_a_surrogate_pair_is_refused_wherever_it_stands() -> None:
    assert problems({"hostname": "\ud800"}) == ['hostname: must be text, not "\\ud800"']
    assert problems({"globals": {"\udfff": []}}) == ['globals: a key must be text, not "\\udfff"']


def test_the_message_counts_the_problems() -> None:
    with pytest.raises(InvalidConfigurationError, match=r"^the configuration is invalid: 2 problems$"):
        schema.parse({"a": 1, "b": 2})
    with pytest.raises(InvalidConfigurationError, match=r"^the configuration is invalid: 1 problem$"):
        schema.parse({"a": 1})


@given(configs(), st.data())
def test_the_walk_names_a_problem_exactly_when_msgspec_refuses(example: Config, data: st.DataObject) -> None:
    """Given a valid document with any one value replaced by any JSON."""
    plain = spelled_out(example)
    place: Any = plain
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        if not (isinstance(place[key], dict) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    place[key] = data.draw(ANY_JSON)
    try:
        msgspec.json.encode(msgspec.convert(plain, Config))
    except (msgspec.ValidationError, UnicodeEncodeError):
        refused = shape.convert(plain)
        assert isinstance(refused, tuple)
        assert refused
    else:
        assert isinstance(shape.convert(plain), Config)


@given(ANY_JSON)
def test_no_json_whatever_it_is_raises_anything_but_the_one_error(example: Any) -> None:
    with pytest.raises(InvalidConfigurationError) as caught:
        schema.parse({"hostname": 1, "cluster": example})
    assert all(line.startswith(("hostname: ", "cluster")) for line in caught.value.details)


@given(configs())
def test_what_was_written_reads_as_the_same(example: Config) -> None:
    assert schema.parse(canonical.document(example)) == example
    assert schema.parse(spelled_out(example)) == example


# --- text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('{"hostname": a}', "line 1, column 14: Expecting value"),
        ('{\n  "hostname" "a"}', "line 2, column 14: Expecting ':' delimiter"),
        ("", "line 1, column 1: Expecting value"),
        ('{"cluster": NaN}', "NaN is no JSON"),
        ('{"globals": {"GLOB_A": [], "GLOB_B": [], "GLOB_A": []}}', "given twice in one object: GLOB_A"),
        ("[" * 100_000, "it is nested too deeply"),
        ("1" * 5000, "a number is too long"),
    ],
)
def test_text_that_is_no_json_is_refused_with_the_place(text: str, detail: str) -> None:
    with pytest.raises(InvalidConfigurationError, match=r"^the configuration is not JSON$") as caught:
        schema.parse_text(text)
    (found,) = caught.value.details
    assert found.startswith(detail)


@given(st.text())
def test_no_text_at_all_raises_anything_but_the_one_error(text: str) -> None:
    with pytest.raises(InvalidConfigurationError):
        schema.parse_text(text)


def test_text_reads_like_the_document_in_it() -> None:
    assert schema.parse_text(json.dumps(MASTER)) == config()
