"""What a line means while it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utmcli.commands import GRAMMAR
from utmcli.highlight import Part, expectation, spans


def named(line: str) -> list[tuple[str, str]]:
    return [(line[span.start : span.end], span.part.value) for span in spans(GRAMMAR, line)]


def test_every_word_of_a_line_has_the_colour_of_what_it_is() -> None:
    line = 'interface set name LAN2 options [ "vrid=2" ] | match x'
    assert named(line) == [
        ("interface", "command"), ("set", "command"), ("name", "key"), ("LAN2", "value"), ("options", "key"),
        ("[", "value"), ('"vrid=2"', "value"), ("]", "value"),
        ("|", "filter"), ("match", "filter"), ("x", "filter"),
    ]


def test_a_word_is_a_mistake_only_when_it_cannot_go_on() -> None:
    assert named("cluster inof") == [("cluster", "command")]
    assert named("cluster inof ") == [("cluster", "command"), ("inof", "mistake")]


def test_nothing_is_known_behind_a_mistake() -> None:
    assert [part for _, part in named("clutser info get")] == [Part.MISTAKE.value]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cluster hotwire set local_addr ", "ADDRESS"),
        ("interface delete ", "name NAME"),
        ("cluster info | match ", "TEXT  rows"),
        ("interface set name LAN2 options [ ", "NAME=VALUE"),
        ("cluster ", ""),
        ("cluster inf", ""),
        ("cluster nonsense ", ""),
        ('extc global set variable "open ', ""),
        ("cluster info | ", ""),
    ],
)
def test_what_is_expected_next_is_named(line: str, expected: str) -> None:
    found = expectation(GRAMMAR, line)
    assert found.startswith(expected) if expected else not found


@given(st.text())
def test_any_line_can_be_coloured(line: str) -> None:
    ends = [0]
    for span in spans(GRAMMAR, line):
        assert ends[-1] <= span.start < span.end <= len(line)
        ends.append(span.end)
    expectation(GRAMMAR, line)
