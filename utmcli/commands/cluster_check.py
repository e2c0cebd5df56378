"""`cluster check`: the requirements of a cluster, each passed or failed, and what to do."""

from __future__ import annotations

from cluster.rpc.messages import Checked, GetCheck
from utmcli.commands._asking import answered
from utmcli.grammar import Call, Command
from utmcli.results import Table


async def check(call: Call) -> Table:
    """`cluster check`: one line a requirement; the exit code is 1 when one failed."""
    points = (await answered(call, GetCheck(), Checked)).points
    return Table(
        ("check", "result", "finding", "advice"),
        tuple((point.check, point.result, point.finding, point.advice) for point in points),
        failed=any(point.result == "failed" for point in points),
    )


COMMANDS = (
    Command(
        ("cluster", "check"),
        "whether the requirements of a cluster are met",
        check,
        note="Results are passed, failed, note (allowed, and good to know) and unknown (cannot be judged now). "
        "The exit code is 1 when a point failed, else 0. The running configuration is judged, in force or not.",
    ),
)
