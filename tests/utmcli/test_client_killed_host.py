"""A shell host that is killed leaves the terminals of its clients whole."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pyte
import pytest

from tests.support.shell import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.shell import Person, Shell, ShellHost

UP, TAB, ENTER = "\x1b[A", "\t", "\r"
GONE = "% Error: the shell host went away"
MODES = (b"1049", b"2004", b"1000", b"1002", b"1003", b"1006")
"""The other screen, bracketed paste, and the mouse (xterm's ctlseqs)."""


def is_whole(person: Person) -> bool:
    """Whether a terminal is as a program should leave it, by the last word about each of its modes."""
    last = {mode: person.raw.rpartition(b"\x1b[?" + mode)[2][:1] for mode in MODES if b"?" + mode in person.raw}
    last[b"cursor"] = {b"l": b"h", b"h": b"l", b"": b"l"}[person.raw.rpartition(b"\x1b[?25")[2][:1]]
    colours = re.findall(rb"\x1b\[([0-9;]*)m", person.raw)
    return set(last.values()) == {b"l"} and colours[-1:] in ([], [b"0"], [b""]) and not person.is_raw()


def left_on(person: Person) -> list[str]:
    """The lines of the screen that programs write on, down to the last; pyte knows no other one."""
    person.look()
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(re.sub(rb"\x1b\[\?1049h.*?\x1b\[\?1049l", b"", person.raw, flags=re.DOTALL))
    return "\n".join(line.rstrip() for line in screen.display).rstrip().splitlines()


def in_monitor(person: Person) -> None:
    person.types("cluster monitor" + UP)
    person.sees_line("master.cluster.local> cluster monitor")
    person.types(ENTER)
    person.sees("q ends")


def in_watch(person: Person) -> None:
    person.types("cluster status | watch 1" + UP)
    person.sees_line("master.cluster.local> cluster status | watch 1")
    person.types(ENTER)
    person.sees("q ends")


def in_the_pager(person: Person) -> None:
    person.types("help" + UP)
    person.sees_line("master.cluster.local> help")
    person.types(ENTER)
    person.sees_line("--More--")


def in_a_half_typed_line(person: Person) -> None:
    person.types("cluster in")
    person.sees_line("master.cluster.local> cluster in")


def in_the_menu(person: Person) -> None:
    person.types("interface " + TAB)
    person.sees("virtual")


@pytest.mark.parametrize("where", [in_monitor, in_watch, in_the_pager, in_a_half_typed_line, in_the_menu])
def test_a_killed_host_leaves_a_whole_terminal(
    shell: Shell, host: ShellHost, where: Callable[[Person], None]
) -> None:
    person = shell.person()
    person.sees_prompt()
    where(person)
    host.process.kill()
    code = person.leaves()
    assert (code, left_on(person)[-1]) == (6, GONE)
    assert is_whole(person), person.raw


def test_what_was_on_the_screen_before_a_monitor_that_stood_alone_comes_back(shell: Shell, host: ShellHost) -> None:
    person = shell.person("cluster", "monitor")
    person.sees("q ends")
    host.process.kill()
    assert person.leaves() == 6
    assert left_on(person) == [GONE]
    assert is_whole(person), person.raw


def test_a_client_that_is_told_to_end_leaves_the_other_screen_too(shell: Shell) -> None:
    person = shell.person("cluster", "monitor")
    person.sees("q ends")
    wait_until(person.is_raw)
    os.kill(person.pid, signal.SIGTERM)
    assert person.leaves() == 128 + signal.SIGTERM
    assert left_on(person) == []
    assert is_whole(person), person.raw
