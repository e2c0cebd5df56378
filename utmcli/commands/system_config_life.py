"""`system config`: what there was, going back to it, and trying something for a while."""

from __future__ import annotations

from cluster.errors import RefusedError
from cluster.rpc import messages
from utmcli.commands._asking import answered, done
from utmcli.commands._times import moment
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table
from utmcli.values import Boolean, Number

NEWEST = 50
"""Revisions that are shown unless another number is asked for."""
_HIGHEST = 999_999_999


async def history(call: Call) -> Table:
    """`system config history`: the newest first."""
    asked = messages.GetHistory(call.values.get("limit", NEWEST))
    seen = (await answered(call, asked, messages.History)).revisions
    return Table(
        ("revision", "when", "who", "names", "flags", "why"),
        tuple((line.number, moment(line.when), line.who, line.names, line.flags, line.why) for line in seen),
    )


async def rollback(call: Call) -> Done:
    """`system config rollback`: a former revision runs again."""
    revision, force = call.values.get("revision"), call.values.get("force", False)
    if not call.values.get("both", False):
        return await done(call, messages.RollBack(revision, force))
    if revision is not None:
        raise RefusedError("both undoes the last synchronization; a revision is a matter of one node alone")
    return await done(call, messages.RollBackBoth(force))


async def activate(call: Call) -> Done:
    """`system config activate`: apply for a while."""
    return await done(call, messages.Activate(call.values["confirm"]))


async def confirm(call: Call) -> Done:
    """`system config confirm`: what was activated stays."""
    return await done(call, messages.ConfirmActivation())


COMMANDS = (
    Command(
        ("system", "config", "history"),
        "what was changed when, by whom, and why",
        history,
        (Key("limit", Number(low=1, high=100_000), f"how many revisions, {NEWEST} if not given"),),
        note="Every edit makes a revision, and none ever changes. Flags: RUNNING is what edits change, "
        "APPLIED what is in force.",
    ),
    Command(
        ("system", "config", "rollback"),
        "let a former revision run again",
        rollback,
        (
            Key("revision", Number(low=1, high=_HIGHEST), "which one; what ran before, if not given"),
            Key("both", Boolean(), "undo the last synchronization here and at the partner"),
            Key("force", Boolean(), "also while somebody edits, or edited since", manner=True),
        ),
        note="It runs as a new revision, so nothing is lost and a second rollback comes back; system update "
        "interface applies it. Right after the partner's configuration arrived, rollback undoes the arrival as a "
        "whole: what runs, what is in force, and the start configuration. With both 1 the node that sent it "
        "undoes it on both nodes at once.",
    ),
    Command(
        ("system", "config", "activate"),
        "apply, and go back unless confirmed in time",
        activate,
        (
            Key(
                "confirm",
                Number(low=messages.SHORTEST_ACTIVATION, high=messages.LONGEST_ACTIVATION),
                "seconds to confirm in",
                required=True,
            ),
        ),
        note="As system update interface; without system config confirm in time, what was in force before comes "
        "back, also when the session or clusterd ended meanwhile. What was tried is kept as a revision.",
    ),
    Command(("system", "config", "confirm"), "keep what was activated", confirm),
)
