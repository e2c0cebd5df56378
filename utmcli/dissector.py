"""scapy at arm's length: a helper process decodes, for as long as one command needs it.

Importing scapy takes half a second or more and 40 MB for good; a resident process that did so would hold up all of
its sessions. The helper is also the right place to read what strangers send.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cluster.errors import ClusterError

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncGenerator

_PROGRAM = (sys.executable, "-m", "utmcli.dissect")
_PACKAGES = Path(__file__).resolve().parent.parent
# Without a home directory: scapy would keep directories and a pickle there, and stops where it may not read them.
_ENVIRONMENT = {"HOME": os.devnull}


class Dissected(NamedTuple):
    """What a frame says; None for what it does not hold.

    Attributes:
        source: address of the sender.
        destination: where it was sent to.
        version: of VRRP.
        vrid: virtual router.
        priority: as on the wire.
        interval: centiseconds between adverts.
        addresses: the virtual addresses.
        key: id of the key that it claims to be signed with.
    """

    source: str | None
    destination: str | None
    version: int | None
    vrid: int | None
    priority: int | None
    interval: int | None
    addresses: list[str] | None
    key: int | None


class Dissector:
    """A running helper; made by `dissector`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def dissect(self, frame: str) -> Dissected:
        """Decode one Ethernet frame, given in hexadecimal digits.

        Raises:
            ClusterError: the helper ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(ConnectionError):  # its end is noticed at once where its answer is missing
            self._process.stdin.write(f"{frame}\n".encode())
            await self._process.stdin.drain()
        line = await self._process.stdout.readline()
        if not line:
            raise ClusterError("the decoder of adverts ended; the shell host's log says why")
        return Dissected(**json.loads(line))


@asynccontextmanager
async def dissector() -> AsyncGenerator[Dissector, None]:
    """A helper that lives as long as the block."""
    process = await asyncio.create_subprocess_exec(
        *_PROGRAM, stdin=PIPE, stdout=PIPE, cwd=_PACKAGES, env=_ENVIRONMENT
    )
    try:
        yield Dissector(process)
    finally:
        with suppress(ProcessLookupError):  # ended by itself
            process.kill()
        await process.wait()
