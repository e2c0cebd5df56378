"""`route`: static routes of both nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from cluster.errors import NotFoundError
from cluster.model import RemoveValue, Route, RouteFlag, SetValue
from cluster.rpc.messages import GetRoutes, Routes
from utmcli import live
from utmcli.commands._asking import answered, edit, revise, running
from utmcli.commands._networks import IpNetwork, Router
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Choice, ListOf, Number

if TYPE_CHECKING:
    from cluster.model import Change, Config


async def get(call: Call) -> Table:
    """`route get`: ONLINE are those that packets take now."""
    config = await running(call)
    online = (await answered(call, GetRoutes(), Routes)).online
    return Table(
        ("id", "flags", "src", "router", "dst", "weight"),
        tuple(
            (int(key), _flags(key, seen, online), seen.src, seen.router, seen.dst, seen.weight)
            for key, seen in sorted(config.routes.items(), key=lambda item: int(item[0]))
        ),
    )


def _flags(key: str, seen: Route, online: tuple[str, ...]) -> tuple[str, ...]:
    return (*(("ONLINE",) if key in online else ()), *seen.flags)


async def new(call: Call) -> Done:
    """`route new`: with the next free id."""

    def changes(config: Config) -> tuple[Change, ...]:
        key = max(map(int, config.routes), default=0) + 1
        return (SetValue(("routes", str(key)), _fields(call)),)

    return await revise(call, changes)


async def set_route(call: Call) -> Done:
    """`route set`: what is not given stays."""
    key = await _known(call)
    fields = _fields(call)
    return await edit(call, *(SetValue(("routes", key, field), value) for field, value in fields.items()))


async def delete(call: Call) -> Done:
    """`route delete`."""
    return await edit(call, RemoveValue(("routes", await _known(call))))


async def _known(call: Call) -> str:
    key, routes = str(call.values["id"]), (await running(call)).routes
    if key not in routes:
        raise NotFoundError(f"there is no route with the id {key}; known are {', '.join(routes) or 'none'}")
    return key


def _fields(call: Call) -> dict[str, Any]:
    fields = {name: call.values[name] for name in ("src", "router", "dst", "weight") if name in call.values}
    if fields.get("src", "") is None:
        fields["src"] = ""
    if "flags" in call.values:
        fields["flags"] = list(call.values["flags"])
    return fields


FLAG_HELP = {
    "BLACKHOLE_IF_OFFLINE": "while its interface is down, packets for it are dropped and take no other route"
}
FLAG = Choice(options=tuple((flag, FLAG_HELP[flag]) for flag in get_args(RouteFlag)))
ID = Key("id", Number(low=1, high=999_999, metavar="ID", live=live.ROUTES), "number in the list", required=True)
_ROUTER = "address of the gateway, or the interface that leads there"
_DST = "network it leads to; 0.0.0.0/0: everywhere else"
_MORE = (
    Key("src", IpNetwork(), "only for packets from this network", clears=True),
    Key("weight", Number(low=1, high=256), "share among routes to the same network by several routers"),
    Key("flags", ListOf(item=FLAG, metavar="FLAG"), "the whole list", clears=True),
)
_NOTE = "Effective with system update interface. Part of what system config synchronize sends."

COMMANDS = (
    Command(
        ("route", "get"),
        "static routes",
        get,
        documented=True,
        note="ONLINE are those that packets take now: a route by an interface that is down, such as a dial-in "
        "line of a backup, is not.",
    ),
    Command(
        ("route", "new"),
        "add a route",
        new,
        (
            Key("router", Router(live=live.ROUTERS), _ROUTER, required=True),
            Key("dst", IpNetwork(), _DST, required=True),
            *_MORE,
        ),
        documented=True,
        note=f"{_NOTE} A gateway must be in a network of one of the interfaces, or of a virtual address. Routes to "
        "the same network by several routers are used side by side, by weight. Routes that somebody else gave the "
        "machine are never replaced.",
        edits=True,
    ),
    Command(
        ("route", "set"),
        "change a route; what is not given stays",
        set_route,
        (ID, Key("router", Router(live=live.ROUTERS), _ROUTER), Key("dst", IpNetwork(), _DST), *_MORE),
        documented=True,
        needs_one=True,
        note=_NOTE,
        edits=True,
    ),
    Command(("route", "delete"), "remove a route", delete, (ID,), documented=True, note=_NOTE, edits=True),
)

GROUPS = {("route",): "static routes"}
