"""The process that owns a lab: its namespaces live as long as it does.

One thread, one request at a time, in the order they come: a lab is a small machine room with one warden.
Requests and answers are one JSON object a line over ``warden.sock``::

    {"do": "kill" | "start", "node": "master"}              {"done": true}
    {"do": "link", "node": .., "interface": .., "up": ..}   {"done": true} | {"error": "..."}
    {"do": "down"}                                          {"done": true}, after everything has ended
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

from cluster.errors import ClusterError, ConflictError, NotFoundError
from cluster.lab import wiring
from cluster.lab.home import Record
from cluster.lab.init import EXIT_REBOOT
from cluster.lab.node import Node
from cluster.lab.plan import APPLIANCES, NODES, SWITCH, Plan, Port, plan
from cluster.process.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cluster.lab.home import Home

_LONGEST_REQUEST = 4096
_REQUEST_PATIENCE = 2.0


class Warden:
    """The nodes and cables of one lab.

    Args:
        home: its directory, made and locked by whoever started us.
        example: number of the example network.
    """

    def __init__(self, home: Home, example: int) -> None:
        self._home = home
        self._plan: Plan = plan(example)
        self._nodes: dict[str, Node] = {}
        self._pulled: set[str] = set()
        self._selector = selectors.DefaultSelector()
        self._ended = False

    # --- the life of the lab --------------------------------------------------------------------------

    def build(self) -> None:
        """Boot everything. On failure nothing is left running.

        Raises:
            ClusterError: what could not be built.
        """
        try:
            self._boot((SWITCH, *NODES))
        except BaseException:
            self.end()
            raise

    def serve(self, owner: Identity | None) -> None:
        """Answer requests until the lab is to end: asked to, signalled, or because its owner has died.

        Args:
            owner: process without which the lab shall not go on, or None.
        """
        with self._listen() as listener, _signals() as signals:
            self._selector.register(listener, selectors.EVENT_READ, lambda: self._answer(listener))
            self._selector.register(signals, selectors.EVENT_READ, self.end)
            if owner is not None:
                self._outlive_not(owner)
            while not self._ended:
                for key, _ in self._selector.select():
                    if not self._ended and key.fileobj in self._selector.get_map():
                        handle: Callable[[], None] = key.data
                        handle()

    def end(self) -> None:
        """Power everything off, the hard way."""
        self._all_off(tuple(self._nodes))
        self._ended = True

    def _outlive_not(self, owner: Identity) -> None:
        try:
            self._selector.register(owner.open(), selectors.EVENT_READ, self.end)
        except ProcessLookupError:
            self.end()

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._home.socket))
        listener.listen()
        return listener

    # --- nodes ----------------------------------------------------------------------------------------

    def _boot(self, names: Iterable[str]) -> None:
        """Switch nodes on, all at the same time; when one does not come up, none of them stays on."""
        fresh = [Node(self._home, name) for name in names]
        for node in fresh:
            self._nodes[node.name] = node
            self._selector.register(node.exit, selectors.EVENT_READ, lambda name=node.name: self._left(name))
        try:
            for node in fresh:
                node.ready()
            self._connect(fresh)
        except BaseException:
            self._all_off(node.name for node in reversed(fresh))
            raise
        for node in fresh:
            node.go()
        self._write()

    def _connect(self, fresh: list[Node]) -> None:
        if any(node.name == SWITCH for node in fresh):
            wiring.run(self._pid(SWITCH), wiring.switch(self._plan))
        cables = [port for node in fresh for port in self._plan.of(node.name)]
        wiring.run(self._pid(SWITCH), [line for port in cables for line in wiring.plug(port, self._pid(port.node))])
        for node in fresh:
            if node.name in self._plan.setup:
                wiring.run(self._pid(node.name), self._plan.setup[node.name])
        self._light(cables)

    def _left(self, name: str) -> None:
        """A node ended by itself: it was rebooted or powered off from inside, or its process 1 died."""
        again = self._off(name) in {EXIT_REBOOT, -signal.SIGHUP}  # SIGHUP: it called reboot(2)
        if again and name in APPLIANCES:
            try:
                self._boot((name,))
            except (ClusterError, OSError) as error:
                # Nobody asked, so nobody can be answered: it stays off, and the warden's log says why.
                print(f"{name} was to boot again: {error}", file=sys.stderr, flush=True)

    def _all_off(self, names: Iterable[str]) -> None:
        """Power these off; one that does not end keeps none of the others on."""
        for name in names:
            try:
                self._off(name)
            except ClusterError as error:
                print(error, file=sys.stderr, flush=True)

    def _off(self, name: str) -> int:
        """Power off: silence on the wire first, then death, as when a plug is pulled."""
        node = self._nodes[name]
        cables = self._plan.of(name)
        self._silence(wiring.carrier((port, False) for port in cables))
        node.kill()
        self._selector.unregister(node.exit)
        code = node.leave()
        del self._nodes[name]
        # The kernel would remove the cables with their namespace, but only some time later.
        self._silence(line for port in cables for line in wiring.unplug(port))
        self._silence(wiring.carrier((partner, False) for partner in map(self._plan.partner, cables) if partner))
        self._write()
        return code

    def _silence(self, lines: Iterable[str]) -> None:
        """Have the switch do this to cables that may be gone by themselves, or were never laid."""
        switch = self._nodes.get(SWITCH)
        if switch is not None and switch.init is not None and switch.init.alive:
            wiring.run(switch.init.pid, lines, force=True)

    def _pid(self, name: str) -> int:
        init = self._nodes[name].init
        if init is None:
            raise ClusterError(f"{name} has not booted")
        return init.pid

    # --- cables ---------------------------------------------------------------------------------------

    def _light(self, ports: Iterable[Port]) -> None:
        """Give these cables the carrier they should have, and direct cables the same at the other end."""
        both = {end for port in ports for end in (port, self._plan.partner(port)) if end is not None}
        states = [(port, self._connected(port)) for port in both if port.node in self._nodes]
        wiring.run(self._pid(SWITCH), wiring.carrier(states))

    def _connected(self, port: Port) -> bool:
        if port.name in self._pulled:
            return False
        partner = self._plan.partner(port)
        return partner is None or (partner.node in self._nodes and partner.name not in self._pulled)

    # --- requests -------------------------------------------------------------------------------------

    def _answer(self, listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(_REQUEST_PATIENCE)
            try:
                line = peer.makefile("rb").readline(_LONGEST_REQUEST)
                answer = self._obey(json.loads(line))
            except TimeoutError:
                return
            except (ClusterError, OSError, KeyError, TypeError, ValueError) as error:
                answer = {"error": str(error)}
            # Whoever asked may have gone away meanwhile; what was asked for is done all the same.
            with contextlib.suppress(OSError):
                peer.sendall(json.dumps(answer).encode() + b"\n")

    def _obey(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"do": "kill", "node": str(name)}:
                self._kill(name)
            case {"do": "start", "node": str(name)}:
                self._start(name)
            case {"do": "link", "node": str(name), "interface": str(interface), "up": bool(up)}:
                self._link(name, interface, up=up)
            case {"do": "down"}:
                self.end()
            case _:
                raise ClusterError(f"not a request: {request}")
        return {"done": True}

    def _kill(self, name: str) -> None:
        self._known(name)
        if name not in self._nodes:
            raise ConflictError(f"{name} is off already")
        self._off(name)

    def _start(self, name: str) -> None:
        self._known(name)
        if name in self._nodes:
            raise ConflictError(f"{name} is on already")
        self._boot((name,))

    def _link(self, name: str, interface: str, *, up: bool) -> None:
        self._known(name)
        port = self._plan.find(name, interface)
        if port is None:
            has = ", ".join(port.interface for port in self._plan.of(name))
            raise NotFoundError(f"{name} has no interface {interface}, only {has}")
        if up:
            self._pulled.discard(port.name)
        else:
            self._pulled.add(port.name)
        self._light([port])
        self._write()

    def _known(self, name: str) -> None:
        if name not in NODES:
            raise NotFoundError(f"no node is called {name}, only {', '.join(NODES)}")

    def _write(self) -> None:
        nodes = {name: node.init for name, node in self._nodes.items() if node.init is not None}
        me = Identity.of(os.getpid())
        self._home.write(Record(self._plan.example, me, nodes, tuple(sorted(self._pulled))))


@contextlib.contextmanager
def _signals() -> Any:
    """A socket that becomes readable when we are told to stop."""
    here, there = socket.socketpair()
    there.setblocking(False)
    signal.set_wakeup_fd(there.fileno())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    with here, there:
        yield here


def main(home: Home, example: int, owner: Identity | None, report: int) -> None:
    """Build a lab, say so, and look after it until it ends.

    Args:
        home: its directory.
        example: number of the example network.
        owner: process without which the lab shall not go on, or None.
        report: descriptor to write to: ``up``, or why not; closed afterwards.
    """
    warden = Warden(home, example)
    with os.fdopen(report, "wb", buffering=0) as told:
        try:
            warden.build()
            told.write(b"up")
        except ClusterError as error:
            told.write(error.message.encode())
            return
        except BrokenPipeError:
            warden.end()  # whoever wanted the lab has gone
    warden.serve(owner)
    home.remove_unless_locked()
