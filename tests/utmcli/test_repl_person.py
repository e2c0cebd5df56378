"""What a person is shown that a program is not: colours, hints, pauses, messages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Person, Shell

PROMPT = "master.cluster.local> "
UP, TAB, ENTER, CTRL_C, CTRL_R, BACKSPACE = "\x1b[A", "\t", "\r", "\x03", "\x12", "\x7f"


@pytest.fixture
def person(shell: Shell) -> Iterator[Person]:
    """Somebody who sits at the prompt."""
    sitting = shell.person()
    sitting.sees_prompt()
    yield sitting
    sitting.gone()


def by_hand(person: Person, line: str) -> None:
    """Press the keys of a line one by one, and see each."""
    for at, key in enumerate(line, 1):
        person.types(key)
        person.sees_line(PROMPT + line[:at])


def colour(person: Person, word: str) -> str:
    """Foreground of the first character of a word in the line with the cursor."""
    person.look()
    row = person.screen.cursor.y
    return str(person.screen.buffer[row][person.screen.display[row].index(word)].fg)


def test_known_words_have_their_colours_once_the_editor_is_up(person: Person) -> None:
    person.types("interface delete name LAN2 | nonsense x" + UP)
    person.sees_line(f"{PROMPT}interface delete name LAN2 | nonsense x")
    found = [colour(person, word) for word in ("name", "LAN2", "|", "nonsense")]
    assert found == ["cyan", "green", "magenta", "red"]


@pytest.mark.parametrize("without", [{"TERM": "vt100"}, {"NO_COLOR": "1"}])
def test_a_terminal_without_colours_gets_none(shell: Shell, without: dict[str, str]) -> None:
    shell.environment |= without
    person = shell.person(term=without.get("TERM", "xterm-256color"))
    person.sees_prompt()
    person.types("interface delete name LAN2 " + UP)
    person.sees_line(f"{PROMPT}interface delete name LAN2 ")
    assert b"\x1b[0;3" not in person.raw
    assert b"38;5" not in person.raw
    person.gone()


def test_what_is_expected_next_stands_behind_the_cursor_and_is_no_part_of_the_line(person: Person) -> None:
    person.types("cluster hotwire set local_ad" + TAB)
    person.sees("local_addr ADDRESS")
    person.sees_line(f"{PROMPT}cluster hotwire set local_addr ")
    person.types("x")
    person.sees_line(f"{PROMPT}cluster hotwire set local_addr x")
    assert "ADDRESS" not in person.look()
    person.types(BACKSPACE)
    person.sees("local_addr ADDRESS")
    person.types(ENTER)
    person.sees_prompt()
    assert "local_addr\n" in person.look(), "the hint is gone from the line that was carried out"


def test_ctrl_r_searches_what_was_typed_before(person: Person) -> None:
    for line in ("cluster info", "help exit"):
        person.types(line + ENTER)
        person.sees_prompt()
    person.types(CTRL_R + "INF")
    person.sees("cluster info")
    person.types(ENTER)
    wait_until(lambda: "search" not in person.look())
    person.types(ENTER)
    wait_until(lambda: person.look().count("cluster_state|master") == 2)


def test_output_that_does_not_fit_pauses_for_a_person(shell: Shell) -> None:
    person = shell.person(rows=10)
    person.sees_prompt()
    by_hand(person, "help")
    person.types(ENTER)
    person.sees_line("--More--")
    person.types("q")
    person.sees_prompt()
    by_hand(person, "cluster info")
    person.types(ENTER)
    person.sees("maintainance |false")
    person.sees_prompt()
    person.types(f"terminal length 0{ENTER}help{ENTER}")
    person.sees("public keys of the account admin")
    person.sees_prompt()
    assert "--More--" not in person.look()
    person.gone()


def test_a_row_that_is_wider_than_the_screen_counts_as_the_rows_it_takes(shell: Shell) -> None:
    person = shell.person(rows=10, columns=40)
    person.sees_prompt()
    by_hand(person, "help")
    person.types(ENTER)
    person.sees_line("--More--")
    assert "command" in person.look(), "the first line is still on the screen"
    person.gone()


def test_output_never_pauses_by_itself_for_a_program(shell: Shell) -> None:
    program = shell.person(rows=10)
    program.sees_prompt()
    program.types("help" + ENTER)
    program.sees_prompt()
    assert b"--More--" not in program.raw
    program.gone()


def test_a_message_stands_above_the_line_that_is_typed(shell: Shell, person: Person) -> None:
    by_hand(person, "help")
    person.types(ENTER)
    person.sees_line("--More--")
    person.types("q")
    person.sees_prompt()
    by_hand(person, "cluster in")
    assert shell.run("message", "back in 5 minutes").stdout == "OK\n"
    person.sees(f"% Message of root (console): back in 5 minutes\n{PROMPT}cluster in")
    person.types("fo" + ENTER)
    person.sees("cluster_state|master")


def test_a_message_leaves_the_editor_as_it_was(shell: Shell, person: Person) -> None:
    person.types("clu" + TAB + ENTER)
    person.sees_prompt()
    person.types("cluster in" + TAB)
    person.sees_line(f"{PROMPT}cluster info ")
    assert shell.run("message", "one").returncode == 0
    person.sees(f"% Message of root (console): one\n{PROMPT}cluster info")
    person.types(BACKSPACE * 2)
    person.sees_line(f"{PROMPT}cluster inf")


def test_an_event_is_told_to_people_and_never_to_programs(shell: Shell, answers: Answers, person: Person) -> None:
    program = shell.person()
    program.sees_prompt()
    program.types("cluster info" + ENTER)
    program.sees_prompt()
    answers.events = 1
    by_hand(person, "help exit")
    person.types(ENTER)
    person.sees("% Event: event 0")
    assert shell.run("message", "hello").returncode == 0
    person.sees("hello")
    program.types("cluster info" + ENTER)
    program.sees_prompt()
    assert b"event 0" not in program.raw
    assert b"hello" not in program.raw
    program.gone()


def test_a_message_waits_for_the_command_that_runs(shell: Shell, person: Person) -> None:
    by_hand(person, "help exit")
    person.types(ENTER)
    person.sees_prompt()
    by_hand(person, "cluster events follow 1")
    person.types(ENTER)
    person.sees("event 2")
    assert shell.run("message", "hello").returncode == 0
    person.types(CTRL_C)
    person.sees_prompt()
    wait_until(lambda: "hello" in person.look())


def test_a_message_to_nobody_says_so(shell: Shell) -> None:
    ended = shell.run("message", "hello")
    assert (ended.stdout, ended.returncode) == ("OK\n", 0)
    assert ended.stderr == "% Warning: nobody else sits at a prompt of this appliance\n"


def test_a_message_cannot_steer_the_terminal_of_others(shell: Shell, person: Person) -> None:
    person.types("clu" + TAB + ENTER)
    person.sees_prompt()
    assert shell.run("message", "a\x1b]0;title\x07b").returncode == 0
    person.sees("Message of root")
    assert b"title\x07" not in person.raw


def test_a_long_paste_runs_line_by_line_and_loses_nothing(person: Person) -> None:
    lines = 400
    person.types("cluster events follow 1" + ENTER)
    person.sees("event 2")
    person.types(CTRL_C + "".join(f"nonsense {number}{ENTER}" for number in range(lines)))
    person.sees(f"nonsense {lines - 1}")
    person.sees_prompt()
    assert person.raw.count(b"% Invalid input") == lines


def test_a_pasted_block_is_remembered_line_by_line(person: Person) -> None:
    person.types(UP)
    person.types("\x1b[200~cluster info | count\nhelp exit\n\x1b[201~" + ENTER)
    person.sees("end the session")
    person.sees_prompt()
    person.types(UP)
    person.sees_line(f"{PROMPT}help exit")
    person.types(UP)
    person.sees_line(f"{PROMPT}cluster info | count")


def test_ctrl_c_stops_output_that_a_slow_terminal_has_not_shown_yet(person: Person, answers: Answers) -> None:
    answers.texts["big"] = "a line of the configuration\n" * 300_000
    person.types("system config export name big" + ENTER)
    time.sleep(0.5)  # nothing tells when all buffers between the host and a screen that stands still are full
    person.types(CTRL_C)
    person.sees_prompt()
    assert len(person.raw) < 200_000
