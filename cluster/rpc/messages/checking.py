"""Checking: whether the requirements of a cluster are met."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from cluster.rpc.messages.base import Ask


class GetCheck(Ask, frozen=True, tag="check"):
    """`cluster check` -> Checked."""


class CheckPoint(Struct, frozen=True):
    """One requirement.

    `check` is a stable word; `result` is ``passed``, ``failed``, ``note`` (allowed, and good to know) or
    ``unknown`` (cannot be judged now). `finding` is a sentence, `advice` says what to do, if anything.
    """

    check: str
    result: Literal["passed", "failed", "note", "unknown"]
    finding: str
    advice: str = ""


class Checked(Struct, frozen=True, tag="checked"):
    """Answer to GetCheck."""

    points: tuple[CheckPoint, ...]
