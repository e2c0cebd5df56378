"""`cluster key`: the SSH keys by which both nodes know each other on the hotwire."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster import publickey
from cluster.errors import ConflictError, NotFoundError
from cluster.model import SetValue
from cluster.rpc.messages import GetHotwireKeys, HotwireKeys, RenewHotwireKey
from utmcli.commands._asking import answered, edit, revise
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import ListOf, ValueType

if TYPE_CHECKING:
    from cluster.model import Change, Config

PATH = ("cluster", "hotwire_partner_keys")
COLUMNS = ("node", "fingerprint", "key")
PUBLIC_KEY = ValueType(metavar="KEY")


async def get(call: Call) -> Table:
    """`cluster key get`: our own public key, which the partner needs, and the partner's."""
    return _table(await answered(call, GetHotwireKeys(), HotwireKeys))


async def new(call: Call) -> Table:
    """`cluster key new`: the new public key, which the partner knows already if it is reached."""
    return _table(await answered(call, RenewHotwireKey(), HotwireKeys), partner=False)


def _table(keys: HotwireKeys, *, partner: bool = True) -> Table:
    shown = [("local", keys.own), *(("remote", key) for key in keys.partner if partner)]
    rows = tuple((node, key.fingerprint, key.line) for node, key in shown)
    return Table(COLUMNS, rows, warnings=keys.warnings)


async def remote_get(call: Call) -> Table:
    """`cluster key remote get`: the partner's keys."""
    keys = await answered(call, GetHotwireKeys(), HotwireKeys)
    return Table(COLUMNS[1:], tuple((key.fingerprint, key.line) for key in keys.partner))


async def remote_set(call: Call) -> Done:
    """`cluster key remote set`: the partner's keys, instead of those before."""
    return await edit(call, SetValue(PATH, [publickey.parse(text).line for text in call.values["key"]]))


async def remote_add(call: Call) -> Done:
    """`cluster key remote add`: the successor of the partner's key; both are believed."""
    key = publickey.parse(call.values["key"])

    def changes(config: Config) -> tuple[Change, ...]:
        known = config.cluster.hotwire_partner_keys
        if key.fingerprint in map(_fingerprint, known):
            raise ConflictError(f"the key {key.fingerprint} is there already")
        return (SetValue(PATH, [*known, key.line]),)

    return await revise(call, changes)


async def remote_delete(call: Call) -> Done:
    """`cluster key remote delete`: believed no longer."""
    wanted = call.values["fingerprint"]

    def changes(config: Config) -> tuple[Change, ...]:
        known = config.cluster.hotwire_partner_keys
        left = [key for key in known if _fingerprint(key) != wanted]
        if len(left) == len(known):
            there = ", ".join(map(_fingerprint, known)) or "none"
            raise NotFoundError(f"there is no key {wanted} of the partner; known are {there}")
        return (SetValue(PATH, left),)

    return await revise(call, changes)


def _fingerprint(line: str) -> str:
    return publickey.parse(line).fingerprint


_IN_FORCE = "In force with system update interface."

COMMANDS = (
    Command(("cluster", "key", "get"), "the keys of the hotwire: this node's and the partner's", get),
    Command(
        ("cluster", "key", "new"),
        "make a new key for this node",
        new,
        note="In use at once. The partner learns it over the hotwire; one that is not reached has to be told with "
        "cluster key remote set.",
    ),
    Command(("cluster", "key", "remote", "get"), "the partner's keys", remote_get),
    Command(
        ("cluster", "key", "remote", "set"),
        "enter the partner's key, instead of the one before",
        remote_set,
        (
            Key(
                "key",
                ListOf(item=PUBLIC_KEY, metavar="KEY"),
                "the line that cluster key get shows there",
                required=True,
                clears=True,
            ),
        ),
        note=_IN_FORCE,
        edits=True,
    ),
    Command(
        ("cluster", "key", "remote", "add"),
        "believe a second key of the partner while its key changes",
        remote_add,
        (Key("key", PUBLIC_KEY, "the line of the new key", required=True),),
        note=_IN_FORCE,
        edits=True,
    ),
    Command(
        ("cluster", "key", "remote", "delete"),
        "believe a key of the partner no longer",
        remote_delete,
        (Key("fingerprint", ValueType(metavar="FINGERPRINT"), "of the key, as shown", required=True),),
        note=_IN_FORCE,
        edits=True,
    ),
)

GROUPS = {
    ("cluster", "key"): "keys by which both nodes know each other on the hotwire",
    ("cluster", "key", "remote"): "the partner's keys",
}
