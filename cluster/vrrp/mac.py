"""HMAC-SHA-256 (RFC 2104) with the interpreter's own SHA-256.

Why not `hmac` and `hashlib`: they load OpenSSL, which costs a restart 3 ms and the process 4 MB, and each of its
one-shot HMACs touches so much memory that an advert every quarter of a second, always on cold caches, took a
third of the engine's time. With the key's two blocks hashed once, a tag is two short updates.
"""

from __future__ import annotations

import sys
from _operator import _compare_digest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
elif sys.version_info >= (3, 12):
    from _sha2 import sha256
else:
    from _sha256 import sha256

BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Mac:
    """A key, ready to authenticate.

    Args:
        secret: at most 64 bytes; a longer one would have to be hashed first and is not needed here.
        beginning: of all that will be authenticated, for many messages that begin alike; `tag` takes the rest.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes, beginning: bytes = b"") -> None:
        if len(secret) > BLOCK:
            raise ValueError(f"a key of {len(secret)} bytes is longer than {BLOCK}")
        padded = secret.ljust(BLOCK, b"\0")
        self._inner = sha256(padded.translate(_INNER) + beginning)
        self._outer = sha256(padded.translate(_OUTER))

    def tag(self, data: bytes) -> bytes:
        """The 32 bytes that only somebody with the key can compute for `data`."""
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def digest(data: bytes) -> bytes:
    """The SHA-256 of `data`."""
    return sha256(data).digest()


def same(left: bytes, right: bytes) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return _compare_digest(left, right)
