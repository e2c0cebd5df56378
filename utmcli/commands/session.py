"""Words of the session: terminal, help, history, exit."""

from __future__ import annotations

from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table, Text
from utmcli.usage import overview, usage
from utmcli.values import COMMAND_WORDS, ListOf, Number, ValueType


async def terminal_length(call: Call) -> Done:
    """`terminal length`."""
    call.session.length = call.values["lines"]
    return Done()


async def terminal_width(call: Call) -> Done:
    """`terminal width`."""
    call.session.width = call.values["columns"]
    return Done()


async def help_page(call: Call) -> Text | Table:
    """`help`: all commands, those below some words, or one command with its keys."""
    words = call.values.get("command", ())
    return usage(call.grammar, words) if words else overview(call.grammar)


async def history(call: Call) -> Table:
    """`history`: what was typed in this account before."""
    lines = call.session.history()
    return Table(("id", "command"), tuple((number, line) for number, line in enumerate(lines, 1)))


async def leave(call: Call) -> Text:
    """`exit`."""
    call.session.close()
    return Text("")


COMMANDS = (
    Command(
        ("terminal", "length"),
        "lines of the terminal before output pauses",
        terminal_length,
        (
            Key(
                "lines",
                Number(low=0, high=10_000, metavar="LINES"),
                "0 never pauses",
                required=True,
                positional=True,
            ),
        ),
    ),
    Command(
        ("terminal", "width"),
        "columns of the terminal",
        terminal_width,
        (
            Key(
                "columns",
                Number(low=0, high=10_000, metavar="COLUMNS"),
                "0 as the terminal says",
                required=True,
                positional=True,
            ),
        ),
    ),
    Command(
        ("help",),
        "all commands, or one of them in detail",
        help_page,
        (
            Key(
                "command",
                ListOf(item=ValueType(), metavar="COMMAND", live=COMMAND_WORDS),
                "words of a command",
                positional=True,
            ),
        ),
    ),
    Command(("history",), "what was typed before", history),
    Command(("exit",), "end the session", leave),
)

GROUPS = {("terminal",): "how output is shown in this session"}

ALIASES = {"quit": "exit", "logout": "exit"}
