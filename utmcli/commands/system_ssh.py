"""`system ssh`: the SSH server for administrators."""

from __future__ import annotations

from cluster.model import SetValue
from utmcli.commands._asking import edit, running
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Record
from utmcli.values import Boolean, Number


async def get(call: Call) -> Record:
    """`system ssh get`."""
    options = (await running(call)).ssh
    return Record((
        ("enabled", options.enabled),
        ("port", options.port),
        ("idle_timeout", options.idle_timeout),
    ))


async def set_options(call: Call) -> Done:
    """`system ssh set`."""
    return await edit(call, *(SetValue(("ssh", name), value) for name, value in call.values.items()))


COMMANDS = (
    Command(("system", "ssh", "get"), "options of the SSH server", get),
    Command(
        ("system", "ssh", "set"),
        "change options of the SSH server",
        set_options,
        (
            Key("enabled", Boolean(), "administrators may log in over SSH"),
            Key("port", Number(low=1, high=65535, metavar="PORT"), "TCP port"),
            Key("idle_timeout", Number(low=0, high=86_400, metavar="SECONDS"), "idle sessions end; 0: never"),
        ),
        needs_one=True,
        edits=True,
        note="Another port is effective with system update interface, and ends no session; the rest at once.",
    ),
)

GROUPS = {("system", "ssh"): "the SSH server for administrators"}
