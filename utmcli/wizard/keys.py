"""Public keys out of a text, also where something broke them into pieces or wrote more behind them."""

from __future__ import annotations

import base64

from cluster import publickey
from cluster.errors import InvalidConfigurationError

_MOST_WORDS = 400
"""Pieces that are looked at: a key of the longest kind broken every 10 characters is one."""


def found(text: str) -> str | None:
    """The key that a text begins with, as ``kind base64``; None where it does not, or not with all of it."""
    try:
        key = publickey.parse(" ".join(text.split()[:_MOST_WORDS]))
    except InvalidConfigurationError:
        return None
    return f"{key.kind} {base64.b64encode(key.blob).decode()}"


def fingerprint(key: str) -> str:
    """A key as people compare it."""
    return publickey.parse(key).fingerprint
