"""What was typed is in the audit of whoever looks next, however slow clusterd is to take it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from cluster.errors import UnreachableError
from cluster.rpc.messages import Actor, Done
from utmcli.trail import Trail

ADMIN = Actor(user="admin", source="console", role="admin")


class SlowClusterd:
    """Takes lines only when it is told to go on, or is away."""

    def __init__(self) -> None:
        self.goes_on = asyncio.Event()
        self.away = False
        self.taken: list[str] = []

    async def ask(self, ask: Any, _actor: Actor, _patience: float) -> Done:
        if self.away:
            raise UnreachableError("clusterd is away")
        await self.goes_on.wait()
        self.taken += [line.line for line in ask.commands]
        return Done()


def test_a_look_at_the_audit_waits_for_what_was_typed_before_it() -> None:
    async def look() -> None:
        clusterd = SlowClusterd()
        trail = Trail(clusterd)  # type: ignore[arg-type]  # as much of a link as it needs
        trail.note(ADMIN, "1", "cluster info", 0, time.time())
        looking = asyncio.create_task(trail.flush())
        await asyncio.sleep(1.2)  # longer than the pause between two attempts
        assert not looking.done()
        trail.note(ADMIN, "1", "cluster status", 0, time.time())
        clusterd.goes_on.set()
        await looking
        assert clusterd.taken == ["cluster info", "cluster status"]

    asyncio.run(look())


def test_it_does_not_wait_for_a_clusterd_that_is_away() -> None:
    async def look() -> None:
        clusterd = SlowClusterd()
        clusterd.away = True
        trail = Trail(clusterd)  # type: ignore[arg-type]  # as above
        trail.note(ADMIN, "1", "cluster info", 0, time.time())
        began = time.monotonic()
        await trail.flush()
        assert time.monotonic() - began < 5.0, "it was given up at the first attempt, not after all patience"
        clusterd.away = False
        clusterd.goes_on.set()
        await trail.flush()
        await trail.close(10.0)
        assert clusterd.taken == ["cluster info"]

    asyncio.run(look())


def test_a_line_of_another_encoding_holds_no_other_line_up() -> None:
    async def look() -> None:
        clusterd = SlowClusterd()
        clusterd.goes_on.set()
        trail = Trail(clusterd)  # type: ignore[arg-type]  # as above
        trail.note(ADMIN, "1", "extc global get variable caf\udce9", 2, time.time())
        trail.note(ADMIN, "1", "cluster info", 0, time.time())
        await trail.flush()
        assert clusterd.taken == ["extc global get variable caf\\udce9", "cluster info"]
        "".join(clusterd.taken).encode()  # a message to clusterd is UTF-8; one that is not would be tried for ever

    asyncio.run(look())
