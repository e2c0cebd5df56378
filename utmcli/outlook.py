"""How things are, for the prompts of all sessions: asked once for all that wait for it at the same time.

Every prompt tells what an administrator should know before typing (hints.py). With a hundred busy sessions,
asking for it at each of their prompts would be most of what clusterd does. Nothing is kept: a prompt shows what is.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from cluster.rpc.messages import Actor
from utmcli.hints import look

if TYPE_CHECKING:
    from cluster.rpc.messages import AnyAnswer, Ask
    from utmcli.hints import Surroundings
    from utmcli.link import Link

PATIENCE = 10.0
_SELF = Actor(user="utmcli", source="console", role="readonly")


class Outlook:
    """One for the shell host.

    Args:
        link: to clusterd; it knows when somebody has changed something.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._changes = 0
        self._looking: asyncio.Task[Surroundings] | None = None

    async def look(self) -> Surroundings:
        """How things are, as of after whatever the caller did before."""
        looking = self._looking
        if looking is None or looking.done() or self._link.changes != self._changes:
            self._changes = self._link.changes
            looking = self._looking = asyncio.create_task(look(self._ask, time.time()))
        return await asyncio.shield(looking)

    async def _ask(self, ask: Ask) -> AnyAnswer:
        return await self._link.ask(cast("Any", ask), _SELF, PATIENCE)
