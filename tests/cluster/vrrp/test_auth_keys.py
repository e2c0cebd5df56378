"""Passphrases become keys, the same on both nodes; what is no good as one is refused."""

from __future__ import annotations

import pytest

from cluster.errors import InvalidConfigurationError
from cluster.vrrp.auth import Key, derive_key
from cluster.vrrp.local import simple_password


def test_a_passphrase_gives_the_same_key_for_ever() -> None:
    # Pinned: if this fails, nodes of two software versions no longer understand each other.
    assert derive_key("correct horse battery").hex() == PINNED
    assert derive_key("correct horse batterY").hex() != PINNED


PINNED = "236b049f136af834c46a359cbd3f6259d13f6e6677f782a47699b6cf76ae9f39"


@pytest.mark.parametrize("size", [32, 48, 64])
def test_hex_gives_the_key_itself(size: int) -> None:
    secret = bytes(range(size))
    assert derive_key(f"hex:{secret.hex()}") == secret


@pytest.mark.parametrize(
    ("passphrase", "allowed"),
    [
        ("", "0 characters; it needs 8 to 256"),
        ("7 chars", "7 characters; it needs 8 to 256"),
        ("x" * 257, "257 characters; it needs 8 to 256"),
        ("hex:", "0 bytes; it needs 32 to 64 bytes"),
        ("hex:" + "00" * 31, "31 bytes; it needs 32 to 64 bytes"),
        ("hex:" + "00" * 65, "65 bytes; it needs 32 to 64 bytes"),
        ("hex:" + "0" * 65, "no even number of hexadecimal digits"),
        ("hex:" + "0g" * 32, "no even number of hexadecimal digits"),
    ],
)
def test_too_short_too_long_and_malformed_ones_are_refused(passphrase: str, allowed: str) -> None:
    with pytest.raises(InvalidConfigurationError, match=allowed):
        derive_key(passphrase)


@pytest.mark.parametrize("key_id", [1, 255])
def test_any_key_id_of_one_byte_but_zero_will_do(key_id: int) -> None:
    assert Key(key_id, bytes(32)).key_id == key_id


@pytest.mark.parametrize("key_id", [0, 256, -1])
def test_a_key_id_outside_one_byte_is_refused(key_id: int) -> None:
    with pytest.raises(InvalidConfigurationError, match="between 1 and 255"):
        Key(key_id, bytes(32))


@pytest.mark.parametrize("size", [31, 65])
def test_a_key_of_a_wrong_length_is_refused(size: int) -> None:
    with pytest.raises(InvalidConfigurationError, match="32 to 64 bytes"):
        Key(1, bytes(size))


def test_a_key_does_not_tell_its_secret_when_printed() -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    assert "0123" not in repr(Key(1, secret))
    assert secret.hex() not in repr(Key(1, secret))


def test_a_fingerprint_stays_the_same_over_versions_since_it_is_kept_on_disk() -> None:
    # Pinned: another one would make the key look new, and a new key forgets how far its sender got.
    assert Key(1, bytes(range(32))).fingerprint == "fa4e5cc0bd6dfb74"


def test_keys_are_told_apart_by_their_secret_and_not_by_their_id() -> None:
    assert Key(1, bytes(32)).fingerprint == Key(2, bytes(32)).fingerprint
    assert Key(1, bytes(32)).fingerprint != Key(1, bytes(31) + b"\1").fingerprint


def test_a_version_2_password_is_padded_with_nul() -> None:
    assert simple_password("a") == b"a\0\0\0\0\0\0\0"
    assert simple_password("abc") == b"abc\0\0\0\0\0"
    assert simple_password("insecure") == b"insecure"


@pytest.mark.parametrize("text", ["", "ninebytes", "ßßßßß", "a\0b"])
def test_a_version_2_password_that_does_not_fit_is_refused_and_never_cut_off(text: str) -> None:
    with pytest.raises(InvalidConfigurationError, match="VRRPv2 password"):
        simple_password(text)
