"""The engine before everything else: where a restarted clusterd may start it before it knows anything more.

It may where all of this is true; whatever is not as usual is left to the ordinary start (supervisor.py), which can
say so.

    - this is no boot: after one, the start configuration decides whether there is an engine, and which
    - its settings are there, and with them it takes part in the cluster
    - no engine listens: one that runs is adopted, and not disturbed
    - its privileges can be taken away

What an engine needs besides, it sees to by itself: the lock of its network namespace, the sequence it goes on from,
addresses of an earlier life, and whether it may resume the role (cluster/vrrp/).
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

from cluster.boot import BootMarker
from cluster.process.adoption import listener_of
from cluster.process.limits import ENGINE_CAPABILITIES, setpriv, works
from cluster.process.spawn import Command, spawn
from cluster.vrrp.control import CONFIG_FILE, SOCKET_FILE
from cluster.vrrp.realtime import PRIORITY

_ROOT = Path(__file__).resolve().parent.parent.parent


def start(run_dir: Path, state_dir: Path) -> int | None:
    """Start the engine with the settings it had, if that is all there is to do.

    Args:
        run_dir: of this clusterd, which holds its lock.
        state_dir: of this clusterd.

    Returns:
        Its pid; None where it is left to the ordinary start.
    """
    if not BootMarker(run_dir).is_set or not takes_part(run_dir / CONFIG_FILE):
        return None
    if listener_of(run_dir / SOCKET_FILE, socket.SOCK_SEQPACKET) is not None:
        return None
    confined = setpriv(ENGINE_CAPABILITIES)
    if not confined or not works(confined):
        return None
    engine = command(run_dir, state_dir)
    try:
        return spawn(engine._replace(argv=(*confined, *engine.argv)))
    except OSError:
        return None


def takes_part(settings: Path) -> bool:
    """Whether an engine that reads these settings takes part in the cluster.

    Args:
        settings: its `engine.json`.
    """
    try:
        told = json.loads(settings.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and bool(told.get("enabled"))


def command(run_dir: Path, state_dir: Path) -> Command:
    """The engine, with all our privileges still.

    It starts without `site` (-S): it needs no more than the standard library and this package, soon.
    """
    directories = ("--run-dir", str(run_dir), "--state-dir", str(state_dir))
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "JOURNAL_STREAM"}}
    argv = (sys.executable, "-S", "-P", "-m", "cluster.vrrp", *directories)
    return Command(argv, {**kept, "PYTHONPATH": str(_ROOT)}, real_time=PRIORITY)
