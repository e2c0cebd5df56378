"""`user key` and, for the account admin, `system ssh pubkey`: public keys that accounts log in with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import NotFoundError
from cluster.model import RemoveValue, SetValue
from utmcli.commands._asking import edit, revise, running
from utmcli.commands.user import USER, USERS, require
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Number, ValueType

if TYPE_CHECKING:
    from cluster.model import Account, Change, Config
    from utmcli.results import Cell

DOCUMENTED_USER = "admin"
"""Whose keys `system ssh pubkey` means: the documented commands name nobody."""


async def key_get(call: Call) -> Table:
    """`user key get`: of one account, or of all."""
    config = await running(call)
    name = call.values.get("name")
    names = sorted(config.users) if name is None else [name]
    rows = [(user, *row) for user in names for row in _rows(require(config, user))]
    return Table(("user", "id", "flags", "key"), tuple(rows))


async def key_new(call: Call) -> Done:
    """`user key new`: lets in at once."""
    return await _new(call, call.values["name"], enabled=True)


async def key_enable(call: Call) -> Done:
    """`user key enable`."""
    return await _enable(call, call.values["name"], enabled=True)


async def key_disable(call: Call) -> Done:
    """`user key disable`: stays in the list and lets in no longer."""
    return await _enable(call, call.values["name"], enabled=False)


async def key_delete(call: Call) -> Done:
    """`user key delete`."""
    return await _delete(call, call.values["name"])


async def pubkey_get(call: Call) -> Table:
    """`system ssh pubkey get`."""
    account = (await running(call)).users.get(DOCUMENTED_USER)
    return Table(("id", "flags", "key"), tuple(_rows(account)) if account else ())


async def pubkey_new(call: Call) -> Done:
    """`system ssh pubkey new`: lets in once it is enabled, as documented."""
    return await _new(call, DOCUMENTED_USER, enabled=False)


async def pubkey_enable(call: Call) -> Done:
    """`system ssh pubkey enable`."""
    return await _enable(call, DOCUMENTED_USER, enabled=True)


async def pubkey_delete(call: Call) -> Done:
    """`system ssh pubkey delete`."""
    return await _delete(call, DOCUMENTED_USER)


def _rows(account: Account) -> list[tuple[Cell, ...]]:
    keys = sorted(account.keys.items(), key=lambda item: int(item[0]))
    return [(int(number), ("ENABLED",) if key.enabled else (), key.key) for number, key in keys]


async def _new(call: Call, user: str, *, enabled: bool) -> Done:
    text = " ".join(call.values["key"].split())

    def changes(config: Config) -> tuple[Change, ...]:
        number = max(map(int, require(config, user).keys), default=0) + 1
        return (SetValue((USERS, user, "keys", str(number)), {"key": text, "enabled": enabled}),)

    return await revise(call, changes)


async def _enable(call: Call, user: str, *, enabled: bool) -> Done:
    number = _require(await running(call), user, call.values["id"])
    return await edit(call, SetValue((USERS, user, "keys", number, "enabled"), enabled))


async def _delete(call: Call, user: str) -> Done:
    number = _require(await running(call), user, call.values["id"])
    return await edit(call, RemoveValue((USERS, user, "keys", number)))


def _require(config: Config, user: str, number: int) -> str:
    keys = require(config, user).keys
    if str(number) not in keys:
        known = ", ".join(sorted(keys, key=int)) or "none"
        raise NotFoundError(f"the account {user} has no key {number}; known are {known}")
    return str(number)


_USER = Key("name", USER, "whose", required=True)
_ID = Key("id", Number(low=1, high=999_999, metavar="ID"), "number in the list", required=True)
_TEXT = ValueType(metavar="PUBLIC_KEY", longest=8192)
_KEY = Key("key", _TEXT, 'one line, e.g. "ssh-ed25519 AAAA.. comment"', required=True)

COMMANDS = (
    Command(("user", "key", "get"), "public keys of an account, or of all", key_get, (Key("name", USER, "whose"),)),
    Command(("user", "key", "new"), "let an account in with a key, at once", key_new, (_USER, _KEY), edits=True),
    Command(("user", "key", "enable"), "let a key in again", key_enable, (_USER, _ID), edits=True),
    Command(("user", "key", "disable"), "let a key in no longer", key_disable, (_USER, _ID), edits=True),
    Command(("user", "key", "delete"), "remove a key", key_delete, (_USER, _ID), edits=True),
    Command(
        ("system", "ssh", "pubkey", "get"), "public keys of the account admin", pubkey_get, documented=True
    ),
    Command(
        ("system", "ssh", "pubkey", "new"),
        "add a public key to the account admin",
        pubkey_new,
        (_KEY,),
        documented=True,
        edits=True,
        note="It lets in once it is enabled: system ssh pubkey enable id ID.",
    ),
    Command(
        ("system", "ssh", "pubkey", "enable"),
        "let a public key of the account admin in",
        pubkey_enable,
        (_ID,),
        documented=True,
        edits=True,
    ),
    Command(
        ("system", "ssh", "pubkey", "delete"),
        "remove a public key of the account admin",
        pubkey_delete,
        (_ID,),
        edits=True,
    ),
)

GROUPS = {
    ("user", "key"): "public keys that accounts log in with",
    ("system", "ssh", "pubkey"): "public keys of the account admin",
}
