"""What all topics share: who asks, that it is done, and that it is not."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Actor(Struct, frozen=True, kw_only=True):
    """Who asks: account, where from (``console``, ``ssh 192.0.2.7``), and the role clusterd shall enforce."""

    user: str
    source: str
    role: Literal["admin", "readonly"]


class Ask(Struct, frozen=True):
    """Base of all requests; subclasses are tagged with their own name."""


class Done(Struct, frozen=True, tag="done"):
    """It is done; `warnings` are sentences for standard error."""

    warnings: tuple[str, ...] = ()


class Failure(Struct, frozen=True, tag="failure"):
    """A ClusterError: its code, sentence and details (see errors.py)."""

    code: str
    message: str
    details: tuple[str, ...] = ()
