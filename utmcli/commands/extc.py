"""`extc`: variables of applications, and global ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import NotFoundError
from cluster.model import AD_ACCOUNT, TRIGGER_DELAY, TRIGGER_DELAY_DEFAULT, SetValue
from utmcli import live
from utmcli.commands._asking import edit, running
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table, single
from utmcli.values import ListOf, Name, ValueType

if TYPE_CHECKING:
    from cluster.model import Config


async def value_get(call: Call) -> Table:
    """`extc value get`: one variable, its default where nothing is set."""
    return single(_value(await running(call), call.values["application"], call.values["variable"]))


async def value_set(call: Call) -> Done:
    """`extc value set`: a variable that exists; what the value may be is for clusterd to say."""
    application, variable = call.values["application"], call.values["variable"]
    _value(await running(call), application, variable)
    return await edit(call, SetValue(("variables", application, variable), call.values["value"]))


def _value(config: Config, application: str, variable: str) -> str:
    known = {TRIGGER_DELAY[0]: {TRIGGER_DELAY[1]: TRIGGER_DELAY_DEFAULT}, AD_ACCOUNT[0]: {AD_ACCOUNT[1]: ""}}
    for name, values in config.variables.items():
        known[name] = known.get(name, {}) | values
    if application not in known:
        applications = ", ".join(sorted(known))
        raise NotFoundError(f"there is no application {application}; known are {applications}")
    if variable not in known[application]:
        variables = ", ".join(sorted(known[application]))
        raise NotFoundError(f"{application} has no variable {variable}; known are {variables}")
    return known[application][variable]


async def global_get(call: Call) -> Table:
    """`extc global get`: the values of one global variable, one a row."""
    name = call.values["variable"]
    values = (await running(call)).globals.get(name)
    if values is None:
        raise NotFoundError(f"there is no global variable {name}")
    return Table(("value",), tuple((value,) for value in values))


async def global_set(call: Call) -> Done:
    """`extc global set`: the whole list of values."""
    return await edit(call, SetValue(("globals", call.values["variable"]), list(call.values["value"])))


APPLICATION = Key(
    "application", Name(metavar="APPLICATION", live=live.APPLICATIONS), "whose variable it is", required=True
)
VARIABLE = Key("variable", Name(metavar="VARIABLE", live=live.VARIABLES), "its name", required=True)
GLOBAL = Key("variable", Name(metavar="GLOB_..", live=live.GLOBALS), "its name", required=True)
VALUES = ListOf(item=ValueType(), metavar="VALUE")

COMMANDS = (
    Command(
        ("extc", "value", "get"),
        "a variable of an application",
        value_get,
        (APPLICATION, VARIABLE),
        documented=True,
    ),
    Command(
        ("extc", "value", "set"),
        "set a variable of an application",
        value_set,
        (APPLICATION, VARIABLE, Key("value", ValueType(metavar="VALUE"), "its new value", required=True)),
        documented=True,
        note="Effective at once, and part of what system config synchronize sends, but for the appliance's account "
        "in the Active Directory (application ad, variable APPLIANCE_ACCOUNT): each node has its own.",
        edits=True,
    ),
    Command(("extc", "global", "get"), "a global variable", global_get, (GLOBAL,), documented=True),
    Command(
        ("extc", "global", "set"),
        "set a global variable",
        global_set,
        (GLOBAL, Key("value", VALUES, "all its values", required=True, clears=True)),
        documented=True,
        edits=True,
    ),
)

GROUPS = {
    ("extc",): "variables of applications",
    ("extc", "value"): "variables of one application",
    ("extc", "global"): "global variables",
}
