"""clusterd, stopped dead at one moment of an exchange: `python halting.py MOMENT DEED -m cluster.daemon ...`.

The product knows nothing of it: functions of the running program are wrapped before it begins.

    MOMENT  before:NAME or after:NAME of what is listed in `PLACES`
    DEED    kill            SIGKILL for this process
            wait:DIRECTORY  write DIRECTORY/here and do nothing at all until DIRECTORY/go is there
"""

from __future__ import annotations

import inspect
import os
import runpy
import signal
import sys
import time
from pathlib import Path
from typing import Any

from cluster.config.rows import Rows
from cluster.config.store import Store
from cluster.config.sync_record import SyncRecord
from cluster.hotwire import exchange_messages as x
from cluster.hotwire.key_messages import BelieveKeys
from cluster.hotwire.keys import OwnKey
from cluster.hotwire.link import HotwireLink
from cluster.hotwire.sync_receiver import Receiver
from cluster.hotwire.undo_messages import UndoArrival, UndoLook
from cluster.inforce import InForce
from cluster.requests.undoing import Undoing

ASKS = {
    "hello": x.SyncHello, "lock": x.SyncLock, "stage": x.SyncStage, "switch": x.SyncSwitch,
    "undo-look": UndoLook, "undo": UndoArrival, "believe": BelieveKeys,
}  # fmt: skip
HANDLERS = {"hello": "_greet", "lock": "_lock", "stage": "_stage", "switch": "_switch"}

PLACES: dict[str, tuple[type, str, type | None]] = {
    **{f"ask-{step}": (HotwireLink, "ask", ask) for step, ask in ASKS.items()},
    "offer": (SyncRecord, "offer", None),
    "common": (SyncRecord, "have_common", None),
    **{f"answer-{step}": (Receiver, name, None) for step, name in HANDLERS.items()},
    "answer-undo-look": (Undoing, "_look", None),
    "answer-undo": (Undoing, "_undo_arrival", None),
    "undo": (Store, "undo", None),
    "return": (Store, "return_to", None),
    "take": (OwnKey, "take", None),
    "put": (Store, "put", None),
    "commit": (Store, "commit", None),
    "point": (Rows, "point", None),
    "receive": (Store, "receive", None),
    "name": (Rows, "keep", None),
    "activate": (InForce, "follow_arrival", None),
    "mark": (SyncRecord, "activated", None),
}
"""Where an exchange can be stopped: a function, and the type of its first argument where that matters."""


def halt(moment: str, deed: str) -> None:
    """Wrap the function that the moment names."""
    when, _, name = moment.partition(":")
    owner, attribute, only = PLACES[name]
    original = getattr(owner, attribute)

    def due(arguments: tuple[Any, ...]) -> bool:
        return only is None or isinstance(arguments[1], only)

    async def later(*arguments: Any, **more: Any) -> Any:
        if when == "before" and due(arguments):
            do(deed)
        result = await original(*arguments, **more)
        if when == "after" and due(arguments):
            do(deed)
        return result

    def at_once(*arguments: Any, **more: Any) -> Any:
        if when == "before" and due(arguments):
            do(deed)
        result = original(*arguments, **more)
        if when == "after" and due(arguments):
            do(deed)
        return result

    setattr(owner, attribute, later if inspect.iscoroutinefunction(original) else at_once)


def do(deed: str) -> None:
    kind, _, directory = deed.partition(":")
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    Path(directory, "here").touch()
    while not Path(directory, "go").exists():
        time.sleep(0.01)


def main() -> None:
    moment, deed, _, module, *arguments = sys.argv[1:]
    halt(moment, deed)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
