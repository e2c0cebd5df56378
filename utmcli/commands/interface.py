"""`interface`: the network interfaces of this appliance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from cluster.errors import ConflictError, InvalidConfigurationError, NotFoundError
from cluster.model import InterfaceFlag, InterfaceType, RemoveValue, SetValue
from cluster.rpc.messages import GetInterfaces, Interfaces
from utmcli import live
from utmcli.commands._asking import answered, edit, revise, running
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Choice, IpAddress, ListOf, Name, Number, Option, Options

if TYPE_CHECKING:
    from cluster.model import Change, Config, Interface
    from cluster.observed import InterfaceState

OPTIONS = Options(
    known={
        "vrid": Option(type=Number(low=1, high=255), help="virtual router of an HA interface"),
        "ping_check_host": Option(
            type=IpAddress(), help="a host that must answer for the interface to be usable", repeatable=True
        ),
        "vlan_id": Option(type=Number(low=1, high=4094), help="tag of a VLAN"),
        "vlan_parent": Option(type=Name(live=live.INTERFACES), help="interface that carries a VLAN"),
    }
)
UNSET: dict[str, Any] = {"vrid": None, "ping_check_host": [], "vlan_id": None, "vlan_parent": ""}
"""What the options are without a value: `set` of a list replaces the whole list."""


async def get(call: Call) -> Table:
    """`interface get`: every configured interface with its state in the kernel."""
    config = await running(call)
    states = {state.name: state for state in (await answered(call, GetInterfaces(), Interfaces)).interfaces}
    return Table(
        ("id", "name", "type", "flags", "state", "zones", "options"),
        tuple(
            (seen.id, name, seen.type, seen.flags, state_word(states.get(name)), seen.zones, _options(seen))
            for name, seen in sorted(config.interfaces.items(), key=lambda item: item[1].id)
        ),
    )


def state_word(state: InterfaceState | None) -> str:
    """UP, DOWN (no link, or switched off), or MISSING: configured, but not in this machine."""
    if state is None or not state.present:
        return "MISSING"
    return "UP" if state.up and state.carrier else "DOWN"


def _options(seen: Interface) -> tuple[str, ...]:
    shown: list[str] = []
    for name in OPTIONS.known:
        value = getattr(seen, name)
        values = value if isinstance(value, tuple) else (value,)
        shown += [f"{name}={one}" for one in values if one not in (None, "")]
    return tuple(shown)


async def new(call: Call) -> Done:
    """`interface new`: with the next free id."""
    name = call.values["name"]

    def changes(config: Config) -> tuple[Change, ...]:
        if name in config.interfaces:
            raise ConflictError(f"there is an interface {name} already; interface set changes it")
        taken = [interface.id for interface in config.interfaces.values()]
        wanted = {"id": max(taken, default=0) + 1, "type": call.values["type"], **_fields(call, {})}
        return (SetValue(("interfaces", name), wanted),)

    return await revise(call, changes)


async def set_interface(call: Call) -> Done:
    """`interface set`: each list given replaces the one before."""
    name = call.values["name"]
    require(await running(call), name)
    fields = _fields(call, UNSET)
    return await edit(call, *(SetValue(("interfaces", name, field), value) for field, value in fields.items()))


def _fields(call: Call, unset: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: list(call.values[name]) for name in ("flags", "zones") if name in call.values}
    if "options" in call.values:
        given = dict(call.values["options"] or {})
        fields |= unset | {key: list(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return fields


async def delete(call: Call) -> Done:
    """`interface delete`: refused by clusterd while something refers to it."""
    name = call.values["name"]
    require(await running(call), name)
    try:
        return await edit(call, RemoveValue(("interfaces", name)))
    except InvalidConfigurationError as refused:
        using = tuple(each.partition(": ")[0] for each in refused.details if f"no interface {name!r}" in each)
        if not using:
            raise
        raise InvalidConfigurationError(f"{name} is in use, delete first what refers to it", using) from refused


def require(config: Config, name: str) -> None:
    """Insist on an interface of this name.

    Raises:
        NotFoundError: there is none; names those there are.
    """
    if name not in config.interfaces:
        raise NotFoundError(f"there is no interface {name}; known are {', '.join(config.interfaces) or 'none'}")


FLAG_HELP = {
    "HA": "takes part in the cluster, carries virtual addresses",
    "HOTWIRE": "the exclusive cable to the partner",
    "DYNAMIC": "gets its address from elsewhere",
    "DHCP_CLIENT": "asks a DHCP server for its address",
}
FLAG = Choice(options=tuple((flag, FLAG_HELP[flag]) for flag in get_args(InterfaceFlag)))
FLAGS = ListOf(item=FLAG, metavar="FLAG")
TYPE = Choice(options=tuple((kind, "") for kind in get_args(InterfaceType)), metavar="TYPE")
NAME = Key("name", Name(live=live.INTERFACES), "name of the interface", required=True)
LISTS = (
    Key("flags", FLAGS, "what the interface is for, the whole list", clears=True),
    Key("options", OPTIONS, "details, the whole list", clears=True),
    Key("zones", ListOf(item=Name(), metavar="ZONE"), "zones of the rule set, the whole list", clears=True),
)

COMMANDS = (
    Command(("interface", "get"), "all interfaces with their state", get, documented=True),
    Command(
        ("interface", "new"),
        "add an interface",
        new,
        (
            Key("name", Name(), "name of the interface", required=True),
            Key("type", TYPE, "kind of interface", required=True),
            *LISTS,
        ),
        documented=True,
        edits=True,
    ),
    Command(
        ("interface", "set"),
        "change an interface; each list replaces the one before",
        set_interface,
        (NAME, *LISTS),
        documented=True,
        needs_one=True,
        edits=True,
    ),
    Command(("interface", "delete"), "remove an interface", delete, (NAME,), documented=True, edits=True),
)

GROUPS = {("interface",): "network interfaces and their addresses"}
