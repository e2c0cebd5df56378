"""The command tree as data: the only source of parsing, help, completion and documentation.

A command is a path of words and the keys it takes, with the function that carries it out. Files in commands/
declare them; nothing else has to know about a new one.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from utmcli.results import Result

if TYPE_CHECKING:
    from cluster.rpc.messages import AnyAnswer, Ask
    from utmcli.canvas import Drawing
    from utmcli.questions import Dialogue
    from utmcli.values import ValueType


class Session(Protocol):
    """What commands may know of whoever typed them, and change of their terminal."""

    @property
    def user(self) -> str:
        """The account."""

    @property
    def role(self) -> str:
        """``admin`` or ``readonly``."""

    width: int
    """Columns of the terminal."""

    length: int | None
    """Lines of the terminal before the pager stops; 0 never stops, None as the terminal says, for people only."""

    timeout: int
    """Minutes without a key after which a session at its prompt ends; 0 never."""

    dialogue: Dialogue | None
    """How a command asks questions; None where nobody sits who could answer."""

    def close(self) -> None:
        """End the session after this command."""

    def people(self) -> tuple[str, ...]:
        """Who sits at a prompt of this shell host, as account and place."""

    def others(self) -> tuple[str, ...]:
        """Whose sessions besides are here, programs mostly, as account and place."""

    def adverts(self, interfaces: Iterable[str]) -> Mapping[str, str]:
        """The adverts of HA interfaces as marks, oldest first (adverts.py); of those that are followed."""

    def tell(self, text: str) -> int:
        """Show a message to the people in other sessions; how many were told."""

    def history(self) -> Sequence[str]:
        """Lines typed before, oldest first, without secrets."""


@dataclass(frozen=True, slots=True)
class Call:
    """One execution of a command.

    Attributes:
        values: by name of the key; keys that were not given are absent.
        ask: one question to clusterd; raises ClusterError.
        follow: a question whose answers keep coming; raises ClusterError.
        session: who typed it.
        grammar: for commands that speak about commands.
        stage: the whole screen for a command that draws on it; None where nobody looks at one.
    """

    values: Mapping[str, Any]
    ask: Callable[[Ask], Awaitable[AnyAnswer]]
    follow: Callable[[Ask], AsyncGenerator[AnyAnswer, None]]
    session: Session
    grammar: Grammar
    stage: Callable[[], Drawing | None] = lambda: None


Run = Callable[[Call], Awaitable[Result]] | Callable[[Call], AsyncIterator[Result]]


@dataclass(frozen=True, slots=True)
class Key:
    """One ``key value`` of a command.

    Attributes:
        name: as typed.
        type: what values it takes.
        help: half a sentence for help and completion.
        required: the command is incomplete without it.
        positional: its name is not typed, only its value, in the order of declaration.
        clears: the empty value ``""`` is allowed and means None, or an empty list.
        manner: it says how something is done and not what; alone it is nothing to do (`Command.needs_one`).
    """

    name: str
    type: ValueType
    help: str
    required: bool = False
    positional: bool = False
    clears: bool = False
    manner: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        path: its words, e.g. ``("cluster", "maintainance", "get")``.
        help: half a sentence for help and completion.
        run: carries it out: a coroutine function for one result, an async generator for a stream of results.
        keys: what it takes, in the order help shows them.
        documented: the form is Securepoint's and must not change.
        needs_one: of its optional keys at least one has to be given that says what to do.
        reads_input: key whose value is read from standard input when it is not given.
        may_read: the same where it depends on the values given; names the key, or is empty.
        asks: required keys that it asks a person for, who may leave them out.
        edits: it changes the running configuration, which only one administrator does at a time.
        note: further sentences for `help` and the manual.
        waiting: what a person at a terminal is told it is doing, once it takes longer than half a second.
    """

    path: tuple[str, ...]
    help: str
    run: Run
    keys: tuple[Key, ...] = ()
    documented: bool = False
    needs_one: bool = False
    reads_input: str = ""
    may_read: Callable[[Mapping[str, Any]], str] | None = None
    asks: tuple[str, ...] = ()
    edits: bool = False
    note: str = ""
    waiting: str = ""

    @property
    def name(self) -> str:
        """The path as typed."""
        return " ".join(self.path)

    def input_key(self, values: Mapping[str, Any]) -> str:
        """The key whose value standard input has, given these values; empty where all is said."""
        name = self.may_read(values) if self.may_read is not None else self.reads_input
        return "" if name in values else name

    def key(self, name: str) -> Key | None:
        """The key of exactly this name."""
        return next((key for key in self.keys if key.name == name), None)


@dataclass(slots=True)
class Node:
    """A word of the tree: either it leads on to other words, or it ends a command."""

    help: str = ""
    command: Command | None = None
    children: dict[str, Node] = field(default_factory=dict)


class Grammar:
    """All commands as one tree.

    Args:
        commands: in the order help shows them.
        groups: help of words that lead on to others, by path.
        aliases: other spellings of command words, e.g. ``maintenance`` for ``maintainance``.

    Raises:
        ValueError: two commands share a path, or one continues another.
    """

    def __init__(
        self,
        commands: Iterable[Command],
        groups: Mapping[tuple[str, ...], str] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.commands = tuple(commands)
        self.aliases = dict(aliases or {})
        self.root = Node()
        for command in self.commands:
            self._add(command)
        for path, text in (groups or {}).items():
            node = self.node(path)
            if node is not None and node.command is None:
                node.help = text

    def _add(self, command: Command) -> None:
        node = self.root
        for word in command.path:
            if node.command is not None:
                raise ValueError(f"{command.name} continues {node.command.name}")
            node = node.children.setdefault(word, Node())
        if node.command is not None or node.children:
            raise ValueError(f"{command.name} is declared twice or continued")
        node.command = command
        node.help = command.help

    def node(self, path: Sequence[str]) -> Node | None:
        """The node at exactly this path."""
        node: Node | None = self.root
        for word in path:
            node = node.children.get(word) if node is not None else None
        return node

    def command(self, *path: str) -> Command | None:
        """The command of exactly this path."""
        node = self.node(path)
        return node.command if node is not None else None

    def match(self, node: Node, word: str) -> tuple[str, ...]:
        """The children a word can mean: itself, by alias, or every one it abbreviates."""
        spelled = self.aliases.get(word, word)
        if spelled in node.children:
            return (spelled,)
        if not word:
            return ()
        by_alias = {target for alias, target in self.aliases.items() if alias.startswith(word)}
        return tuple(child for child in node.children if child.startswith(word) or child in by_alias)


def match_key(keys: Iterable[Key], word: str) -> tuple[Key, ...]:
    """The keys a word can mean: the one of this name, or every one it abbreviates."""
    named = tuple(key for key in keys if not key.positional)
    exact = tuple(key for key in named if key.name == word)
    return exact or (tuple(key for key in named if key.name.startswith(word)) if word else ())
