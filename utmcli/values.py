"""Value types of the command line: how each is read, described and completed.

A type turns one token's text into a value or raises `MalformedError` with what is allowed. Types with `many` read a
list, element by element, so that a problem points at the element and not at the list.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMAND_WORDS = "commands"
"""`ValueType.live` of a value that is itself a command word: the grammar knows them, nobody has to be asked."""


class MalformedError(Exception):
    """A text is no value of its type; the message says what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueType:
    """A text as it is: the base of all types.

    Attributes:
        metavar: how help names the value, e.g. ``ADDRESS``.
        live: source of the names that exist now (see completion.Live), or empty.
        secret: never echoed, never kept in a history.
        longest: characters accepted.
    """

    metavar: str = "TEXT"
    live: str = ""
    secret: bool = False
    longest: int = 4096

    @property
    def many(self) -> bool:
        """Whether a list of elements is read."""
        return False

    def parse(self, text: str) -> Any:
        """Read one value.

        Raises:
            MalformedError: what is wrong with it and what is allowed.
        """
        if len(text) > self.longest:
            raise MalformedError(f"at most {self.longest} characters are allowed here")
        return text

    def combine(self, elements: Sequence[Any]) -> Any:
        """The value of a whole list, from its elements in order."""
        return tuple(elements)

    def identity(self, element: Any) -> Any:
        """What may not occur twice in a list; None where repetition is meant."""
        return element

    def words(self) -> tuple[tuple[str, str], ...]:
        """Values that can be listed, each with a description."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(ValueType):
    """One word of a few; upper and lower case are the same."""

    options: tuple[tuple[str, str], ...]

    def parse(self, text: str) -> str:
        """Read one of the options, in its documented spelling."""
        for word, _ in self.options:
            if word.casefold() == text.casefold():
                return word
        raise MalformedError("allowed are " + ", ".join(word for word, _ in self.options))

    def words(self) -> tuple[tuple[str, str], ...]:
        """All options."""
        return self.options


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean(ValueType):
    """1 or 0, as documented; true, false, on, off, yes and no are understood too."""

    metavar: str = "0|1"

    def parse(self, text: str) -> bool:
        """Read a truth value."""
        spelled = text.casefold()
        if spelled in ("1", "true", "on", "yes"):
            return True
        if spelled in ("0", "false", "off", "no"):
            return False
        raise MalformedError("allowed are 1 and 0")

    def words(self) -> tuple[tuple[str, str], ...]:
        """The documented spelling."""
        return (("1", ""), ("0", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(ValueType):
    """A whole number within bounds, both inclusive."""

    low: int
    high: int
    metavar: str = "NUMBER"

    def parse(self, text: str) -> int:
        """Read a decimal number."""
        # int() alone takes "1_0", " 1" and digits of other scripts, none of which anybody means here.
        if not (text.isascii() and text.isdecimal()) or len(text) > 9 or not self.low <= int(text) <= self.high:
            raise MalformedError(f"a whole number from {self.low} to {self.high} is allowed")
        return int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class IpAddress(ValueType):
    """An IPv4 or IPv6 address without prefix length, in canonical spelling."""

    metavar: str = "ADDRESS"

    def parse(self, text: str) -> str:
        """Read an address."""
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            raise MalformedError("an IP address without prefix length is allowed, e.g. 192.168.180.2") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class IpInterface(ValueType):
    """An address with its prefix length, in canonical spelling."""

    metavar: str = "ADDRESS/LENGTH"

    def parse(self, text: str) -> str:
        """Read an address with prefix length; a missing length is asked for, never guessed."""
        _, _, length = text.partition("/")
        try:
            interface = ipaddress.ip_interface(text)
        except ValueError:
            interface = None
        # "10.0.0.1" means a host route and "10.0.0.1/255.0.0.0" a mask to ipaddress; here both are mistakes.
        if interface is None or not length.isdecimal():
            raise MalformedError("an IP address with prefix length is allowed, e.g. 192.168.200.1/24")
        return str(interface)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host(ValueType):
    """The address or the name of a host."""

    metavar: str = "HOST"

    def parse(self, text: str) -> str:
        """Read an address or a name."""
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            labels = text.split(".")
            if len(text) <= 253 and all(_is_label(label) for label in labels):
                return text
            raise MalformedError("an IP address or a host name is allowed") from None


def _is_label(label: str) -> bool:
    bare = label.replace("-", "")
    return 0 < len(label) <= 63 and bare.isascii() and bare.isalnum() and not label.startswith("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(ValueType):
    """A name of something: printable, no slash; `blanks` inside of it only where that is said."""

    metavar: str = "NAME"
    longest: int = 64
    blanks: bool = False

    def parse(self, text: str) -> str:
        """Read a name."""
        plain = bool(text) and text.isprintable() and text == text.strip() and (self.blanks or " " not in text)
        if not plain or "/" in text or len(text) > self.longest or text in (".", ".."):
            without = "/ is" if self.blanks else "blanks and / is"
            raise MalformedError(f"a name of 1 to {self.longest} characters without {without} allowed")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName(ValueType):
    """The name of a file in a directory that is given (see keeping.py)."""

    metavar: str = "NAME"
    longest: int = 100

    def parse(self, text: str) -> str:
        """Read a name without a path."""
        plain = text.isascii() and text.isprintable() and text == text.strip() and 0 < len(text) <= self.longest
        if not plain or "/" in text or text[0] in ".-~":
            allowed = f"a file name of 1 to {self.longest} ASCII characters without / is allowed"
            raise MalformedError(f"{allowed}; it begins with none of . - ~")
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf(ValueType):
    """A list of values of one type, none of them twice."""

    item: ValueType

    @property
    def many(self) -> bool:
        """Always."""
        return True

    def parse(self, text: str) -> Any:
        """Read one element."""
        return self.item.parse(text)

    def words(self) -> tuple[tuple[str, str], ...]:
        """What an element can be."""
        return self.item.words()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One name of an option list: ``name=value``."""

    type: ValueType
    help: str
    repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(ValueType):
    """A list of ``"name=value"``; combined to a dict, repeatable options to tuples."""

    metavar: str = "NAME=VALUE"
    known: Mapping[str, Option] = field(default_factory=dict)

    @property
    def many(self) -> bool:
        """Always."""
        return True

    def parse(self, text: str) -> tuple[str, Any]:
        """Read one ``name=value``."""
        name, equals, value = text.partition("=")
        option = self.known.get(name)
        if option is None or not equals:
            raise MalformedError("allowed are " + ", ".join(f"{known}=.." for known in self.known))
        try:
            return name, option.type.parse(value)
        except MalformedError as problem:
            raise MalformedError(f"in {name}: {problem}") from None

    def combine(self, elements: Sequence[Any]) -> dict[str, Any]:
        """All options of the list by name."""
        combined: dict[str, Any] = {}
        for name, value in elements:
            if self.known[name].repeatable:
                combined[name] = (*combined.get(name, ()), value)
            else:
                combined[name] = value
        return combined

    def identity(self, element: Any) -> Any:
        """The name, or name and value where the option may occur several times."""
        name, _ = element
        return element if self.known[name].repeatable else name

    def words(self) -> tuple[tuple[str, str], ...]:
        """The names, ready for their value."""
        return tuple((f"{name}=", option.help) for name, option in self.known.items())
