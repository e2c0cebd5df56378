"""What ``status`` answers: the election's view beside the counters of every HA interface, as plain values.

::

    {"pid": 812, "role": "master", "since": 1795000000.0 (unix), "cause": "...", "priority": 254,
     "enabled": true, "maintenance": false, "handing_over": false, "handed_over": false, "holding": true,
     "master_down_interval": 0.752 (seconds), "advert_interval": 0.25 (seconds), "authentication": "hmac",
     "real_time": "SCHED_RR priority 50, memory locked", "explanation": ["..."], "errors": {"EPERM": 1},
     "interfaces": [{"name": "LAN2", "vrid": 2, "present": true, "link": true, "usable": true, "pending": false,
                     "virtual_addresses": ["192.168.200.1/24"], "source": "192.168.12.141",
                     "own_address": true, "partner_heard_age": 0.1 | null, "partner_priority": 253 | null,
                     "partner_address": "192.168.12.142" | null, "adverts_sent": 4, "adverts_received": 0,
                     "adverts_unsigned": 0 (believed all the same: policy permissive or receive-only),
                     "rejected": {"bad-tag": 1}, "explained": {"bad-tag": "the signature is wrong: ..."},
                     "errors": {"ENETDOWN": 2}, "watch": {"192.0.2.1": true}}]}
"""

from __future__ import annotations

import os
from _socket import AF_INET, inet_ntop
from typing import TYPE_CHECKING, Any

from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds

if TYPE_CHECKING:
    from cluster.vrrp.events import PathView, View
    from cluster.vrrp.port import Port
    from cluster.vrrp.settings import EngineSettings


def describe(view: View, settings: EngineSettings, since: Nanoseconds) -> dict[str, Any]:
    """The node's part; `since` is the unix time in nanoseconds of the last role change."""
    return {
        "pid": os.getpid(),
        "role": view.role.value,
        "since": since / NANOSECONDS_PER_SECOND,
        "cause": view.cause,
        "priority": int(view.priority),
        "enabled": settings.enabled,
        "maintenance": settings.maintenance,
        "handing_over": view.handing_over,
        "handed_over": view.handed_over,
        "holding": view.holding,
        "master_down_interval": view.master_down_interval.seconds,
        "advert_interval": settings.advert_interval.nanoseconds.seconds,
        "authentication": settings.authentication.mode,
        "explanation": list(view.explanation),
    }


def describe_interface(path: PathView, port: Port, watched: dict[str, bool], now: Nanoseconds) -> dict[str, Any]:
    """One HA interface's part; `watched` from `Watches.answers`, `now` is the monotonic clock."""
    heard, source = path.partner_heard, path.partner_source
    return {
        "name": path.name,
        "vrid": int(port.settings.vrid),
        "present": port.link is not None,
        "link": port.link is not None and port.link.running,
        "usable": path.usable,
        "pending": path.pending,
        "virtual_addresses": [str(virtual) for virtual in port.settings.addresses],
        "source": inet_ntop(AF_INET, port.source),
        "own_address": port.own_address is not None,
        "partner_heard_age": None if heard is None else (now - heard) / NANOSECONDS_PER_SECOND,
        "partner_priority": None if path.partner_priority is None else int(path.partner_priority),
        "partner_address": None if source is None else inet_ntop(AF_INET, source.to_bytes(4, "big")),
        "adverts_sent": port.sent,
        "adverts_received": port.received,
        "adverts_unsigned": port.unsigned,
        "rejected": {reason.value: count for reason, count in port.rejected.items()},
        "explained": {reason.value: reason.explanation for reason in port.rejected},
        "errors": dict(port.errors),
        "watch": watched,
    }
