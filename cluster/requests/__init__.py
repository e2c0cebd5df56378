"""What clusterd is asked for: one desk a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.rekeying import Rekeying
from cluster.requests.accounts import Accounts
from cluster.requests.applications import ApplicationsDesk
from cluster.requests.auditing import Auditing
from cluster.requests.checking import Checking, partner_of
from cluster.requests.configurations import Configurations
from cluster.requests.duty import Duty
from cluster.requests.hotwire_keys import HotwireKeysDesk
from cluster.requests.looking import Looking
from cluster.requests.routing import RoutesDesk
from cluster.requests.synchronizing import Synchronizing
from cluster.requests.undoing import Undoing

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from cluster.applications.follower import Applications
    from cluster.audit_log import AuditLog
    from cluster.collaborators import Connections, Engine, Network
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.lease import EditLease
    from cluster.net.routes import Routes
    from cluster.partnership import Partnership
    from cluster.requests.config_life import ConfigLife
    from cluster.requests.desk import Desk


def desks(
    *,
    store: Store,
    inforce: InForce,
    engine: Engine,
    network: Network,
    events: EventLog,
    lease: EditLease,
    partnership: Partnership,
    turn: asyncio.Lock,
    audit: AuditLog,
    life: ConfigLife,
    leave: Callable[[bool], None],
    connections: Connections,
    applications: Applications,
    routes: Routes,
) -> tuple[Desk, ...]:
    """All desks; a new topic is one line here.

    Args:
        store: the configurations.
        inforce: what is in force.
        engine: the VRRP engine.
        network: links and addresses.
        events: what happened.
        lease: who edits.
        partnership: with the other node.
        turn: held by whatever changes anything.
        audit: what administrators did.
        life: of configurations.
        leave: called once a restart of the machine is asked for (True: power off) and the answer is on its way.
        connections: their synchronisation.
        applications: of this node.
        routes: of this network namespace.
    """
    rekeying = Rekeying(store, inforce, events, partnership=partnership, turn=turn)
    partnership.dispatch.add(rekeying.answers)
    return (
        Looking(store, inforce, engine, network, events, partnership=partnership, connections=connections),
        Configurations(store, inforce, events, lease, rekeying=rekeying),
        life,
        Undoing(store, inforce, events, lease=lease, turn=turn, partnership=partnership, life=life),
        Duty(store, inforce, engine, events, leave, partnership=partnership, rekeying=rekeying),
        Synchronizing(
            store, inforce, engine, events, lease=lease, partnership=partnership, turn=turn, life=life
        ),
        HotwireKeysDesk(store, inforce, events, partnership=partnership, turn=turn, life=life),
        Checking(
            store,
            inforce,
            engine,
            network,
            connections=connections,
            routes=routes,
            partner=lambda: partner_of(partnership),
        ),
        Accounts(store, events, turn=turn, changed=partnership.changed),
        Auditing(audit),
        ApplicationsDesk(store, events, applications),
        RoutesDesk(store, routes),
    )
