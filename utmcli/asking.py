"""Who asks a command's questions: the prompt of a conversation, or plain lines of a terminal or a transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from utmcli.answering import InterruptError
from utmcli.questions import AbandonedError, Question, explanation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from utmcli.console import Console
    from utmcli.pager import Screen


class AnswerReader(Protocol):
    """Reads answers where lines are read (see `repl.LineReader`)."""

    async def read_answer(self, question: Question | None) -> str:
        """One line; of no question: one more line of an answer.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: there will be no more.
        """

    def skip_blank_lines(self) -> None:
        """Forget empty lines that are typed ahead."""


class PromptDialogue:
    """Questions at the prompt of a conversation.

    Args:
        reader: of its lines.
        console: it is on.
    """

    def __init__(self, reader: AnswerReader, console: Console) -> None:
        self._reader = reader
        self._console = console

    async def tell(self, text: str) -> None:
        """Show a text."""
        await self._console.write(text)

    async def ask(self, question: Question) -> str:
        """One answer as typed; see `questions.Dialogue`.

        Raises:
            AbandonedError: Ctrl-C, Ctrl-D, or the terminal is gone.
        """
        return await self._read(question)

    async def more(self) -> str:
        """One more line of an answer.

        Raises:
            AbandonedError: as `ask`.
        """
        return await self._read(None)

    def skip_blank_lines(self) -> None:
        """Forget empty lines that are typed ahead."""
        self._reader.skip_blank_lines()

    async def _read(self, question: Question | None) -> str:
        try:
            return await self._reader.read_answer(question)
        except (InterruptError, EOFError) as error:
            raise AbandonedError from error


class LinesDialogue:
    """Questions answered by lines as they come.

    Args:
        lines: of the input.
        screen: where questions and texts go.
        shows_answers: nobody else shows what is typed, as a terminal would: an answer stands behind its question.
    """

    def __init__(self, lines: AsyncIterator[str], screen: Screen, *, shows_answers: bool) -> None:
        self._lines = lines
        self._screen = screen
        self._shows_answers = shows_answers

    async def tell(self, text: str) -> None:
        """Show a text."""
        await self._screen.write(text)

    async def ask(self, question: Question) -> str:
        """One answer; see `questions.Dialogue`.

        Raises:
            AbandonedError: the input has ended.
        """
        while True:
            await self._screen.write(question.prompt)
            line = await self._next()
            hidden = question.secret or question.is_whole is not None
            await self._show("(secret)" if hidden and line.strip() else line)
            if line.strip() != "?":
                return line
            await self._screen.write(explanation(question))

    async def more(self) -> str:
        """One more line of an answer; it may hold a secret, and is not shown.

        Raises:
            AbandonedError: the input has ended.
        """
        return await self._next()

    def skip_blank_lines(self) -> None:
        """Lines come one at a time: what is empty and follows at once cannot be told from an answer."""

    async def _show(self, line: str) -> None:
        if self._shows_answers:
            await self._screen.write(f"{line}\n")

    async def _next(self) -> str:
        async for line in self._lines:
            return line
        raise AbandonedError
