"""The keys of the hotwire: shown, and our own renewed. The partner's are part of the configuration."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cluster import publickey
from cluster.requests.desk import who
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.partnership import Partnership
    from cluster.publickey import PublicKey
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask


class HotwireKeysDesk:
    """Answers `cluster key get` and `new`.

    Args:
        store: the configurations.
        events: what happened.
        partnership: with the other node.
    """

    def __init__(self, store: Store, events: EventLog, partnership: Partnership) -> None:
        self._store, self._events, self._partnership = store, events, partnership
        self.answers: Answers = {m.GetHotwireKeys: self._get, m.RenewHotwireKey: self._renew}
        self.changes: tuple[type[Ask], ...] = (m.RenewHotwireKey,)

    async def _get(self, _ask: m.GetHotwireKeys, _actor: Actor) -> m.HotwireKeys:
        config = self._store.running.config
        own = await asyncio.to_thread(self._partnership.own_key.public, config.hostname)
        partner = map(publickey.parse, config.cluster.hotwire_partner_keys)
        return m.HotwireKeys(own=_shown(own), partner=tuple(map(_shown, partner)))

    async def _renew(self, _ask: m.RenewHotwireKey, actor: Actor) -> m.HotwireKeys:
        await asyncio.to_thread(self._partnership.own_key.renew, self._store.running.config.hostname)
        self._partnership.link.rekeyed()
        keys = await self._get(m.GetHotwireKeys(), actor)
        text = f"{who(actor)} made a new hotwire key of this node: {keys.own.fingerprint}"
        self._events.note("hotwire-key", text)
        return keys


def _shown(key: PublicKey) -> m.SshKey:
    return m.SshKey(line=key.line, fingerprint=key.fingerprint)
