"""`cluster capture`: adverts as they pass an HA interface, decoded, with what the authentication says of them."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from cluster.rpc.messages import Capture, Done, FollowAdverts
from utmcli import live
from utmcli.commands._times import moment
from utmcli.dissector import dissector
from utmcli.grammar import Call, Command, Key
from utmcli.results import Table
from utmcli.values import Name, Number

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from utmcli.dissector import Dissected
    from utmcli.results import Cell

COLUMNS = (
    "time", "direction", "source", "destination", "version", "vrid", "priority", "interval", "addresses",
    "authentication",
)  # fmt: skip
WIDTHS = (29, 9, 15, 15, 7, 4, 8, 8, 18, 0)
"""Wide enough for what comes later in the stream."""


async def capture(call: Call) -> AsyncIterator[Table]:
    """`cluster capture`: until `count` adverts were seen, or Ctrl-C."""
    left = call.values.get("count")
    async with dissector() as helper, aclosing(call.follow(FollowAdverts(call.values["interface"]))) as stream:
        async for seen in stream:
            if isinstance(seen, Done):  # the interface is one to watch
                yield Table(COLUMNS, (), widths=WIDTHS)
            if not isinstance(seen, Capture):
                continue
            yield Table(COLUMNS, _rows(seen, await helper.dissect(seen.frame)), continues=True, widths=WIDTHS)
            if left is not None:
                left -= 1
                if not left:
                    return


def _rows(seen: Capture, said: Dissected) -> tuple[tuple[Cell, ...], ...]:
    advert = (
        moment(seen.at),
        "sent" if seen.sent else "received",
        said.source,
        said.destination,
        said.version,
        said.vrid,
        said.priority,
        said.interval,
        tuple(said.addresses or ()),
        _authentication(seen, said.key),
    )
    if not seen.missed:
        return (advert,)
    notice = f"{seen.missed} adverts came faster than they were read"
    return (moment(seen.at), "missed", *(None,) * 6, (), notice), advert


def _authentication(seen: Capture, key: int | None) -> str:
    if not seen.accepted:
        return f"rejected {seen.verdict}: {seen.explained}"
    if seen.sent:
        return f"signed with key {key}" if seen.verdict == "signed" else "not signed"
    return {
        "valid": f"valid, key {key}",
        "unsigned": "not signed, believed all the same",
        "unchecked": "not checked",
    }.get(seen.verdict, seen.verdict)


COMMANDS = (
    Command(
        ("cluster", "capture"),
        "adverts as they pass, decoded and authenticated",
        capture,
        (
            Key(
                "interface",
                Name(metavar="INTERFACE", live=live.HA_INTERFACES),
                "an HA interface with a virtual address",
                required=True,
            ),
            Key("count", Number(low=1, high=1_000_000), "end after so many adverts, otherwise with Ctrl-C"),
        ),
        note="Sent and received ones; the interval is in centiseconds. What is rejected is shown with the reason.",
    ),
)
