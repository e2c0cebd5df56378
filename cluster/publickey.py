"""Public SSH keys as people paste them: one line of type, key and comment (RFC 4253 section 6.6). Pure.

Of another node two kinds are accepted: ed25519 (RFC 8709), and RSA of 2048 bits or more for units that have nothing
better. Of people also those that security keys and older tools make (`PEOPLES`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from typing import NamedTuple

from cluster.errors import InvalidConfigurationError

ED25519 = "ssh-ed25519"
RSA = "ssh-rsa"
NODES = (ED25519, RSA)
PEOPLES = (
    *NODES, "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip
RSA_BITS = 2048
RSA_BITS_MOST = 16384
_LENGTH = struct.Struct("!I")


class PublicKey(NamedTuple):
    """A public key.

    Attributes:
        kind: such as ``ssh-ed25519``.
        blob: the key as SSH encodes it.
        comment: what people wrote beside it, often user and host.
    """

    kind: str
    blob: bytes
    comment: str

    @property
    def line(self) -> str:
        """As one line, white space normalised."""
        encoded = base64.b64encode(self.blob).decode()
        return " ".join(filter(None, (self.kind, encoded, self.comment)))

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it: SHA256 and base64 without padding."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")


def parse(text: str, kinds: tuple[str, ...] = NODES) -> PublicKey:
    """The key in a pasted text; line breaks that a terminal put into it are forgiven.

    Args:
        text: as pasted.
        kinds: that are accepted.

    Raises:
        InvalidConfigurationError: it is none, or of a kind or size that is not accepted; says what is.
    """
    words = text.split()
    if text.lstrip().startswith("-----BEGIN"):
        raise InvalidConfigurationError(
            "this is a key file, of a private key perhaps, not a public key: one line, ssh-ed25519 and the key"
        )
    if not words or words[0] not in kinds:
        kind = f"a key of the type {words[0][:40]!r}" if words else "an empty text"
        accepted = f"{', '.join(kinds[:-1])} or {kinds[-1]}"
        raise InvalidConfigurationError(
            f"{kind} is not accepted: a public key is one line that begins with {accepted}"
        )
    kind, rest = words[0], words[1:]
    blob, taken = _blob(kind, rest)
    return PublicKey(kind, blob, " ".join(rest[taken:]))


def _blob(kind: str, words: list[str]) -> tuple[bytes, int]:
    """The key itself, and how many words it took: a paste may have broken it into several."""
    problem = InvalidConfigurationError(f"the {kind} key is damaged or cut short; paste the whole line again")
    for taken in range(1, len(words) + 1):
        try:
            blob = base64.b64decode("".join(words[:taken]), validate=True)
            fields = _fields(blob)
        except (binascii.Error, ValueError):
            continue
        _require(kind, fields, problem)
        return blob, taken
    raise problem


def _fields(blob: bytes) -> list[bytes]:
    """The strings a blob is made of.

    Raises:
        ValueError: it is not made of whole strings.
    """
    fields, at = [], 0
    while at < len(blob):
        if at + _LENGTH.size > len(blob):
            raise ValueError
        (length,) = _LENGTH.unpack_from(blob, at)
        at += _LENGTH.size
        if length > len(blob) - at:
            raise ValueError
        fields.append(blob[at : at + length])
        at += length
    return fields


def _require(kind: str, fields: list[bytes], problem: InvalidConfigurationError) -> None:
    if not fields or fields[0] != kind.encode():
        raise problem
    if kind == ED25519:
        if len(fields) != 2 or len(fields[1]) != 32:
            raise problem
        return
    if kind != RSA:
        if len(fields) < 3 or not all(fields):
            raise problem
        return
    if len(fields) != 3:
        raise problem
    exponent, modulus = (int.from_bytes(field, "big") for field in fields[1:])
    if not RSA_BITS <= modulus.bit_length() <= RSA_BITS_MOST or exponent < 3:
        raise InvalidConfigurationError(
            f"an ssh-rsa key of {modulus.bit_length()} bits is not accepted: it needs {RSA_BITS} to "
            f"{RSA_BITS_MOST}; better is ssh-ed25519"
        )
