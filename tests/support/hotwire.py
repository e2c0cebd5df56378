"""Two links in one process: addresses of one loopback device of a network namespace stand for the cable's ends."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from cluster.health import PartnerHealth
from cluster.hotwire.keys import OwnKey
from cluster.hotwire.link import HotwireLink
from cluster.hotwire.protocol import PROTOCOL_VERSION, Done, Hello, HotwireAnswer, HotwireAsk
from cluster.hotwire.settings import HotwireSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PATIENCE = 30.0


async def until(happens: Callable[[], object], what: Callable[[], object]) -> None:
    """Wait for something that takes real time."""
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < deadline, f"not within {PATIENCE:g} s: {what()}"
        await asyncio.sleep(0.01)


class End:
    """One node's end of the hotwire.

    Args:
        directory: for its key.
        local: its address.
        remote: the partner's.
        changes: fields of its `Hello` that differ.
    """

    def __init__(self, directory: Path, local: str, remote: str, **changes: Any) -> None:
        directory.mkdir(exist_ok=True)
        self.local, self.remote = local, remote
        self.key = OwnKey(directory)
        self.asked: list[HotwireAsk] = []
        self.news = 0
        said = {"protocol": PROTOCOL_VERSION, "software": "1.0", "schema": 1, "hostname": local, **changes}
        self.hello = Hello(**said)
        self.link = HotwireLink(
            own_key=self.key, hello=lambda: self.hello, responder=self, on_change=self._changed
        )

    def _changed(self) -> None:
        self.news += 1

    async def answer(self, ask: HotwireAsk) -> HotwireAnswer:
        self.asked.append(ask)
        return Done()

    @property
    def public(self) -> str:
        return self.key.public(self.local).line

    def settings(self, *keys: str, **changes: Any) -> HotwireSettings:
        said = HotwireSettings(device="lo", local=self.local, remotes=(self.remote,), partner_keys=keys)
        return said._replace(**changes)

    def health(self, **changes: Any) -> PartnerHealth:
        said = {"hostname": self.local, "software": "1.0", "schema": 1, "role": "backup", "clock": time.time()}
        return PartnerHealth(**{**said, **changes})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[HotwireLink]:
        """Its life, and a report each second as the manager gives one."""
        duties = [asyncio.create_task(self.link.run()), asyncio.create_task(self._report())]
        try:
            yield self.link
        finally:
            for duty in duties:
                duty.cancel()
            await asyncio.gather(*duties, return_exceptions=True)

    async def _report(self) -> None:
        while True:
            self.link.report(self.health())
            await asyncio.sleep(0.5)


@asynccontextmanager
async def both(directory: Path, **changes: Any) -> AsyncIterator[tuple[End, End]]:
    """Two ends that know each other's keys and are connected."""
    left = End(directory / "left", "127.0.0.1", "127.0.0.2")
    right = End(directory / "right", "127.0.0.2", "127.0.0.1", **changes)
    left.link.configure(left.settings(right.public))
    right.link.configure(right.settings(left.public))
    async with left.running(), right.running():
        ends = (left.link, right.link)
        await until(lambda: all(end.state.connected for end in ends), lambda: [end.state for end in ends])
        yield left, right
