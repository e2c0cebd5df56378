"""Accounts: who may log in, and the password that its owner changes."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Any

from cluster import accounts, passwords
from cluster.config import canonical, schema
from cluster.errors import ConflictError, InvalidConfigurationError, NotAuthorisedError, RefusedError
from cluster.model import SetValue
from cluster.requests.desk import who
from cluster.rpc import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cluster.config.store import Store
    from cluster.events_log import EventLog
    from cluster.model import Change
    from cluster.requests.desk import Answers
    from cluster.rpc.messages import Actor, Ask

CHECKS = 2
"""Passwords that are checked at once, each with 32 MiB; more wait."""
_PASSWORD = "password"  # noqa: S105 - the name of a field


class Accounts:
    """Lets the shell host know who may come in.

    Args:
        store: the configurations.
        events: what happened.
        turn: held while something is changed, and not while a password is checked: whoever guesses holds nobody up.
        changed: called after a password was changed.
    """

    def __init__(
        self, store: Store, events: EventLog, *, turn: asyncio.Lock, changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._events = events
        self._turn = turn
        self._changed = changed
        self._checking = asyncio.Semaphore(CHECKS)
        self.answers: Answers = {
            m.GetLogin: self._login,
            m.CheckPassword: self._check,
            m.ChangePassword: self._change,
        }
        self.changes: tuple[type[Ask], ...] = ()

    async def _login(self, ask: m.GetLogin, _actor: Actor) -> m.Login:
        config = self._store.running.config
        account = config.users.get(ask.name)
        return m.Login(
            exists=account is not None,
            enabled=config.ssh.enabled,
            idle_timeout=config.ssh.idle_timeout,
            hotwire=config.cluster.hotwire_local,
            role=accounts.role_of(config, account) if account else accounts.READONLY,
            keys=accounts.enabled_keys(account) if account else (),
        )

    async def _check(self, ask: m.CheckPassword, _actor: Actor) -> m.Verdict:
        account = self._store.running.config.users.get(ask.name)
        right = await self._verified(ask.password, account.password if account else "")
        return m.Verdict(right=right, must_change=bool(right and account and account.must_change))

    async def _change(self, ask: m.ChangePassword, actor: Actor) -> m.Done:
        account = self._store.running.config.users.get(actor.user)
        if account is None or not await self._verified(ask.old, account.password):
            raise NotAuthorisedError("that is not the present password")
        if ask.new == ask.old:
            raise RefusedError("the new password is the old one; choose another")
        changes = (
            SetValue(("users", actor.user, _PASSWORD), await _hash(ask.new)),
            SetValue(("users", actor.user, "must_change"), value=False),
        )
        async with self._turn:
            now = self._store.running.config.users.get(actor.user)
            if now is None or now.password != account.password:
                raise ConflictError("the password was changed meanwhile; try again")
            self._keep(changes, actor)
            self._events.note("password", f"{who(actor)} chose another password")
        self._changed()
        return m.Done()

    def _keep(self, changes: Sequence[Change], actor: Actor) -> None:
        """Change the running configuration, and those with which a boot or a load would bring the old one back.

        A password persists at once, as maintenance does: its owner may not be allowed to save, and the old one,
        which others may know, must not work again after the next boot.
        """
        why, now = f"password of {actor.user}", time.time()
        kept = [name for name in self._store.names() if name.current or name.start]
        self._store.commit(schema.apply(self._store.running.config, changes), actor.user, why, now)
        for name in kept:
            config = self._store.get(name.name)
            if actor.user in config.users:
                self._store.put(name.name, schema.apply(config, changes), actor.user, why, now)

    async def _verified(self, password: str, text: str) -> bool:
        async with self._checking:
            return await asyncio.to_thread(passwords.verify, password, text)


async def with_hashes(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """An edit as it may be kept: with a hash in the place of every password that it sets.

    A text that is such a hash already stays as it is, so that an account can be carried over from elsewhere.

    Raises:
        InvalidConfigurationError: one of them cannot be a password.
    """
    return tuple([await _with_hash(change) for change in changes])


async def _with_hash(change: Change) -> Change:
    if not isinstance(change, SetValue) or change.path[:1] != ("users",):
        return change
    if len(change.path) == 3 and change.path[2] == _PASSWORD:
        return SetValue(change.path, await _hash(change.value))
    if len(change.path) == 2 and isinstance(change.value, dict) and change.value.get(_PASSWORD):
        return SetValue(change.path, {**change.value, _PASSWORD: await _hash(change.value[_PASSWORD])})
    return change


async def _hash(password: Any) -> Any:
    if not isinstance(password, str) or not password or passwords.is_hash(password):
        return password  # nothing to hash; the schema says what is wrong with it, if anything is
    problem = passwords.problem(password)
    if password == canonical.MASK:
        problem = "stands in for one that is not shown and cannot be one"
    if problem:
        raise InvalidConfigurationError(f"the password {problem}")
    return await asyncio.to_thread(passwords.hashed, password, os.urandom(passwords.SALT_BYTES))
