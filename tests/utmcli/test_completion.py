"""What can come next: whatever is offered parses, and whatever parses is offered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cluster.errors import UnreachableError
from cluster.model import Route, Rule
from cluster.rpc import messages
from tests.support.lines import command_line, commands, parts_of
from tests.support.node import ADMIN, CONFIG, Node
from utmcli import live
from utmcli.commands import GRAMMAR
from utmcli.completion import Candidate, complete, for_shells, help_at, which_live
from utmcli.live import Snapshot, fetch
from utmcli.parser import Problem, parse
from utmcli.results import Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

NAMES = Snapshot({
    live.INTERFACES: (("LAN1", "ETHERNET HA"), ("LAN2", "ETHERNET HA"), ("wan0", "WAN")),
    live.CONFIGURATIONS: (("start", "start configuration"), ("my copy", "")),
})


def offered(line: str) -> list[str]:
    return [candidate.text for candidate in complete(GRAMMAR, line, NAMES)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("clu", ["cluster"]),
        ("cluster ho", ["hotwire"]),
        ("cluster hotwire ", ["get", "set"]),
        ("cl hot s", ["set"]),
        ("cluster maintena", ["maintenance"]),
        ("cluster maintai", ["maintainance"]),
        ("cluster set ", ["enabled", "priority", "passphrase", "auth_policy", "advert_interval", "force"]),
        ("cluster set pri", ["priority"]),
        ("cluster set priority ", ["high", "low"]),
        ("cluster set priority H", ["high"]),
        ("cluster set priority high p", ["passphrase"]),
        (
            "cluster set priority high |",
            ["match", "except", "count", "json", "head", "last", "no-more", "save", "watch"],
        ),
        ("cluster set passphrase ", []),
        ("cluster hotwire set interface L", ["LAN1", "LAN2"]),
        ("cluster hotwire set interface ", ["LAN1", "LAN2", "wan0"]),
        ("cluster backup_disable set interfaces ", ["LAN1", "LAN2", "wan0", "["]),
        ("cluster backup_disable set interfaces [ LAN1 ", ["LAN2", "wan0", "]"]),
        ("interface set name LAN2 flags [ H", ["HA", "HOTWIRE"]),
        ("interface set name LAN2 options [ v", ["vrid=", "vlan_id=", "vlan_parent="]),
        ("interface set name LAN2 options [ vlan_parent=w", ["vlan_parent=wan0"]),
        ("system config load name ", ["start", '"my copy"']),
        ('system config load name "my', ['"my copy"']),
        ("cluster info ", ["|"]),
        ("cluster info | h", ["head"]),
        ("cluster info | head ", []),
        ("cluster info | json ", ["|"]),
        ("help cluster maint", ["maintainance"]),
        ("terminal ", ["length", "width", "timeout"]),
        ('cluster set priority "high"', []),
        ("nonsense ", []),
        ("cluster set nonsense ", []),
        ("cluster set priority nonsense ", []),
    ],
)
def test_what_can_come_next_is_offered(line: str, words: list[str]) -> None:
    assert offered(line) == words


def test_a_candidate_tells_what_it_replaces_and_what_it_means() -> None:
    (candidate,) = complete(GRAMMAR, "cluster hotwire set interface LAN2", NAMES)
    assert candidate == Candidate("LAN2", 30, "ETHERNET HA")
    (quoted,) = complete(GRAMMAR, 'system config load name "my', NAMES)
    assert quoted == Candidate('"my copy"', 24, "")
    name, *_ = complete(GRAMMAR, "interface set name LAN2 options [ vr", NAMES)
    assert not name.ends_word, "the value follows without a blank"


@settings(deadline=None)
@given(st.data())
def test_whatever_is_offered_parses_up_to_there(data: st.DataObject) -> None:
    command = data.draw(commands)
    line = command_line(command, data.draw(parts_of(command)))
    before = line[: data.draw(st.integers(0, len(line)))]
    for candidate in complete(GRAMMAR, before, NAMES):
        result = parse(GRAMMAR, before[: candidate.start] + candidate.text)
        if isinstance(result, Problem) and candidate.ends_word:
            assert result.kind.name == "INCOMPLETE", (before, candidate, result)


@settings(deadline=None)
@given(st.data())
def test_every_word_and_key_of_a_right_line_is_offered_where_it_stands(data: st.DataObject) -> None:
    command = data.draw(commands)
    parts = data.draw(parts_of(command))
    for length in range(len(command.path)):
        before = "".join(f"{word} " for word in command.path[:length])
        assert command.path[length] in offered(before)
    for length, part in enumerate(parts):
        if not part.key.positional:
            assert part.key.name in offered(command_line(command, parts[:length]) + " ")


@settings(deadline=None)
@given(st.text())
def test_no_line_makes_completion_fail(line: str) -> None:
    complete(GRAMMAR, line, NAMES)
    help_at(GRAMMAR, line, NAMES)
    which_live(GRAMMAR, line)


# --- ? ----------------------------------------------------------------------------------------------


def rows(line: str) -> list[tuple[object, ...]]:
    page = help_at(GRAMMAR, line, NAMES)
    assert isinstance(page, Table)
    return list(page.rows)


def test_the_question_mark_explains_what_can_come_next() -> None:
    assert rows("cluster hotwire ") == [
        ("get", "interface and addresses of the hotwire"),
        ("set", "choose interface and addresses of the hotwire"),
    ]


def test_the_question_mark_names_the_kind_of_value_that_cannot_be_listed() -> None:
    assert rows("cluster set advert_interval ") == [
        ("CENTISECONDS", "hundredths of a second between adverts of the master"),
    ]
    assert rows("cluster info | head ") == [("NUMBER", "the first rows")]


def test_the_question_mark_says_when_the_line_is_whole() -> None:
    assert rows("cluster info ")[-1] == ("<Enter>", "carry it out")
    assert ("<Enter>", "carry it out") not in rows("cluster set ")
    assert ("<Enter>", "carry it out") not in rows("cluster set priority ")


def test_the_question_mark_says_what_is_wrong_with_the_line() -> None:
    for line in ("nonsense ", "cluster nonsense", "cluster set priority nonsense"):
        page = help_at(GRAMMAR, line, NAMES)
        assert isinstance(page, Text)
        assert page.text.startswith("% Invalid input: ")
        assert "^" in page.text


def test_the_question_mark_behind_a_right_value_says_so() -> None:
    assert rows("cluster set advert_interval 25") == [("25", "is understood; a blank goes on")]


# --- names that exist now ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "sources"),
    [
        ("clu", set()),
        ("cluster hotwire set ", set()),
        ("cluster hotwire set interface ", {live.INTERFACES}),
        ("cluster hotwire set interface LAN1 ", set()),
        ("system config load name s", {live.CONFIGURATIONS}),
        ("interface virtual new device ", {live.HA_INTERFACES}),
        ("interface set name LAN2 options [ ", {live.INTERFACES}),
        ("cluster info | match ", set()),
        ("help ", set()),
        ("nonsense ", set()),
    ],
)
def test_only_the_names_that_can_come_next_are_asked_for(line: str, sources: set[str]) -> None:
    assert which_live(GRAMMAR, line) == sources


def fetched(node: Node, sources: Iterable[str]) -> Snapshot:
    async def ask(question: messages.Ask) -> messages.AnyAnswer:
        return await node.ask(question, ADMIN, 1.0)

    return asyncio.run(fetch(ask, sources))


def test_names_come_from_the_running_configuration() -> None:
    names = fetched(
        Node(),
        [
            live.INTERFACES, live.HA_INTERFACES, live.ADDRESSES, live.VIRTUAL_ADDRESSES, live.APPLICATIONS,
            live.VARIABLES, live.GLOBALS, "unheard of",
        ],
    )  # fmt: skip
    assert names.names(live.INTERFACES)[0] == ("LAN1", "ETHERNET HA")
    assert [name for name, _ in names.names(live.HA_INTERFACES)] == ["LAN1", "LAN2"]
    assert names.names(live.ADDRESSES) == (("1", "192.168.12.141/24 on LAN2"), ("3", "192.168.180.2/24 on LAN3"))
    assert names.names(live.VIRTUAL_ADDRESSES) == (("1", "192.168.200.1/24 on LAN2"),)
    assert names.names(live.APPLICATIONS) == (("ad", ""), ("securepoint_firewall", ""))
    assert names.names(live.VARIABLES) == (("APPLIANCE_ACCOUNT", ""), ("UPDATE_TRIGGER_DELAY", ""))
    assert names.names(live.GLOBALS) == (("GLOB_NAMES", "a,b"),)
    assert names.names("unheard of") == ()


def test_only_the_names_that_are_asked_for_are_made() -> None:
    names = fetched(Node(), [live.INTERFACES])
    assert names.names(live.INTERFACES)
    assert names.names(live.ADDRESSES) == ()


def test_names_of_configurations_are_asked_for_by_themselves() -> None:
    node = Node()
    assert fetched(node, [live.CONFIGURATIONS]).names(live.CONFIGURATIONS) == (
        ("start", "start configuration"),
        ("work", ""),
    )
    assert node.asked == [messages.ListConfigs()]


def test_nothing_is_asked_where_no_names_are_needed() -> None:
    node = Node()
    fetched(node, [])
    assert node.asked == []


def test_there_are_no_names_while_clusterd_does_not_answer() -> None:
    node = Node(answers={messages.GetConfig: UnreachableError("no answer")})
    assert fetched(node, [live.INTERFACES]).names(live.INTERFACES) == ()


def test_every_source_that_a_command_names_is_one_that_can_be_fetched() -> None:
    more = structs.replace(
        CONFIG,
        routes={"1": Route(router="LAN2", dst="0.0.0.0/0")},
        rules={"1": Rule(pos=1, flags=("ACCEPT", "HIDENAT"), nat_node="LAN2")},
    )
    sources = {
        source
        for command in GRAMMAR.commands
        for key in command.keys
        for source in which_live(GRAMMAR, f"{command.name} {key.name} ")
    }
    names = fetched(Node(more), sources)
    assert live.INTERFACES in sources
    for source in sources:
        assert names.names(source), source


def test_another_shell_is_offered_nothing_that_it_would_carry_out() -> None:
    evil = Snapshot({
        live.CONFIGURATIONS: (
            ("start", "a\nforged\tline \x1b[31m"), ("$(reboot)", ""), ("`id`", ""), ("a;b", ""), ("a&b", ""),
            ("my (old) copy", ""), ("my $(id) copy", ""), ("it's", ""), ('say"', ""), ("my \\ copy", ""),
        ),
    })  # fmt: skip
    assert for_shells(GRAMMAR, "system config load name ", evil) == (
        'start\ta\ufffdforged\ufffdline \ufffd[31m\n"my (old) copy"\t\n'
    )


@pytest.mark.parametrize("pipe", ["'|'", '"|"', "\\|", "|"])
def test_a_filter_is_completed_behind_a_pipe_that_another_shell_leaves_alone(pipe: str) -> None:
    assert for_shells(GRAMMAR, f"cluster info {pipe} cou", NAMES) == "count\tthe number of rows\n"


def test_a_question_mark_shows_no_more_words_than_somebody_reads() -> None:
    many = Snapshot({live.INTERFACES: tuple((f"A1.{number}", "VLAN") for number in range(1000))})
    shown = help_at(GRAMMAR, "interface delete name ", many)
    assert isinstance(shown, Table)
    assert len(shown.rows) == 101
    assert shown.rows[-1] == ("..", "901 more; the first letters of a word narrow them down")
    narrowed = help_at(GRAMMAR, "interface delete name A1.99", many)
    assert isinstance(narrowed, Table)
    assert [word for word, _ in narrowed.rows] == ["A1.99", *(f"A1.99{digit}" for digit in range(10))]
