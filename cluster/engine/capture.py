"""Adverts as the engine shows them (cluster/vrrp/control.py), over a connection of their own.

Nothing is kept here: whoever reads slowly lets the engine's socket fill up, and the engine leaves out and counts.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import msgspec

from cluster.engine.link import connected, decode
from cluster.errors import ProtocolError, RefusedError, UnreachableError
from cluster.rpc.messages import Capture, Done
from cluster.vrrp.control import MAX_PACKET

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


async def capture(path: Path, interface: str) -> AsyncGenerator[Done | Capture, None]:
    """`Done` once the engine watches, then the interface's adverts, until the caller stops iterating.

    Args:
        path: of the engine's control socket.
        interface: an HA interface.

    Raises:
        RefusedError: the engine knows no such interface.
        UnreachableError: there is no engine, or it ended.
        ProtocolError: the engine sent something that is no packet of the contract.
    """
    loop = asyncio.get_running_loop()
    connection = await connected(path)
    try:
        request = {"do": "capture", "interface": interface, "on": True}
        await loop.sock_sendall(connection, json.dumps(request).encode())
        while packet := await loop.sock_recv(connection, MAX_PACKET):
            content = decode(packet)
            if "error" in content:
                raise RefusedError(str(content["error"]))
            if "re" in content:
                yield Done()
            elif "capture" in content:
                yield _seen(content["capture"])
    except OSError as error:
        raise UnreachableError(f"the engine is gone: {error.strerror}") from error
    finally:
        connection.close()
    raise UnreachableError("the engine ended, and the capture with it")


def _seen(content: object) -> Capture:
    try:
        return msgspec.convert(content, Capture)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"the engine showed an advert that is none: {error}") from error
