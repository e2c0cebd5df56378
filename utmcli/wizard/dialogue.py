"""The conversation with a person: asks the machine's questions, shows a summary, and only then has it written.

Every question takes its default with Enter, goes back a step with ``back`` or ``<``, explains itself with ``?``,
and is left with ``cancel`` or Ctrl-C. What is wrong with an answer is one sentence, and the question again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from cluster.errors import ClusterError
from utmcli.questions import AbandonedError, Question
from utmcli.render import error_text, render, warnings_text
from utmcli.results import Done, Record
from utmcli.values import MalformedError
from utmcli.wizard import master, plan, reading, spare
from utmcli.wizard.block import LONGEST
from utmcli.wizard.block import render as block_text
from utmcli.wizard.machine import Machine

if TYPE_CHECKING:
    from cluster.model import Change, Config
    from utmcli.questions import Dialogue
    from utmcli.results import Cell
    from utmcli.wizard.block import Block
    from utmcli.wizard.machine import Script
    from utmcli.wizard.situation import Situation

Outcome = TypeVar("Outcome")
Changes = Callable[["Config"], "tuple[Change, ...]"]
Write = Callable[[Changes], Awaitable[Done]]
"""Has changes made, all or none, to the configuration as it is then; raises ClusterError. Gives warnings."""

ROLES = (
    ("master", "the appliance that is configured and serves first"),
    ("spare", "the appliance that waits, or replaces one"),
)
BACK = ("back", "<")
CANCEL = "cancel"
WELCOME = """\
Enter takes what stands in brackets, ? explains, back goes back a step,
cancel leaves without a change.
"""
UNCHANGED = "Nothing was written.\n"
TO_COPY = "\nCopy this text, all of it; it holds the passphrase:\n\n"


class BackError(Exception):
    """The step before, instead of an answer."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person and one appliance.

    Args:
        talk: with the person.
        situation: of the appliance.
        fresh: a passphrase that nobody has used yet.
        write: has it written.
    """

    talk: Dialogue
    situation: Situation
    fresh: str
    write: Write

    async def hold(self, role: str | None) -> str:
        """Hold it to its end.

        Args:
            role: ``master`` or ``spare``; None asks.

        Returns:
            What to do next, or that nothing was written.

        Raises:
            ClusterError: what was to be written was refused; nothing of it was.
        """
        await self.talk.tell(WELCOME)
        try:
            while True:
                chosen = role or await self._answer(_role_question())
                try:
                    return await (self._master() if chosen == "master" else self._spare())
                except BackError:
                    continue  # behind the first question there is only the role
        except (AbandonedError, BackError):
            return UNCHANGED

    # --- the roles ------------------------------------------------------------------------------------

    async def _master(self) -> str:
        answers = await self._written(
            lambda: master.questions(self.situation, self.fresh),
            lambda answers: plan.master_summary(self.situation, answers),
            plan.master_changes,
        )
        await self._show(plan.master_block(self.situation, answers))
        await self.talk.tell(f"On the spare, paste it into: {plan.ON_THE_SPARE}\n\n")
        try:
            joined = await self._through(Machine(lambda: master.joining(self.situation)))
        except (AbandonedError, BackError):
            return f"The master is configured. Go on with {plan.ON_THE_MASTER}, or come back here.\n"
        await self._write(lambda config: plan.joined_changes(config, joined.outcome()))
        return f"The spare's key is known. What makes the cluster:\n{plan.steps(plan.AFTERWARDS)}"

    async def _spare(self) -> str:
        answers = await self._written(
            lambda: spare.questions(self.situation),
            lambda answers: plan.spare_summary(self.situation, answers),
            plan.spare_changes,
        )
        await self._show(plan.spare_block(self.situation, answers))
        return f"Paste it into the assistant on the master. Then:\n{plan.steps(plan.AFTERWARDS)}"

    async def _write(self, changes: Changes) -> None:
        await self.talk.tell(warnings_text(await self.write(changes)))

    async def _show(self, block: Block) -> None:
        secret = TO_COPY if block.passphrase else "\nCopy this text, all of it:\n\n"
        await self.talk.tell(f"{secret}{block_text(block)}\n\n")

    # --- questions ------------------------------------------------------------------------------------

    async def _written(
        self,
        script: Callable[[], Script[Outcome]],
        summary: Callable[[Outcome], tuple[tuple[str, Cell], ...]],
        changes: Callable[[Config, Outcome], tuple[Change, ...]],
    ) -> Outcome:
        """Answers to all questions that the person has seen together, agreed to, and that are written now."""
        machine = Machine(script)
        while True:
            machine = await self._through(machine)
            answers = machine.outcome()
            await self.talk.tell("\n" + render(Record(summary(answers))) + "\n")
            try:
                if not await self._answer(_consent()):
                    raise AbandonedError
                await self._write(partial(_made, changes, answers))
            except BackError:
                machine = machine.back()
            except ClusterError as error:
                # Somebody else edits, or the rest of the configuration does not fit: the answers still count.
                await self.talk.tell(error_text(error) + UNCHANGED)
            else:
                return answers

    async def _through(self, machine: Machine[Outcome]) -> Machine[Outcome]:
        """The machine at the end of its questions."""
        while (question := machine.look()) is not None:
            try:
                machine = await self._next(machine, question)
            except BackError:
                if not machine.given:
                    raise
                machine = machine.back()
        return machine

    async def _next(self, machine: Machine[Outcome], question: Question) -> Machine[Outcome]:
        while True:
            text = await self._text(question)
            try:
                return machine.answer(text)
            except MalformedError as problem:
                await self.talk.tell(f"% {problem}\n")

    async def _answer(self, question: Question) -> object:
        while True:
            text = await self._text(question)
            try:
                return question.read(text)
            except MalformedError as problem:
                await self.talk.tell(f"% {problem}\n")

    async def _text(self, question: Question) -> str:
        """One answer as typed.

        Raises:
            AbandonedError: the person leaves.
            BackError: the person goes back.
        """
        await self.talk.tell(question.preface)
        line = (await self.talk.ask(question)).strip()
        if line.casefold() == CANCEL:
            raise AbandonedError
        if line.casefold() in BACK:
            raise BackError
        return line if question.is_whole is None or not line else await self._pasted(question.is_whole, line)

    async def _pasted(self, is_whole: Callable[[str], bool], text: str) -> str:
        """A text of several lines: up to its end, to an empty line, or until it is too long to be searched."""
        while not is_whole(text) and len(text) < LONGEST:
            line = await self.talk.more()
            if not line.strip():
                return text
            text = f"{text}\n{line}"
        self.talk.skip_blank_lines()
        return text


def _made(
    changes: Callable[[Config, Outcome], tuple[Change, ...]], answers: Outcome, config: Config
) -> tuple[Change, ...]:
    return changes(config, answers)


def _role_question() -> Question:
    return Question(
        key="role",
        text="Role of this appliance, master or spare",
        about="The master is preferred as the active one; the spare takes over when it fails.",
        read=lambda text: reading.one_of(tuple(word for word, _ in ROLES), text, "role"),
        candidates=ROLES,
    )


def _consent() -> Question:
    return Question(
        key="consent",
        text="Write this, yes or no",
        about="With yes all of it is written to the running configuration at once; with no, nothing is.",
        read=reading.yes,
        candidates=(("yes", "write it"), ("no", "leave without a change")),
    )
