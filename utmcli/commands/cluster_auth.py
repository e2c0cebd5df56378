"""`cluster auth`: the keys that authenticate adverts; one replaces another while both are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import ConflictError, NotFoundError, RefusedError
from cluster.model import ClusterOptions, RemoveValue, SetValue
from cluster.rpc.messages import GetKeys, Keys
from utmcli import live
from utmcli.commands._asking import answered, edit, revise, running
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Boolean, Number, ValueType

if TYPE_CHECKING:
    from cluster.model import Change, Config

PASSPHRASE_ID = 1
FORCE = Key("force", Boolean(), "also if the partner would not believe this node any more", manner=True)


async def get(call: Call) -> Table:
    """`cluster auth get`: of a secret only its fingerprint, which is the same on both nodes if the secret is."""
    seen = (await answered(call, GetKeys(), Keys)).keys
    return Table(("id", "state", "fingerprint"), tuple((key.id, key.state, key.fingerprint) for key in seen))


async def new(call: Call) -> Done:
    """`cluster auth new`: accepted from now on; sent at once only where it is the first one."""
    key_id, secret = call.values["id"], call.values["secret"]

    def changes(config: Config) -> tuple[Change, ...]:
        known = _ids(config.cluster)
        if key_id in known:
            raise ConflictError(f"there is a key {key_id} already; ids are 1 to 255, in use are {_joined(known)}")
        first = () if known else (SetValue(("cluster", "auth_send"), key_id),)
        return (_with(key_id, secret), *first)

    return await revise(call, changes, force=call.values.get("force", False))


async def set_sending(call: Call) -> Done:
    """`cluster auth set`: choose the key that signs."""
    key_id = call.values["send"]
    _require(_ids((await running(call)).cluster), key_id)
    return await edit(call, SetValue(("cluster", "auth_send"), key_id), force=call.values.get("force", False))


async def delete(call: Call) -> Done:
    """`cluster auth delete`: accepted no longer."""
    key_id = call.values["id"]
    return await revise(
        call, lambda config: _deletion(config.cluster, key_id), force=call.values.get("force", False)
    )


def _deletion(options: ClusterOptions, key_id: int) -> tuple[Change, ...]:
    known = _ids(options)
    _require(known, key_id)
    if len(known) == 1:
        if options.auth_policy == "enforce":
            raise RefusedError(
                f"key {key_id} is the last one, and with the policy enforce both nodes rely on it; go back to "
                "cluster set auth_policy permissive and then receive-only, on both nodes, before it is deleted"
            )
        return _without(key_id), SetValue(("cluster", "auth_send"), ClusterOptions().auth_send)
    if key_id == options.auth_send:
        raise RefusedError(f"key {key_id} signs our adverts; choose another one with cluster auth set send first")
    return (_without(key_id),)


def _ids(options: ClusterOptions) -> list[int]:
    first = [PASSPHRASE_ID] if options.passphrase else []
    return [*first, *sorted(map(int, options.auth_keys))]


def _with(key_id: int, secret: str) -> Change:
    if key_id == PASSPHRASE_ID:
        return SetValue(("cluster", "passphrase"), secret)
    return SetValue(("cluster", "auth_keys", str(key_id)), {"secret": secret})


def _without(key_id: int) -> Change:
    if key_id == PASSPHRASE_ID:
        return SetValue(("cluster", "passphrase"), "")
    return RemoveValue(("cluster", "auth_keys", str(key_id)))


def _require(known: list[int], key_id: int) -> None:
    if key_id not in known:
        raise NotFoundError(f"there is no key {key_id}; known are {_joined(known) or 'none'}")


def _joined(ids: list[int]) -> str:
    return ", ".join(map(str, ids))


ID = Number(low=1, high=255, metavar="ID", live=live.AUTH_KEYS)

COMMANDS = (
    Command(("cluster", "auth", "get"), "keys of both nodes: which one signs, which are accepted", get),
    Command(
        ("cluster", "auth", "new"),
        "accept a further key",
        new,
        (
            Key("id", Number(low=1, high=255, metavar="ID"), "its id, the same on both nodes", required=True),
            Key(
                "secret",
                ValueType(metavar="PASSPHRASE", secret=True),
                "at least 8 characters, or hex: and 32 to 64 bytes",
                required=True,
            ),
            FORCE,
        ),
        note="In force with system update interface. Once both nodes accept it, cluster auth set send chooses it.",
        edits=True,
    ),
    Command(
        ("cluster", "auth", "set"),
        "choose the key that signs our adverts",
        set_sending,
        (Key("send", ID, "id of the key; the partner has to accept it already", required=True), FORCE),
        note="In force with system update interface. The other keys are still accepted.",
        edits=True,
    ),
    Command(
        ("cluster", "auth", "delete"),
        "accept a key no longer",
        delete,
        (Key("id", ID, "id of the key; not the one that signs", required=True), FORCE),
        note="In force with system update interface. The last key goes only when unsigned adverts are believed.",
        edits=True,
    ),
)

GROUPS = {("cluster", "auth"): "keys that authenticate the adverts of both nodes"}
