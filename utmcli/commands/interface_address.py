"""`interface address` and `interface virtual`: addresses of this machine, and those of whoever is master."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import NotFoundError
from cluster.model import RemoveValue, SetValue
from cluster.rpc.messages import GetInterfaces, Interfaces
from utmcli import live
from utmcli.commands._asking import answered, edit, revise, running
from utmcli.commands.interface import require
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import IpInterface, Name, Number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster.model import Address, Change, Config, VirtualAddress
    from utmcli.results import Cell

COLUMNS = ("id", "flags", "device", "address")
ADDRESSES = "addresses"
VIRTUAL_ADDRESSES = "virtual_addresses"


async def address_get(call: Call) -> Table:
    """`interface address get`: configured addresses by id, then those that came from elsewhere.

    DYNAMIC and VIRTUAL addresses have no id here, for nothing of them can be deleted here.
    """
    config = await running(call)
    held = await _held(call)
    rows = _configured(config.addresses, held, ())
    known = {(own.device, own.address) for own in config.addresses.values()}
    virtual = {(shared.device, shared.address) for shared in config.virtual_addresses.values()}
    for device, address in held:
        if (device, address) in virtual:
            rows.append((None, ("ONLINE", "VIRTUAL"), device, address))
        elif (device, address) not in known:
            rows.append((None, ("ONLINE", "DYNAMIC"), device, address))
    return Table(COLUMNS, tuple(rows))


async def virtual_get(call: Call) -> Table:
    """`interface virtual get`: ONLINE are those that this node holds now."""
    config = await running(call)
    return Table(COLUMNS, tuple(_configured(config.virtual_addresses, await _held(call), ("VIRTUAL",))))


async def _held(call: Call) -> list[tuple[str, str]]:
    """Interface and address of everything the kernel holds on configured interfaces."""
    seen = await answered(call, GetInterfaces(), Interfaces)
    return [(state.name, address) for state in seen.interfaces for address in state.addresses]


def _configured(
    addresses: Mapping[str, Address | VirtualAddress],
    held: list[tuple[str, str]],
    more: tuple[str, ...],
) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for key, seen in sorted(addresses.items(), key=lambda item: _number(item[0])):
        online = ("ONLINE",) if (seen.device, seen.address) in held else ()
        rows.append((_number(key), (*online, *more), seen.device, seen.address))
    return rows


def _number(key: str) -> int:
    return int(key) if key.isdecimal() else 0


async def address_new(call: Call) -> Done:
    """`interface address new`: with the next free id."""
    return await _new(call, ADDRESSES)


async def virtual_new(call: Call) -> Done:
    """`interface virtual new`: with the next free id."""
    return await _new(call, VIRTUAL_ADDRESSES)


async def _new(call: Call, kind: str) -> Done:
    device, address = call.values["device"], call.values["address"]

    def changes(config: Config) -> tuple[Change, ...]:
        require(config, device)
        key = max(map(_number, getattr(config, kind)), default=0) + 1
        return (SetValue((kind, str(key)), {"device": device, "address": address}),)

    return await revise(call, changes)


async def address_delete(call: Call) -> Done:
    """`interface address delete`."""
    return await _delete(call, ADDRESSES)


async def virtual_delete(call: Call) -> Done:
    """`interface virtual delete`."""
    return await _delete(call, VIRTUAL_ADDRESSES)


async def _delete(call: Call, kind: str) -> Done:
    key = str(call.values["id"])
    if key not in getattr(await running(call), kind):
        raise NotFoundError(f"there is no address with the id {key} in this list")
    return await edit(call, RemoveValue((kind, key)))


ADDRESS = Key("address", IpInterface(), "address with prefix length", required=True)


def _id(source: str) -> Key:
    number = Number(low=1, high=999_999_999, metavar="ID", live=source)
    return Key("id", number, "number in the list", required=True)


def _device(source: str) -> Key:
    return Key("device", Name(metavar="INTERFACE", live=source), "the interface", required=True)


COMMANDS = (
    Command(("interface", "address", "get"), "all addresses of this machine", address_get, documented=True),
    Command(
        ("interface", "address", "new"),
        "add an address",
        address_new,
        (_device(live.INTERFACES), ADDRESS),
        documented=True,
        note="Effective with system update interface.",
        edits=True,
    ),
    Command(
        ("interface", "address", "delete"),
        "remove an address",
        address_delete,
        (_id(live.ADDRESSES),),
        documented=True,
        edits=True,
    ),
    Command(("interface", "virtual", "get"), "addresses that only the master holds", virtual_get),
    Command(
        ("interface", "virtual", "new"),
        "add an address that only the master holds",
        virtual_new,
        (_device(live.HA_INTERFACES), ADDRESS),
        note="An HA interface can have several. Effective with system update interface.",
        edits=True,
    ),
    Command(
        ("interface", "virtual", "delete"),
        "remove an address that only the master holds",
        virtual_delete,
        (_id(live.VIRTUAL_ADDRESSES),),
        edits=True,
    ),
)

GROUPS = {
    ("interface", "address"): "addresses of this machine",
    ("interface", "virtual"): "addresses that only the master holds",
}
