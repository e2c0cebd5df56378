"""The keys of the hotwire: shown, and our own renewed. The partner's are part of the configuration."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from cluster import publickey
from cluster.config import schema
from cluster.errors import ClusterError, LockedError, ProtocolError, RefusedError, UnreachableError
from cluster.hotwire.key_messages import BelieveKeys, KeysBelieved
from cluster.model import SetValue
from cluster.rekeying import partners_turn
from cluster.requests.desk import who
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.inforce import InForce
    from cluster.model import Config
    from cluster.partnership import Partnership
    from cluster.publickey import PublicKey
    from cluster.requests.config_life import ConfigLife
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask

PATIENCE = 10.0
"""Seconds for the partner to keep a key, and for the link to come back with the new one."""
_LOOK = 0.05


class HotwireKeysDesk:
    """Answers `cluster key get` and `new`, and the partner that takes a new key.

    It waits for no turn while it asks the partner: two nodes that do so at the same time would wait for each other.

    Args:
        store: the configurations.
        inforce: what is in force.
        events: what happened.
        partnership: with the other node.
        turn: held by whatever changes anything.
        life: of configurations: what waits to be confirmed must not take back a key.
    """

    def __init__(
        self,
        store: Store,
        inforce: InForce,
        events: EventLog,
        *,
        partnership: Partnership,
        turn: asyncio.Lock,
        life: ConfigLife,
    ) -> None:
        self._store, self._inforce, self._events = store, inforce, events
        self._partnership, self._turn, self._life = partnership, turn, life
        self._renewing = False
        partnership.dispatch.add({BelieveKeys: self._believe})
        self.answers: Answers = {m.GetHotwireKeys: self._get, m.RenewHotwireKey: self._renew}
        self.changes: tuple[type[Ask], ...] = ()

    async def _get(self, _ask: m.GetHotwireKeys, _actor: Actor) -> m.HotwireKeys:
        config = self._store.running.config
        own = await asyncio.to_thread(self._partnership.own_key.public, config.hostname)
        partner = map(publickey.parse, config.cluster.hotwire_partner_keys)
        return m.HotwireKeys(own=_shown(own), partner=tuple(map(_shown, partner)))

    # --- at the node that takes a new key -----------------------------------------------------------

    async def _renew(self, _ask: m.RenewHotwireKey, actor: Actor) -> m.HotwireKeys:
        if self._renewing:
            raise LockedError("a new key of this node is being made just now")
        self._renewing = True
        try:
            warnings = await self._renewed(who(actor))
        finally:
            self._renewing = False
        keys = await self._get(m.GetHotwireKeys(), actor)
        return m.HotwireKeys(own=keys.own, partner=keys.partner, warnings=warnings)

    async def _renewed(self, by: str) -> tuple[str, ...]:
        own, link = self._partnership.own_key, self._partnership.link
        content, fresh = await asyncio.to_thread(own.prepared, self._store.running.config.hostname)
        unknown = await self._announce(fresh, by)
        await asyncio.to_thread(own.take, content)
        link.rekeyed()
        self._events.note("hotwire-key", f"{by} made a new hotwire key of this node: {fresh.fingerprint}")
        if unknown:
            return (f"the partner does not know the new key: {unknown}; cluster key remote set there enters it",)
        return await self._only(fresh, by)

    async def _announce(self, fresh: PublicKey, by: str) -> str:
        """Let the partner believe the new key beside the one in use.

        Returns:
            Why it cannot be told; empty: it believes both.

        Raises:
            ClusterError: it could, and does not want to now.
        """
        link = self._partnership.link
        if not link.state.connected:
            return link.state.reason
        try:
            former = await asyncio.to_thread(self._partnership.own_key.public, "")
        except ClusterError as error:  # it cannot vouch for another one
            return error.message
        try:
            await self._tell(BelieveKeys(in_use=former.line, keys=(former.line, fresh.line), who=by))
        except UnreachableError as error:
            raise UnreachableError(f"this node keeps its key: {error.message}") from error
        except ProtocolError as error:  # its software is older
            return error.message
        return ""

    async def _only(self, fresh: PublicKey, by: str) -> tuple[str, ...]:
        """The partner needs the former key no longer, once the new one opened the link."""
        try:
            await self._connected()
            await self._tell(BelieveKeys(in_use=fresh.line, keys=(fresh.line,), who=by))
        except ClusterError as error:
            still = f"the partner still believes the former key, too: {error.message}"
            return (f"{still}; cluster key remote delete there ends that",)
        return ()

    async def _connected(self) -> None:
        link = self._partnership.link
        try:
            async with asyncio.timeout(PATIENCE):
                while not link.state.connected:  # noqa: ASYNC110 - a look for some moments, with no event to wait for
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise UnreachableError(link.state.reason) from None

    async def _tell(self, ask: BelieveKeys) -> None:
        answer = await self._partnership.link.ask(ask, PATIENCE)
        if not isinstance(answer, KeysBelieved):
            raise ProtocolError(f"the partner answered {type(answer).__name__} where KeysBelieved was expected")

    # --- at its partner -----------------------------------------------------------------------------

    async def _believe(self, ask: BelieveKeys) -> KeysBelieved:
        async with partners_turn(self._turn):
            self._require_continuous(ask)
            try:
                await self._keep(ask)
            finally:
                self._partnership.changed()
        return KeysBelieved()

    def _require_continuous(self, ask: BelieveKeys) -> None:
        """A known key vouches for the others, and nothing else comes into force with them, or goes back later."""
        believed = {publickey.parse(key).blob for key in self._inforce.config.cluster.hotwire_partner_keys}
        offered = {publickey.parse(key).blob for key in ask.keys}
        if publickey.parse(ask.in_use).blob not in believed & offered:
            raise RefusedError("the partner does not believe the key that this node uses")
        if self._life.trying:
            raise LockedError(
                f"{self._life.trying} is trying a configuration out at the partner, which goes back by itself "
                "unless it is confirmed there; try again after that"
            )
        running, in_force = (
            _with_keys(config, ask.keys) for config in (self._store.running.config, self._inforce.config)
        )
        if self._inforce.in_transition or running != in_force:
            raise RefusedError(
                "the partner has edits that are not in force: system update interface there first, so that nothing "
                "comes into force unasked"
            )

    async def _keep(self, ask: BelieveKeys) -> None:
        """In what boots, in what runs, and in force; each on its own, since each believes the key in use."""
        store, why, now = self._store, "the partner's hotwire key changes", time.time()
        saved = {store.start_name} if store.unsaved else {store.start_name, store.current_name}
        changed = {name: _with_keys(store.get(name), ask.keys) for name in sorted(saved)}
        running = _with_keys(store.running.config, ask.keys)
        for name, config in changed.items():
            store.put(name, config, ask.who, why, now)
        await self._inforce.put_back(store.commit(running, ask.who, why, now))
        prints = " and ".join(publickey.parse(key).fingerprint for key in ask.keys)
        text = f"{ask.who}, at the partner, changes its hotwire key: believed is {prints}"
        self._events.note("hotwire-key", text)


def _with_keys(config: Config, keys: tuple[str, ...]) -> Config:
    return schema.apply(config, (SetValue(("cluster", "hotwire_partner_keys"), list(keys)),))


def _shown(key: PublicKey) -> m.SshKey:
    return m.SshKey(line=key.line, fingerprint=key.fingerprint)
