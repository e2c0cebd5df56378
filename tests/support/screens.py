"""docs/SCREENS.md: what a person sees, taken from a real session in a terminal.

    python -m tests.support.screens > docs/SCREENS.md
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from cluster.health import PartnerHealth
from cluster.observed import ConnectionCounters, ConnectionStatus, HaInterfaceStatus
from tests.support.fake_clusterd import FakeClusterd
from tests.support.shell import Shell, ShellHost, install_client, short_directory

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Person

INTRODUCTION = """\
# Screens

What a person sees at 80 by 24, taken from a session in a terminal: `python -m tests.support.screens` writes this
page, and a test takes every screen again. Colours do not show here.
"""
UP, TAB, ENTER, CTRL_C, CTRL_R = "\x1b[A", "\t", "\r", "\x03", "\x12"
INTERFACES = tuple(
    HaInterfaceStatus(
        name=name, vrid=vrid, usable=True, pending=False, virtual_addresses=(address,), partner_heard_age=None,
        partner_priority=None, partner_address=None,
    )
    for name, vrid, address in (("LAN1", 1, "192.168.175.101/24"), ("LAN2", 2, "192.168.200.1/24"))
)


def menu(person: Person, _answers: Answers) -> None:
    person.types("interface " + TAB)
    person.sees("virtual")


def live_names(person: Person, _answers: Answers) -> None:
    person.types("interface delete name " + TAB)
    person.sees("ETHERNET HOTWIRE")


def explained(person: Person, _answers: Answers) -> None:
    person.types("cluster maintainance ?")
    person.sees("meaning")
    person.sees_line("master.cluster.local> cluster maintainance ")


def expected(person: Person, _answers: Answers) -> None:
    person.types("cluster hotwire set local_ad" + TAB)
    person.sees("local_addr ADDRESS")


def mistake(person: Person, _answers: Answers) -> None:
    person.types("cluster inof" + ENTER)
    person.sees("did you mean")
    person.sees_prompt()


def searched(person: Person, _answers: Answers) -> None:
    for line in ("cluster info", "system config get"):
        person.types(line + ENTER)
        person.sees_prompt()
    person.types(CTRL_R + "inf")
    person.sees("search")


def paused(person: Person, _answers: Answers) -> None:
    for key in "help":
        person.types(key)
        person.look()
    person.types(ENTER)
    person.sees_line("--More--")


def stopped(person: Person, _answers: Answers) -> None:
    person.types("cluster events follow 1" + ENTER)
    person.sees("event 2")
    person.types(CTRL_C)
    person.sees_prompt()


def pasted(person: Person, _answers: Answers) -> None:
    person.types(UP + "\x1b[200~cluster info | match sync\ncluster info | count\n\x1b[201~" + ENTER)
    person.sees("value\n-----\n4\n")
    person.sees_prompt()


def message(person: Person, _answers: Answers) -> None:
    person.types("clu" + TAB)
    person.sees_line("master.cluster.local> cluster ")
    person.types(CTRL_C)
    person.sees_prompt()
    person.types("help exit" + ENTER)
    person.sees("% Event: event 2")
    person.types("cluster in")
    person.sees_line("master.cluster.local> cluster in")


def monitor(person: Person, answers: Answers) -> None:
    counters = dict.fromkeys(ConnectionCounters.__struct_fields__, 0) | {"entries": 214}
    answers.status = replace(
        answers.status,
        interfaces=INTERFACES,
        connections=ConnectionStatus(state="running", counters=ConnectionCounters(**counters)),
        partner=PartnerHealth(
            hostname="spare.cluster.local", software="1", schema=1, role="backup", hears=("LAN1", "LAN2")
        ),
        clock_offset=0.0,
    )
    person.types("cluster monitor" + UP)
    person.sees_line("master.cluster.local> cluster monitor")
    person.types(ENTER)
    person.sees("sessions", "never    ")
    for sent in range(1, 7):
        answers.status = replace(
            answers.status, interfaces=tuple(replace(seen, adverts_sent=sent) for seen in INTERFACES)
        )
        person.sees(">" * min(sent, 5))


def watched(person: Person, answers: Answers) -> None:
    person.types("cluster status | match prio | watch 1" + UP)
    person.sees_line("master.cluster.local> cluster status | match prio | watch 1")
    person.types(ENTER)
    person.sees("q ends")
    answers.status = replace(answers.status, priority=100)
    person.sees("priority |100")


SCREENS: dict[str, Callable[[Person, Answers], None]] = {
    "Tab: the words that can follow, with their meaning": menu,
    "Tab: the names that exist now": live_names,
    "A question mark explains, and leaves the line": explained,
    "Behind the cursor: what is expected next": expected,
    "A mistake is pointed at": mistake,
    "Ctrl-R searches what was typed before": searched,
    "Output that does not fit pauses": paused,
    "Ctrl-C ends a stream, not the session": stopped,
    "A pasted block runs line by line": pasted,
    "An event stands above the line that is typed": message,
    "`cluster monitor`": monitor,
    "`| watch`: the same again, changes marked": watched,
}


def take() -> dict[str, str]:
    """Every screen, each from a session of its own."""
    taken: dict[str, str] = {}
    for title, act in SCREENS.items():
        with short_directory() as directory, FakeClusterd(directory) as fake, ShellHost(directory):
            person = Shell(directory, install_client(directory)).person()
            person.sees_prompt()
            act(person, fake.answers)
            screen = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\+\d\d:\d\d)?", "2026-11-25 22:15:03", person.look())
            taken[title] = re.sub(r"for \d+ d", "for 20 d", screen).rstrip()
            person.gone()
    return taken


def page(taken: dict[str, str]) -> str:
    """The document."""
    return "\n".join([INTRODUCTION, *(f"## {title}\n\n```text\n{text}\n```\n" for title, text in taken.items())])


if __name__ == "__main__":
    sys.stdout.write(page(take()))
