"""`cluster monitor` as a picture: from what is known of both nodes to rows of a screen. Pure.

The trace of an interface has a mark for every advert (adverts.py), the latest on the right. Interfaces that are not
followed, because there are many, have one for every look instead: ``>`` adverts were sent since the look before,
``<`` received, ``x`` both (two masters, or a takeover), ``!`` some were rejected, ``.`` none passed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from utmcli.canvas import Look, Piece, cut, plain, row, width
from utmcli.render import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cluster.observed import ClusterEvent, ClusterStatus, ConnectionStatus, HaInterfaceStatus
    from utmcli.canvas import Row

SMALL_TRACE, LARGE_TRACE = 12, 60
"""Columns of the trace on 80 columns, and at most."""
_LABEL = 13
_WAY_OUT = "q ends"
_FRESH = 3.0
"""Seconds since an advert that count as hearing its sender."""
_ROLES = {"master": Look.GOOD, "backup": Look.STRONG, "offline": Look.BAD}
_MARKS = {"!": Look.BAD, "_": Look.BAD, "x": Look.CAREFUL, ">": Look.GOOD, "<": Look.STRONG}
_SYNC = {"synchronized": Look.GOOD, "pending": Look.CAREFUL, "error": Look.BAD}


@dataclass(frozen=True, slots=True)
class View:
    """All that a picture shows.

    Attributes:
        hostname: of this node.
        status: of this node; None before the first answer.
        events: the latest last.
        people: who sits at a prompt here, as account and place.
        traces: by HA interface, oldest look first.
        trouble: why there is no newer status; empty where there is one.
        others: who else has a session here, as account and place.
        adverts: by HA interface that is followed, every advert, oldest first.
    """

    hostname: str = ""
    status: ClusterStatus | None = None
    events: tuple[ClusterEvent, ...] = ()
    people: tuple[str, ...] = ()
    traces: Mapping[str, str] | None = None
    trouble: str = ""
    others: tuple[str, ...] = ()
    adverts: Mapping[str, str] | None = None


def advanced(view: View, status: ClusterStatus) -> View:
    """The view after another look: the new status, and every trace one column further.

    Args:
        view: before.
        status: as it is now.
    """
    before = {seen.name: seen for seen in view.status.interfaces} if view.status is not None else {}
    known = view.traces or {}
    traces = {
        seen.name: (known.get(seen.name, "") + _mark(before.get(seen.name), seen))[-LARGE_TRACE:]
        for seen in status.interfaces
    }
    return replace(view, status=status, traces=traces, trouble="")


def _mark(before: HaInterfaceStatus | None, now: HaInterfaceStatus) -> str:
    if before is None:
        return "."
    # A restarted engine counts from 0 again.
    sent = now.adverts_sent != before.adverts_sent and now.adverts_sent > 0
    received = now.adverts_received != before.adverts_received and now.adverts_received > 0
    if sum(now.rejected.values()) > sum(before.rejected.values()):
        return "!"
    return {(True, True): "x", (True, False): ">", (False, True): "<"}.get((sent, received), ".")


def layout(view: View, height: int, columns: int, clock: str, now: float) -> list[Row]:
    """The picture, at most `height` rows; what fits no more is cut from the events first.

    Args:
        view: what is known.
        height: rows of the terminal.
        columns: of the terminal.
        clock: date and time as people read them.
        now: unix seconds.
    """
    head: list[Row] = [_title(view, columns, clock)]
    if view.trouble:
        head.append(row(Piece(printable(view.trouble), Look.BAD)))
    status = view.status
    if status is not None:
        head += [(), *_node(view, status, now), *_partner(status), _hotwire(status)]
        head += [_connections(status.connections), (), *_interfaces(view, status, columns)]
    head += [(), _field("sessions", *_sessions(view))]
    room = height - len(head) - 2
    if room > 0 and view.events:
        head += [(), *_events(view.events[-room:], now)]
    return head[:height]


def summary(view: View) -> tuple[str, str, str, str, str]:
    """The same in five cells, for terminals that cannot be drawn on: role, partner, sync, links, connections."""
    status = view.status
    if status is None:
        return ("", "", view.trouble, "", "")
    partner = status.partner.role if status.partner is not None else ""
    links = ",".join(f"{seen.name}={_link(seen)}" for seen in status.interfaces)
    return (status.role, partner, status.sync_state, links, status.connections.state)


def _title(view: View, columns: int, clock: str) -> Row:
    """Both ends of the first row; where there is no room for all of it, how to leave is what stays."""
    name, end = f"cluster monitor  {printable(view.hostname)}", f"{clock}  {_WAY_OUT}"
    room = columns - 1
    if width(name) + 2 + width(end) > room:
        end = _WAY_OUT
    kept = cut(row(Piece(name, Look.STRONG)), max(0, room - 2 - width(end)))
    return row(*kept, " " * max(2, room - width(plain(kept)) - width(end)), Piece(end, Look.FAINT))


def _field(label: str, *pieces: Piece | str) -> Row:
    return row(Piece(f"{label:{_LABEL}}", Look.FAINT), *pieces)


def _node(view: View, status: ClusterStatus, now: float) -> list[Row]:
    since = "" if status.since is None else f"  for {_span(now - status.since)}"
    priority = "" if status.priority is None else f"  priority {status.priority}"
    marks = "  handing over" * status.handing_over + "  maintenance" * status.maintainance
    engine = "" if status.engine == "running" else f"  engine {status.engine}"
    head = _field(
        "this node", _fixed(view.hostname, 22), _role(status.role), f"{priority}{since}",
        Piece(marks, Look.CAREFUL), Piece(engine, Look.BAD),
    )  # fmt: skip
    return [head, _field("", Piece(printable(status.cause), Look.FAINT))]


def _partner(status: ClusterStatus) -> list[Row]:
    partner = status.partner
    if partner is None:
        heard = [seen.name for seen in status.interfaces if _hears(seen)]
        said = f"adverts heard on {', '.join(heard)}" if heard else "not heard"
        return [_field("partner", Piece(f"says nothing over the hotwire; {said}", Look.CAREFUL))]
    hears = f"  hears {', '.join(partner.hears)}" if partner.hears else ""
    lost = f"  lost {', '.join(partner.lost)}" if partner.lost else ""
    marks = "  maintenance" * partner.maintenance + "  unsaved edits" * partner.unsaved
    clock = "" if status.clock_offset is None else f"  clock {status.clock_offset:+.1f} s"
    rows = [
        _field(
            "partner", _fixed(partner.hostname, 22), _role(partner.role), printable(hears), clock,
            Piece(printable(lost), Look.BAD), Piece(marks, Look.CAREFUL),
        )
    ]  # fmt: skip
    if partner.administrators:
        who = ", ".join(f"{one.user} ({one.source})" for one in partner.administrators)
        rows.append(_field("", Piece(f"edited there by {printable(who)}", Look.CAREFUL)))
    return rows


def _hotwire(status: ClusterStatus) -> Row:
    state = Piece(status.sync_state, _SYNC[status.sync_state])
    reason = f"  {printable(status.sync_reason)}" if status.sync_reason else ""
    return _field("hotwire", _fixed(status.hotwire_dev or "none", 22), state, reason)


def _connections(seen: ConnectionStatus) -> Row:
    counters = seen.counters
    state = Piece(printable(seen.state), Look.GOOD if seen.state == "running" else Look.PLAIN)
    if counters is None:
        return _field("connections", state, f"  {printable(seen.reason)}")
    lost = counters.lost + counters.overruns + counters.inject_failed
    kept = f"  {counters.entries} to send  {counters.injected} taken over  {counters.waiting} waiting"
    return _field("connections", state, kept, Piece(f"  {lost} lost", Look.BAD if lost else Look.PLAIN))


def _sessions(view: View) -> list[Piece]:
    at_prompts = Piece(", ".join(map(printable, view.people)) or "nobody at a prompt")
    if not view.others:
        return [at_prompts]
    return [at_prompts, Piece(f"  besides {', '.join(map(printable, view.others))}", Look.FAINT)]


def _interfaces(view: View, status: ClusterStatus, columns: int) -> list[Row]:
    trace = max(SMALL_TRACE, min(LARGE_TRACE, columns - 69))
    heading = f"{'interface':10}{'link':9}{'virtual addresses':21}{'partner':17}{'heard':9}adverts"
    rows: list[Row] = [row(Piece(heading, Look.FAINT))]
    traces = {**(view.traces or {}), **(view.adverts or {})}
    for seen in status.interfaces:
        more = len(seen.virtual_addresses) - 1
        first = seen.virtual_addresses[0] if seen.virtual_addresses else ""
        addresses = f"{first[: 20 - 4 * (more > 0)]}{f' +{more}' if more > 0 else ''}"
        link = Look.CAREFUL if seen.pending else Look.GOOD if seen.usable else Look.BAD
        rows.append(
            row(
                _fixed(seen.name, 10),
                Piece(f"{_link(seen):9}", link),
                f"{addresses:21}",
                _fixed(seen.partner_address or "", 17),
                Piece(f"{_heard(seen):9}", Look.PLAIN if _hears(seen) else Look.FAINT),
                *_traced(traces.get(seen.name, "")[-trace:].rjust(trace)),
            )
        )
    return rows


def _traced(trace: str) -> list[Piece]:
    """A trace in pieces of one look each."""
    pieces: list[Piece] = []
    for mark in trace:
        look = _MARKS.get(mark, Look.FAINT)
        if pieces and pieces[-1].look is look:
            pieces[-1] = Piece(pieces[-1].text + mark, look)
        else:
            pieces.append(Piece(mark, look))
    return pieces


def _events(events: Sequence[ClusterEvent], now: float) -> list[Row]:
    rows = [row(Piece("events, and how long ago", Look.FAINT))]
    for event in events:
        place = f"{event.interface}: " if event.interface else ""
        rows.append(row(Piece(f"{_span(now - event.at):8}  ", Look.FAINT), printable(f"{place}{event.text}")))
    return rows


def _role(role: str) -> Piece:
    return Piece(f"{role:8}", _ROLES.get(role, Look.PLAIN))


def _link(seen: HaInterfaceStatus) -> str:
    return f"{'usable' if seen.usable else 'lost'}{'?' if seen.pending else ''}"


def _hears(seen: HaInterfaceStatus) -> bool:
    return seen.partner_heard_age is not None and seen.partner_heard_age < _FRESH


def _heard(seen: HaInterfaceStatus) -> str:
    age = seen.partner_heard_age
    if age is None:
        return "never"
    return f"{age:.1f} s" if age < 60 else _span(age)


def _fixed(text: str, columns: int) -> str:
    shown = printable(text)
    return f"{shown[: columns - 1]:{columns}}"


def _span(seconds: float) -> str:
    """A duration in one word of at most 8 columns."""
    whole = max(0, int(seconds))
    if whole >= 86_400:
        return f"{whole // 86_400} d"
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def text_of(rows: Sequence[Row]) -> str:
    """A picture without its looks, for a document."""
    return "".join(f"{plain(pieces)}\n" for pieces in rows)
