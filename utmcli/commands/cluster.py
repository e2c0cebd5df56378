"""`cluster`: what this node is, and the words that change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.errors import NotFoundError
from cluster.model import ClusterOptions, SetValue
from cluster.rpc.messages import GetInfo, Info, SetMaintenance, Switch
from utmcli import live
from utmcli.commands._asking import answered, done, edit, running
from utmcli.commands.cluster_auth import FORCE
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Record, Table, single
from utmcli.values import Boolean, Choice, IpAddress, ListOf, Name, Number, ValueType

if TYPE_CHECKING:
    from cluster.model import Config

HOTWIRE = "HOTWIRE"


async def info(call: Call) -> Record:
    """`cluster info`: the four documented attributes, always of this node."""
    seen = await answered(call, GetInfo(), Info)
    return Record((
        ("cluster_state", seen.cluster_state),
        ("sync_state", seen.sync_state),
        ("hotwire_dev", seen.hotwire_dev),
        ("maintainance", seen.maintainance),
    ))


# --- options ----------------------------------------------------------------------------------------

OPTION_KEYS = (
    Key("enabled", Boolean(), "take part, from the next system update interface on"),
    Key(
        "priority",
        Choice(options=(("high", "the preferred master"), ("low", "the preferred spare"))),
        "which node is preferred as master",
    ),
    Key(
        "passphrase",
        ValueType(metavar="PASSPHRASE", secret=True),
        "authenticates the adverts of both nodes",
        clears=True,
    ),
    Key(
        "auth_policy",
        Choice(
            options=(
                ("enforce", "only signed adverts count"),
                ("permissive", "signed and unsigned adverts count, ours are signed"),
                ("receive-only", "signed and unsigned adverts count, ours are not signed yet"),
            )
        ),
        "what happens to adverts without a valid signature",
        clears=True,
    ),
    Key(
        "advert_interval",
        Number(low=1, high=4095, metavar="CENTISECONDS"),
        "hundredths of a second between adverts of the master",
        clears=True,
    ),
    FORCE,
)


async def get(call: Call) -> Record:
    """`cluster get`: every option; of the passphrase only whether there is one."""
    options = (await running(call)).cluster
    return Record((
        ("enabled", options.enabled),
        ("priority", options.priority),
        ("passphrase", "(secret)" if options.passphrase else ""),
        ("auth_policy", options.auth_policy),
        ("advert_interval", options.advert_interval),
    ))


async def set_options(call: Call) -> Done:
    """`cluster set`: the options given; an empty value goes back to the default."""
    defaults = ClusterOptions()
    return await edit(
        call,
        *(
            SetValue(("cluster", name), getattr(defaults, name) if value is None else value)
            for name, value in call.values.items()
            if name != FORCE.name
        ),
        force=call.values.get(FORCE.name, False),
    )


# --- hotwire ----------------------------------------------------------------------------------------


async def hotwire_get(call: Call) -> Table:
    """`cluster hotwire get`: one row, or none where nothing is set."""
    config = await running(call)
    device = _hotwire(config)
    local, remote = config.cluster.hotwire_local, config.cluster.hotwire_remote
    rows = ((device, local, remote),) if device or local or remote else ()
    return Table(("interface", "local_addr", "remote_addr"), rows)


def _hotwire(config: Config) -> str:
    return next((name for name, interface in config.interfaces.items() if HOTWIRE in interface.flags), "")


async def hotwire_set(call: Call) -> Done:
    """`cluster hotwire set`: the flag moves to the interface, the addresses are stored beside it."""
    changes: list[SetValue] = []
    if "interface" in call.values:
        changes += _moved_flag(await running(call), call.values["interface"])
    if "local_addr" in call.values:
        changes.append(SetValue(("cluster", "hotwire_local"), call.values["local_addr"] or ""))
    if "remote_addr" in call.values:
        changes.append(SetValue(("cluster", "hotwire_remote"), list(call.values["remote_addr"])))
    return await edit(call, *changes)


def _moved_flag(config: Config, name: str | None) -> list[SetValue]:
    if name is not None and name not in config.interfaces:
        raise NotFoundError(f"there is no interface {name}; known are {', '.join(config.interfaces)}")
    changes = []
    for known, interface in config.interfaces.items():
        others = [flag for flag in interface.flags if flag != HOTWIRE]
        flags = [*others, HOTWIRE] if known == name else others
        if sorted(flags) != sorted(interface.flags):
            changes.append(SetValue(("interfaces", known, "flags"), flags))
    return changes


# --- maintenance and handover -----------------------------------------------------------------------


async def maintainance_get(call: Call) -> Table:
    """`cluster maintainance get`: 1 or 0."""
    return single(int((await answered(call, GetInfo(), Info)).maintainance))


async def maintainance_set(call: Call) -> Done:
    """`cluster maintainance set`: persists at once; the role follows with `system update interface`."""
    return await done(call, SetMaintenance(call.values["value"]))


async def switch(call: Call) -> Done:
    """`cluster switch`: hand the role over."""
    return await done(call, Switch(call.values.get("force", False)))


# --- what stays down while backup -------------------------------------------------------------------


async def backup_disable_get(call: Call) -> Record:
    """`cluster backup_disable get`."""
    options = (await running(call)).cluster
    return Record((
        ("interfaces", options.backup_disable_interfaces),
        ("applications", options.backup_disable_applications),
    ))


async def backup_disable_set(call: Call) -> Done:
    """`cluster backup_disable set`: each list replaces the one before."""
    return await edit(
        call,
        *(SetValue(("cluster", f"backup_disable_{name}"), list(value)) for name, value in call.values.items()),
    )


COMMANDS = (
    Command(("cluster", "info"), "state of this node in four lines", info, documented=True),
    Command(("cluster", "get"), "options of the cluster", get),
    Command(
        ("cluster", "set"), "change options of the cluster", set_options, OPTION_KEYS, needs_one=True, edits=True
    ),
    Command(("cluster", "hotwire", "get"), "interface and addresses of the hotwire", hotwire_get),
    Command(
        ("cluster", "hotwire", "set"),
        "choose interface and addresses of the hotwire",
        hotwire_set,
        (
            Key("interface", Name(metavar="INTERFACE", live=live.INTERFACES), "the exclusive cable", clears=True),
            Key("local_addr", IpAddress(), "our address on it", clears=True),
            Key("remote_addr", ListOf(item=IpAddress(), metavar="ADDRESS"), "the partner's addresses", clears=True),
        ),
        needs_one=True,
        edits=True,
    ),
    Command(
        ("cluster", "maintainance", "get"), "whether this node is in maintenance", maintainance_get, documented=True
    ),
    Command(
        ("cluster", "maintainance", "set"),
        "lowest priority for this node, or its own again",
        maintainance_set,
        (Key("value", Boolean(), "1: maintenance, 0: normal operation", required=True),),
        documented=True,
        note="Persists at once, without system config save; the role follows with system update interface.",
    ),
    Command(
        ("cluster", "switch"),
        "hand the master role to the partner",
        switch,
        (Key("force", Boolean(), "also if the partner is not heard or has lost more interfaces"),),
    ),
    Command(("cluster", "backup_disable", "get"), "what stays down while this node is backup", backup_disable_get),
    Command(
        ("cluster", "backup_disable", "set"),
        "choose what stays down while this node is backup",
        backup_disable_set,
        (
            Key(
                "interfaces",
                ListOf(item=Name(), metavar="INTERFACE", live=live.INTERFACES),
                "interfaces, the whole list",
                clears=True,
            ),
            Key(
                "applications",
                ListOf(item=ValueType(), metavar="APPLICATION", live=live.APPLICATION_TITLES),
                "applications, the whole list",
                clears=True,
            ),
        ),
        needs_one=True,
        edits=True,
    ),
)

GROUPS = {
    ("cluster",): "the hot-standby cluster",
    ("cluster", "hotwire"): "the cable between both nodes",
    ("cluster", "maintainance"): "take this node out of service for a while",
    ("cluster", "backup_disable"): "what stays down while this node is backup",
}

ALIASES = {"maintenance": "maintainance"}
