"""Reads a line token by token, and always knows what may come next.

The parser feeds it a whole line, completion the line up to the cursor: the two can never disagree.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from wcwidth import wcswidth

from utmcli.grammar import Command, Grammar, Key, Node, match_key
from utmcli.pipes import PIPES, Pipe, PipeWord
from utmcli.tokens import Token, TokenKind
from utmcli.values import FileName, MalformedError, Number, ValueType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Kind(Enum):
    """The documented first words of an answer to a line that cannot be carried out."""

    INVALID = "% Invalid input"
    INCOMPLETE = "% Incomplete command"
    AMBIGUOUS = "% Ambiguous command"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line means nothing.

    Attributes:
        kind: the documented words.
        column: where, from 0; for what is missing, where it would go.
        message: what is wrong, as a clause.
        expected: words or values that can stand there.
    """

    kind: Kind
    column: int
    message: str
    expected: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """2 for a usage error, 3 for an ambiguity."""
        return 3 if self.kind is Kind.AMBIGUOUS else 2

    def render(self, line: str) -> str:
        """The problem for people: its sentence, the line, the caret below the column, what was expected."""
        shown = "".join(character if character.isprintable() else " " for character in line)
        caret = " " * max(0, wcswidth(shown[: self.column].ljust(self.column))) + "^"
        lines = [f"{self.kind.value}: {self.message}", shown.rstrip(), caret]
        if self.expected:
            lines.append("expected: " + ", ".join(self.expected))
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Invocation:
    """A line understood: the command, its values by key, and the filters behind it."""

    command: Command
    values: dict[str, Any]
    pipes: tuple[Pipe, ...] = ()


_ARGUMENTS: dict[str, ValueType] = {
    "NUMBER": Number(low=0, high=999_999_999),
    "SECONDS": Number(low=1, high=3600),
    "NAME": FileName(),
}
"""What filters take; everything else is a text."""
_ONCE = ("save", "watch")
"""Filters that say where to, or how often: a second one would contradict the first."""


class ProblemError(Exception):
    """Carries a `Problem` out of the reader."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True)
class Reader:
    """Reads a line token by token.

    Attributes:
        grammar: what can be said.
        has_input: the key that a command reads from standard input may be missing.
        attended: keys that a command asks a person for may be missing.
        node: how far the command words have led.
        command: once they have led to one.
        values: by key, as far as read.
        pending: the key whose value comes next, or whose list is open.
        elements: the elements of the open list so far, or None when no list is open.
        pipes: as far as read.
        pipe_open: a ``|`` was read, its word comes next.
        pipe_word: a filter was read whose argument comes next.
        read_secret: the last token was the value of a secret key.
    """

    grammar: Grammar
    has_input: bool = False
    attended: bool = False
    node: Node = field(init=False)
    path: tuple[str, ...] = ()
    command: Command | None = None
    values: dict[str, Any] = field(default_factory=dict)
    pending: Key | None = None
    elements: list[Any] | None = None
    pipes: list[Pipe] = field(default_factory=list)
    pipe_open: bool = False
    pipe_word: PipeWord | None = None
    read_secret: bool = False
    _opened: int = 0
    _end: int = 0

    def __post_init__(self) -> None:
        self.node = self.grammar.root

    # --- one token ---------------------------------------------------------------------------------

    def feed(self, token: Token) -> None:
        """Read one token.

        Raises:
            ProblemError: it cannot stand here.
        """
        self.read_secret = False
        if not token.closed:
            raise _problem(Kind.INCOMPLETE, token.start, "the quotation that begins here is not closed")
        if self.pipe_word is not None:
            self._pipe_argument(token)
        elif self.pipe_open:
            self._pipe_name(token)
        elif token.kind is TokenKind.PIPE:
            self._pipe(token)
        elif self.pipes:
            raise _problem(Kind.INVALID, token.start, f"{_shown(token)} behind a filter", ("|",))
        elif self.command is None:
            self._word(token)
        elif self.elements is not None:
            self._element(token)
        elif self.pending is not None:
            self._value(token)
        else:
            self._key(token)
        self._end = token.end

    def _word(self, token: Token) -> None:
        candidates = tuple(self.node.children)
        if not token.is_value:
            message = f"{_shown(token)} where a command word is expected"
            raise _problem(Kind.INVALID, token.start, message, candidates)
        found = self.grammar.match(self.node, token.text)
        if len(found) > 1:
            raise _problem(Kind.AMBIGUOUS, token.start, f"{_shown(token)} can mean {_either(found)}", found)
        if not found:
            where = f'"{" ".join(self.path)}" has no word' if self.path else "there is no command"
            hint = suggestion(token.text, (*candidates, *self.grammar.aliases))
            raise _problem(Kind.INVALID, token.start, f"{where} {_shown(token)}{hint}", candidates)
        self.path = (*self.path, found[0])
        self.node = self.node.children[found[0]]
        self.command = self.node.command
        if self.command is not None:
            self.pending = self._next_positional()

    def _next_positional(self) -> Key | None:
        keys = self.command.keys if self.command is not None else ()
        return next((key for key in keys if key.positional and key.name not in self.values), None)

    def _key(self, token: Token) -> None:
        command = self._chosen()
        names = self.open_keys()
        found = match_key(command.keys, token.text) if token.is_value else ()
        if len(found) > 1:
            words = tuple(key.name for key in found)
            raise _problem(Kind.AMBIGUOUS, token.start, f"{_shown(token)} can mean {_either(words)}", words)
        if not found:
            hint = suggestion(token.text, [key.name for key in command.keys if not key.positional])
            message = f'{_shown(token)} is no key of "{command.name}"{hint}'
            raise _problem(Kind.INVALID, token.start, message, names or ("|",))
        if found[0].name in self.values:
            raise _problem(Kind.INVALID, token.start, f'"{found[0].name}" is given twice', names)
        self.pending = found[0]

    def _value(self, token: Token) -> None:
        key = self._awaited()
        if token.kind is TokenKind.OPEN and key.type.many and not key.positional:
            self.elements = []
            self._opened = token.start
            return
        if not token.is_value:
            what = "a list where one value is expected" if token.kind is TokenKind.OPEN else _shown(token)
            message = f'{what}, "{key.name}" takes {key.type.metavar}'
            raise _problem(Kind.INVALID, token.start, message, expected_values(key))
        if key.clears and not token.text:
            self._settle(key, () if key.type.many else None)
            return
        element = self._read(key, token)
        self.read_secret = key.type.secret
        if key.positional and key.type.many:
            self.values[key.name] = (*self.values.get(key.name, ()), element)
            return
        self._settle(key, key.type.combine([element]) if key.type.many else element)

    def _element(self, token: Token) -> None:
        key = self._awaited()
        elements = self.elements if self.elements is not None else []
        if token.kind is TokenKind.CLOSE:
            self._settle(key, key.type.combine(elements))
            return
        if not token.is_value:
            expected = (*expected_values(key), "]")
            raise _problem(Kind.INVALID, token.start, f"{_shown(token)} inside a list", expected)
        element = self._read(key, token)
        identities = [key.type.identity(known) for known in elements]
        if key.type.identity(element) in identities:
            raise _problem(Kind.INVALID, token.start, f"{_shown(token)} is in the list already")
        self.elements = [*elements, element]
        self.read_secret = key.type.secret

    def _read(self, key: Key, token: Token) -> Any:
        try:
            return key.type.parse(token.text)
        except MalformedError as wrong:
            shown = "this" if key.type.secret else _shown(token)
            message = f'{shown} is no value of "{key.name}": {wrong}'
            raise _problem(Kind.INVALID, token.start, message, expected_values(key)) from None

    def _settle(self, key: Key, value: Any) -> None:
        self.values[key.name] = value
        self.elements = None
        self.pending = self._next_positional()

    def _awaited(self) -> Key:
        if self.pending is None:
            raise ValueError("no value is awaited")
        return self.pending

    def _chosen(self) -> Command:
        if self.command is None:
            raise ValueError("no command is chosen yet")
        return self.command

    # --- filters -----------------------------------------------------------------------------------

    def _pipe(self, token: Token) -> None:
        self._complete(token.start)
        self.pipe_open = True

    def _pipe_name(self, token: Token) -> None:
        names = tuple(word.name for word in PIPES)
        found = tuple(word for word in PIPES if token.text and word.name.startswith(token.text))
        if not token.is_value or not found:
            message = f"{_shown(token)} is no filter{suggestion(token.text, names)}"
            raise _problem(Kind.INVALID, token.start, message, names)
        if len(found) > 1:
            words = tuple(word.name for word in found)
            raise _problem(Kind.AMBIGUOUS, token.start, f"{_shown(token)} can mean {_either(words)}", words)
        if found[0] not in self.open_filters():
            raise _problem(Kind.INVALID, token.start, f'"{found[0].name}" is given twice', names)
        self.pipe_open = False
        if found[0].argument:
            self.pipe_word = found[0]
        else:
            self.pipes.append(Pipe(found[0].name))

    def _pipe_argument(self, token: Token) -> None:
        word = self.pipe_word
        if word is None or not token.is_value:
            raise _problem(Kind.INVALID, token.start, f"{_shown(token)} where the filter's argument is expected")
        try:
            argument: str | int = _ARGUMENTS.get(word.argument, ValueType()).parse(token.text)
        except MalformedError as wrong:
            message = f'{_shown(token)} is no argument of "{word.name}": {wrong}'
            raise _problem(Kind.INVALID, token.start, message, (word.argument,)) from None
        self.pipes.append(Pipe(word.name, argument))
        self.pipe_word = None

    # --- the end -----------------------------------------------------------------------------------

    def finish(self) -> Invocation:
        """The whole line was read.

        Raises:
            ProblemError: something is missing.
        """
        if self.pipe_open:
            names = tuple(word.name for word in PIPES)
            raise _problem(Kind.INCOMPLETE, self._end + 1, "a filter has to follow the |", names)
        if self.pipe_word is not None:
            message = f'"{self.pipe_word.name}" needs {self.pipe_word.argument}'
            raise _problem(Kind.INCOMPLETE, self._end + 1, message, (self.pipe_word.argument,))
        if not self.pipes:
            self._complete(self._end + 1)
        return Invocation(self._chosen(), self.values, tuple(self.pipes))

    def _complete(self, column: int) -> None:
        """Check that the command part is whole; `column` is where the next word would go."""
        if self.command is None:
            name = " ".join(self.path)
            message = f'"{name}" goes on with one of its words' if name else "a command is expected"
            raise _problem(Kind.INCOMPLETE, column if name else 0, message, tuple(self.node.children))
        if self.elements is not None:
            raise _problem(Kind.INCOMPLETE, self._opened, "the list that begins here is not closed", ("]",))
        if self.pending is not None and not self._may_end(self.pending):
            message = f'"{self.pending.name}" needs a value'
            raise _problem(Kind.INCOMPLETE, column, message, expected_values(self.pending))
        given = {*self.values, *([self.command.reads_input] if self.has_input else [])}
        given.update(self.command.asks if self.attended else ())
        missing = tuple(key.name for key in self.command.keys if key.required and key.name not in given)
        if missing:
            message = f'"{self.command.name}" needs {_each(missing)}'
            raise _problem(Kind.INCOMPLETE, column, message, missing)
        optional = [key.name for key in self.command.keys if not key.required and not key.manner]
        if self.command.needs_one and not any(name in self.values for name in optional):
            message = f'"{self.command.name}" needs something to set'
            raise _problem(Kind.INCOMPLETE, column, message, self.open_keys())

    def _may_end(self, pending: Key) -> bool:
        return pending.positional and (not pending.required or pending.name in self.values)

    # --- what can come next ------------------------------------------------------------------------

    def open_keys(self) -> tuple[str, ...]:
        """Names of the keys that can still be given."""
        keys = self.command.keys if self.command is not None else ()
        return tuple(key.name for key in keys if not key.positional and key.name not in self.values)

    def open_filters(self) -> tuple[PipeWord, ...]:
        """The filters that can follow those given."""
        once = {pipe.name for pipe in self.pipes if pipe.name in _ONCE}
        return tuple(word for word in PIPES if word.name not in once)

    @property
    def can_end(self) -> bool:
        """Whether the line could end here."""
        try:
            self.finish()
        except ProblemError:
            return False
        return True


def expected_values(key: Key) -> tuple[str, ...]:
    """What to write for a key: its words, or the name of its kind of value."""
    words = tuple(word for word, _ in key.type.words())
    return words or (key.type.metavar,)


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """A clause that names the candidate somebody probably meant, or nothing."""
    near = difflib.get_close_matches(word[:64], list(candidates), n=1)
    return f', did you mean "{near[0]}"?' if near else ""


def _problem(kind: Kind, column: int, message: str, expected: Sequence[str] = ()) -> ProblemError:
    return ProblemError(Problem(kind, column, message, tuple(expected)))


def _shown(token: Token) -> str:
    text = "".join(character if character.isprintable() else "\ufffd" for character in token.text)
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'


def _either(words: Sequence[str]) -> str:
    return " or ".join(words)


def _each(words: Sequence[str]) -> str:
    return " and ".join(words)
