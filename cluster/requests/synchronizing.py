"""Synchronizing: the start configuration goes to the partner, and what the partner sends is taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.hotwire.state import BEGINNING
from cluster.hotwire.sync import Sender
from cluster.hotwire.sync_receiver import Receiver
from cluster.rpc import messages as m
from cluster.vrrp.events import Role

if TYPE_CHECKING:
    import asyncio

    from cluster.collaborators import Engine
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.lease import EditLease
    from cluster.partnership import Partnership
    from cluster.requests.config_life import ConfigLife
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class Synchronizing:
    """Answers `system config synchronize`, and the partner when it was asked for that.

    It is none of the changes that come one after the other: two nodes that send at the same time would wait for
    each other. What changes here comes in its turn, for as long as it takes to change it.

    Args:
        store: the configurations.
        inforce: what is in force.
        engine: the VRRP engine.
        events: what happened.
        lease: who edits.
        partnership: with the other node.
        turn: held by whatever changes anything.
        life: of configurations: what waits to be confirmed must not take back what arrives.
    """

    def __init__(
        self,
        store: Store,
        inforce: InForce,
        engine: Engine,
        events: EventLog,
        *,
        lease: EditLease,
        partnership: Partnership,
        turn: asyncio.Lock,
        life: ConfigLife,
    ) -> None:
        parts = partnership.parts
        self._sender = Sender(
            store,
            events,
            in_force=lambda: inforce.config,
            parts=parts,
            link=partnership.link,
            beginning=lambda: partnership.link.state == BEGINNING,
            software=lambda: partnership.software,
        )
        receiver = Receiver(
            store,
            inforce,
            events,
            parts=parts,
            lease=lease,
            turn=turn,
            is_master=lambda: engine.role is Role.MASTER,
            sending=lambda: self._sender.busy,
            trying=lambda: life.trying,
            losses=lambda: partnership.link.losses,
            changed=partnership.changed,
            software=lambda: partnership.software,
        )
        partnership.dispatch.add(receiver.answers)
        self.answers: Answers = {m.Synchronize: self._synchronize}
        self.changes: tuple[type[Ask], ...] = ()

    async def _synchronize(self, ask: m.Synchronize, actor: Actor) -> m.Done | m.Differences:
        outcome = await self._sender.synchronize(actor, dry_run=ask.dry_run, force=ask.force)
        if ask.dry_run:
            return m.Differences(outcome.differences, outcome.warnings)
        return m.Done(outcome.warnings)
