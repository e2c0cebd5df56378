"""`cluster events`: every role and sync change with its cause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.rpc.messages import Events, FollowEvents, GetEvents
from utmcli.commands._asking import answered, rows_of
from utmcli.commands._times import moment
from utmcli.grammar import Call, Command, Key
from utmcli.results import Table
from utmcli.values import Boolean, Number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cluster.observed import ClusterEvent
    from utmcli.results import Cell

COLUMNS = ("id", "time", "event", "interface", "role", "text")
WIDTHS = (5, 29, 17, 9, 7, 0)
"""Wide enough for what comes later in a stream."""
LIMIT = 200


async def events(call: Call) -> AsyncIterator[Table]:
    """`cluster events`: what happened; with ``follow 1`` also what happens, until Ctrl-C."""
    limit = call.values.get("limit", LIMIT)
    past = (await answered(call, GetEvents(limit), Events)).events
    if not call.values.get("follow", False):
        yield Table(COLUMNS, await rows_of(past, _row))
        return
    yield Table(COLUMNS, await rows_of(past, _row), widths=WIDTHS)
    last = past[-1].number if past else -1
    async for answer in call.follow(FollowEvents()):
        if not isinstance(answer, Events):
            continue
        fresh = [event for event in answer.events if event.number > last]
        if fresh and fresh[0].number > last + 1:
            # Something happened between the question and the stream; nothing may be missing from the list.
            known = (await answered(call, GetEvents(), Events)).events
            fresh = list({event.number: event for event in (*known, *fresh) if event.number > last}.values())
        if fresh:
            last = fresh[-1].number
            yield Table(COLUMNS, await rows_of(fresh, _row), continues=True, widths=WIDTHS)


def _row(event: ClusterEvent) -> tuple[Cell, ...]:
    return event.number, moment(event.at), event.kind, event.interface, event.role, event.text


COMMANDS = (
    Command(
        ("cluster", "events"),
        "role and sync changes with their causes, the latest last",
        events,
        (
            Key("follow", Boolean(), "go on with what happens, until Ctrl-C"),
            Key("limit", Number(low=1, high=10_000), f"how many of the latest, {LIMIT} if not given"),
        ),
    ),
)
