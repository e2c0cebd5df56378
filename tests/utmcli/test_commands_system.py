"""`system`, its configurations, `extc`, and the words of the session."""

from __future__ import annotations

import pytest

from cluster.errors import InvalidConfigurationError, NotFoundError
from cluster.model import Config
from cluster.rpc import messages
from tests.support.node import CONFIG, Node
from utmcli.commands import GRAMMAR

OK = "OK\n"


def test_system_info_is_a_table_of_attributes() -> None:
    assert Node().type("system info").out == (
        "attribute       |value\n"
        "----------------+-----\n"
        "hostname        |master.cluster.local\n"
        "version         |0.1.0\n"
        "Uptime          |1 day 02:03:04\n"
        "loadavg         |0.00 0.12 1.50\n"
        "kernel          |6.1.0\n"
        "memory_total    |4096\n"
        "memory_available|1024\n"
        "config          |start\n"
    )


def test_configurations_are_listed_with_their_flags() -> None:
    assert Node().type("system config get").out == "name |flags\n-----+-----\nstart|START\nwork |CURRENT,UNSAVED\n"


@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("system config save", messages.SaveConfig()),
        ('system config save name "x"', messages.SaveConfig("x")),
        ('system config set name "x"', messages.SetStartConfig("x")),
        ('system config load name "x"', messages.LoadConfig("x")),
        ('system config delete name "x"', messages.DeleteConfig("x")),
        ("system config import name x text '{\"a\": 1}'", messages.ImportConfig("x", '{"a": 1}')),
        ("system config synchronize", messages.Synchronize()),
        ("system config synchronize force 1 dry_run 0", messages.Synchronize(dry_run=False, force=True)),
        ("system update interface", messages.UpdateInterface()),
        ("system update rule", messages.UpdateRule()),
        ("system reboot", messages.Reboot()),
        ("system poweroff", messages.Reboot(power_off=True)),
    ],
)
def test_a_command_that_does_something_asks_for_it_and_prints_ok(line: str, question: messages.Ask) -> None:
    node = Node()
    said = node.type(line)
    assert (said.code, said.out, said.err) == (0, OK, "")
    assert node.asked == [question]


def test_an_update_of_the_system_is_ok_and_nothing_here_waits_for_it() -> None:
    node = Node()
    assert node.type("system update system").out == OK
    assert node.asked == []


def test_warnings_of_clusterd_go_to_standard_error() -> None:
    node = Node(answers={messages.UpdateInterface: messages.Done(("LAN1 is not in this machine",))})
    said = node.type("system update interface")
    assert (said.code, said.out, said.err) == (0, OK, "% Warning: LAN1 is not in this machine\n")


def test_an_exported_configuration_is_printed_as_it_is() -> None:
    node = Node()
    assert node.type('system config export name "start"').out == '{\n  "schema": 1\n}\n'
    assert node.asked == [messages.ExportConfig("start")]


def test_an_import_without_text_reads_standard_input() -> None:
    node = Node()
    assert node.type("system config import name x", stdin='{"hostname": "a.b"}\n').out == OK
    assert node.asked == [messages.ImportConfig("x", '{"hostname": "a.b"}\n')]


def test_an_import_takes_half_of_the_longest_message() -> None:
    node = Node()
    assert node.type(f"system config import name x text {'x' * (messages.MAX_FRAME // 2)}").code == 0
    assert node.type(f"system config import name x text {'x' * (messages.MAX_FRAME // 2 + 1)}").code == 2
    assert len(node.asked) == 1


def test_an_import_that_is_invalid_names_every_problem_with_its_path() -> None:
    problems = InvalidConfigurationError("the configuration is invalid: 2 problems", ("a: no", "b: neither"))
    said = Node(answers={messages.ImportConfig: problems}).type("system config import name x text {}")
    assert said.code == 1
    assert said.err == "% Error: the configuration is invalid: 2 problems\n  a: no\n  b: neither\n"


def test_a_difference_is_by_default_what_save_would_change() -> None:
    node = Node()
    assert node.type("system config diff").out == (
        "path            |left|right\n----------------+----+-----\ncluster.priority|high|\n"
    )
    assert node.asked[-1] == messages.DiffConfig("work", "")
    node.type("system config diff left a right b")
    assert node.asked[-1] == messages.DiffConfig("a", "b")


def test_without_any_saved_configuration_there_is_nothing_to_compare_with() -> None:
    node = Node(answers={messages.ListConfigs: messages.Configs(())})
    assert node.type("system config diff").err.startswith("% Error: no configuration is saved yet")


def test_a_dry_run_of_synchronize_shows_the_difference() -> None:
    node = Node(answers={messages.Synchronize: messages.Differences(())})
    assert node.type("system config synchronize dry_run 1").out == "path|left|right\n----+----+-----\n"
    assert node.asked == [messages.Synchronize(dry_run=True)]


# --- extc -------------------------------------------------------------------------------------------

DELAY = 'application "securepoint_firewall" variable "UPDATE_TRIGGER_DELAY"'


def test_the_trigger_delay_is_2_while_nothing_is_set() -> None:
    assert Node().type(f"extc value get {DELAY}").out == "value\n-----\n2\n"


def test_a_variable_that_was_set_is_shown() -> None:
    node = Node()
    assert node.type(f"extc value set {DELAY} value 5").out == OK
    assert node.type(f"extc value get {DELAY}").out == "value\n-----\n5\n"


def test_a_trigger_delay_below_2_is_ok_with_a_warning() -> None:
    said = Node().type(f"extc value set {DELAY} value 1")
    assert (said.code, said.out) == (0, OK)
    assert said.err.startswith("% Warning: ")
    assert "UPDATE_TRIGGER_DELAY" in said.err


@pytest.mark.parametrize("verb", ["get", "set"])
@pytest.mark.parametrize(
    ("application", "variable", "sentence"),
    [
        ("unheard", "UPDATE_TRIGGER_DELAY", "there is no application unheard; known are ad, securepoint_firewall"),
        ("securepoint_firewall", "X", "securepoint_firewall has no variable X; known are UPDATE_TRIGGER_DELAY"),
    ],
)
def test_a_variable_that_is_not_there_is_an_error(
    verb: str, application: str, variable: str, sentence: str
) -> None:
    node = Node()
    value = "value 1" if verb == "set" else ""
    said = node.type(f"extc value {verb} application {application} variable {variable} {value}")
    assert (said.code, said.err) == (1, f"% Error: {sentence}\n")
    assert node.config is CONFIG


def test_variables_of_other_applications_are_known_once_they_are_in_the_configuration() -> None:
    node = Node(config=Config(variables={"openvpn": {"PORT": "1194"}}))
    assert node.type("extc value get application openvpn variable PORT").out == "value\n-----\n1194\n"
    assert node.type(f"extc value get {DELAY}").out == "value\n-----\n2\n"


def test_a_global_variable_has_a_row_for_each_value() -> None:
    node = Node()
    assert node.type("extc global get variable GLOB_NAMES").out == "value\n-----\na\nb\n"
    assert node.type('extc global set variable GLOB_NAMES value [ "c" ]').out == OK
    assert node.config.globals == {"GLOB_NAMES": ("c",)}
    assert node.type("extc global get variable GLOB_X").err == "% Error: there is no global variable GLOB_X\n"


# --- words of the session ---------------------------------------------------------------------------


def test_terminal_words_change_the_session_and_ask_nobody() -> None:
    node = Node()
    assert node.type("terminal length 0").out == OK
    assert node.type("terminal width 511").out == OK
    assert (node.session.length, node.session.width) == (0, 511)
    assert node.type("terminal length 7").out == OK
    assert node.session.length == 7
    assert node.asked == []


@pytest.mark.parametrize("word", ["exit", "quit", "logout"])
def test_exit_ends_the_session_without_a_word(word: str) -> None:
    node = Node()
    said = node.type(word)
    assert (said.code, said.out) == (0, "")
    assert node.session.closed


def test_history_is_numbered() -> None:
    node = Node()
    node.session.lines = lambda: ("cluster info", "cluster get")
    assert node.type("history").out == "id|command\n--+-------\n1 |cluster info\n2 |cluster get\n"


def test_help_lists_every_command() -> None:
    lines = Node().type("help").out.splitlines()[2:]
    assert [line.split("|")[0].rstrip() for line in lines] == [command.name for command in GRAMMAR.commands]


def test_help_of_a_word_lists_the_commands_below_it() -> None:
    lines = Node().type("help extc global").out.splitlines()[2:]
    assert [line.split("|")[0].rstrip() for line in lines] == ["extc global get", "extc global set"]
    assert Node().type("help cluster maintenance") == Node().type("help cl maintainance")


def test_help_of_a_command_shows_its_form_its_keys_and_its_note() -> None:
    assert Node().type("help cluster maintainance set").out == (
        "cluster maintainance set value 1|0\n"
        "    lowest priority for this node, or its own again\n"
        "\n"
        "value  1: maintenance, 0: normal operation\n"
        "\n"
        "Persists at once, without system config save; the role follows with system update interface.\n"
    )


def test_help_of_a_command_marks_optional_keys_and_lists() -> None:
    first = Node().type("help cluster hotwire set").out.splitlines()[0]
    keys = "[interface INTERFACE] [local_addr ADDRESS] [remote_addr [ ADDRESS .. ]] [force 1|0]"
    assert first == f"cluster hotwire set {keys}"
    assert Node().type("help terminal length").out.splitlines()[0] == "terminal length LINES"
    assert Node().type("help help").out.splitlines()[0] == "help [COMMAND]"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("help nonsense", 'there is no help for "nonsense"\n'),
        ("help cluster nonsense", 'there is no help for "cluster nonsense"\n'),
        ("help cluster info more", 'there is no help for "cluster info more"\n'),
        ("help cluster s", 'there is no help for "cluster s"; it can mean set or switch or status\n'),
    ],
)
def test_help_of_what_is_not_there_says_so(line: str, answer: str) -> None:
    said = Node().type(line)
    assert (said.out, said.err, said.code) == ("", f"% Error: {answer}", 1)


def test_an_error_of_any_question_reaches_the_administrator() -> None:
    node = Node(answers={messages.LoadConfig: NotFoundError("there is no configuration x")})
    assert node.type("system config load name x").err == "% Error: there is no configuration x\n"
