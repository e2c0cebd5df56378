"""`cluster monitor`: both nodes on one screen, live; line by line where there is no screen to draw on."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from cluster.errors import UnreachableError
from cluster.rpc.messages import Events, GetEvents, GetInfo, GetStatus, Info, Status
from utmcli.canvas import is_farewell
from utmcli.commands._asking import answered
from utmcli.commands._times import moment
from utmcli.grammar import Call, Command
from utmcli.monitor import View, advanced, layout, summary
from utmcli.results import Table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from utmcli.canvas import Drawing, Row

TICK = 0.5
"""Seconds between two looks."""
SHOWN_EVENTS = 100
COLUMNS = ("time", "role", "partner", "sync_state", "links", "connections", "event")
WIDTHS = (29, 7, 7, 12, 24, 11, 0)
"""Wide enough for what comes later in the stream."""


async def monitor(call: Call) -> AsyncIterator[Table]:
    """`cluster monitor`: until q or Ctrl-C."""
    stage = call.stage()
    if stage is None:
        async for line in _lines(call):
            yield line
        return
    view = View(hostname=(await answered(call, GetInfo(), Info)).hostname)
    async with stage:
        while True:
            view = await _look(call, view)
            status = view.status
            followed = [seen.name for seen in status.interfaces if seen.virtual_addresses] if status else []
            view = replace(view, adverts=call.session.adverts(followed))
            await stage.show(_picture(view, stage))
            if is_farewell(await stage.pause(TICK)):
                return


def _picture(view: View, stage: Drawing) -> list[Row]:
    now = time.time()
    height, columns = stage.size
    return layout(view, height, columns, moment(now)[:19], now)


async def _look(call: Call, view: View) -> View:
    """The view a moment later. While clusterd is away the last one stays, with the reason."""
    try:
        status = (await answered(call, GetStatus(), Status)).status
        events = (await answered(call, GetEvents(SHOWN_EVENTS), Events)).events
    except UnreachableError as error:
        return replace(view, trouble=error.message)
    session = call.session
    return replace(advanced(view, status), events=events, people=session.people(), others=session.others())


async def _lines(call: Call) -> AsyncIterator[Table]:
    """A line for every event and for every change."""
    view = await _look(call, View())
    told = view.events[-1].number if view.events else -1
    shown = summary(view)
    yield Table(COLUMNS, ((moment(time.time()), *shown, ""),), widths=WIDTHS)
    while True:
        await asyncio.sleep(TICK)
        view = await _look(call, view)
        fresh = [event for event in view.events if event.number > told]
        told = fresh[-1].number if fresh else told
        rows = [(moment(event.at), *summary(view), event.text) for event in fresh]
        if summary(view) != shown and not fresh:
            rows.append((moment(time.time()), *summary(view), view.trouble))
        shown = summary(view)
        if rows:
            yield Table(COLUMNS, tuple(rows), continues=True, widths=WIDTHS)


COMMANDS = (
    Command(
        ("cluster", "monitor"),
        "live view of both nodes, until q or Ctrl-C",
        monitor,
        note="Roles, links, adverts as a moving trace, synchronisation, connections, sessions and the last events. "
        "In the trace every advert is a mark: > sent, < received, ! rejected, _ missing. Programs, and terminals "
        "that cannot be drawn on, get a line for every change.",
    ),
)
