"""One configuration, one canonical form; exports and masks without a secret in them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cluster.config import canonical, schema
from cluster.config.tree import CONFIG, Collection, Group, Node
from cluster.model import Config
from tests.cluster.config.config_examples import MASTER, config, configs, spelled_out

SAID: dict[str, st.SearchStrategy[Any]] = {
    "ssh": st.fixed_dictionaries({}, optional={"port": st.just(22), "idle_timeout": st.sampled_from([0, 1800])}),
    "user_groups": st.dictionaries(
        st.sampled_from(["ops", "dev"]), st.fixed_dictionaries({"role": st.sampled_from(["admin", "readonly"])})
    ),
    "users": st.dictionaries(
        st.sampled_from(["anna", "otto"]),
        st.fixed_dictionaries({}, optional={"role": st.sampled_from(["admin", "readonly"])}),
    ),
}
"""Parts of a configuration whose defaults are no such objects as there is only one of."""
SECRETS = ("correct horse", "battery staple", "abababab")


@given(configs(), configs())
def test_two_configurations_are_equal_exactly_when_their_canonical_forms_are(left: Config, right: Config) -> None:
    again = schema.parse(spelled_out(left))
    assert canonical.encode(canonical.document(again)) == canonical.encode(canonical.document(left))
    same = canonical.encode(canonical.document(left)) == canonical.encode(canonical.document(right))
    assert same == (left == right)


@given(configs(), st.fixed_dictionaries({}, optional=SAID))
def test_a_default_that_was_said_is_no_part_of_the_canonical_form(example: Config, said: dict[str, Any]) -> None:
    """msgspec omits what is the default, and not what equals it."""
    whole = schema.parse({**spelled_out(example), **said})
    from_text = msgspec.json.decode(json.dumps(spelled_out(whole)), type=Config)
    assert from_text == whole
    shortest = msgspec.json.decode(canonical.encode(canonical.document(whole)))
    for built in (whole, from_text, schema.parse(shortest), schema.parse_text(json.dumps(spelled_out(whole)))):
        assert canonical.encode(canonical.document(built)) == canonical.encode(canonical.document(whole))


def test_every_default_that_was_said_is_left_out() -> None:
    said = msgspec.json.decode(json.dumps(spelled_out(Config())), type=Config)
    assert canonical.document(said) == {"cluster": {}, "ssh": {}}


def test_the_canonical_form_does_not_depend_on_the_order_of_anything() -> None:
    backwards = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in reversed(MASTER.items())
    }
    assert canonical.encode(canonical.document(schema.parse(backwards))) == canonical.encode(
        canonical.document(config())
    )


@given(configs())
def test_an_export_reads_as_the_same_without_its_secrets(example: Config) -> None:
    text = canonical.export_text(example)
    assert not any(secret in text for secret in SECRETS)
    assert schema.parse_text(text) == msgspec.structs.replace(
        example, cluster=msgspec.structs.replace(example.cluster, passphrase="")
    )


def test_an_export_starts_with_its_version_and_keeps_the_order_of_the_model() -> None:
    interfaces = {f"LAN{n}": {"id": n} for n in (10, 9, 2, 1)}
    exported = json.loads(canonical.export_text(schema.parse({"interfaces": interfaces, "hostname": "a"})))
    assert list(exported) == ["schema", "hostname", "cluster", "interfaces", "ssh"]
    assert exported["schema"] == 1
    assert list(exported["interfaces"]) == ["LAN1", "LAN2", "LAN9", "LAN10"]


def test_an_export_is_indented_and_ends_with_a_line_feed() -> None:
    assert canonical.export_text(Config()) == '{\n  "schema": 1,\n  "cluster": {},\n  "ssh": {}\n}\n'


def test_a_mask_shows_that_there_is_a_secret_but_not_which() -> None:
    assert canonical.mask(config()).cluster.passphrase == "(secret)"
    assert canonical.mask(Config()).cluster.passphrase == ""


@given(configs())
def test_a_mask_changes_nothing_but_secrets(example: Config) -> None:
    masked = canonical.mask(example)
    passphrase = example.cluster.passphrase
    assert (
        msgspec.structs.replace(masked, cluster=msgspec.structs.replace(masked.cluster, passphrase=passphrase))
        == example
    )


def test_the_model_calls_its_passphrase_its_keys_and_its_passwords_secret() -> None:
    """The masks above follow the model, so it is the model that must not forget."""
    assert secrets(CONFIG, ()) == [
        ("cluster", "passphrase"),
        ("cluster", "auth_keys", "*", "secret"),
        ("users", "*", "password"),
    ]


def secrets(node: Node, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    if isinstance(node, Collection):
        return secrets(node.item, (*path, "*"))
    if not isinstance(node, Group):
        return []
    own = [(*path, name) for name, about in node.fields.items() if about.secret]
    return own + [found for name, about in node.fields.items() for found in secrets(about.node, (*path, name))]
