"""The engine's own HMAC-SHA-256, judged by the standard library's."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.vrrp.mac import Mac, digest, same


@given(st.binary(max_size=64), st.lists(st.binary(max_size=300), min_size=1, max_size=3))
def test_every_tag_is_what_hmac_computes(secret: bytes, messages: list[bytes]) -> None:
    mac = Mac(secret)

    for message in messages:
        assert mac.tag(message) == hmac.digest(secret, message, "sha256")


def test_the_fourth_example_of_rfc_4231() -> None:
    tag = Mac(bytes(range(1, 26))).tag(b"\xcd" * 50)

    assert tag.hex() == "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"


def test_a_key_longer_than_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="65 bytes is longer"):
        Mac(bytes(65))


@given(st.binary(max_size=200))
def test_the_digest_is_sha_256(data: bytes) -> None:
    assert digest(data) == hashlib.sha256(data).digest()


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_only_equal_secrets_are_the_same(left: bytes, right: bytes) -> None:
    assert same(left, right) == (left == right)
    assert same(left, bytes(left))
