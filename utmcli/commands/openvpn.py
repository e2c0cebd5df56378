"""`openvpn`: where the instances of OpenVPN listen, such as on a virtual address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from cluster.errors import NotFoundError
from cluster.model import OpenvpnProto, RemoveValue, SetValue
from cluster.rpc.messages import GetInterfaces, Interfaces
from utmcli import live
from utmcli.commands._asking import answered, edit, revise, running
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Choice, IpAddress, Name, Number

if TYPE_CHECKING:
    from cluster.model import Change, Config, OpenvpnInstance
    from utmcli.results import Cell

OPENVPN = "openvpn"
COLUMNS = ("id", "name", "flags", "local_addr", "local_port", "proto")
UNSET: dict[str, Any] = {"local_addr": "", "local_port": None, "proto": None}
"""What the fields are without a value: OpenVPN's own file has the say."""


async def get(call: Call) -> Table:
    """`openvpn get`: all instances; what is empty here is as OpenVPN's own file says.

    Flags as of an address: VIRTUAL if only the master has it, ONLINE if this node has it now.
    """
    config = await running(call)
    virtual = {_plain(shared.address) for shared in config.virtual_addresses.values()}
    seen = await answered(call, GetInterfaces(), Interfaces)
    held = {_plain(address) for state in seen.interfaces for address in state.addresses}
    rows = sorted(config.openvpn.items(), key=lambda item: int(item[0]))
    return Table(COLUMNS, tuple(_row(key, instance, virtual, held) for key, instance in rows))


def _plain(address: str) -> str:
    return address.partition("/")[0]


def _row(key: str, instance: OpenvpnInstance, virtual: set[str], held: set[str]) -> tuple[Cell, ...]:
    flags = (
        *(("ONLINE",) if instance.local_addr in held else ()),
        *(("VIRTUAL",) if instance.local_addr in virtual else ()),
    )
    return (int(key), instance.name, flags, instance.local_addr, instance.local_port, instance.proto)


async def new(call: Call) -> Done:
    """`openvpn new`: with the next free id."""

    def changes(config: Config) -> tuple[Change, ...]:
        key = max(map(int, config.openvpn), default=0) + 1
        return (SetValue((OPENVPN, str(key)), {"name": call.values["name"], **_fields(call)}),)

    return await revise(call, changes)


async def set_instance(call: Call) -> Done:
    """`openvpn set`: what is not given stays."""
    key = _require(await running(call), call.values["id"])
    fields = _fields(call) | {name: call.values[name] for name in ("name",) if name in call.values}
    return await edit(call, *(SetValue((OPENVPN, key, field), value) for field, value in fields.items()))


def _fields(call: Call) -> dict[str, Any]:
    return {
        name: unset if call.values[name] is None else call.values[name]
        for name, unset in UNSET.items()
        if name in call.values
    }


async def delete(call: Call) -> Done:
    """`openvpn delete`: OpenVPN's own file stays where it is."""
    key = _require(await running(call), call.values["id"])
    return await edit(call, RemoveValue((OPENVPN, key)))


def _require(config: Config, number: int) -> str:
    key = str(number)
    if key not in config.openvpn:
        known = ", ".join(sorted(config.openvpn, key=int)) or "none"
        raise NotFoundError(f"there is no openvpn with the id {key}; known are {known}")
    return key


PROTO = Choice(options=tuple((word, "") for word in get_args(OpenvpnProto)), metavar="PROTO")
ID = Key("id", Number(low=1, high=999_999, metavar="ID", live=live.OPENVPN), "number in the list", required=True)
_NAME_HELP = "of it and of OpenVPN's own file: office for office.conf"
FIELDS = (
    Key(
        "local_addr",
        IpAddress(live=live.LOCAL_ADDRESSES),
        "the address it listens on, best a virtual one",
        clears=True,
    ),
    Key("local_port", Number(low=1, high=65_535, metavar="PORT"), "the port it listens on", clears=True),
    Key("proto", PROTO, "how it is spoken to", clears=True),
)
_EFFECTIVE = "Effective with appmgmt restart application openvpn, and whenever openvpn starts."

COMMANDS = (
    Command(
        (OPENVPN, "get"),
        "all instances of OpenVPN and where they listen",
        get,
        documented=True,
        note="VIRTUAL: only the master has the address. ONLINE: this node has it now. What is empty is as "
        "OpenVPN's own file says.",
    ),
    Command(
        (OPENVPN, "new"),
        "add an instance, for which OpenVPN has a file of that name",
        new,
        (Key("name", Name(), _NAME_HELP, required=True), *FIELDS),
        edits=True,
        note=f"What is not given is as OpenVPN's own file says. {_EFFECTIVE}",
    ),
    Command(
        (OPENVPN, "set"),
        "change where an instance listens",
        set_instance,
        (ID, *FIELDS, Key("name", Name(), _NAME_HELP)),
        documented=True,
        needs_one=True,
        edits=True,
        note=f"What is cleared with \"\" is as OpenVPN's own file says. {_EFFECTIVE} Part of what "
        "system config synchronize sends.",
    ),
    Command(
        (OPENVPN, "delete"),
        "remove an instance; OpenVPN's own file stays",
        delete,
        (ID,),
        edits=True,
        note=_EFFECTIVE,
    ),
)

GROUPS = {(OPENVPN,): "where the instances of OpenVPN listen"}
