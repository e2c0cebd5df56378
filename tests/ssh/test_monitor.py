"""`cluster monitor` over SSH: the whole screen in a session and with `ssh -t`, lines without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.ssh import PROMPT

if TYPE_CHECKING:
    from tests.support.ssh import Site

pytestmark = pytest.mark.netns
UP = "\x1b[A"


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (50, 132)])
def test_a_person_sees_it_live_and_gets_the_screen_back(site: Site, rows: int, columns: int) -> None:
    person = site.person(rows=rows, columns=columns)
    person.expect(PROMPT)
    person.send("cluster monitor" + UP + "\r")
    person.expect_exact("\x1b[?1049h")
    person.expect_exact("this node")
    person.expect_exact("sessions")
    person.send("q")
    person.expect_exact("\x1b[?1049l")
    person.expect(PROMPT)
    person.send("exit\r")
    person.expect_exact("exit")
    person.close()


def test_a_dumb_terminal_gets_lines(site: Site) -> None:
    person = site.person(term="dumb")
    person.expect(PROMPT)
    person.send("cluster monitor\n")
    person.expect_exact("sync_state")
    assert "\x1b" not in person.before
    person.send("\x03")
    person.expect(PROMPT)
    person.close()


def test_a_program_gets_lines_and_an_end(site: Site) -> None:
    ended = site.ssh("admin", "cluster monitor | head 1")
    assert (ended.returncode, len(ended.stdout.splitlines())) == (0, 3), ended.stderr
    assert "\x1b" not in ended.stdout


def test_there_is_no_place_for_files_over_ssh(site: Site) -> None:
    ended = site.ssh("admin", "cluster info | save x")
    assert ended.returncode == 1
    assert "redirect the output of a single command" in ended.stderr
