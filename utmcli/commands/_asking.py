"""What all commands share when they ask clusterd."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cluster.errors import ConflictError, ProtocolError
from cluster.rpc import messages
from utmcli.results import Done

if TYPE_CHECKING:
    from collections.abc import Callable

    from cluster.model import Change, Config
    from cluster.rpc.messages import Ask
    from utmcli.grammar import Call

Answer = TypeVar("Answer")
PATIENCE = 5


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


async def running(call: Call) -> Config:
    """The running configuration, secrets masked."""
    reply = await answered(call, messages.GetConfig(), messages.ConfigReply)
    return reply.config
