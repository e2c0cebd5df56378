"""A person changes the password without showing either one; a program says both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.rpc.messages import ChangePassword

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Person, Shell

ENTER, TAB, CTRL_C = "\r", "\t", "\x03"


@pytest.fixture
def person(shell: Shell) -> Iterator[Person]:
    """Somebody who was seen to press keys, and asked for another password."""
    sitting = shell.person()
    sitting.sees_prompt()
    sitting.types("user passw" + TAB)
    sitting.sees("user password ")
    sitting.types(ENTER)
    sitting.sees_line("Present password: ")
    yield sitting
    sitting.gone()


def changes(answers: Answers) -> list[tuple[str, str]]:
    return [(ask.old, ask.new) for ask, _ in answers.asked if isinstance(ask, ChangePassword)]


def test_both_passwords_are_asked_for_and_shown_nowhere(person: Person, answers: Answers) -> None:
    for question, answer in (("New password: ", "old one"), ("New password, again: ", "battery staple")):
        person.types(answer + ENTER)
        person.sees_line(question)
    person.types("battery staple" + ENTER)
    person.sees_prompt()
    assert changes(answers) == [("old one", "battery staple")]
    person.types("history" + ENTER)
    person.sees_prompt()
    assert b"old one" not in person.raw
    assert b"staple" not in person.raw
    assert {line.line.strip() for line in answers.audited} <= {"user password", "history"}


def test_two_new_ones_that_differ_change_nothing(person: Person, answers: Answers) -> None:
    person.types(f"old one{ENTER}battery staple{ENTER}battery stable{ENTER}")
    person.sees("% Error: the two new passwords differ")
    assert changes(answers) == []


def test_ctrl_c_leaves_everything_as_it_was(person: Person, answers: Answers) -> None:
    person.types(f"old one{ENTER}")
    person.sees_line("New password: ")
    person.types(CTRL_C)
    person.sees("Nothing was changed.")
    person.sees_prompt()
    assert changes(answers) == []


def test_a_program_is_told_what_is_missing(shell: Shell, answers: Answers) -> None:
    done = shell.run("user", "password")
    assert done.returncode == 2
    assert done.stderr.startswith('% Incomplete command: "user password" needs old and new')
    assert changes(answers) == []
