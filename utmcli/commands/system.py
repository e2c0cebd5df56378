"""`system`: the appliance itself."""

from __future__ import annotations

from cluster.rpc import messages
from utmcli.commands._asking import answered, done
from utmcli.commands._times import duration
from utmcli.grammar import Call, Command
from utmcli.results import Done, Record


async def info(call: Call) -> Record:
    """`system info`."""
    seen = await answered(call, messages.GetSystem(), messages.System)
    return Record((
        ("hostname", seen.hostname),
        ("version", seen.version),
        ("Uptime", duration(seen.uptime)),
        ("loadavg", " ".join(f"{load:.2f}" for load in seen.loadavg)),
        ("kernel", seen.kernel),
        ("memory_total", seen.memory_total),
        ("memory_available", seen.memory_available),
        ("config", seen.config_name),
    ))


async def update_interface(call: Call) -> Done:
    """`system update interface`: apply what was edited to the live system."""
    return await done(call, messages.UpdateInterface())


async def update_rule(call: Call) -> Done:
    """`system update rule`: apply the rules that were edited."""
    return await done(call, messages.UpdateRule())


async def update_nothing(_call: Call) -> Done:
    """`system update system`: scripts send it, nothing here waits for it."""
    return Done()


async def reboot(call: Call) -> Done:
    """`system reboot`: hand over, stop in order, start again."""
    return await done(call, messages.Reboot())


async def poweroff(call: Call) -> Done:
    """`system poweroff`: hand over, stop in order, switch off."""
    return await done(call, messages.Reboot(power_off=True))


COMMANDS = (
    Command(("system", "info"), "host name, version, uptime, load and memory", info, documented=True),
    Command(
        ("system", "update", "interface"),
        "apply addresses, HA, hotwire, cluster options, maintenance",
        update_interface,
        documented=True,
        note="Applying the same again changes nothing.",
    ),
    Command(
        ("system", "update", "rule"),
        "apply the rule set",
        update_rule,
        documented=True,
        note="Refused while other edits wait for system update interface, which applies rules as well.",
    ),
    Command(("system", "update", "system"), "apply the settings of the system", update_nothing, documented=True),
    Command(("system", "reboot"), "hand over, then restart this node", reboot),
    Command(("system", "poweroff"), "hand over, then switch this node off", poweroff),
)

GROUPS = {
    ("system",): "the appliance and its configurations",
    ("system", "update"): "apply what was edited to the live system",
}
