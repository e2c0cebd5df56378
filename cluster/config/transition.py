"""From one way to authenticate adverts to another without an outage: the steps that both nodes take together. Pure.

Each step and the next one understand each other (see authentication.py), so one node may take a step before the
other one does: first both accept the new key beside the old ones, then both sign with it, then the old ones go. Key
ids are unique, and the new key may have the id of an old one; on the way it has an id of its own.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from cluster.config import authentication
from cluster.config.authentication import PASSPHRASE_ID
from cluster.errors import RefusedError
from cluster.model import AuthKey, AuthPolicy, Config

if TYPE_CHECKING:
    from collections.abc import Iterator

_IDS = range(2, 256)


class Authentication(Struct, frozen=True, kw_only=True):
    """How a configuration authenticates adverts. Its representation would tell secrets: never log it.

    Attributes:
        keys: secrets by id, as configured; the passphrase has id 1.
        send: id of the key that signs.
        policy: what happens to unsigned adverts.
    """

    keys: dict[int, str]
    send: int
    policy: AuthPolicy


def of(config: Config) -> Authentication:
    """How a configuration authenticates adverts."""
    options = config.cluster
    return Authentication(keys=authentication.keys(config), send=options.auth_send, policy=options.auth_policy)


def put(config: Config, wanted: Authentication) -> Config:
    """The configuration, authenticating adverts in another way."""
    others = {str(key): AuthKey(secret=secret) for key, secret in wanted.keys.items() if key != PASSPHRASE_ID}
    options = msgspec.structs.replace(
        config.cluster,
        passphrase=wanted.keys.get(PASSPHRASE_ID, ""),
        auth_keys=others,
        auth_send=wanted.send,
        auth_policy=wanted.policy,
    )
    return msgspec.structs.replace(config, cluster=options)


def steps(before: Authentication, after: Authentication) -> tuple[Authentication, ...]:
    """What both nodes do one after the other; the last step is `after`.

    Raises:
        RefusedError: every key id is in use.
    """
    way = [before, *_way(before, after), after]
    return tuple(step for earlier, step in pairwise(way) if step != earlier) or (after,)


def _way(before: Authentication, after: Authentication) -> Iterator[Authentication]:
    if not authentication.outage(put(Config(), before), put(Config(), after)):
        return
    if not before.keys:
        yield _with(after, policy="receive-only")
        yield _with(after, policy="permissive")
    elif not after.keys:
        yield _with(before, policy="permissive")
        yield _with(before, policy="receive-only")
    else:
        policy: AuthPolicy = "permissive" if before.policy == "receive-only" else before.policy
        yield from _other_keys(_with(before, policy=policy), after)
        yield _with(after, policy=policy)
        if after.policy == "receive-only":
            yield _with(after, policy="permissive")


def _other_keys(before: Authentication, after: Authentication) -> Iterator[Authentication]:
    new = after.keys[after.send]
    passing = next((key for key in _IDS if key not in before.keys and key not in after.keys), None)
    if passing is None:
        raise RefusedError("every key id is in use; cluster auth delete makes room for the change")
    yield before
    both = _with(before, keys={**before.keys, passing: new})
    yield both
    yield _with(both, send=passing)
    gone = Authentication(keys={**after.keys, passing: new}, send=passing, policy=before.policy)
    yield gone
    yield _with(gone, send=after.send)


def _with(way: Authentication, **changes: object) -> Authentication:
    return msgspec.structs.replace(way, **changes)
