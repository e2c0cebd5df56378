"""The line editor while a command's question is answered: candidates, help and history of that question alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from prompt_toolkit.application import create_app_session, in_terminal
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.filters import Condition, completion_is_selected
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.shortcuts import PromptSession

from utmcli.questions import Question, completions, explanation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

    from utmcli.keyboard import Keyboard

NEXT_LINE = Question(key="", text="", about="One more line of the text; an empty one ends it.", read=str)
"""Asks for one more line of an answer that goes over several."""


class InterruptError(Exception):
    """Ctrl-C while a line was typed."""


class _Candidates(Completer):
    """What can be answered."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def get_completions(self, document: Document, _event: CompleteEvent) -> Iterator[Completion]:
        """The words that can stand at the cursor."""
        line = document.text_before_cursor
        for word, start, description in completions(self._question, line):
            yield Completion(word, start_position=start - len(line), display_meta=description)


class Answering:
    """One answer that is being typed.

    Args:
        question: asked.
        draw: shows the explanation.
    """

    def __init__(self, question: Question, draw: Callable[[str], None]) -> None:
        self._question = question
        self._draw = draw
        self._session: PromptSession[str] | None = None

    @cached_property
    def prompt(self) -> str:
        """What stands before the answer."""
        return "" if self._question is NEXT_LINE else self._question.prompt

    def shown(self, typed: str) -> str:
        """What is echoed of what is typed."""
        return "*" * len(typed) if self._question.secret else typed

    def session(self, keyboard: Keyboard, output: Output) -> PromptSession[str]:
        """prompt_toolkit for this answer; the Up key brings its default."""
        if self._session is None:
            default = None if self._question.shown else self._question.default
            with create_app_session(input=keyboard, output=output):
                self._session = PromptSession(
                    history=InMemoryHistory([default] if default else []),
                    completer=_Candidates(self._question),
                    complete_while_typing=False,
                    is_password=self._question.secret,
                    key_bindings=self._keys(),
                    interrupt_exception=InterruptError,
                    input=keyboard,
                    output=output,
                )
            self._session.app.terminal_size_polling_interval = None  # the client tells
        return self._session

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("?", filter=Condition(lambda: self._session is None or not self._session.default_buffer.text))
        def _(event: KeyPressEvent) -> None:
            event.app.create_background_task(self._explain())

        @keys.add("enter", filter=completion_is_selected)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.complete_state = None  # takes the candidate; another Enter is the answer

        return keys

    async def _explain(self) -> None:
        async with in_terminal(render_cli_done=True):
            self._draw(explanation(self._question))
