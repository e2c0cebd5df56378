"""What all commands share when they ask clusterd."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

from msgspec import structs

from cluster.errors import ConflictError, ProtocolError
from cluster.rpc import messages
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done
from utmcli.values import Boolean

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from cluster.model import Change, Config
    from cluster.rpc.messages import Ask
    from utmcli.results import Cell, Result

Answer = TypeVar("Answer")
Item = TypeVar("Item")
PATIENCE = 5
AT_ONCE = 200
"""Items that are made rows of before other sessions get their turn."""
FORCE = Key("force", Boolean(), "also while somebody else edits: takes over from them", manner=True)
_EDITS = (messages.EditConfig, messages.SaveConfig, messages.LoadConfig)


def with_force(command: Command) -> Command:
    """The command with ``force 1`` for taking over from another administrator, where it edits.

    The one place that knows of it: the command itself never sees the key, and all that it asks for is forced. A
    command that has such a key of its own means more by it, and takes over as well.
    """
    if not command.edits or command.key(FORCE.name) is not None:
        return command

    @wraps(command.run)
    async def run(call: Call) -> Result:
        values = {name: value for name, value in call.values.items() if name != FORCE.name}
        ask = _forced(call) if call.values.get(FORCE.name) else call.ask
        return await cast("Awaitable[Result]", command.run(replace(call, values=values, ask=ask)))

    return replace(command, keys=(*command.keys, FORCE), run=run)


def _forced(call: Call) -> Callable[[Ask], Awaitable[messages.AnyAnswer]]:
    async def ask(wish: Ask) -> messages.AnyAnswer:
        return await call.ask(structs.replace(wish, force=True) if isinstance(wish, _EDITS) else wish)

    return ask


async def answered(call: Call, ask: Ask, expected: type[Answer]) -> Answer:
    """Ask, and insist on the kind of answer the question has.

    Raises:
        ClusterError: what clusterd answered instead.
        ProtocolError: clusterd speaks another version than we do.
    """
    answer = await call.ask(ask)
    if not isinstance(answer, expected):
        raise ProtocolError(f"clusterd answered {type(answer).__name__} where {expected.__name__} was expected")
    return answer


async def done(call: Call, ask: Ask) -> Done:
    """Ask for something to be done; its warnings become ours."""
    answer = await answered(call, ask, messages.Done)
    return Done(answer.warnings)


async def edit(call: Call, *changes: Change, force: bool = False) -> Done:
    """Change the running configuration: all changes or none; `force`: also what parts the nodes of a cluster."""
    return await done(call, messages.EditConfig(changes, force))


async def revise(call: Call, changes: Callable[[Config], tuple[Change, ...]], *, force: bool = False) -> Done:
    """As `edit`, for changes that follow from the running configuration, such as one with the next free id.

    When somebody else changes it in between, `changes` is asked anew; it is given up after `PATIENCE` times.

    Raises:
        ConflictError: too many others change it at the same time.
    """
    surprises = 0
    while True:
        reply = await answered(call, messages.GetConfig(), messages.ConfigReply)
        wanted = messages.EditConfig(changes(reply.config), force, base=reply.revision)
        try:
            return await done(call, wanted)
        except ConflictError:
            surprises += 1
            if surprises == PATIENCE:
                raise


async def rows_of(items: Sequence[Item], row: Callable[[Item], tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """A row for every item; other sessions get their turn on the way, however many there are."""
    rows: list[tuple[Cell, ...]] = []
    for start in range(0, len(items), AT_ONCE):
        if start:
            await asyncio.sleep(0)
        rows += map(row, items[start : start + AT_ONCE])
    return tuple(rows)


async def running(call: Call) -> Config:
    """The running configuration, secrets masked."""
    reply = await answered(call, messages.GetConfig(), messages.ConfigReply)
    return reply.config
