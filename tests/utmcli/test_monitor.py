"""`cluster monitor`: what the picture shows, how it moves, and how its screen is given back."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cluster.health import Administrator, PartnerHealth
from cluster.observed import ClusterEvent, ConnectionCounters, ConnectionStatus, HaInterfaceStatus
from tests.support.fake_clusterd import STATUS
from tests.support.shell import PATIENCE
from utmcli.canvas import Look, difference, fit, plain, row, width
from utmcli.monitor import LARGE_TRACE, View, advanced, layout, summary, text_of

if TYPE_CHECKING:
    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Shell

CLOCK = "2026-11-25 22:15:03"
UP, ENTER, CTRL_C = "\x1b[A", "\r", "\x03"
LAN1 = HaInterfaceStatus(
    name="LAN1", vrid=1, usable=True, pending=False, virtual_addresses=("192.168.175.101/24",),
    partner_heard_age=None, partner_priority=None, partner_address=None,
)
COUNTERS = ConnectionCounters(
    entries=120, injected=7, inject_failed=0, bytes_sent=1, bytes_received=1, packets_sent=1, packets_received=1,
    send_errors=0, receive_errors=0, malformed=0, lost=0, waiting=3, unconfirmed=0, queue_errors=0, overruns=0,
)
PARTNER = PartnerHealth(
    hostname="spare.cluster.local", software="1", schema=1, role="backup", usable=("LAN1",), hears=("LAN1",),
    administrators=(Administrator(user="admin", source="ssh 192.0.2.7", since=0.0),),
)
EVENT = ClusterEvent(number=7, at=0.0, kind="role", interface="LAN1", text="the partner fell silent", role="master")
FULL = replace(
    STATUS, interfaces=(LAN1,), partner=PARTNER, clock_offset=0.04,
    connections=ConnectionStatus(state="running", counters=COUNTERS),
)
VIEW = View("master.cluster.local", FULL, (EVENT,), ("root (console)",), {"LAN1": ">>.!"})


def picture(view: View, height: int = 24, columns: int = 80) -> str:
    return text_of(fit(layout(view, height, columns, CLOCK, 160.0), height, columns))


def test_everything_that_is_known_has_its_place_on_80_columns() -> None:
    shown = picture(VIEW)
    for text in (
        "this node    master.cluster.local  master    priority 254  for 0:01:00",
        "no partner was heard",
        "partner      spare.cluster.local   backup    hears LAN1  clock +0.0 s",
        "edited there by admin (ssh 192.0.2.7)",
        "hotwire      LAN3                  synchronized",
        "connections  running  120 to send  7 taken over  3 waiting  0 lost",
        "LAN1      usable   192.168.175.101/24",
        ">>.!\n",
        "sessions     root (console)",
        "0:02:40   LAN1: the partner fell silent",
    ):
        assert text in shown


def test_a_partner_that_says_nothing_is_named_with_what_is_heard_of_it() -> None:
    status = replace(FULL, partner=None)
    assert "partner      says nothing over the hotwire; not heard\n" in picture(View("m", status))
    heard = replace(status, interfaces=(replace(LAN1, partner_heard_age=0.2),))
    assert "says nothing over the hotwire; adverts heard on LAN1\n" in picture(View("m", heard))


def test_a_clusterd_that_is_away_leaves_the_last_picture_with_the_reason() -> None:
    from dataclasses import replace as with_  # noqa: PLC0415 - msgspec's name is taken

    shown = picture(with_(VIEW, trouble="clusterd does not run"))
    assert "clusterd does not run\n" in shown
    assert "this node" in shown


@pytest.mark.parametrize(
    ("columns", "title"),
    [
        (80, f"cluster monitor  master.cluster.local               {CLOCK}  q ends"),
        (67, f"cluster monitor  master.cluster.local  {CLOCK}  q ends"),
        (60, "cluster monitor  master.cluster.local                q ends"),
        (40, "cluster monitor  master.cluster  q ends"),
        (20, "cluster mon  q ends"),
    ],
)
def test_how_to_leave_is_shown_also_where_there_is_no_room_for_the_rest(columns: int, title: str) -> None:
    assert picture(VIEW, columns=columns).splitlines()[0] == title


def test_events_give_way_first_where_there_is_no_room() -> None:
    assert "events" not in picture(VIEW, height=15)
    assert "sessions" in picture(VIEW, height=15)


def test_nothing_from_outside_steers_the_terminal() -> None:
    partner = replace(PARTNER, hostname="\x1b[31m")
    status = replace(FULL, cause="\x1b[2J", sync_reason="\x1b]0;x\x07", partner=partner)
    view = View("\x1b[1m", status, (replace(EVENT, text="\x1b[5m"),), ("\x1b (x)",))
    assert "\x1b" not in picture(view)


@given(st.integers(1, 60), st.integers(1, 250))
def test_the_picture_never_leaves_the_screen(height: int, columns: int) -> None:
    rows = fit(layout(VIEW, height, columns, CLOCK, 160.0), height, columns)
    assert len(rows) <= height
    assert all(width(plain(line)) < max(2, columns) for line in rows)


def looked(*looks: HaInterfaceStatus) -> str:
    view = View()
    for seen in looks:
        view = advanced(view, replace(STATUS, interfaces=(seen,)))
    assert view.traces is not None
    return view.traces["LAN1"]


def test_the_trace_says_what_passed_between_two_looks() -> None:
    sent, both = replace(LAN1, adverts_sent=2), replace(LAN1, adverts_sent=3, adverts_received=1)
    received = replace(both, adverts_received=2)
    rejected = replace(received, rejected={"signature": 1})
    assert looked(LAN1, sent, both, received, received, rejected) == ".>x<.!"


def test_a_restarted_engine_that_counts_from_0_has_sent_nothing_yet() -> None:
    assert looked(replace(LAN1, adverts_sent=9), replace(LAN1, adverts_sent=0)) == ".."


def test_an_interface_that_is_followed_shows_every_advert_and_the_others_every_look() -> None:
    from dataclasses import replace as with_  # noqa: PLC0415 - msgspec's name is taken

    lan2 = replace(LAN1, name="LAN2", virtual_addresses=("192.168.200.1/24",))
    both = with_(VIEW, status=replace(FULL, interfaces=(LAN1, lan2)), traces={"LAN1": "x..", "LAN2": "<<."})
    lines = picture(with_(both, adverts={"LAN1": ">>__>"})).splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("LAN")] == [">>__>", "<<."]


def test_programs_are_named_behind_people() -> None:
    from dataclasses import replace as with_  # noqa: PLC0415 - msgspec's name is taken

    shown = picture(with_(VIEW, others=("robot (ssh 192.0.2.7) x12",)))
    assert "sessions     root (console)  besides robot (ssh 192.0.2.7) x12\n" in shown


def test_the_trace_moves_and_does_not_grow() -> None:
    looks = [replace(LAN1, adverts_sent=number) for number in range(100)]
    assert looked(*looks) == ">" * LARGE_TRACE


def test_the_summary_names_roles_links_and_states() -> None:
    assert summary(VIEW) == ("master", "backup", "synchronized", "LAN1=usable", "running")


def test_only_rows_that_changed_are_drawn() -> None:
    before = [row("one"), row("two"), row("three")]
    assert difference(before, before) == ""
    assert difference(before, [row("one"), row("2"), row("three")]) == "\x1b[2;1H2\x1b[K"
    assert difference(before, [row("one")]) == "\x1b[2;1H\x1b[K\x1b[3;1H\x1b[K"
    assert Look.BAD.value in difference([], layout(View(trouble="away"), 5, 40, CLOCK, 0.0))


@pytest.mark.parametrize(("rows", "columns"), [(24, 80), (50, 160), (10, 40)])
def test_a_person_sees_it_live_and_leaves_with_q(shell: Shell, answers: Answers, rows: int, columns: int) -> None:
    answers.status = FULL
    person = shell.person("cluster", "monitor", rows=rows, columns=columns)
    person.sees("cluster monitor", "this node")
    answers.status = replace(FULL, role="backup")
    person.sees("master.cluster.local  back")
    person.types("q")
    assert person.leaves() == 0
    assert not person.is_raw()
    assert person.raw.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")


def test_it_works_within_a_session_and_gives_the_screen_back(shell: Shell, answers: Answers) -> None:
    answers.status = FULL
    person = shell.person()
    person.sees_prompt()
    person.types("cluster monitor" + UP)
    person.sees_line("master.cluster.local> cluster monitor")
    person.types(ENTER)
    person.sees("sessions     root (console)", "q ends")
    person.resizes(30, 100)
    person.sees("q ends")
    person.types(CTRL_C)
    person.sees_prompt()
    person.types("cluster info | count" + ENTER)
    person.sees("value\n-----\n4\n")
    person.gone()


def test_little_is_written_while_little_changes(shell: Shell, answers: Answers) -> None:
    answers.status = FULL
    person = shell.person("cluster", "monitor")
    person.sees("sessions")
    asked = len(answers.asked)
    before = len(person.raw)
    while len(answers.asked) < asked + 8:  # four looks
        person.look()
    assert len(person.raw) - before < 4 * 200, "the clock and the trace, not the whole picture"
    person.types("q")
    assert person.leaves() == 0


def test_a_program_gets_a_line_for_every_change(shell: Shell, answers: Answers) -> None:
    answers.status = FULL
    child = shell.start("cluster", "monitor")
    assert child.stdout is not None
    lines = [child.stdout.readline().decode() for _ in range(3)]
    answers.status = replace(FULL, role="backup")
    lines.append(child.stdout.readline().decode())
    child.terminate()
    child.communicate(timeout=PATIENCE)
    assert lines[0].startswith("time ")
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["master", "backup"]
    assert "\x1b" not in "".join(lines)


def test_a_dumb_terminal_gets_lines_too(shell: Shell, answers: Answers) -> None:
    answers.status = FULL
    person = shell.person("cluster", "monitor", term="dumb")
    person.sees("LAN1=usable")
    assert b"\x1b" not in person.raw
    person.types(CTRL_C)
    assert person.leaves() == 130


def test_a_filter_makes_it_lines(shell: Shell, answers: Answers) -> None:
    answers.status = FULL
    ended = subprocess.run(
        [shell.client, "cluster monitor | head 1"], env=shell.environment, capture_output=True, text=True,
        timeout=20, check=False,
    )
    assert len(ended.stdout.splitlines()) == 3
