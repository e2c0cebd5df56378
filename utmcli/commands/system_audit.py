"""`system audit`: what administrators typed, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.rpc.messages import Audit, GetAudit
from utmcli import live
from utmcli.commands._asking import answered, rows_of
from utmcli.commands._times import moment
from utmcli.grammar import Call, Command, Key
from utmcli.results import Table
from utmcli.values import Boolean, Name, Number

if TYPE_CHECKING:
    from cluster.rpc.messages import Audited
    from utmcli.results import Cell

COLUMNS = ("id", "time", "user", "source", "session", "code", "seconds", "command")


async def get(call: Call) -> Table:
    """`system audit get`: the newest lines, oldest of them first."""
    wish = GetAudit(
        call.values.get("limit", 50), call.values.get("user", ""), failed=call.values.get("failed", False)
    )
    return Table(COLUMNS, await rows_of((await answered(call, wish, Audit)).lines, _row))


def _row(line: Audited) -> tuple[Cell, ...]:
    return (
        line.number, moment(line.at), line.user, line.source, line.session, line.code,
        f"{line.duration:.3f}", line.line,
    )  # fmt: skip


COMMANDS = (
    Command(
        ("system", "audit", "get"),
        "who typed what, from where, and what came of it",
        get,
        (
            Key("limit", Number(low=1, high=10_000, metavar="NUMBER"), "so many lines, 50 if not given"),
            Key("user", Name(metavar="USER", live=live.USERS), "only of this account"),
            Key("failed", Boolean(), "only what failed or was refused"),
        ),
        note="For the role admin. The code is the exit code: 0 done, 1 failed, 2 to 6 as in the README, 130 "
        "interrupted. Secrets are replaced. The same lines go to syslog, where there is one.",
    ),
)

GROUPS = {("system", "audit"): "what administrators did on this node"}
