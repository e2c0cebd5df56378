"""Public keys as people paste them, against what OpenSSH's ssh-keygen writes."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import publickey
from cluster.errors import InvalidConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMl7lFoTYfxV9MAmFq2yKQ3ECxGgyMFlQ8yV4sYVO4n7"


def generated(directory: Path, *options: str) -> str:
    command = ["ssh-keygen", "-q", "-N", "", "-C", "root@spare", "-f", str(directory / "key"), *options]
    subprocess.run(command, check=True)
    return (directory / "key.pub").read_text()


@needs_keygen
@pytest.mark.parametrize("options", [("-t", "ed25519"), ("-t", "rsa", "-b", "2048")])
def test_a_key_of_openssh_is_read_and_has_the_fingerprint_that_openssh_shows(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    key = publickey.parse(generated(tmp_path, *options))

    command = ["ssh-keygen", "-lf", str(tmp_path / "key.pub")]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert key.fingerprint in shown.stdout
    assert key.line == (tmp_path / "key.pub").read_text().strip()


@needs_keygen
@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("-t", "ecdsa"), "'ecdsa-sha2-nistp256' is not accepted"),
        (("-t", "rsa", "-b", "1024"), "1024 bits is not accepted: it needs 2048"),
    ],
)
def test_other_kinds_are_refused_in_a_sentence_that_says_what_is_accepted(
    tmp_path: Path, options: tuple[str, ...], why: str
) -> None:
    with pytest.raises(InvalidConfigurationError, match=why) as caught:
        publickey.parse(generated(tmp_path, *options))
    assert "ssh-ed25519" in caught.value.message


def test_line_breaks_that_a_terminal_put_into_a_paste_are_forgiven() -> None:
    broken = f"  {ED25519[:40]}\n   {ED25519[40:]}\r\n admin at\tspare \n"
    assert publickey.parse(broken).line == f"{ED25519} admin at spare"


def test_a_private_key_is_told_apart_and_not_repeated() -> None:
    with pytest.raises(InvalidConfigurationError, match="a private key perhaps") as caught:
        publickey.parse("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n")
    assert "c2VjcmV0" not in caught.value.message


@pytest.mark.parametrize(
    "text", ["", "   ", "ssh-ed25519", "ssh-dss AAAA", ED25519[:-8], f"{ED25519}AAAA", "ssh-rsa "]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfigurationError):
        publickey.parse(text)


def test_a_key_whose_first_word_lies_about_its_kind_is_refused() -> None:
    with pytest.raises(InvalidConfigurationError, match="damaged"):
        publickey.parse(ED25519.replace("ssh-ed25519", "ssh-rsa", 1))


@given(st.integers(0, len(ED25519) - 13))
def test_every_key_that_was_cut_short_is_refused(length: int) -> None:
    with pytest.raises(InvalidConfigurationError):
        publickey.parse(ED25519[: 12 + length])


@given(st.binary(max_size=200))
def test_no_bytes_lead_to_anything_but_a_key_or_its_refusal(blob: bytes) -> None:
    try:
        publickey.parse(f"ssh-ed25519 {base64.b64encode(blob).decode()}")
    except InvalidConfigurationError:
        return
    assert len(blob) == 51
