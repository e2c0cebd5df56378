"""The line editing of a terminal that has no driver."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utmcli.sshd.discipline import LONGEST, Kind, LineDiscipline


def typed(text: str, *, echo: bool = True) -> tuple[list[str], str]:
    """What comes of some keys: lines, interrupts and ends in order; and the screen."""
    discipline = LineDiscipline()
    discipline.echo = echo
    events, screen = [], ""
    for kind, said in discipline.feed(text):
        if kind is Kind.ECHO:
            screen += said
        else:
            events.append(said if kind is Kind.LINE else kind.name)
    return events, screen


@pytest.mark.parametrize(
    ("keys", "events"),
    [
        ("cluster info\r", ["cluster info\n"]),
        ("a\nb\r\nc\r", ["a\n", "b\n", "c\n"]),
        ("\r\r", ["\n", "\n"]),
        ("inof\x7f\x7ffo\r", ["info\n"]),
        ("\x7fx\r", ["x\n"]),
        ("nonsense\x15info\r", ["info\n"]),
        ("cluster inof \x17info\r", ["cluster info\n"]),
        ("half\x03info\r", ["INTERRUPT", "info\n"]),
        ("\x04", ["END"]),
        ("half\x04", ["half"]),
        ("\x1b[A\x01x\r", ["[Ax\n"]),
        ("größer\r", ["größer\n"]),
    ],
)
def test_keys_become_lines(keys: str, events: list[str]) -> None:
    assert typed(keys)[0] == events


def test_what_is_typed_shows_and_what_is_taken_back_goes() -> None:
    assert typed("ab\x7fc\r")[1] == "ab\b \bc\n"


def test_a_password_does_not_show_not_even_how_long_it_is() -> None:
    assert typed("secret\x7f\x7f\r", echo=False) == (["secr\n"], "\n")


def test_a_line_has_an_end() -> None:
    (line,), _ = typed("x" * (LONGEST + 10) + "\r")
    assert len(line) == LONGEST + 1


@given(st.text(max_size=60))
def test_whatever_is_typed_becomes_lines_without_control_characters(keys: str) -> None:
    for event in typed(keys)[0]:
        assert all(character.isprintable() or character in "\t\n" for character in event)
