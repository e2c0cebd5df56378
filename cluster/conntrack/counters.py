"""What `conntrackd -s`, `-s queue` and `-s runtime` print, as numbers. Pure.

The daemon prints for people: headings, and lines of words and numbers in the order of its source (sync-mode.c,
cache.c, external_inject.c, queue.c, run.c of conntrack-tools 1.4.7). Whatever else it prints is passed over.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cluster.errors import ProtocolError

_NUMBERS = re.compile(r"\d+")
_INTERNAL, _INJECTED, _TRAFFIC, _TRACKING = "cache internal", "external inject", "UDP traffic", "message tracking"


class Counters(NamedTuple):
    """Of one conntrackd, since it started.

    Attributes:
        entries: connections of its own that it holds, to send them.
        injected: entries of the partner that it made, changed or removed in the kernel.
        inject_failed: entries that the kernel did not take.
        bytes_sent: on the hotwire.
        bytes_received: on the hotwire.
        packets_sent: on the hotwire; at least one a second while it runs.
        packets_received: on the hotwire.
        send_errors: packets that could not be sent.
        receive_errors: failed attempts to receive.
        malformed: messages nobody can make sense of.
        lost: messages of the partner that did not arrive; they are sent again.
    """

    entries: int
    injected: int
    inject_failed: int
    bytes_sent: int
    bytes_received: int
    packets_sent: int
    packets_received: int
    send_errors: int
    receive_errors: int
    malformed: int
    lost: int


class Queues(NamedTuple):
    """How much waits, and what did not fit.

    Attributes:
        waiting: messages to be sent.
        unconfirmed: messages the partner has not confirmed yet.
        errors: messages that found no room.
    """

    waiting: int
    unconfirmed: int
    errors: int


def counters(text: str) -> Counters:
    """The numbers of `conntrackd -s`.

    Raises:
        ProtocolError: this is no output of a synchronising conntrackd without external cache.
    """
    sections = _sections(text)
    internal, injected, traffic, tracking = (
        _numbers(sections, heading) for heading in (_INTERNAL, _INJECTED, _TRAFFIC, _TRACKING)
    )
    try:
        sent, received, packets_sent, packets_received, send_errors, receive_errors = traffic
        malformed, lost = tracking
        made, made_failed, changed, changed_failed, removed, removed_failed = injected
        entries = internal[0]
    except (ValueError, IndexError):
        raise ProtocolError("the counters of conntrackd have an unknown form") from None
    return Counters(
        entries=entries,
        injected=made + changed + removed,
        inject_failed=made_failed + changed_failed + removed_failed,
        bytes_sent=sent,
        bytes_received=received,
        packets_sent=packets_sent,
        packets_received=packets_received,
        send_errors=send_errors,
        receive_errors=receive_errors,
        malformed=malformed,
        lost=lost,
    )


def queues(text: str) -> Queues:
    """The numbers of `conntrackd -s queue`.

    Raises:
        ProtocolError: there is no queue in it.
    """
    sections = _sections(text)
    found = {name.removeprefix("queue "): sections[name] for name in sections if name.startswith("queue ")}
    try:
        waiting, unconfirmed = (_NUMBERS.findall(found[name][0])[0] for name in ("txqueue", "rsqueue"))
    except (KeyError, IndexError):
        raise ProtocolError("the queues of conntrackd have an unknown form") from None
    errors = sum(
        int(number)
        for rows in found.values()
        for row in rows
        if row.startswith("not enough space errors")
        for number in _NUMBERS.findall(row)
    )
    return Queues(int(waiting), int(unconfirmed), errors)


def overruns(text: str) -> int:
    """Of `conntrackd -s runtime`: how often the kernel had more events than the daemon could take.

    Raises:
        ProtocolError: it does not say.
    """
    for line in text.splitlines():
        if line.strip().startswith("netlink overrun:"):
            return int(_NUMBERS.findall(line)[0])
    raise ProtocolError("the run-time counters of conntrackd have an unknown form")


def _sections(text: str) -> dict[str, list[str]]:
    """Lines by heading: a line that ends with a colon, without what stands in brackets."""
    found: dict[str, list[str]] = {}
    rows: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.endswith(":"):
            rows = found.setdefault(line.removesuffix(":").partition(" (")[0], [])
        elif line:
            rows.append(line)
    return found


def _numbers(sections: dict[str, list[str]], heading: str) -> list[int]:
    return [int(number) for row in sections.get(heading, ()) for number in _NUMBERS.findall(row)]
