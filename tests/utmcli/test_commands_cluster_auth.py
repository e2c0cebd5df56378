"""`cluster auth`: what an administrator sees of the keys, and the edits that become of the commands."""

from __future__ import annotations

import msgspec
import pytest

from cluster.errors import RefusedError
from cluster.model import AuthKey, RemoveValue, SetValue
from cluster.observed import AuthKeyState
from cluster.rpc import messages
from tests.support.node import CONFIG, Node

OK = "OK\n"


def node(passphrase: str = "correct horse", policy: str = "enforce", send: int = 1, **keys: str) -> Node:
    options = msgspec.structs.replace(
        CONFIG.cluster,
        passphrase=passphrase,
        auth_policy=policy,
        auth_send=send,
        auth_keys={name[1:]: AuthKey(secret=secret) for name, secret in keys.items()},
    )
    return Node(config=msgspec.structs.replace(CONFIG, cluster=options))


def edit_of(asked: Node) -> messages.EditConfig:
    (found,) = [ask for ask in asked.asked if isinstance(ask, messages.EditConfig)]
    return found


def test_keys_are_shown_by_their_fingerprint() -> None:
    asked = node()
    states = (
        AuthKeyState(id=1, state="SENDING", fingerprint="0123456789abcdef"),
        AuthKeyState(id=12, state="ACCEPTED", fingerprint="fedcba9876543210"),
    )
    asked.answers[messages.GetKeys] = messages.Keys(states)
    assert asked.type("cluster auth get").out == (
        "id|state   |fingerprint\n"
        "--+--------+-----------\n"
        "1 |SENDING |0123456789abcdef\n"
        "12|ACCEPTED|fedcba9876543210\n"
    )


def test_a_new_key_is_accepted_and_not_sent() -> None:
    asked = node()
    assert asked.type('cluster auth new id 2 secret "battery staple"').out == OK
    assert edit_of(asked).changes == (SetValue(("cluster", "auth_keys", "2"), {"secret": "battery staple"}),)
    assert asked.config.cluster.auth_send == 1


def test_the_first_key_is_the_one_that_signs() -> None:
    asked = node(passphrase="")
    assert asked.type("cluster auth new id 9 secret 'battery staple'").out == OK
    assert asked.config.cluster.auth_send == 9
    assert asked.config.cluster.auth_keys["9"].secret == "battery staple"


def test_key_1_is_the_passphrase() -> None:
    asked = node(passphrase="", send=2, k2="battery staple")
    assert asked.type("cluster auth new id 1 secret 'correct horse'").out == OK
    assert asked.config.cluster.passphrase == "correct horse"
    assert asked.type("cluster auth delete id 1").out == OK
    assert asked.config.cluster.passphrase == ""


def test_an_id_in_use_is_not_taken_over() -> None:
    asked = node(k2="battery staple")
    said = asked.type("cluster auth new id 2 secret 'something else'")
    assert (said.code, said.out) == (1, "")
    assert "there is a key 2 already; ids are 1 to 255, in use are 1, 2" in said.err


def test_a_key_that_is_too_short_is_refused_without_being_repeated() -> None:
    said = node().type("cluster auth new id 2 secret seven77")
    assert said.code == 1
    assert "cluster.auth_keys.2.secret: is too short" in said.err
    assert "seven77" not in said.err


def test_the_key_that_signs_is_chosen_among_those_there_are() -> None:
    asked = node(k2="battery staple")
    assert asked.type("cluster auth set send 2").out == OK
    assert asked.config.cluster.auth_send == 2
    assert "there is no key 3; known are 1, 2" in asked.type("cluster auth set send 3").err


def test_a_key_that_does_not_sign_is_deleted() -> None:
    asked = node(send=2, k2="battery staple", k3="a third one")
    assert asked.type("cluster auth delete id 3").out == OK
    assert edit_of(asked).changes == (RemoveValue(("cluster", "auth_keys", "3")),)


def test_the_key_that_signs_is_not_deleted_while_there_is_another() -> None:
    asked = node(policy="receive-only", k2="battery staple")
    said = asked.type("cluster auth delete id 1")
    assert said.code == 1
    assert "key 1 signs our adverts; choose another one with cluster auth set send first" in said.err
    assert asked.config.cluster.passphrase == "correct horse"


@pytest.mark.parametrize("policy", ["permissive", "receive-only"])
def test_the_last_key_is_deleted_where_unsigned_adverts_are_believed(policy: str) -> None:
    asked = node(passphrase="", policy=policy, send=2, k2="battery staple")
    assert asked.type("cluster auth delete id 2").out == OK
    assert (asked.config.cluster.auth_keys, asked.config.cluster.auth_send) == ({}, 1)


def test_the_last_key_is_not_deleted_while_it_is_enforced() -> None:
    said = node().type("cluster auth delete id 1 force 1")
    assert said.code == 1
    assert "key 1 is the last one, and with the policy enforce both nodes rely on it" in said.err


def test_a_key_that_is_not_there_cannot_be_deleted() -> None:
    assert "there is no key 2; known are 1" in node().type("cluster auth delete id 2").err
    assert "there is no key 2; known are none" in node(passphrase="").type("cluster auth delete id 2").err


@pytest.mark.parametrize(
    "line",
    [
        "cluster set passphrase 'battery staple'",
        "cluster auth new id 3 secret 'battery staple'",
        "cluster auth set send 2",
        "cluster auth delete id 2",
    ],
)
def test_force_travels_with_the_edit_and_is_no_option_itself(line: str) -> None:
    asked = node(k2="a second one")
    asked.answers[messages.EditConfig] = RefusedError("no")
    asked.type(line)
    assert not edit_of(asked).force
    asked.asked.clear()
    asked.type(f"{line} force 1")
    assert edit_of(asked).force
    assert len(edit_of(asked).changes) == 1


def test_only_ids_of_existing_keys_are_offered() -> None:
    from utmcli.live import _OF_CONFIG, AUTH_KEYS  # noqa: PLC0415

    assert _OF_CONFIG[AUTH_KEYS](node(k10="battery staple", k2="a second one").config) == (
        ("1", "the passphrase"),
        ("2", ""),
        ("10", ""),
    )
    assert _OF_CONFIG[AUTH_KEYS](node(passphrase="").config) == ()
