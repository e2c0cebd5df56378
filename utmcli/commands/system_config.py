"""`system config`: the configurations kept on this appliance."""

from __future__ import annotations

from cluster.errors import NotFoundError
from cluster.rpc import messages
from utmcli import live
from utmcli.commands._asking import answered, done
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table, Text
from utmcli.values import Boolean, Name, ValueType

LONGEST_TEXT = 8 * 1024 * 1024
"""Characters of an imported configuration: half of the longest message."""


async def get(call: Call) -> Table:
    """`system config get`: all configurations with their flags."""
    seen = await answered(call, messages.ListConfigs(), messages.Configs)
    rows = []
    for config in seen.configs:
        flags = (("CURRENT", config.current), ("START", config.start), ("UNSAVED", config.unsaved))
        rows.append((config.name, tuple(word for word, holds in flags if holds)))
    return Table(("name", "flags"), tuple(rows))


async def save(call: Call) -> Done:
    """`system config save`: under the current name, or a new one that becomes current."""
    return await done(call, messages.SaveConfig(call.values.get("name", "")))


async def set_start(call: Call) -> Done:
    """`system config set`: choose the start configuration."""
    return await done(call, messages.SetStartConfig(call.values["name"]))


async def load(call: Call) -> Done:
    """`system config load`."""
    return await done(call, messages.LoadConfig(call.values["name"]))


async def delete(call: Call) -> Done:
    """`system config delete`."""
    return await done(call, messages.DeleteConfig(call.values["name"]))


async def export(call: Call) -> Text:
    """`system config export`: the text, secrets left out."""
    return Text((await answered(call, messages.ExportConfig(call.values["name"]), messages.Text)).text)


async def import_text(call: Call) -> Done:
    """`system config import`: keep a text under a name; nothing of the running configuration changes."""
    return await done(call, messages.ImportConfig(call.values["name"], call.values["text"]))


async def diff(call: Call) -> Table:
    """`system config diff`: by default what `save` would change."""
    left = call.values.get("left") or await _current(call)
    asked = messages.DiffConfig(left, call.values.get("right", ""))
    return _differences(await answered(call, asked, messages.Differences))


async def _current(call: Call) -> str:
    seen = await answered(call, messages.ListConfigs(), messages.Configs)
    for config in seen.configs:
        if config.current:
            return config.name
    raise NotFoundError("no configuration is saved yet that the running one could be compared with")


async def synchronize(call: Call) -> Done | Table:
    """`system config synchronize`: send the start configuration to the partner, or see what it would change."""
    wish = messages.Synchronize(call.values.get("dry_run", False), call.values.get("force", False))
    if wish.dry_run:
        return _differences(await answered(call, wish, messages.Differences))
    return await done(call, wish)


def _differences(answer: messages.Differences) -> Table:
    return Table(
        ("path", "left", "right"),
        tuple((d.path, d.left, d.right) for d in answer.differences),
        warnings=answer.warnings,
    )


NAME = Name(live=live.CONFIGURATIONS, blanks=True)
NEW_NAME = Name(blanks=True)

COMMANDS = (
    Command(
        ("system", "config", "get"),
        "all configurations with their flags CURRENT, START and UNSAVED",
        get,
        documented=True,
    ),
    Command(
        ("system", "config", "save"),
        "keep the running configuration",
        save,
        (Key("name", NAME, "a new name, which becomes the current one"),),
        documented=True,
        edits=True,
    ),
    Command(
        ("system", "config", "set"),
        "choose the start configuration",
        set_start,
        (Key("name", NAME, "the one loaded at boot and sent by synchronize", required=True),),
        documented=True,
    ),
    Command(
        ("system", "config", "load"),
        "make a kept configuration the running one",
        load,
        (Key("name", NAME, "which", required=True),),
        edits=True,
    ),
    Command(
        ("system", "config", "delete"),
        "forget a configuration that is neither current nor start",
        delete,
        (Key("name", NAME, "which", required=True),),
    ),
    Command(
        ("system", "config", "export"),
        "the text of a configuration, secrets left out",
        export,
        (Key("name", NAME, "which", required=True),),
        documented=True,
    ),
    Command(
        ("system", "config", "import"),
        "keep the text of a configuration under a name",
        import_text,
        (
            Key("name", NEW_NAME, "the name to keep it under", required=True),
            Key(
                "text",
                ValueType(metavar="TEXT", longest=LONGEST_TEXT),
                "the text; without this key it is read from standard input",
                required=True,
            ),
        ),
        reads_input="text",
        note="Nothing is kept unless the whole text is valid; otherwise every problem is named with its path. "
        "Secrets that the text leaves out, as every export does, are those of the running configuration.",
    ),
    Command(
        ("system", "config", "diff"),
        "where two configurations differ",
        diff,
        (
            Key("left", NAME, "the current configuration as it was saved, if not given"),
            Key("right", NAME, "the running configuration, if not given"),
        ),
    ),
    Command(
        ("system", "config", "synchronize"),
        "send the start configuration to the partner",
        synchronize,
        (
            Key("dry_run", Boolean(), "only show what would change there"),
            Key("force", Boolean(), "also if the partner was edited meanwhile"),
        ),
        documented=True,
        waiting="synchronizing with the partner",
        note="The partner keeps it under the same name, as its start configuration, and follows it at once; its "
        "own addresses, host name, hotwire, keys and maintenance stay, and its priority unless both are high. It "
        "refuses, and nothing changes, if it was edited since both nodes last had the same, has unsaved edits, or "
        "somebody edits there; force 1 overrides that, and what is replaced stays in its history. A dry run shows "
        "the partner's configuration on the left and what it would become on the right.",
    ),
)

GROUPS = {("system", "config"): "configurations kept on this appliance"}
