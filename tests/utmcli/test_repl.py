"""People at terminals: what they type, what they see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cluster.rpc import messages
from tests.support.fake_clusterd import INFO
from tests.support.shell import PATIENCE, mode_of, wait_until
from utmcli.commands import GRAMMAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers, FakeClusterd
    from tests.support.shell import Person, Shell, ShellHost

PROMPT = "master.cluster.local> "
UP, TAB, ENTER, CTRL_C, CTRL_D, BACKSPACE = "\x1b[A", "\t", "\r", "\x03", "\x04", "\x7f"


@pytest.fixture
def person(shell: Shell) -> Iterator[Person]:
    """Somebody who sits at the prompt."""
    sitting = shell.person()
    sitting.sees_prompt()
    yield sitting
    sitting.gone()


def test_a_session_begins_with_a_word_of_help_and_the_prompt(person: Person) -> None:
    assert person.sees("Tab completes, ? explains, exit leaves.").endswith(PROMPT.rstrip() + "\n" * 22)


def test_a_line_is_answered_with_the_documented_table(person: Person) -> None:
    person.types("cluster info" + ENTER)
    person.sees_prompt()
    assert f"{PROMPT}cluster info\n{INFO}{PROMPT.rstrip()}" in person.look()


def test_a_program_sees_plain_text_and_nothing_else(person: Person) -> None:
    person.types("cluster info" + ENTER)
    person.sees_prompt()
    assert b"\x1b" not in person.raw
    expected = f"{PROMPT}cluster info\n{INFO}{PROMPT}".replace("\n", "\r\n").encode()
    assert person.raw.endswith(expected)


def test_lines_may_be_typed_ahead(person: Person) -> None:
    person.types(f"cluster info{ENTER}cluster info | count{ENTER}cluster in")
    person.sees_line(f"{PROMPT}cluster in")
    assert person.look().count("cluster_state|master") == 1
    assert "value\n-----\n4\n" in person.look()


def test_a_mistake_is_pointed_at_in_line(person: Person) -> None:
    person.types("cluster inof" + ENTER)
    person.sees_prompt()
    assert "% Invalid input" in person.look()
    assert "cluster inof\n        ^\n" in person.look()


def test_tab_completes_a_word(person: Person) -> None:
    person.types("cluster in" + TAB)
    person.sees_line(f"{PROMPT}cluster info ")


def test_tab_shows_a_menu_with_descriptions(person: Person) -> None:
    person.types("cluster m" + BACKSPACE + TAB)
    person.sees("maintainance", "take this node out of service for a while")
    person.types(TAB)
    person.sees_line(f"{PROMPT}cluster info ")


def test_the_menu_shows_every_word_of_a_module_at_once(person: Person) -> None:
    person.types("cluster " + TAB)
    person.sees(*(child.help for child in GRAMMAR.root.children["cluster"].children.values()))


@pytest.mark.parametrize("rows", [3, 5])
def test_the_menu_takes_what_a_small_window_has(shell: Shell, rows: int) -> None:
    person = shell.person(rows=rows)
    person.sees_prompt()
    person.types("cluster " + TAB)
    person.sees(f"{PROMPT}cluster", "state of this node in four lines")
    person.gone()


def test_the_menu_follows_a_window_that_gets_smaller(person: Person) -> None:
    person.types("cluster" + TAB)
    person.resizes(5, 80)
    person.types(TAB)
    person.sees(f"{PROMPT}cluster", "state of this node in four lines")


def test_what_is_typed_behind_ctrl_c_is_the_next_line_also_in_the_editor(person: Person) -> None:
    person.types("clu" + TAB)
    person.sees_line(f"{PROMPT}cluster ")
    person.types(CTRL_C + "cluster info" + ENTER)
    person.sees("cluster_state|master")
    person.sees_prompt()


def test_tab_offers_the_names_that_exist_now(person: Person) -> None:
    person.types("interface delete name " + TAB)
    person.sees("LAN1", "LAN2", "LAN3", "ETHERNET HOTWIRE")


def test_enter_takes_the_chosen_candidate_and_does_not_run_the_line(person: Person, answers: Answers) -> None:
    person.types("cluster " + TAB)
    person.sees("maintainance")
    person.types(TAB)
    person.sees_line(f"{PROMPT}cluster info ")
    asked = len(answers.asked)
    person.types(ENTER + "| count")
    person.sees_line(f"{PROMPT}cluster info | count")
    assert len(answers.asked) == asked
    person.types(ENTER)
    person.sees("value\n-----\n4\n")


def test_a_question_mark_explains_without_enter_and_keeps_the_line(person: Person) -> None:
    person.types("cluster maintainance ?")
    person.sees("word|meaning", "get ", "set ")
    person.sees_line(f"{PROMPT}cluster maintainance ")
    person.types("get")
    person.sees_line(f"{PROMPT}cluster maintainance get")


def test_a_question_mark_explains_an_empty_line(person: Person) -> None:
    person.types("?")
    person.sees("the hot-standby cluster")
    person.sees_prompt()


def test_a_question_mark_in_a_quotation_is_a_character(person: Person) -> None:
    person.types('extc global set variable "what?')
    person.sees_line(f'{PROMPT}extc global set variable "what?')
    assert b"\x1b" not in person.raw
    person.types(UP + BACKSPACE + '??"')
    person.sees_line(f'{PROMPT}extc global set variable "what??"')


def test_ctrl_c_drops_the_line_and_not_the_session(person: Person) -> None:
    person.types("cluster in" + CTRL_C)
    person.sees_prompt()
    person.types("cluster i" + BACKSPACE + "x" + CTRL_C)
    person.sees_prompt()
    person.types(CTRL_C)
    person.types("cluster info" + ENTER)
    person.sees("cluster_state|master")
    person.sees_prompt()


def test_ctrl_c_stops_the_command_and_not_the_session(person: Person, answers: Answers) -> None:
    person.types("cluster events follow 1" + ENTER)
    person.sees("event 2")
    person.types("typed ahead")
    person.types(", meant for nobody" + CTRL_C)
    person.sees_prompt()
    assert answers.stopped_following.wait(PATIENCE)
    assert "^C" in person.look()


def test_the_arrow_recalls_and_the_backspace_edits(person: Person) -> None:
    person.types("cluster info" + ENTER)
    person.sees_prompt()
    person.types(UP)
    person.sees_line(f"{PROMPT}cluster info")
    person.types(BACKSPACE * 4 + "maintainance get?")
    person.sees_line(f"{PROMPT}cluster maintainance get")


def test_a_history_outlives_the_session_and_holds_no_secret(shell: Shell, person: Person) -> None:
    for line in ("cluster info", "cluster set passphrase swordfish", "cluster set passphras 'swordfish 2"):
        person.types(line + ENTER)
        person.sees_prompt()
    person.types("exit" + ENTER)
    assert person.leaves() == 0
    (file,) = (shell.run_dir / "shell").glob("history-*")
    assert file.read_text() == "cluster info\nexit\n"
    assert mode_of(file) == 0o600
    later = shell.person()
    later.sees_prompt()
    later.types(UP)
    later.sees_line(f"{PROMPT}exit")
    later.types(UP)
    later.sees_line(f"{PROMPT}cluster info")
    later.gone()


def test_history_is_shown(person: Person) -> None:
    person.types("cluster info" + ENTER)
    person.sees_prompt()
    person.types("history" + ENTER)
    person.sees_prompt()
    assert re.search(r"cluster info\n.*\n?.*history", person.look().split("maintainance |false")[-1])


@pytest.mark.parametrize(
    "farewell", ["exit" + ENTER, CTRL_D, UP + CTRL_C + CTRL_D, "cluster in" + TAB + CTRL_C + CTRL_D]
)
def test_a_session_ends_when_told_and_puts_the_terminal_back(person: Person, farewell: str) -> None:
    assert person.is_raw()
    for key in farewell:
        person.types(key)
    assert person.leaves() == 0
    assert not person.is_raw()


def test_ctrl_d_on_a_line_that_is_not_empty_is_no_farewell(person: Person) -> None:
    person.types("cluster info" + CTRL_D)
    person.types(ENTER)
    person.sees("cluster_state|master")
    person.sees_prompt()


def test_two_sessions_do_not_mix(shell: Shell) -> None:
    first, second = shell.person(), shell.person(columns=60)
    for one in (first, second):
        one.sees_prompt()
    first.types("cluster " + TAB)
    second.types("system ?")
    first.sees("maintainance")
    second.sees("config")
    second.sees_line(f"{PROMPT}system ")
    first.types(CTRL_C + "cluster info" + ENTER)
    second.types("info" + CTRL_C)
    for one in (first, second):
        one.sees_prompt()
    assert "cluster_state" not in second.look()
    assert "system" not in first.look()
    second.gone()
    first.types("cluster info | count" + ENTER)
    first.sees("value\n-----\n4\n")
    first.gone()


def test_the_menu_of_one_session_does_not_depend_on_what_another_edits(shell: Shell) -> None:
    first, second = shell.person(), shell.person()
    for one in (first, second):
        one.sees_prompt()
        one.types("x" + UP)
        one.sees_line(f"{PROMPT}x")
    first.types(BACKSPACE + "cluster " + TAB)
    first.sees("maintainance")
    for one in (first, second):
        one.gone()


def test_a_closed_window_ends_its_command(person: Person, answers: Answers) -> None:
    person.types("cluster events follow 1" + ENTER)
    person.sees("event 2")
    person.gone()
    assert answers.stopped_following.wait(PATIENCE)


def test_a_host_that_dies_puts_the_terminal_back(person: Person, host: ShellHost) -> None:
    host.process.kill()
    assert person.leaves() == 6
    assert "the shell host went away" in person.look()
    assert not person.is_raw()


def test_a_host_that_stops_says_so(person: Person, host: ShellHost) -> None:
    person.types("cluster in" + TAB)
    person.sees_line(f"{PROMPT}cluster info ")
    host.process.terminate()
    assert person.leaves() == 6
    assert "% Error: the shell host stops" in person.look()
    assert not person.is_raw()


def test_a_restarted_clusterd_ends_no_session(person: Person, clusterd: FakeClusterd) -> None:
    clusterd.stop()
    person.types("cluster info" + ENTER)
    person.sees("% Error: clusterd does not run", "% Note: clusterd does not run")
    person.sees_prompt()
    clusterd.start()
    person.types("cluster info" + ENTER)
    person.sees("cluster_state|master")
    person.sees_prompt()


def test_the_prompt_follows_the_host_name(person: Person, answers: Answers) -> None:
    answers.hostname = "renamed.local"
    person.types("cluster info" + ENTER)
    person.sees_prompt("renamed.local> ")


def test_a_hint_stands_above_the_prompt_once_when_it_is_new(person: Person, answers: Answers) -> None:
    answers.unsaved = True
    for _ in range(2):
        person.types("cluster info" + ENTER)
        person.sees_prompt()
    hint = "% Note: the configuration start has unsaved edits; system config save keeps them"
    assert person.look().replace("\n", "").count(hint) == 1


def test_a_long_line_is_edited_where_it_stands(person: Person) -> None:
    words = "cluster events limit 5 " + "| match x" * 12
    person.types(words + UP + "y")
    person.sees(words[-20:] + "y")
    assert person.look().count(PROMPT) == 1
    person.types(CTRL_C)
    person.sees_prompt()


def test_the_editor_follows_the_size_of_the_window(person: Person) -> None:
    person.types("cluster events limit 5 | match x" + UP)
    person.sees_line(f"{PROMPT}cluster events limit 5 | match x")
    drawn = len(person.raw)
    person.resizes(24, 40)
    person.sees("cluster events lim\nit 5 | match x")
    assert len(person.raw) > drawn


def test_output_pauses_for_whoever_asked_for_it(person: Person) -> None:
    person.types("terminal length 4" + ENTER)
    person.types("cluster info" + ENTER)
    person.sees_line("--More--")
    assert "cluster_state" in person.look()
    assert "sync_state" not in person.look()
    person.types(ENTER)
    person.sees("sync_state")
    person.sees_line("--More--")
    assert "hotwire_dev" not in person.look()
    person.types(" ")
    person.sees("maintainance")
    person.sees_prompt()
    assert "--More--" not in person.look()


@pytest.mark.parametrize("key", ["q", CTRL_C])
def test_a_pause_can_end_the_output(person: Person, key: str) -> None:
    person.types(f"terminal length 4{ENTER}cluster info{ENTER}")
    person.sees_line("--More--")
    person.types(key)
    person.sees_prompt()
    assert "sync_state" not in person.look()
    person.types("cluster info | no-more" + ENTER)
    person.sees("maintainance |false")
    person.sees_prompt()


def test_pasted_lines_run_one_after_the_other_each_above_what_comes_of_it(person: Person) -> None:
    person.types(UP)
    person.types("\x1b[200~cluster info | count\nnonsense\ncluster info | match sync\n\x1b[201~")
    person.types(ENTER)
    person.sees(
        f"{PROMPT}cluster info | count\nvalue\n-----\n4\n{PROMPT}nonsense\n% Invalid input",
        f"{PROMPT}cluster info | match sync\nattribute |value\n",
    )
    person.sees_prompt()


def test_what_follows_exit_in_a_paste_is_dropped(person: Person) -> None:
    person.types(UP)
    person.types("\x1b[200~exit\ncluster info\n\x1b[201~" + ENTER)
    assert person.leaves() == 0
    assert "^C" not in person.look()
    assert "cluster_state" not in person.look()


@pytest.mark.parametrize(("term", "tells_size"), [("dumb", True), ("", True), ("xterm", False)])
def test_a_terminal_without_cursor_gets_plain_lines(shell: Shell, term: str, tells_size: bool) -> None:
    person = shell.person(term=term, tells_size=tells_size)
    person.sees_prompt()
    person.types("cluster info\n")
    person.sees("cluster_state|master")
    person.sees_prompt()
    person.types("cluster maintainance ?\n")
    person.sees("word|meaning")
    person.sees_prompt()
    person.types("half a li" + CTRL_C)
    person.sees_prompt()
    person.types("cluster events follow 1\n")
    person.sees("event 2")
    person.types(CTRL_C)
    person.sees_prompt()
    person.types("terminal length 4\ncluster info\n")
    person.sees_line("--More--")
    person.types("q\n")
    person.sees_prompt()
    assert b"\x1b" not in person.raw
    person.types(CTRL_D)
    assert person.leaves() == 0


def test_a_serial_line_gets_events_above_the_next_prompt(shell: Shell, answers: Answers) -> None:
    person = shell.person(tells_size=False)
    person.sees_prompt()
    person.types("\n")
    person.sees_prompt()
    wait_until(lambda: answers.told == 2)
    for _ in range(100):  # what clusterd has told is on its way
        person.types("\n")
        person.sees_prompt()
        if b"event 2" in person.raw:
            break
    assert b"% Event: event 2\r\nmaster.cluster.local> " in person.raw
    assert b"\x1b" not in person.raw
    person.types(CTRL_D)
    assert person.leaves() == 0


def test_edits_carry_the_name_of_who_typed_them(person: Person, answers: Answers) -> None:
    person.types('extc global set variable "GLOB_X" value [ "a" "b" ]' + ENTER)
    person.sees("OK")
    wait_until(lambda: any(isinstance(ask, messages.EditConfig) for ask, _ in answers.asked))
    actors = {actor.source for ask, actor in answers.asked if isinstance(ask, messages.EditConfig)}
    assert actors == {"console"}
