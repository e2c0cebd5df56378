"""`system`: the appliance itself and its configurations."""

from __future__ import annotations

from datetime import timedelta

from cluster.rpc import messages
from utmcli.commands._asking import answered
from utmcli.grammar import Call, Command
from utmcli.results import Record


async def info(call: Call) -> Record:
    """`system info`."""
    seen = await answered(call, messages.GetSystem(), messages.System)
    return Record((
        ("hostname", seen.hostname),
        ("version", seen.version),
        ("Uptime", str(timedelta(seconds=int(seen.uptime)))),
        ("loadavg", " ".join(f"{load:.2f}" for load in seen.loadavg)),
        ("kernel", seen.kernel),
        ("memory_total", seen.memory_total),
        ("memory_available", seen.memory_available),
        ("config", seen.config_name),
    ))


COMMANDS = (
    Command(("system", "info"), "host name, version, uptime, load and memory", info, documented=True),
)

GROUPS = {("system",): "the appliance and its configurations"}
