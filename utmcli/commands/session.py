"""Words of the session: terminal, help, history, exit."""

from __future__ import annotations

from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Table, Text
from utmcli.usage import overview, usage
from utmcli.values import COMMAND_WORDS, ListOf, Number, ValueType


class Lines(Number):
    """A number of lines, or ``auto``: None."""

    def parse(self, text: str) -> int | None:  # type: ignore[override]
        """Read a number or the word."""
        return None if text.casefold() == "auto" else super().parse(text)


async def terminal_length(call: Call) -> Done:
    """`terminal length`."""
    call.session.length = call.values["lines"]
    return Done()


async def terminal_width(call: Call) -> Done:
    """`terminal width`."""
    call.session.width = call.values["columns"]
    return Done()


async def terminal_timeout(call: Call) -> Done:
    """`terminal timeout`."""
    call.session.timeout = call.values["minutes"]
    return Done()


async def message(call: Call) -> Done:
    """`message`: said to everybody who sits at a prompt of this appliance."""
    told = call.session.tell(call.values["text"])
    return Done() if told else Done(("nobody else sits at a prompt of this appliance",))


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
                Lines(low=0, high=10_000, metavar="LINES"),
                "0 never pauses, auto (the default) where people need it",
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
        ("terminal", "timeout"),
        "end this session by itself",
        terminal_timeout,
        (
            Key(
                "minutes",
                Number(low=0, high=10_000, metavar="MINUTES"),
                "without a key at the prompt; 0 never",
                required=True,
                positional=True,
            ),
        ),
    ),
    Command(
        ("message",),
        "tell something to the people in other sessions",
        message,
        (Key("text", ValueType(longest=500), "what they read above their prompt", required=True, positional=True),),
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
