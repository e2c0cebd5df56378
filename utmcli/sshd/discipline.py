"""The line editing that a terminal driver does, for a terminal at the far end of an SSH channel. Pure.

The client's terminal is raw: nothing is echoed and nothing can be corrected there. Where the editor is not used (a
dumb terminal, a password, a command with a terminal), this does what the kernel does for local ones: echo,
Backspace, Ctrl-U, Ctrl-W, Ctrl-C, Ctrl-D (termios(3), canonical mode).
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 16 * 1024
"""Characters of a line; more are not taken."""
_INTERRUPT, _END, _BACKSPACES, _KILL, _WORD = "\x03", "\x04", "\x08\x7f", "\x15", "\x17"


class Kind(Enum):
    """What came of a key."""

    ECHO = "text for the screen"
    LINE = "a line, with its end; without one where Ctrl-D sent it off"
    INTERRUPT = "Ctrl-C"
    END = "Ctrl-D on an empty line"


class Typed(NamedTuple):
    """One thing that came of what was typed."""

    kind: Kind
    text: str = ""


class LineDiscipline:
    """One terminal's line.

    Attributes:
        echo: whether what is typed shows; not for passwords.
    """

    def __init__(self) -> None:
        self.echo = True
        self._line = ""
        self._after_return = False

    def feed(self, text: str) -> Iterator[Typed]:
        """Take in what was typed, key by key."""
        for key in text:
            if key == "\n" and self._after_return:  # both characters of one Enter
                self._after_return = False
                continue
            self._after_return = key == "\r"
            yield from self._key(key)

    def _key(self, key: str) -> Iterator[Typed]:
        if key in "\r\n":
            yield Typed(Kind.ECHO, "\n")
            yield Typed(Kind.LINE, self._taken() + "\n")
        elif key == _INTERRUPT:
            self._taken()
            yield Typed(Kind.ECHO, "^C")
            yield Typed(Kind.INTERRUPT)
        elif key == _END:
            yield Typed(Kind.LINE, self._taken()) if self._line else Typed(Kind.END)
        elif key in _BACKSPACES:
            yield from self._shorten(self._line[:-1])
        elif key == _KILL:
            yield from self._shorten("")
        elif key == _WORD:
            before, blank, _word = self._line.rstrip().rpartition(" ")
            yield from self._shorten(before + blank)
        elif (key.isprintable() or key == "\t") and len(self._line) < LONGEST:
            self._line += key
            if self.echo:
                yield Typed(Kind.ECHO, key)

    def _shorten(self, line: str) -> Iterator[Typed]:
        gone = len(self._line) - len(line)
        self._line = line
        if gone and self.echo:
            yield Typed(Kind.ECHO, "\b \b" * gone)

    def _taken(self) -> str:
        line, self._line = self._line, ""
        return line
