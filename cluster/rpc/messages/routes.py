"""Static routes: which of them packets take."""

from __future__ import annotations

from msgspec import Struct

from cluster.rpc.messages.base import Ask


class GetRoutes(Ask, frozen=True, tag="routes"):
    """`route get`: which routes of the running configuration the kernel has -> Routes."""


class Routes(Struct, frozen=True, tag="routes"):
    """Answer to GetRoutes: the ids of those that packets take now."""

    online: tuple[str, ...]
