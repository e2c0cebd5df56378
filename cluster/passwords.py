"""Passwords: only their hashes are kept, and checking one costs the same whether its account exists or not.

scrypt (RFC 7914) with 32 MiB a hash; the text form names its parameters, so that they can grow later::

    $scrypt$ln=15,r=8,p=1$SALT$HASH        SALT and HASH in base64 without padding
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata

SHORTEST = 8
LONGEST = 256
"""Characters of a password."""

_LOG_N, _R, _P = 15, 8, 1
SALT_BYTES = 16
_HASH_BYTES = 32
_MEMORY = 256 * 1024 * 1024
"""Bytes that one hash may take at most: parameters of a hash that was carried over are bounded by it."""
_TEXT = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})")


def is_hash(text: str) -> bool:
    """Whether a text is a hash that `verify` can check in bounded time and memory."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return False
    log_n, r, p = map(int, found.groups()[:3])
    return 10 <= log_n <= 18 and 1 <= r <= 8 and 1 <= p <= 4


def problem(password: str) -> str:
    """Why this cannot be a password, as the end of a sentence; empty when it can."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"has {len(password)} characters; {SHORTEST} to {LONGEST} are allowed"
    if not password.isprintable():
        return "has a character that cannot be typed; printable ones are allowed"
    return ""


def hashed(password: str, salt: bytes) -> str:
    """The hash of a password. Takes about 0.1 s of a processor; not for an event loop.

    Args:
        password: a good one, see `problem`.
        salt: `SALT_BYTES` random bytes, never used before.
    """
    return f"$scrypt$ln={_LOG_N},r={_R},p={_P}${_text(salt)}${_text(_scrypt(password, salt, _LOG_N, _R, _P))}"


def verify(password: str, text: str) -> bool:
    """Whether a password has this hash. Costs as much for a text that is no hash (an account that is not there).

    Args:
        password: as typed.
        text: what `hashed` gave, or empty.
    """
    found = _TEXT.fullmatch(text) if is_hash(text) else None
    if found is None:
        _scrypt(password, bytes(SALT_BYTES), _LOG_N, _R, _P)
        return False
    log_n, r, p = map(int, found.groups()[:3])
    salt, wanted = (_bytes(part) for part in found.groups()[3:])
    return hmac.compare_digest(_scrypt(password, salt, log_n, r, p), wanted)


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    # The same letters can be typed in two ways (RFC 8265 section 4.2): both shall be the same password.
    plain = unicodedata.normalize("NFKC", password[:LONGEST]).encode("utf-8", "replace")
    return hashlib.scrypt(plain, salt=salt, n=1 << log_n, r=r, p=p, maxmem=_MEMORY, dklen=_HASH_BYTES)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return b""  # a length that base64 cannot have: no password has this hash
