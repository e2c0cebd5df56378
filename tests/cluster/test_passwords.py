"""Hashes of passwords."""

from __future__ import annotations

import base64
import time

import pytest
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cluster import passwords

SALT = bytes(range(16))


def test_a_password_has_its_hash_and_no_other_has() -> None:
    text = passwords.hashed("correct horse", SALT)
    assert passwords.is_hash(text)
    assert "correct" not in text
    assert passwords.verify("correct horse", text)
    assert not passwords.verify("correct horsf", text)
    assert not passwords.verify("", text)


def test_the_hash_is_scrypt_as_others_compute_it() -> None:
    """RFC 7914, by another implementation."""
    *_, parameters, salt, key = passwords.hashed("correct horse", SALT).split("$")
    numbers = {name: int(value) for name, value in (part.split("=") for part in parameters.split(","))}
    scrypt = Scrypt(salt=SALT, length=32, n=2 ** numbers["ln"], r=numbers["r"], p=numbers["p"])
    assert base64.b64decode(key + "=") == scrypt.derive(b"correct horse")
    assert base64.b64decode(salt + "==") == SALT


def test_two_ways_to_type_a_letter_are_one_password() -> None:
    assert passwords.verify("gro\u0308sser", passwords.hashed("gr\u00f6sser", SALT))


def test_an_account_that_does_not_exist_costs_as_much_as_one_that_does() -> None:
    text = passwords.hashed("correct horse", SALT)

    def cost(of: str) -> float:
        best = []
        for _ in range(3):
            began = time.process_time()
            passwords.verify("something else", of)
            best.append(time.process_time() - began)
        return min(best)

    there, missing = cost(text), cost("")
    assert missing > there / 2, "no less work is done; how long it takes depends on the machine"


@pytest.mark.parametrize(
    "text",
    [
        "", "correct horse", "$scrypt$", "$6$salt$hash",
        "$scrypt$ln=30,r=8,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$scrypt$ln=15,r=99,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)  # fmt: skip
def test_what_is_no_hash_of_bounded_cost_is_none(text: str) -> None:
    assert not passwords.is_hash(text)
    assert not passwords.verify("", text)


@pytest.mark.parametrize("password", ["short", "x" * 257, "a\tb cdefgh", "line\nfeed!"])
def test_some_things_cannot_be_a_password(password: str) -> None:
    assert passwords.problem(password)
