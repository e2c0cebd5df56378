"""Lines over the whole grammar, right ones and wrong ones, for properties that hold for every command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from utmcli.commands import GRAMMAR
from utmcli.commands._networks import IpNetwork
from utmcli.values import (
    Boolean,
    Choice,
    Host,
    IpAddress,
    IpInterface,
    ListOf,
    Name,
    Number,
    Options,
    ValueType,
)

if TYPE_CHECKING:
    from utmcli.grammar import Command, Key


@dataclass(frozen=True)
class Part:
    """A key with its value as they stand in a line."""

    key: Key
    value: str

    def __str__(self) -> str:
        return self.value if self.key.positional else f"{self.key.name} {self.value}"


def right(kind: ValueType) -> str:
    """A text that is a value of this type."""
    match kind:
        case Boolean():
            return "1"
        case Choice(options=options):
            return options[0][0]
        case Number(low=low):
            return str(low)
        case IpAddress() | Host():
            return "192.0.2.1"
        case IpInterface():
            return "192.0.2.1/24"
        case IpNetwork():
            return "192.0.2.0/24"
        case Options(known=known):
            name, option = next(iter(known.items()))
            return f'[ "{name}={right(option.type)}" ]'
        case ListOf(item=item):
            return f"[ {right(item)} ]"
        case _:
            return '"something"'


def wrong(kind: ValueType) -> str | None:
    """A text that is no value of this type; None where every text is one."""
    match kind:
        case Boolean() | Choice() | Number() | IpAddress() | IpInterface() | IpNetwork() | Options():
            return "~"
        case Host() | Name():
            return '"a/b"'
        case ListOf(item=item):
            return wrong(item)
        case _:
            return None


def command_line(command: Command, parts: list[Part]) -> str:
    """The line of a command with these keys."""
    return " ".join((command.name, *map(str, parts)))


@st.composite
def parts_of(draw: st.DrawFn, command: Command) -> list[Part]:
    """Keys that make a command complete: the required ones, some others, in any order, positional ones first."""
    wanted = [key for key in command.keys if key.required or draw(st.booleans())]
    if command.needs_one and all(key.required or key.manner for key in wanted):
        saying_what = [key for key in command.keys if not key.required and not key.manner]
        wanted.append(draw(st.sampled_from(saying_what)))
    positional = [key for key in wanted if key.positional]
    named = draw(st.permutations([key for key in wanted if not key.positional]))
    return [Part(key, right(key.type)) for key in (*positional, *named) if key.type.live != "commands"]


commands = st.sampled_from(GRAMMAR.commands)
