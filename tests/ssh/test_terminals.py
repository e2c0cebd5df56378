"""Terminals of every kind at the far end, driven by pexpect."""

from __future__ import annotations

import time
from io import StringIO

import pexpect
import pytest

from tests.support.ssh import PATIENCE, PROMPT, Site

WELCOME = "Tab completes, ? explains, exit leaves."


def leaves(person: pexpect.spawn) -> int:
    """Type exit; the exit code."""
    person.sendline("exit")
    person.expect(pexpect.EOF)
    person.close()
    assert person.signalstatus is None
    return int(person.exitstatus)


@pytest.mark.parametrize("term", ["xterm", "vt100", "dumb"])
def test_a_line_is_answered_on_every_terminal(site: Site, term: str) -> None:
    person = site.person(term=term)
    person.expect_exact("Last login of admin (admin): ")
    person.expect_exact(WELCOME)
    person.expect_exact(PROMPT)
    person.sendline("cluster maintainance get")
    person.expect_exact("cluster maintainance get\r\nvalue\r\n-----\r\n0\r\n" + PROMPT)
    assert leaves(person) == 0


@pytest.mark.parametrize("term", ["xterm", "vt100", "dumb"])
def test_help_comes_at_a_question_mark(site: Site, term: str) -> None:
    person = site.person(term=term)
    person.expect_exact(PROMPT)
    person.send("cluster maintainance ?" + ("\r" if term == "dumb" else ""))
    person.expect_exact("lowest priority for this node, or its own again")
    person.expect_exact(PROMPT)
    person.send("\x03")
    person.expect_exact(PROMPT)
    assert leaves(person) == 0


@pytest.mark.parametrize("unwanted", ["", "1"])
def test_colours_come_unless_the_client_sends_that_they_are_unwanted(site: Site, unwanted: str) -> None:
    words = site.words("admin", "-tt", "-o", "SendEnv=NO_COLOR")
    environment = {**site.environment("admin"), "NO_COLOR": unwanted}
    person = pexpect.spawn(words[0], words[1:], env=environment, timeout=PATIENCE, encoding="utf-8")
    person.logfile_read = seen = StringIO()
    person.expect_exact(PROMPT)
    person.send("cluster info | nonsense\x1b[A")
    person.expect("nons.*ense")
    person.send("\x03")
    assert leaves(person) == 0
    assert ("\x1b[0;3" in seen.getvalue()) is not bool(unwanted)


def test_tab_completes(site: Site) -> None:
    person = site.person()
    person.expect_exact(PROMPT)
    person.send("clus\t")
    person.expect("ter")
    person.send("maintainance get\r")
    person.expect_exact("value\r\n-----\r\n0\r\n")
    person.expect_exact(PROMPT)
    assert leaves(person) == 0


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_ctrl_c_stops_what_runs_and_ctrl_d_ends_the_session(site: Site, term: str) -> None:
    person = site.person(term=term)
    person.expect_exact(PROMPT)
    person.sendline("cluster events follow 1")
    person.expect_exact("text\r\n")
    person.send("\x03")
    person.expect_exact(PROMPT)
    person.send("\x04")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 0


def test_a_window_without_size_is_a_plain_terminal(site: Site) -> None:
    person = site.person(rows=0, columns=0)
    person.expect_exact(PROMPT)
    person.send("cluster inof\x7f\x7ffo\r")
    person.expect_exact("hotwire_dev  |LAN3\r\n")
    person.expect_exact(PROMPT)
    assert leaves(person) == 0
    assert "\x1b" not in person.before


def test_a_dumb_terminal_sees_no_escape_sequence_and_edits_its_line(site: Site) -> None:
    person = site.person(term="dumb")
    person.expect_exact(PROMPT)
    person.send("nonsense\x15cluster maintainance zet\x17get\r")
    person.expect_exact("value\r\n-----\r\n0\r\n" + PROMPT)
    assert "\x1b" not in person.before
    assert leaves(person) == 0


def types(person: pexpect.spawn, line: str) -> None:
    """Type as a person does: each key once the one before it is there."""
    for key in line:
        person.send(key)
        person.expect_exact(key)
    person.send("\r")


def test_a_person_at_a_dumb_terminal_is_told_what_others_say_above_the_next_prompt(site: Site) -> None:
    person = site.person(term="dumb")
    person.expect_exact(PROMPT)
    types(person, "cluster maintainance get")
    person.expect_exact("0\r\n" + PROMPT)
    types(person, "# a line, after which messages are for this person")
    person.expect_exact(PROMPT)
    assert site.ssh("robot", 'message "lunch"', password=True).returncode == 0
    types(person, "cluster maintainance get")
    person.expect_exact("0\r\n% Message of robot (ssh 192.168.12.10): lunch\r\n" + PROMPT)
    assert "\x1b" not in person.before
    assert leaves(person) == 0


def test_a_person_at_a_dumb_terminal_types_passwords_unseen(site: Site) -> None:
    person = site.person(term="dumb")
    person.expect_exact(PROMPT)
    types(person, "user password")
    person.expect_exact("Present password: ")
    person.send("not this one\r")
    person.expect_exact("New password: ")
    assert "not this one" not in person.before
    person.send("\x03")
    person.expect_exact("Nothing was changed.\r\n" + PROMPT)
    types(person, "cluster maintainance get")  # which shows again
    person.expect_exact("0\r\n" + PROMPT)
    assert leaves(person) == 0


def test_output_pauses_for_a_person_at_a_dumb_terminal(site: Site) -> None:
    person = site.person(term="dumb", rows=10)
    person.expect_exact(PROMPT)
    types(person, "help")
    person.expect_exact("--More--")
    person.sendline("q")
    person.expect_exact(PROMPT)
    assert "\x1b" not in person.before
    assert leaves(person) == 0


def test_a_program_at_a_dumb_terminal_gets_all_output_and_no_messages(site: Site) -> None:
    program = site.person(term="dumb", rows=10)
    program.expect_exact(PROMPT)
    program.sendline("cluster maintainance get")
    program.expect_exact("0\r\n" + PROMPT)
    site.ssh("robot", 'message "lunch"', password=True)
    program.sendline("help")
    program.expect_exact("system config synchronize")
    program.expect_exact(PROMPT)
    program.sendline("cluster maintainance get")
    program.expect_exact("cluster maintainance get\r\nvalue\r\n-----\r\n0\r\n" + PROMPT)
    assert leaves(program) == 0


def test_a_window_that_is_pulled_larger_is_known_to_the_session(site: Site) -> None:
    person = site.person(rows=5, columns=40)
    person.expect_exact(PROMPT)
    person.setwinsize(50, 150)
    time.sleep(0.3)  # the client tells the server by itself, and nothing tells us when
    person.sendline("help")
    person.expect_exact("system config synchronize")
    person.expect_exact(PROMPT)
    assert "More" not in person.before
    assert leaves(person) == 0


def test_a_command_with_a_terminal_stops_at_ctrl_c(site: Site) -> None:
    words = [*site.words("admin", "-tt"), "cluster events follow 1"]
    person = pexpect.spawn(words[0], words[1:], env=site.environment("admin"), timeout=20, encoding="utf-8")
    person.expect_exact("text\r\n")
    person.send("\x03")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 130


def test_what_is_typed_before_the_prompt_is_not_lost(site: Site) -> None:
    person = site.person()
    person.send("cluster maintainance get\r")
    person.expect_exact("value\r\n-----\r\n0\r\n")
    assert leaves(person) == 0
