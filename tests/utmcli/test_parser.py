"""One line, one meaning; or one problem, its caret under the token at fault, and nothing asked of clusterd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.lines import Part, command_line, parts_of, right, wrong
from tests.support.node import Node
from utmcli.commands import GRAMMAR
from utmcli.parser import Invocation, Kind, Problem, parse, with_secrets_covered, without_secrets
from utmcli.pipes import Pipe

if TYPE_CHECKING:
    from utmcli.grammar import Command, Key


def understood(line: str) -> Invocation:
    result = parse(GRAMMAR, line)
    assert isinstance(result, Invocation), result
    return result


def problem(line: str) -> Problem:
    result = parse(GRAMMAR, line)
    assert isinstance(result, Problem), result
    return result


def refused(line: str, kind: Kind, column: int, code: int = 2) -> None:
    """The line is answered with this problem at this column, and clusterd hears nothing of it."""
    node = Node()
    said = node.type(line)
    assert said.code == code
    assert said.out == ""
    assert node.asked == []
    words, echoed, caret, *_ = said.err.splitlines()
    assert words.startswith(f"{kind.value}: ")
    assert echoed == with_secrets_covered(GRAMMAR, line).rstrip()
    assert caret == " " * column + "^"


# --- every documented form --------------------------------------------------------------------------

DOCUMENTED = """\
cluster info
cluster maintainance get
cluster maintainance set value "1"
cluster maintainance set value "0"
system config get
system config save
system config save name "x"
system config set name "x"
system config export name "x"
system config synchronize
system config synchronize dry_run 1
system config synchronize dry_run 1 force 1
system update interface
system update rule
system update system
system info
extc value get application "securepoint_firewall" variable "UPDATE_TRIGGER_DELAY"
extc value set application "securepoint_firewall" variable "UPDATE_TRIGGER_DELAY" value 2
appmgmt status
appmgmt start application "openvpn"
appmgmt stop application "openvpn"
appmgmt restart application "openvpn"
appmgmt set application "openvpn" flags [ AUTOSTART ]
openvpn get
openvpn set id 1 local_addr 192.168.175.101 local_port 20000
extc global get variable "GLOB_NAMES"
extc global set variable "GLOB_NAMES" value [ "a" "b" ]
interface get
interface new name "A1.10" type "VLAN" flags [ ] options [ "vlan_id=10" "vlan_parent=A1" ]
interface delete name "A1.10"
interface address get
interface address new device "A1" address "10.0.0.1/24"
interface address delete id "3"
route get
route new router "192.168.175.1" dst "0.0.0.0/0"
route new src "" router "wan0" dst "0.0.0.0/0"
route set id "1" router "192.168.175.2" weight "2"
route delete id "1"
rule get
rule new group "default" src "internal-network" dst "internet" service any flags [ ACCEPT HIDENAT ] nat_node LAN1
rule set id "4" pos "1" flags [ ACCEPT HIDENAT ]
rule move id "4" pos "3" group "default"
rule delete id "4"
system ssh pubkey get
system ssh pubkey new key "ssh-ed25519 AAAA"
system ssh pubkey enable id 1
user get
user new name "anna" role admin password "correct horse"
user set name "anna" role readonly
user delete name "anna"
user group get
user group new name "night" role admin
user group set name "night" role readonly
user group delete name "night"
"""

OURS = """\
cluster status
cluster get
cluster set priority high
cluster set priority low
cluster set passphrase "correct horse battery"
cluster auth get
cluster auth new id 2 secret "battery staple"
cluster auth set send 2
cluster auth delete id 1 force 1
cluster key get
cluster key new
cluster key remote get
cluster key remote set key "ssh-ed25519 AAAA spare"
cluster key remote set key [ "ssh-ed25519 AAAA spare" "ssh-rsa BBBB" ]
cluster key remote add key "ssh-ed25519 AAAA spare"
cluster key remote delete fingerprint SHA256:abc
cluster capture interface LAN2 count 5
cluster check
cluster set advert_interval 25
cluster set enabled 1
cluster set auth_policy receive-only
cluster hotwire get
cluster hotwire set interface LAN3 local_addr 192.168.180.2 remote_addr [ 192.168.180.3 ]
cluster backup_disable get
cluster backup_disable set interfaces [ wan0 wg0 ] applications [ "DHCP Server" IPSEC ]
cluster wizard
cluster wizard role master hotwire_interface LAN3 local_addr 192.168.180.2/24 ha_interface [ LAN1 LAN2 ]
cluster wizard role spare master_block "[Master]"
cluster switch
cluster switch force 1
cluster events
cluster events follow 1
cluster events limit 5
cluster monitor
cluster explain
system config load name "x"
system config delete name "x"
system config import name "x" text "{}"
system config diff
system config diff left "a" right "b"
system config history limit 5
system config rollback
system config rollback revision 7 force 1
system config rollback both 1
system config activate confirm 60
system config confirm
system reboot
system poweroff
interface set name LAN2 flags [ "HA" ] options [ "vrid=2" "ping_check_host=192.168.12.9" ]
interface virtual get
interface virtual new device LAN2 address 192.168.200.1/24
interface virtual delete id 1
system ssh get
system ssh set port 2222 idle_timeout 600 enabled 1
system ssh pubkey delete id 1
system audit get limit 10 user anna failed 1
user password old "correct horse" new "battery staple"
user key get
user key get name anna
user key new name anna key "ssh-ed25519 AAAA"
user key enable name anna id 1
user key disable name anna id 1
user key delete name anna id 1
openvpn new name office local_addr 192.168.175.101 local_port 20000 proto udp
openvpn delete id 1
terminal length 0
terminal width 511
terminal timeout 10
message "back in 5 minutes"
help
help cluster info
history
exit
"""


@pytest.mark.parametrize("line", DOCUMENTED.splitlines())
def test_every_documented_line_is_understood_as_written(line: str) -> None:
    invocation = understood(line)
    assert invocation.command.documented
    assert line.startswith(invocation.command.name)


@pytest.mark.parametrize("line", OURS.splitlines())
def test_every_line_of_ours_is_understood_as_written(line: str) -> None:
    assert not understood(line).command.documented or line.startswith("interface set")


def test_these_lines_name_every_command_there_is() -> None:
    lines = (DOCUMENTED + OURS).splitlines()
    assert {understood(line).command.name for line in lines} == {command.name for command in GRAMMAR.commands}


# --- values -----------------------------------------------------------------------------------------


def test_keys_come_in_any_order() -> None:
    one = understood('extc value set application "a" variable "b" value 2')
    other = understood('extc value set value 2 variable "b" application "a"')
    assert one == other


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("bare", "bare"),
        ('"with blanks"', "with blanks"),
        ("'single quotes'", "single quotes"),
        (r'"a \"quote\" and a \\"', 'a "quote" and a \\'),
        (r"'it\'s'", "it's"),
        (r'"\n stays"', r"\n stays"),
        ('"a|b ] [ c"', "a|b ] [ c"),
        ("don't", "don't"),
        ("日本", "日本"),
    ],
)
def test_values_are_bare_or_quoted(written: str, value: str) -> None:
    assert understood(f"extc value set application a variable b value {written}").values["value"] == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('[ "a" "b" ]', ("a", "b")),
        ("[ a b ]", ("a", "b")),
        ("[a b]", ("a", "b")),
        ("[ ]", ()),
        ("[]", ()),
        ("a", ("a",)),
        ('"a b"', ("a b",)),
        ('""', ()),
    ],
)
def test_lists_are_written_in_brackets_and_a_single_value_is_a_list_of_one(written: str, value: object) -> None:
    assert understood(f"extc global set variable GLOB_X value {written}").values["value"] == value


def test_the_empty_value_clears() -> None:
    assert understood('cluster set passphrase "" advert_interval ""').values == {
        "passphrase": None,
        "advert_interval": None,
    }


def test_the_empty_value_clears_nothing_that_must_have_a_value() -> None:
    refused('cluster maintainance set value ""', Kind.INVALID, 31)


def test_options_are_read_by_name() -> None:
    line = "interface set name LAN2 options [ vrid=2 ping_check_host=192.0.2.1 ping_check_host=192.0.2.2 ]"
    assert understood(line).values["options"] == {"vrid": 2, "ping_check_host": ("192.0.2.1", "192.0.2.2")}


def test_choices_are_read_in_either_case_and_given_in_the_documented_one() -> None:
    assert understood("interface set name LAN2 flags [ ha HotWire ]").values["flags"] == ("HA", "HOTWIRE")


# --- abbreviations and other spellings --------------------------------------------------------------


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("cl inf", "cluster info"),
        ("cluster maintenance get", "cluster maintainance get"),
        ("clu maint s v 1", "cluster maintainance set value 1"),
        ("cluster maintenanc get", "cluster maintainance get"),
        ("sys conf sa na x", "system config save name x"),
        ("quit", "exit"),
        ("t l 0", "terminal length 0"),
    ],
)
def test_words_and_keys_may_be_abbreviated(short: str, full: str) -> None:
    assert understood(short) == understood(full)


@pytest.mark.parametrize(
    ("line", "column", "meanings"),
    [
        ("cluster s", 8, ("set", "switch", "status")),
        ("cluster set p high", 12, ("priority", "passphrase")),
        ("system config s", 14, ("save", "set", "synchronize")),
        ("cluster set a 1", 12, ("auth_policy", "advert_interval")),
    ],
)
def test_an_ambiguous_abbreviation_names_what_it_can_mean(
    line: str, column: int, meanings: tuple[str, ...]
) -> None:
    assert problem(line).expected == meanings
    refused(line, Kind.AMBIGUOUS, column, code=3)


def test_a_whole_word_is_never_ambiguous() -> None:
    assert understood("cluster backup_disable set interfaces x").values == {"interfaces": ("x",)}
    assert understood("cluster set enabled 1").command.name == "cluster set"


def test_values_are_never_abbreviated() -> None:
    refused("cluster set priority hi", Kind.INVALID, 21)


# --- filters ----------------------------------------------------------------------------------------


def test_filters_follow_the_command() -> None:
    assert understood('cluster info | match "a b" | head 2|json').pipes == (
        Pipe("match", "a b"),
        Pipe("head", 2),
        Pipe("json"),
    )


@pytest.mark.parametrize(
    ("line", "kind", "column"),
    [
        ("cluster info |", Kind.INCOMPLETE, 15),
        ("cluster info | match", Kind.INCOMPLETE, 21),
        ("cluster info | head two", Kind.INVALID, 20),
        ("cluster info | head -1", Kind.INVALID, 20),
        ("cluster info | grep x", Kind.INVALID, 15),
        ("cluster info | json x", Kind.INVALID, 20),
        ("cluster info | | json", Kind.INVALID, 15),
        ("cluster info | save a | save b", Kind.INVALID, 24),
        ("cluster info | watch 1 | watch 2", Kind.INVALID, 25),
        ("| json", Kind.INCOMPLETE, 0),
        ("cluster | json", Kind.INCOMPLETE, 8),
        ("cluster set priority | json", Kind.INCOMPLETE, 21),
    ],
)
def test_what_is_wrong_with_a_filter_is_said_at_its_column(line: str, kind: Kind, column: int) -> None:
    refused(line, kind, column)


# --- problems ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kind", "column"),
    [
        ("", Kind.INCOMPLETE, 0),
        ("   ", Kind.INCOMPLETE, 0),
        ("cluster", Kind.INCOMPLETE, 8),
        ("cluster   ", Kind.INCOMPLETE, 8),
        ("nonsense", Kind.INVALID, 0),
        ("cluster nonsense", Kind.INVALID, 8),
        ('""', Kind.INVALID, 0),
        ('cluster ""', Kind.INVALID, 8),
        ("[ cluster", Kind.INVALID, 0),
        ("cluster set", Kind.INCOMPLETE, 12),
        ("cluster set priority", Kind.INCOMPLETE, 21),
        ("cluster set priority [ high ]", Kind.INVALID, 21),
        ("cluster set priority high low", Kind.INVALID, 26),
        ("cluster set ]", Kind.INVALID, 12),
        ('cluster set passphrase "open', Kind.INCOMPLETE, 23),
        ("cluster set passphrase 'open", Kind.INCOMPLETE, 23),
        ("interface set name LAN2 flags [ HA", Kind.INCOMPLETE, 30),
        ("interface set name LAN2 flags [ HA HA ]", Kind.INVALID, 35),
        ("interface set name LAN2 flags [ HA XX ]", Kind.INVALID, 35),
        ("interface set name LAN2 flags [ HA [ ]", Kind.INVALID, 35),
        ("interface set name LAN2", Kind.INCOMPLETE, 24),
        ("interface set name LAN2 options [ vrid=0 ]", Kind.INVALID, 34),
        ("interface set name LAN2 options [ vrid=1 vrid=2 ]", Kind.INVALID, 41),
        ("interface set name LAN2 options [ colour=red ]", Kind.INVALID, 34),
        ("interface set name LAN2 options [ vrid ]", Kind.INVALID, 34),
        ("terminal length", Kind.INCOMPLETE, 16),
        ("terminal length x", Kind.INVALID, 16),
        ("terminal length 1 2", Kind.INVALID, 18),
        ("cluster info value 1", Kind.INVALID, 13),
    ],
)
def test_the_caret_points_at_what_is_wrong(line: str, kind: Kind, column: int) -> None:
    refused(line, kind, column)


def test_a_problem_looks_like_this() -> None:
    line = "cluster set prioritaet high"
    assert problem(line).render(line) == (
        '% Invalid input: "prioritaet" is no key of "cluster set", did you mean "priority"?\n'
        "cluster set prioritaet high\n"
        "            ^\n"
        "expected: enabled, priority, passphrase, auth_policy, advert_interval, force\n"
    )


def test_a_mistyped_word_is_answered_with_the_one_probably_meant() -> None:
    assert 'did you mean "status"?' in problem("cluster stauts").message
    assert 'did you mean "cluster"?' in problem("clutser info").message
    assert "did you mean" not in problem("cluster xyzzy").message


def test_the_caret_stands_below_its_token_behind_wide_characters_and_tabulators() -> None:
    wide = 'extc value get application "日本" x'
    assert problem(wide).render(wide).splitlines()[2] == " " * 34 + "^"
    combined = 'extc value get application "cafe\u0301" x'
    assert problem(combined).render(combined).splitlines()[2] == " " * 34 + "^"
    tabs = "cluster\tnonsense"
    assert problem(tabs).render(tabs).splitlines()[1:3] == ["cluster nonsense", "        ^"]


def test_bytes_of_another_encoding_are_said_where_they_stand() -> None:
    node = Node()
    said = node.type('extc global set variable GLOB_X value "caf\udce9"')
    assert (said.code, node.asked) == (2, [])
    assert said.err.splitlines()[0] == "% Invalid input: what begins here is no UTF-8 text"
    assert said.err.splitlines()[2] == " " * 42 + "^"


def test_a_problem_with_a_secret_does_not_repeat_it() -> None:
    line = f"cluster set passphrase {'x' * 5000}"
    assert "xxx" not in problem(line).message


# --- properties of every command --------------------------------------------------------------------

def of_every(commands: list[Command]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("command", commands, ids=[command.name for command in commands])


EVERY = list(GRAMMAR.commands)
WITH_REQUIRED_KEYS = [command for command in EVERY if any(key.required for key in command.keys)]
WITH_NAMED_KEYS = [command for command in EVERY if any(not key.positional for key in command.keys)]
WITH_MALFORMED_VALUES = [command for command in EVERY if any(wrong(key.type) for key in command.keys)]
briefly = settings(deadline=None, max_examples=10)


@of_every(EVERY)
@briefly
@given(data=st.data())
def test_a_command_with_right_keys_is_understood(command: Command, data: st.DataObject) -> None:
    parts = data.draw(parts_of(command))
    invocation = understood(command_line(command, parts))
    assert invocation.command is command
    assert set(invocation.values) == {part.key.name for part in parts}


@of_every(WITH_REQUIRED_KEYS)
@briefly
@given(data=st.data())
def test_a_missing_key_is_said_where_it_would_go(command: Command, data: st.DataObject) -> None:
    parts = data.draw(parts_of(command))
    missing = data.draw(st.sampled_from([key for key in command.keys if key.required]))
    line = command_line(command, [part for part in parts if part.key is not missing])
    refused(line, Kind.INCOMPLETE, len(line) + 1)
    assert missing.name in problem(line).message


@of_every([command for command in EVERY if command.needs_one])
def test_a_command_that_would_change_nothing_is_incomplete(command: Command) -> None:
    saying_how = [Part(key, right(key.type)) for key in command.keys if key.required or key.manner]
    line = command_line(command, saying_how)
    refused(line, Kind.INCOMPLETE, len(line) + 1)


@of_every(WITH_NAMED_KEYS)
@briefly
@given(data=st.data())
def test_a_missing_value_is_said_where_it_would_go(command: Command, data: st.DataObject) -> None:
    parts, key = data.draw(parts_of(command)), data.draw(named_key(command))
    line = f"{command_line(command, [part for part in parts if part.key is not key])} {key.name}"
    refused(line, Kind.INCOMPLETE, len(line) + 1)


@of_every([command for command in EVERY if command.name != "help"])
@briefly
@given(data=st.data())
def test_an_unknown_key_is_said_at_that_key(command: Command, data: st.DataObject) -> None:
    parts = data.draw(parts_of(command))
    at = data.draw(st.integers(sum(part.key.positional for part in parts), len(parts)))
    before = command_line(command, parts[:at])
    line = " ".join((before, "zzz 1", *map(str, parts[at:])))
    refused(line, Kind.INVALID, len(before) + 1)


@of_every(WITH_NAMED_KEYS)
@briefly
@given(data=st.data())
def test_a_repeated_key_is_said_at_its_repetition(command: Command, data: st.DataObject) -> None:
    parts, key = data.draw(parts_of(command)), data.draw(named_key(command))
    again = Part(key, right(key.type))
    before = command_line(command, parts if again in parts else [*parts, again])
    refused(f"{before} {again}", Kind.INVALID, len(before) + 1)


@of_every(WITH_MALFORMED_VALUES)
@briefly
@given(data=st.data())
def test_a_malformed_value_is_said_at_that_value(command: Command, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from([key for key in command.keys if wrong(key.type)]))
    before = command_line(command, [part for part in data.draw(parts_of(command)) if part.key is not key])
    spoiled = Part(key, str(wrong(key.type)))
    line = f"{before} {spoiled}"
    refused(line, Kind.INVALID, len(line) - len(spoiled.value))


def named_key(command: Command) -> st.SearchStrategy[Key]:
    return st.sampled_from([key for key in command.keys if not key.positional])


WORDS = st.sampled_from([
    "cluster", "set", "interface", "name", "flags", "options", "[", "]", "|", '"', "'", "\\", " ", "\t", "vrid=",
    "match", "help", "terminal", "length", "9" * 30, "HA", "system", "config", "import", "text", "value", "\x00",
])  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.one_of(WORDS, st.text(max_size=4))).map(" ".join)))
def test_no_line_is_answered_with_anything_but_an_invocation_or_a_problem(line: str) -> None:
    result = parse(GRAMMAR, line)
    if isinstance(result, Problem):
        assert 0 <= result.column <= len(line) + 1
        assert result.exit_code in (2, 3)
        assert result.render(line).startswith(result.kind.value)
    without_secrets(GRAMMAR, line)


# --- secrets ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("cluster info", "cluster info"),
        ("cluster set passphrase hunter2", "cluster set passphrase (secret)"),
        ('cl set pass "hunter 2" priority low', "cl set pass (secret) priority low"),
        ('cluster set passphrase "hunter 2', "cluster set passphrase (secret)"),
        ("cluster set passphrase hunter 2", "cluster set passphrase (secret) (secret)"),
        ("cluster set passphrase [ hunter2 ]", "cluster set passphrase (secret)"),
        ("cluster set passphrase hunter2 | nonsense", "cluster set passphrase (secret) | nonsense"),
        ("cluster set priority hi passphrase hunter2", "cluster set priority hi passphrase (secret)"),
        ("cluster set priority hi pass hunter2", "cluster set priority hi pass (secret)"),
        ('cluster set priority "hi passphrase hunter2', "cluster set priority (secret)"),
        ("cluster set passphrse hunter2", "cluster set passphrse (secret)"),
        ("cluster set p hunter2", "cluster set p (secret)"),
        ("clustr set passphrase hunter2", "clustr set passphrase (secret)"),
        ("cluster auth nwe id 2 secret hunter2", "cluster auth nwe id 2 secret (secret)"),
        ("cluster auth new secret hunter2 | json", "cluster auth new secret (secret) | json"),
        ("cluster set passphrase=hunter2", "cluster set passphrase=(secret)"),
        ("cluster set pasphrase:hunter2 priority low", "cluster set pasphrase:(secret)"),
        ('cluster set passphrase"hunter2"', 'cluster set passphrase"(secret)'),
        ("cluster set secret hunter2", "cluster set secret (secret)"),
        ("cl s pas hunter2", "cl s pas (secret)"),
        ("USER SET NAME admin PASSWORD hunter2", "USER SET NAME admin PASSWORD (secret)"),
        ("passwd hunter2", "passwd (secret)"),
        ("user password hunter2 hunter3", "user password (secret)"),
        ("user password alt hunter2 neu hunter3", "user password (secret)"),
        ("cluster auth new id 2 hunter2", "cluster auth new id 2 (secret)"),
        ("cluster auth new id 2 hunter2 force 1", "cluster auth new id 2 (secret)"),
        ("user password hunter2 new hunter3", "user password (secret)"),
        ("user new bob hunter2 role readonly", "user new (secret)"),
        ("user new nmae bob pasword hunter2", "user new nmae bob pasword (secret)"),
        ("user new name bob role readonly hunter2", "user new name bob role readonly (secret)"),
        ("cluster auth new id 2 | json", "cluster auth new id 2 | json"),
        ("cluster info nonsense", "cluster info nonsense"),
    ],
)
def test_a_history_keeps_no_secret_whatever_else_is_wrong_with_the_line(line: str, kept: str) -> None:
    assert without_secrets(GRAMMAR, line) == kept


@pytest.mark.parametrize(
    "line",
    [
        "cluster set priority medium",
        "cluster set priority",
        "cluster set foo 1",
        "user new nmae bob role readonly",
        'cluster set priority "" foo 1',
        "cluster set priority high priority low",
        "sytem config set name secretary",
        'system config load name "x',
    ],
)
def test_a_mistake_that_has_nothing_to_do_with_a_secret_can_be_read_and_recalled(line: str) -> None:
    assert without_secrets(GRAMMAR, line) == line


# --- standard input ---------------------------------------------------------------------------------


def test_standard_input_stands_in_for_the_key_that_a_command_reads_from_it() -> None:
    assert isinstance(parse(GRAMMAR, "system config import name x", has_input=True), Invocation)
    assert problem("system config import name x").kind is Kind.INCOMPLETE
    result = parse(GRAMMAR, "system config import", has_input=True)
    assert isinstance(result, Problem), "the other keys are needed all the same"
