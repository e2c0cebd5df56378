"""Which question is next, which was before: a conversation as a value.

A script is a generator that yields questions and is sent their values. It is started anew for every look, and run
as far as there are answers: so it can be stepped back, and nothing it does may have an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from utmcli.questions import Question
from utmcli.values import MalformedError

Outcome = TypeVar("Outcome")
Script = Generator[Question, Any, Outcome]
"""Questions, and at their end what was made of the answers."""


@dataclass(frozen=True, slots=True)
class Machine(Generic[Outcome]):
    """A conversation as far as it has come.

    Attributes:
        script: starts the questions anew.
        skips_settled: a question whose answer is settled takes its default by itself.
        given: answers so far, as text, in the order of the questions.
        earlier: answers given before going back, by question: the defaults when it is asked again.
    """

    script: Callable[[], Script[Outcome]]
    skips_settled: bool = True
    given: tuple[str, ...] = ()
    earlier: Mapping[str, str] = field(default_factory=dict)

    def look(self) -> Question | None:
        """The question that is asked now; None at the end."""
        asked = self._run()
        if not isinstance(asked, Question):
            return None
        before = self.earlier.get(asked.key)
        # What was typed for a secret is not shown; it is still what Enter takes.
        shown = asked.shown if before is None or before == asked.default else "as before" if asked.secret else ""
        return asked if before is None else replace(asked, default=before, shown=shown)

    def answer(self, text: str) -> Machine[Outcome]:
        """The conversation after this answer; the empty one takes the default.

        Raises:
            MalformedError: it is none to the present question; the sentence says why.
            ValueError: there is no question.
        """
        question = self.look()
        if question is None:
            raise ValueError("every question is answered")
        taken = text.strip() or question.default
        if taken is None:
            raise MalformedError(f"an answer is needed: {question.about}")
        question.read(taken)
        return replace(self, given=(*self.given, taken), earlier={**self.earlier, question.key: taken})

    def back(self) -> Machine[Outcome]:
        """The conversation before its last answer; itself at the first question."""
        return replace(self, given=self.given[:-1])

    def outcome(self) -> Outcome:
        """What was made of the answers.

        Raises:
            ValueError: a question is open.
        """
        reached = self._run()
        if isinstance(reached, Question):
            raise ValueError(f"{reached.key} is not answered")  # noqa: TRY004 - it is the state that is wrong
        return reached

    def _run(self) -> Question | Outcome:
        script = self.script()
        try:
            question = self._settle(script, next(script))
            for text in self.given:
                question = self._settle(script, script.send(question.read(text)))
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        return question

    def _settle(self, script: Script[Outcome], question: Question) -> Question:
        while self.skips_settled and question.settled and question.default is not None:
            question = script.send(question.read(question.default))
        return question
