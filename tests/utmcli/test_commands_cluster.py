"""`cluster`: what is printed, and what clusterd is asked."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from cluster.errors import ClusterError, RefusedError, UnreachableError
from cluster.health import Administrator, PartnerHealth
from cluster.model import ClusterOptions, SetValue
from cluster.observed import ConnectionStatus
from cluster.rpc import messages
from tests.support.node import CONFIG, STATUS, Node, event

OK = "OK\n"


def test_cluster_info_prints_the_documented_table() -> None:
    assert Node().type("cluster info").out == (
        "attribute    |value\n"
        "-------------+-----\n"
        "cluster_state|master\n"
        "sync_state   |synchronized\n"
        "hotwire_dev  |LAN3\n"
        "maintainance |false\n"
    )


def test_cluster_info_as_json_is_one_object() -> None:
    assert json.loads(Node().type("cluster info | json").out) == {
        "cluster_state": "master",
        "sync_state": "synchronized",
        "hotwire_dev": "LAN3",
        "maintainance": False,
    }


def test_maintenance_is_shown_as_1_or_0() -> None:
    assert Node().type("cluster maintainance get").out == "value\n-----\n0\n"


@pytest.mark.parametrize(("line", "value"), [("1", True), ('"1"', True), ('"0"', False)])
def test_maintenance_is_set_at_once(line: str, value: object) -> None:
    node = Node()
    assert node.type(f"cluster maintenance set value {line}").out == OK
    assert node.asked == [messages.SetMaintenance(bool(value))]


def test_options_show_of_the_passphrase_only_whether_there_is_one() -> None:
    shown = Node().type("cluster get").out
    assert shown == (
        "attribute      |value\n"
        "---------------+-----\n"
        "enabled        |true\n"
        "priority       |high\n"
        "passphrase     |(secret)\n"
        "auth_policy    |enforce\n"
        "advert_interval|25\n"
    )
    assert "passphrase     |\n" in Node(config=type(CONFIG)()).type("cluster get").out


def test_options_are_set_all_or_none() -> None:
    node = Node()
    assert node.type("cluster set priority low advert_interval 100 enabled 0").out == OK
    (asked,) = node.asked
    assert isinstance(asked, messages.EditConfig)
    assert asked.changes == (
        SetValue(("cluster", "priority"), "low"),
        SetValue(("cluster", "advert_interval"), 100),
        SetValue(("cluster", "enabled"), value=False),
    )


@pytest.mark.parametrize(("interval", "code"), [("0", 2), ("1", 0), ("4095", 0), ("4096", 2)])
def test_the_interval_fits_its_field_of_the_packet(interval: str, code: int) -> None:
    assert Node().type(f"cluster set advert_interval {interval}").code == code


def test_an_empty_value_goes_back_to_the_default() -> None:
    node = Node()
    assert node.type('cluster set passphrase "" advert_interval "" auth_policy ""').out == OK
    assert node.config.cluster.passphrase == ""
    assert node.config.cluster.advert_interval == ClusterOptions().advert_interval


def test_a_passphrase_that_clusterd_refuses_is_not_repeated() -> None:
    said = Node().type("cluster set passphrase short")
    assert said.code == 1
    assert said.err.startswith("% Error: ")
    assert "cluster.passphrase" in said.err


def test_the_hotwire_is_one_row() -> None:
    assert Node().type("cluster hotwire get").out == (
        "interface|local_addr   |remote_addr\n"
        "---------+-------------+-----------\n"
        "LAN3     |192.168.180.2|192.168.180.3\n"
    )
    assert Node(config=type(CONFIG)()).type("cluster hotwire get").out.count("\n") == 2, "only its header"


def test_a_hotwire_that_is_set_by_half_is_shown_by_half() -> None:
    half = type(CONFIG)(cluster=ClusterOptions(hotwire_remote=("192.168.180.3",)))
    rows = Node(config=half).type("cluster hotwire get").out.splitlines()[2:]
    assert rows == ["         |          |192.168.180.3"]


def test_choosing_another_hotwire_moves_the_flag() -> None:
    node = Node()
    node.config = type(CONFIG)(interfaces={name: CONFIG.interfaces[name] for name in ("LAN3",)} | {
        "LAN4": type(CONFIG.interfaces["LAN3"])(id=4),
    })  # fmt: skip
    line = "cluster hotwire set interface LAN4 local_addr 10.0.0.1 remote_addr [ 10.0.0.2 10.0.0.3 ]"
    assert node.type(line).out == OK
    assert node.config.interfaces["LAN3"].flags == ()
    assert node.config.interfaces["LAN4"].flags == ("HOTWIRE",)
    assert node.config.cluster.hotwire_local == "10.0.0.1"
    assert node.config.cluster.hotwire_remote == ("10.0.0.2", "10.0.0.3")


def test_the_hotwire_can_be_cleared() -> None:
    node = Node()
    assert node.type('cluster hotwire set interface "" local_addr "" remote_addr ""').out == OK
    assert node.config.interfaces["LAN3"].flags == ()
    assert node.config.cluster.hotwire_local == ""
    assert node.config.cluster.hotwire_remote == ()


def test_an_interface_that_is_not_there_is_no_hotwire() -> None:
    node = Node()
    said = node.type("cluster hotwire set interface LAN9")
    assert said.code == 1
    assert said.err == "% Error: there is no interface LAN9; known are LAN1, LAN2, LAN3\n"
    assert node.config is CONFIG


def test_what_stays_down_in_backup_is_set_list_by_list() -> None:
    node = Node()
    assert node.type("interface new name wan0 type WAN").out == OK
    assert node.type('cluster backup_disable set applications [ "DHCP Server" IPSEC ]').out == OK
    assert node.type("cluster backup_disable set interfaces wan0").out == OK
    assert node.type("cluster backup_disable get").out == (
        "attribute   |value\n------------+-----\ninterfaces  |wan0\napplications|DHCP Server,IPSEC\n"
    )
    assert node.type("cluster backup_disable set interfaces [ ]").out == OK
    assert node.config.cluster.backup_disable_interfaces == ()
    assert node.config.cluster.backup_disable_applications == ("DHCP Server", "IPSEC")


def test_the_role_is_handed_over_and_forced_on_request() -> None:
    node = Node()
    assert node.type("cluster switch").out == OK
    assert node.type("cluster switch force 1").out == OK
    assert node.asked == [messages.Switch(), messages.Switch(force=True)]


def test_what_clusterd_refuses_is_said_on_standard_error() -> None:
    node = Node(answers={messages.Switch: RefusedError("the partner is not heard; force 1 overrides")})
    said = node.type("cluster switch")
    assert (said.code, said.out) == (1, "")
    assert said.err == "% Error: the partner is not heard; force 1 overrides\n"


def test_a_clusterd_that_does_not_answer_has_an_exit_code_of_its_own() -> None:
    node = Node(answers={messages.GetInfo: UnreachableError("clusterd does not answer")})
    assert node.type("cluster info").code == 6


def test_an_answer_of_the_wrong_kind_is_an_error_and_not_a_traceback() -> None:
    said = Node(answers={messages.GetInfo: messages.Done()}).type("cluster info")
    assert said.err == "% Error: clusterd answered Done where Info was expected\n"


# --- status and explain -----------------------------------------------------------------------------


def test_the_status_has_a_section_for_everything_an_administrator_asks() -> None:
    shown = Node().type("cluster status").out
    since = re.search(r"since +\|(.*)\n", shown)
    assert since is not None
    assert shown == (
        "node\n"
        "attribute   |value\n"
        "------------+-----\n"
        "role        |master\n"
        f"since       |{since[1]}\n"
        "cause       |no valid advert of the partner was heard\n"
        "priority    |254\n"
        "handing_over|false\n"
        "maintainance|false\n"
        "\n"
        "engine\n"
        "attribute|value\n"
        "---------+-----\n"
        "state    |running\n"
        "pid      |812\n"
        "restarts |1\n"
        "real_time|SCHED_RR priority 50, memory locked\n"
        "\n"
        "interfaces\n"
        "interface|vrid|link             |virtual_addresses|partner       |partner_priority|heard\n"
        "---------+----+-----------------+-----------------+--------------+----------------+-----\n"
        "LAN2     |2   |usable (changing)|192.168.200.1/24 |192.168.12.142|253             |0.13 s ago\n"
        "\n"
        "adverts\n"
        "interface|sent|received|unsigned|rejected\n"
        "---------+----+--------+--------+--------\n"
        "LAN2     |1200|4       |2       |bad-tag=3,ttl=1\n"
        "\n"
        "hotwire\n"
        "attribute  |value\n"
        "-----------+-----\n"
        "hotwire_dev|LAN3\n"
        "sync_state |error\n"
        "sync_reason|the hotwire link is not part of this version\n"
        "\n"
        "connections\n"
        "attribute       |value\n"
        "----------------+-----\n"
        "state           |running\n"
        "pid             |815\n"
        "restarts        |0\n"
        "entries         |210\n"
        "injected        |3\n"
        "inject_failed   |0\n"
        "bytes_sent      |42224\n"
        "bytes_received  |84216\n"
        "packets_sent    |44\n"
        "packets_received|75\n"
        "send_errors     |0\n"
        "receive_errors  |0\n"
        "malformed       |0\n"
        "lost            |0\n"
        "waiting         |0\n"
        "unconfirmed     |1\n"
        "queue_errors    |0\n"
        "overruns        |0\n"
        "\n"
        "explanation\n"
        "it hears no better node\n"
        "it would yield to a higher priority\n"
    )


def shown_with(interface: dict[str, object] | None = None, **node: object) -> str:
    """The status where some of it differs from the usual."""
    interfaces = (msgspec.structs.replace(STATUS.interfaces[0], **(interface or {})),)
    status = msgspec.structs.replace(STATUS, interfaces=interfaces, **node)
    return Node(answers={messages.GetStatus: messages.Status(status)}).type("cluster status").out


PARTNER = PartnerHealth(
    hostname="spare.cluster.local",
    software="0.1.0",
    schema=1,
    role="backup",
    usable=("LAN1",),
    lost=("LAN2",),
    hears=("LAN1",),
    administrators=(Administrator(user="admin", source="ssh 192.0.2.7", since=5.0),),
)


def test_what_the_partner_says_of_itself_is_shown() -> None:
    shown = shown_with(partner=PARTNER, clock_offset=-2.26)
    assert (
        "partner\n"
        "attribute     |value\n"
        "--------------+-----\n"
        "hostname      |spare.cluster.local\n"
        "role          |backup\n"
        "usable        |LAN1\n"
        "lost          |LAN2\n"
        "hears_us_on   |LAN1\n"
        "software      |0.1.0\n"
        "schema        |1\n"
        "unsaved       |false\n"
        "maintainance  |false\n"
        "administrators|admin (ssh 192.0.2.7)\n"
        "conntrack     |\n"
        "clock         |2.3 s behind ours\n"
    ) in shown


def test_clocks_that_differ_by_no_more_than_the_wire_takes_are_the_same() -> None:
    assert "clock         |as ours\n" in shown_with(partner=PARTNER, clock_offset=0.05)


def test_a_clock_that_is_days_off_is_told_in_days() -> None:
    assert "clock         |10 days 00:00:00 ahead of ours\n" in shown_with(partner=PARTNER, clock_offset=864_000.0)


def test_what_is_not_known_stays_empty() -> None:
    shown = shown_with({"partner_address": None, "partner_priority": None, "partner_heard_age": None}, since=None)
    assert "since       |\n" in shown
    assert "|192.168.200.1/24 |       |                |never\n" in shown


@pytest.mark.parametrize(
    ("usable", "pending", "link"),
    [(True, False, "usable"), (False, False, "lost"), (False, True, "lost (changing)")],
)
def test_a_link_is_what_counts_and_whether_that_is_about_to_change(usable: bool, pending: bool, link: str) -> None:
    assert f"|2   |{link:{max(len(link), 4)}}|" in shown_with({"usable": usable, "pending": pending})


@pytest.mark.parametrize(
    ("age", "heard"),
    [
        (0.0, "0.00 s ago"),
        (59.994, "59.99 s ago"),
        (60.0, "00:01:00 ago"),
        (3_725.0, "01:02:05 ago"),
        (86_400.0, "1 day 00:00:00 ago"),
        (200_000.0, "2 days 07:33:20 ago"),
    ],
)
def test_ages_are_told_in_words_that_fit_them(age: float, heard: str) -> None:
    assert f"|{heard}\n" in shown_with({"partner_heard_age": age})


def test_the_status_as_json_is_one_object_by_section() -> None:
    sections = json.loads(Node().type("cluster status | json").out)
    assert list(sections) == ["node", "engine", "interfaces", "adverts", "hotwire", "connections", "explanation"]
    assert sections["interfaces"][0]["virtual_addresses"] == ["192.168.200.1/24"]


def test_without_synchronised_connections_the_status_says_why() -> None:
    missing = ConnectionStatus(state="missing", reason="conntrackd is not installed")
    rows = "state    |missing\nreason   |conntrackd is not installed\n\n"
    assert f"connections\nattribute|value\n---------+-----\n{rows}" in shown_with(connections=missing)


def test_an_explanation_is_a_sentence_a_line() -> None:
    assert Node().type("cluster explain").out == "it hears no better node\nit would yield to a higher priority\n"


def test_a_node_without_an_explanation_still_tells_the_cause() -> None:
    silent = msgspec.structs.replace(STATUS, explanation=())
    node = Node(answers={messages.GetStatus: messages.Status(silent)})
    assert node.type("cluster explain").out == f"{STATUS.cause}\n"


# --- events -----------------------------------------------------------------------------------------


def test_events_are_one_line_each_under_their_header() -> None:
    node = Node()
    header, rule, *lines = node.type("cluster events").out.splitlines()
    assert header.replace(" ", "") == "id|time|event|interface|role|text"
    assert set(rule) == {"-", "+"}
    assert [line.rsplit("|", 1)[1] for line in lines] == ["event 1", "event 2"]
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.250[+-]\d\d:\d\d"
    assert re.fullmatch(rf"1 \|{moment}\|role +\|LAN2 +\|master\|event 1", lines[0])
    assert node.asked == [messages.GetEvents(200)]


def test_only_so_many_events_are_asked_for() -> None:
    assert [line[:2] for line in Node().type("cluster events limit 1").out.splitlines()[2:]] == ["2 "]


def test_a_follower_sees_what_was_and_then_what_happens() -> None:
    node = Node(happening=((event(3),), (event(4), event(5))))
    header, _rule, *lines = node.type("cluster events follow 1").out.splitlines()
    assert [line.split("|")[-1] for line in lines] == [f"event {number}" for number in range(1, 6)]
    assert {line.rindex("|") for line in lines} == {header.rindex("|")}, "they line up"


def test_a_follower_misses_nothing_that_happens_before_the_stream_begins() -> None:
    node = Node(happening=((event(5),),))
    asked = iter([messages.Events((event(1), event(2))), messages.Events((event(3), event(4)))])
    node._usual = lambda _ask: next(asked)  # type: ignore[method-assign]
    lines = node.type("cluster events follow 1").out.splitlines()[2:]
    assert [line.split("|")[-1] for line in lines] == [f"event {n}" for n in range(1, 6)]


def test_a_follower_sees_no_event_twice() -> None:
    node = Node(happening=((event(2),), (event(3),), (event(3),)))
    assert node.type("cluster events follow 1 | count").out == "value\n-----\n3\n"


def test_a_followed_stream_is_one_json_document_a_line() -> None:
    lines = Node(happening=((event(3),),)).type("cluster events follow 1 | json").out.splitlines()
    assert [[entry["id"] for entry in json.loads(line)] for line in lines] == [[1, 2], [3]]


def test_a_follower_that_wants_so_many_rows_stops_there() -> None:
    node = Node(happening=((event(3),), (event(4),)))
    assert node.type("cluster events follow 1 | head 3").out.count("|event ") - 1 == 3


def test_every_error_of_clusterd_ends_a_stream_with_its_sentence() -> None:
    node = Node(answers={messages.GetEvents: ClusterError("no events")})
    assert node.type("cluster events follow 1").err == "% Error: no events\n"
