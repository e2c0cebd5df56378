"""clusterd: the composition root. What is wired to what, in which order it starts, and in which it ends.

Start: the engine first (the one that daemon.py started, or that runs; else one with the settings it had), since it
races the partner's Master_Down_Interval; then store, manager, followers, the socket, the shell host.

Signals:
    SIGTERM, SIGINT   orderly end of everything: socket closed to new wishes, shell host ended, engine stopped (it
                      hands the role over first), followers told, store closed; exit status 0
    SIGHUP            software restart: clusterd executes itself anew, the engine and the shell host go on and
                      are adopted
    SIGUSR1           the same without the new execution, which is left to somebody else: `systemctl restart`
                      (cluster/leaving.py)

A killed clusterd leaves engine and shell host running; the next one adopts them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING

from cluster import accounts, machine, service
from cluster.applications.choice import applications
from cluster.audit_log import AuditLog
from cluster.boot import BootMarker, boot_id
from cluster.config import schema
from cluster.config.store import Store
from cluster.conntrack.supervisor import ConnectionSync
from cluster.engine import early
from cluster.engine.supervisor import EngineSupervisor, Listener
from cluster.errors import ClusterError
from cluster.events_log import EventLog
from cluster.followers import DisabledInterfaces, Followers
from cluster.hotwire.keys import OwnKey
from cluster.inforce import InForce
from cluster.lease import EditLease
from cluster.manager import Manager
from cluster.model import Config
from cluster.net.filter import Filter
from cluster.net.hidenat import HideNat
from cluster.net.host import Host
from cluster.net.routes import Routes
from cluster.partnership import Partnership
from cluster.process.confine import confined
from cluster.requests import desks
from cluster.requests.config_life import ConfigLife
from cluster.rpc.client import SOCKET_FILE
from cluster.rpc.server import Server
from cluster.shellhost import ShellHost, group
from cluster.tracked import tell_each_other
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    from cluster.engine.settings import Document
    from cluster.options import Options
    from cluster.peer import Peer
    from cluster.process.spawn import Command

REPLY_TIME = 0.2
"""Seconds between the answer to a restart and the restart."""
INIT_PATIENCE = 60.0
"""Seconds process 1 has to end this machine."""


def run(options: Options, engine: int | None) -> bool:
    """Be clusterd, from where its engine was started or left to the ordinary start, until a signal ends it.

    Args:
        options: the command line.
        engine: the pid of an engine that this process has started already.

    Returns:
        Whether to execute the program anew.

    Raises:
        ClusterError: it cannot start, and why.
        ExceptionGroup: of such errors.
    """
    log = service.begin_log()
    again = asyncio.run(_run(options, engine, log))
    log.info("executing itself anew" if again else "ended")
    return again


async def _run(options: Options, engine: int | None, log: logging.Logger) -> bool:
    return await Daemon(options, log).run(engine)


class Daemon:
    """One clusterd.

    Args:
        options: the command line.
        log: clusterd's log.
    """

    def __init__(self, options: Options, log: logging.Logger) -> None:
        self._options = options
        self._log = log
        self._ending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._events = EventLog(options.state_dir / "events")
        self._audit = AuditLog(options.state_dir / "audit")
        self._host = Host(options.run_dir / "addresses.json")
        self._filter = Filter(options.run_dir / "filter.json", self._events.note)
        self._hidenat = HideNat(options.run_dir / "hidenat.json", self._events.note)
        self._routes = Routes(self._events.note)
        self._disabled = DisabledInterfaces(self._host)
        self._connections = ConnectionSync(
            options.run_dir, lambda: self._engine.ask("resynchronised"), self._events.note
        )
        self._applications = applications(options.applications_dir, options.run_dir, self._events.note)
        self._followers = Followers(
            (self._connections, self._disabled, self._hidenat, self._routes, self._applications),
            lambda text: self._events.note("follower-failed", text),
        )
        self._engine = EngineSupervisor(
            options.run_dir,
            _engine_command(options),
            Listener(
                self._engine_event,
                self._followers.role_is,
                self._events.note,
                self._connections.engine_came,
                lost=lambda why: self._events.note("role", why, role=Role.OFFLINE.value),
            ),
        )
        self._lease = EditLease()
        self._turn = asyncio.Lock()
        self._shell = ShellHost(options.run_dir, options.state_dir, wanted=options.shell)

    async def run(self, engine: int | None) -> bool:
        """Serve until a signal ends it.

        Args:
            engine: the pid of an engine that this process has started already.

        Returns:
            Whether to execute the program anew.

        Raises:
            ClusterError: it cannot start, and why.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end, "stop")
        loop.add_signal_handler(signal.SIGHUP, self._end, "again")
        loop.add_signal_handler(signal.SIGUSR1, self._end, "leave")
        marker = BootMarker(self._options.run_dir)
        self._adopt_or_start(engine, booted=not marker.is_set)
        with contextlib.closing(self._open_store()) as store:
            async with asyncio.TaskGroup() as duties:
                partnership = self._partnership(store)
                standing = (
                    self._engine.run(),
                    self._followers.run(),
                    self._filter.keep(),
                    self._hidenat.keep(),
                    self._routes.keep(),
                    self._connections.run(),
                    self._applications.run(),
                    partnership.run(),
                )
                running = [duties.create_task(duty) for duty in standing]
                again = await self._serve(store, partnership, marker)
                for duty in running:
                    duty.cancel()
        self._host.close()
        self._routes.close()
        return again

    async def _serve(self, store: Store, partnership: Partnership, marker: BootMarker) -> bool:
        inforce = self._in_force(store, partnership)
        life = self._life(store, inforce, partnership)
        booted = not marker.is_set
        if not booted:
            await inforce.resume()
        elif await inforce.boot():
            marker.set()
        self._applications.begin(lambda: inforce.config, lambda: store.running.config)
        await life.resume(booted=booted)
        server = Server(
            self._options.run_dir / SOCKET_FILE,
            self._manager(store, inforce, partnership, life),
            self._allowed,
            standing=lambda actor: accounts.standing(store.running.config, actor.user, actor.source, actor.role),
            hindrance=lambda actor: accounts.hindrance(store.running.config, actor.user, actor.source),
            refused=self._audit.refused,
        )
        try:
            await server.start(group())
        except OSError as error:
            raise ClusterError(f"nothing can listen in {self._options.run_dir}: {error}") from error
        self._shell.begin()
        service.say_ready()
        self._log.info("serving in %s", self._options.run_dir)
        word = await self._ending
        await self._end_in_order(server, word)
        return word == "again"

    def _end(self, word: str) -> None:
        if not self._ending.done():
            self._ending.set_result(word)

    async def _end_in_order(self, server: Server, word: str) -> None:
        """See the top of this file."""
        self._log.info("restarting" if word == "again" else "ending")
        await server.close()
        if word != "stop":
            self._shell.unwanted()
            return
        await self._shell.stop()
        await self._engine.stop()
        await self._followers.tell()
        await self._applications.end()
        await self._connections.stop()

    # --- wiring -------------------------------------------------------------------------------------

    def _adopt_or_start(self, started: int | None, *, booted: bool) -> None:
        if not self._engine.adopt(started) and not booted:
            self._engine.start_as_before()

    def _open_store(self) -> Store:
        store = Store.open(self._options.state_dir)
        try:
            if store.is_empty:
                store.initialise(_factory(self._options.factory), time.time())
        except ClusterError:
            store.close()
            raise
        return store

    def _partnership(self, store: Store) -> Partnership:
        made = Partnership(
            store=store,
            engine=self._engine,
            events=self._events,
            lease=self._lease,
            own_key=OwnKey(self._options.state_dir),
            conntrack=lambda: self._connections.word,
        )
        return tell_each_other(self._connections, made)

    def _in_force(self, store: Store, partnership: Partnership) -> InForce:
        return InForce(
            store=store,
            engine=self._engine,
            network=self._host,
            events=self._events,
            followers=self._followers,
            disabled=self._disabled,
            parts=(self._filter, self._hidenat, self._routes, self._connections, partnership, self._shell),
            resynchronises=self._connections.serves,
        )

    def _life(self, store: Store, inforce: InForce, partnership: Partnership) -> ConfigLife:
        return ConfigLife(
            store,
            inforce,
            self._events,
            lease=self._lease,
            turn=self._turn,
            record=self._options.run_dir / "activation.json",
            boot=boot_id(),
            changed=partnership.changed,
        )

    def _manager(self, store: Store, inforce: InForce, partnership: Partnership, life: ConfigLife) -> Manager:
        answering = desks(
            store=store,
            inforce=inforce,
            engine=self._engine,
            network=self._host,
            events=self._events,
            lease=self._lease,
            partnership=partnership,
            turn=self._turn,
            audit=self._audit,
            life=life,
            leave=self._leave,
            connections=self._connections,
            applications=self._applications,
            routes=self._routes,
        )
        return Manager(
            answering,
            inforce=inforce,
            engine=self._engine,
            events=self._events,
            changed=partnership.changed,
            turn=self._turn,
        )

    def _engine_event(self, event: Document) -> None:
        self._events.add(
            event["kind"],
            event["text"],
            at=event["at"],
            interface=event.get("interface", ""),
            role=event.get("role", ""),
            origin=event["n"],
        )

    def _leave(self, power_off: bool) -> None:
        self._leaving = asyncio.create_task(self._restart_machine(power_off=power_off))

    async def _restart_machine(self, *, power_off: bool) -> None:
        """Hand the role over while the network still works, then leave the rest to process 1."""
        await asyncio.sleep(REPLY_TIME)
        await self._engine.stop()
        try:
            machine.restart(power_off=power_off)
            await asyncio.sleep(INIT_PATIENCE)
        except ClusterError as error:
            self._events.note("reboot-failed", error.message)
        else:
            self._events.note("reboot-failed", f"process 1 did not end this machine within {INIT_PATIENCE:g} s")
        self._engine.start_as_before()

    def _allowed(self, peer: Peer) -> bool:
        """Root and our own user; of other users only the shell host that we started."""
        return peer.uid in {0, os.getuid()} or self._shell.owns(peer.pid)


def _factory(path: Path | None) -> Config:
    """The configuration of an appliance that has none yet."""
    if path is None:
        return Config()
    try:
        return schema.parse_text(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterError(f"the factory configuration {path} cannot be read: {error}") from error


def _engine_command(options: Options) -> Command:
    command = early.command(options.run_dir, options.state_dir)
    return command._replace(argv=confined(command.argv))
