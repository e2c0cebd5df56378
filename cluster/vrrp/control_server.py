"""The engine's end of the control socket (control.py says what is spoken on it).

Any number of managers; root and the engine's own user only. Nothing a manager sends can end the engine: a
malformed packet is answered with an error, a manager that does not read is hung up on.
"""

from __future__ import annotations

import json
import os
from _socket import (
    AF_UNIX,
    SCM_RIGHTS,
    SHUT_RDWR,
    SO_PEERCRED,
    SOCK_CLOEXEC,
    SOCK_NONBLOCK,
    SOCK_SEQPACKET,
    SOL_SOCKET,
    socket,
)
from array import array
from contextlib import suppress
from struct import Struct
from typing import TYPE_CHECKING, Any

from cluster.errors import ClusterError, ProtocolError
from cluster.vrrp.control import MAX_PACKET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Answer = Callable[[str, dict[str, Any], int], dict[str, Any]]

MAX_MANAGERS = 16
_CREDENTIALS = Struct("=iII")


class ControlServer:
    """The listening socket and the managers that are connected.

    Args:
        path: of the socket; a stale one is replaced (the caller holds the engine's lock).
        answer: called with the request's word, the whole request, and the file descriptor of the manager that
            asks; returns what goes beside ``re``.

    Attributes:
        quiet: file descriptors of managers that want no events.
    """

    def __init__(self, path: str, answer: Answer) -> None:
        self._answer = answer
        self._path = path
        self._managers: dict[int, socket] = {}
        self.quiet: set[int] = set()
        self._listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC)
        if os.path.lexists(path):
            os.unlink(path)  # noqa: PTH108 - importing pathlib costs the start 5 ms
        before = os.umask(0o177)
        try:
            self._listener.bind(path)
        finally:
            os.umask(before)
        self._listener.listen(MAX_MANAGERS)

    def fileno(self) -> int:
        """Of the listening socket, for the poller."""
        return self._listener.fileno()

    def close(self) -> None:
        """Hang up on everybody and remove the socket."""
        for manager in self._managers.values():
            manager.close()
        self._managers.clear()
        self._listener.close()
        os.unlink(self._path)  # noqa: PTH108 - as above

    def accept(self, backlog: Iterable[bytes]) -> int | None:
        """Let a manager in and send it what it missed.

        Returns:
            The manager's file descriptor, or None when nobody is there or it may not speak to us.
        """
        try:
            handle = self._accept_handle()
        except OSError:
            # The manager gave up meanwhile (ECONNABORTED), or descriptors ran out: it will try again.
            return None
        manager = socket(fileno=handle)
        manager.setblocking(False)
        _, uid, _ = _CREDENTIALS.unpack(manager.getsockopt(SOL_SOCKET, SO_PEERCRED, _CREDENTIALS.size))
        if uid not in (0, os.geteuid()) or len(self._managers) >= MAX_MANAGERS:
            sentence = f"only root may control the engine, in at most {MAX_MANAGERS} connections at a time"
            self._send(manager, _packet({"re": "connect", "error": sentence}))
            manager.close()
            return None
        self._managers[handle] = manager
        for packet in backlog:
            if not self._send(manager, packet):
                break
        return handle

    def receive(self, handle: int) -> bool:
        """Answer one request of a manager; whose descriptor was closed earlier in the same turn is nobody's.

        Returns:
            False when the manager is gone (and forgotten).
        """
        manager = self._managers.get(handle)
        if manager is None:
            return True
        try:
            data = manager.recv(MAX_PACKET)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        if data and self._send(manager, _packet(self._respond(data, handle))):
            return True
        self._managers.pop(handle).close()
        return False

    def tell(self, packet: bytes) -> None:
        """Send an event to all managers; one that does not read is hung up on: the backlog waits for its return."""
        for handle, manager in self._managers.items():
            if handle not in self.quiet and not self._send(manager, packet):
                with suppress(OSError):
                    manager.shutdown(SHUT_RDWR)

    def show(self, handle: int, packet: bytes) -> bool:
        """Send one manager what it can do without; False when it has no room for it or is gone."""
        manager = self._managers.get(handle)
        return manager is not None and self._send(manager, packet)

    def hand_over(self, handle: int, handles: list[int]) -> None:
        """Pass duplicates of descriptors to a manager; one that does not take them does without."""
        manager = self._managers.get(handle)
        if manager is None:
            return
        packet = _packet({"sockets": len(handles)})
        with suppress(OSError):
            manager.sendmsg([packet], [(SOL_SOCKET, SCM_RIGHTS, array("i", handles))])

    def _accept_handle(self) -> int:
        # The public `accept` is a wrapper in `socket`, whose import costs the start 3 ms; types know only that.
        listener: Any = self._listener
        handle: int = listener._accept()[0]  # noqa: SLF001
        return handle

    def _respond(self, data: bytes, handle: int) -> dict[str, Any]:
        word = ""
        try:
            request = json.loads(data)
            if not isinstance(request, dict) or not isinstance(request.get("do"), str):
                raise ProtocolError('a request is one JSON object with a word under "do"')
            word = request["do"]
            return {"re": word, **self._answer(word, request, handle)}
        except (ValueError, RecursionError) as problem:
            return {"re": word, "error": f"the request is no JSON: {problem}"}
        except ClusterError as problem:
            return {"re": word, "error": problem.message, "details": list(problem.details)}

    @staticmethod
    def _send(manager: socket, packet: bytes) -> bool:
        try:
            manager.send(packet)
        except OSError:
            return False
        return True


def _packet(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode()
