"""What the words of a `utmcli` command line ask the shell host for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from utmcli.tokens import quote

if TYPE_CHECKING:
    from collections.abc import Sequence


class UsageError(Exception):
    """The options make no sense; the message is a sentence for standard error."""


_FLAGS = {
    "--json": ("json", True),
    "-i": ("interactive", True),
    "--interactive": ("interactive", True),
    "--dry-run": ("dry_run", True),
    "--stop-on-error": ("stop", True),
    "--keep-going": ("stop", False),
}
"""Options without a value: the field they set, and to what."""


class Arguments(NamedTuple):
    """A command line understood.

    Attributes:
        json: results as JSON documents.
        interactive: a session even where standard input is no terminal.
        dry_run: understand and check every line, and carry none out.
        stop: end at the first line that fails; None: a script does, a session does not.
        commands: lines to run, in order; empty: a session or a script.
        complete: a line to complete instead, its cursor at the end.
    """

    json: bool = False
    interactive: bool = False
    dry_run: bool = False
    stop: bool | None = None
    commands: tuple[str, ...] = ()
    complete: str | None = None


def understand(arguments: Sequence[str]) -> Arguments:
    """Read options and words; the words of one command come last, and ``--json`` may stand behind them too.

    Raises:
        UsageError: an option is unknown, lacks its value, or contradicts another.
    """
    found: dict[str, bool] = {}
    commands: list[str] = []
    complete: str | None = None
    rest = list(arguments)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if option in _FLAGS:
            name, value = _FLAGS[option]
            if found.setdefault(name, value) is not value:
                raise UsageError("--stop-on-error and --keep-going contradict each other")
        elif option == "-c":
            commands.append(_line_of(option, rest))
        elif option == "--complete":
            complete = _line_of(option, rest)
        else:
            raise UsageError(f"there is no option {option}; utmcli --help lists them")
    if len(rest) > 1 and rest[-1] == "--json":
        rest.pop()
        found["json"] = True
    if rest and commands:
        raise UsageError("commands are given either with -c or as words, not both")
    if rest:
        commands.append(as_line(rest))
    return Arguments(**found, commands=tuple(commands), complete=complete)


def without_json(command: str) -> tuple[str, bool]:
    """The command of an SSH client without ``--json`` before or behind its words; whether it stood there."""
    words = command.strip()
    bare = words.removeprefix("--json ").removesuffix(" --json")
    return bare, bare != words


def _line_of(option: str, rest: list[str]) -> str:
    if not rest:
        raise UsageError(f"{option} needs a command line")
    return rest.pop(0)


def as_line(words: Sequence[str]) -> str:
    """Words of an argument vector as the command line they mean.

    A single word with blanks is a whole line already: ``utmcli "cluster info | json"``. ``--help`` behind the words
    asks for their help.
    """
    if len(words) > 1 and words[-1] == "--help":
        words = ["help", *words[:-1]]
    if len(words) == 1 and any(character.isspace() for character in words[0]):
        return words[0]
    return " ".join(quote(word) for word in words)
