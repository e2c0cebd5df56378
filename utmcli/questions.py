"""What a command may ask a person, beyond the line they typed: a question with its default, help and candidates.

Pure: whoever asks (the line editor, a terminal without cursor movement, a transcript) is a `Dialogue`.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_DEFAULT = 30
"""Columns of a default that still stands in the prompt."""
WIDTH = 78
"""Columns of lines that are broken here: every terminal has them."""


class AbandonedError(Exception):
    """Ctrl-C, Ctrl-D or the end of the input instead of an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question.

    Attributes:
        key: names the question among those of one conversation.
        text: what is asked, without punctuation.
        about: what ``?`` answers, as sentences.
        read: the value that a text means; raises MalformedError with one clear sentence.
        default: the text that an empty answer stands for; None where one has to be given.
        shown: how the default is shown, where it is not to be shown itself.
        settled: a person need not be asked, the default is what they would say.
        known: the default is what the appliance has, or what the documentation says: it may be taken unasked.
        candidates: what can be answered, each with a description.
        separator: between the elements of an answer that is a list; empty where it is one value.
        hint: a line above the question, for what is not obvious.
        secret: the answer is not shown while it is typed.
        is_whole: whether a text of several lines is complete; None where the answer is one line.
    """

    key: str
    text: str
    about: str
    read: Callable[[str], Any]
    default: str | None = None
    shown: str = ""
    known: bool = False
    settled: bool = False
    candidates: tuple[tuple[str, str], ...] = ()
    separator: str = ""
    hint: str = ""
    secret: bool = False
    is_whole: Callable[[str], bool] | None = None

    @property
    def prompt(self) -> str:
        """What stands before the answer."""
        default = self.shown or self.default
        if default is None or self.is_whole is not None:
            return f"{self.text}: "
        return f"{self.text} [{default if len(default) <= LONGEST_DEFAULT else 'as above'}]: "

    @property
    def preface(self) -> str:
        """What stands in lines above the prompt: the hint, and a default that is too long for it."""
        default = "" if self.is_whole is not None else self.shown or self.default or ""
        lines = [self.hint] if self.hint else []
        if len(default) > LONGEST_DEFAULT:
            lines += wrap(default, WIDTH, initial_indent="  ", subsequent_indent="  ")
        return "".join(f"{line}\n" for line in lines)


class Dialogue(Protocol):
    """How a command talks with whoever typed it."""

    async def tell(self, text: str) -> None:
        """Show a text."""

    async def ask(self, question: Question) -> str:
        """Show the question's prompt and read one line, as typed; ``?`` alone is answered here.

        Raises:
            AbandonedError: there is no answer, and none will come.
        """

    async def more(self) -> str:
        """One more line of an answer that goes over several.

        Raises:
            AbandonedError: there is none.
        """

    def skip_blank_lines(self) -> None:
        """Forget empty lines that are typed ahead: the end of a paste is no answer to the next question."""


def completions(question: Question, line: str) -> Iterator[tuple[str, int, str]]:
    """What the answer's last word can become.

    Args:
        question: asked.
        line: what stands before the cursor.

    Yields:
        The word, the column where the one it replaces begins, and its description.
    """
    start = 0
    taken: set[str] = set()
    if question.separator:
        start = max(line.rfind(mark) for mark in _marks(question)) + 1
        taken = {element.casefold() for element in elements(question, line[:start])}
    start += len(line[start:]) - len(line[start:].lstrip())
    begun = line[start:].casefold()
    for word, description in question.candidates:
        if word.casefold().startswith(begun) and word.casefold() not in taken:
            yield word, start, description


def elements(question: Question, text: str) -> list[str]:
    """The elements of an answer that is a list."""
    for mark in _marks(question):
        text = text.replace(mark, ",")
    return [element for element in map(str.strip, text.split(",")) if element]


def _marks(question: Question) -> str:
    """What ends an element: names without blanks may be separated by blanks too."""
    return ", \t" if question.separator == " " else ","


def explanation(question: Question) -> str:
    """The answer to ``?``."""
    lines = wrap(question.about, WIDTH)
    width = max((len(word) for word, _ in question.candidates), default=0)
    lines += [f"  {word:{width}}  {description}".rstrip() for word, description in question.candidates]
    if question.default:
        lines.append("Enter takes what stands in the brackets.")
    lines.append("back or < goes back a step, cancel or Ctrl-C leaves without a change.")
    return "\n".join(lines) + "\n"
