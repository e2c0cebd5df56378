"""`appmgmt`: applications of this appliance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from cluster.errors import NotFoundError
from cluster.model import ApplicationFlag, SetValue
from cluster.rpc.messages import Applications, ControlApplication, GetApplications
from utmcli import live
from utmcli.commands._asking import answered, done, edit
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Choice, ListOf, ValueType

if TYPE_CHECKING:
    from cluster.observed import ApplicationState


async def status(call: Call) -> Table:
    """`appmgmt status`: every application with its state on this machine."""
    rows = tuple((each.name, each.state, each.flags) for each in await _all(call))
    return Table(("application", "state", "flags"), rows)


async def _all(call: Call) -> tuple[ApplicationState, ...]:
    return (await answered(call, GetApplications(), Applications)).applications


async def start(call: Call) -> Done:
    """`appmgmt start`."""
    return await done(call, ControlApplication(call.values["application"], "start"))


async def stop(call: Call) -> Done:
    """`appmgmt stop`."""
    return await done(call, ControlApplication(call.values["application"], "stop"))


async def restart(call: Call) -> Done:
    """`appmgmt restart`."""
    return await done(call, ControlApplication(call.values["application"], "restart"))


async def set_flags(call: Call) -> Done:
    """`appmgmt set`: the flags replace those before."""
    name = _named(await _all(call), call.values["application"])
    flags: list[Any] = list(call.values["flags"] or ())
    return await edit(call, SetValue(("applications", name), {"flags": flags}))


def _named(applications: tuple[ApplicationState, ...], word: str) -> str:
    for each in applications:
        if word.casefold() in {each.name.casefold(), each.title.casefold()}:
            return each.name
    known = ", ".join(each.name for each in applications)
    raise NotFoundError(f"there is no application {word}; known are {known}")


APPLICATION = Key(
    "application",
    ValueType(metavar="APPLICATION", live=live.MANAGED),
    "its name, such as openvpn, or its title, such as SSL-VPN",
    required=True,
)
FLAG_HELP = {"AUTOSTART": "clusterd starts it: on the master, or on both nodes if it does not stay down in backup"}
FLAG = Choice(options=tuple((flag, FLAG_HELP[flag]) for flag in get_args(ApplicationFlag)))
_UNTIL = "Lasts until the role changes."

COMMANDS = (
    Command(
        ("appmgmt", "status"),
        "all applications with their state",
        status,
        documented=True,
        note="MISSING: not installed on this machine. An application without flags of its own has AUTOSTART if "
        "cluster backup_disable names it.",
    ),
    Command(
        ("appmgmt", "start"),
        "start an application",
        start,
        (APPLICATION,),
        documented=True,
        note=f"Refused for what stays down in backup, on a node that is not master. {_UNTIL}",
        waiting="starting it",
    ),
    Command(
        ("appmgmt", "stop"),
        "stop an application",
        stop,
        (APPLICATION,),
        documented=True,
        note=_UNTIL,
        waiting="stopping it",
    ),
    Command(
        ("appmgmt", "restart"),
        "restart an application, so that it reads its settings anew",
        restart,
        (APPLICATION,),
        documented=True,
        note="Refused where start is.",
        waiting="restarting it",
    ),
    Command(
        ("appmgmt", "set"),
        "choose what starts with the role",
        set_flags,
        (
            APPLICATION,
            Key("flags", ListOf(item=FLAG, metavar="FLAG"), "the whole list", required=True, clears=True),
        ),
        documented=True,
        note="In force with system update interface. Part of what system config synchronize sends.",
        edits=True,
    ),
)

GROUPS = {("appmgmt",): "applications: what runs on this appliance"}
