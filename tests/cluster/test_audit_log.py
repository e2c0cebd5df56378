"""The audit on disk, and on its way to syslog."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from cluster.audit_log import CAPACITY, LOGIN, AuditLog
from cluster.rpc.messages import Actor, Audited, SetMaintenance

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit"


def line(text: str, user: str = "anna", code: int = 0) -> Audited:
    return Audited(at=1.0, user=user, source="ssh 192.0.2.1", session="7", line=text, code=code, duration=0.25)


def opened(path: Path) -> AuditLog:
    return AuditLog(path, str(path.with_name("log")))


def test_lines_are_numbered_and_still_there_after_a_restart(path: Path) -> None:
    opened(path).note([line("cluster info"), line("cluster inof", code=2)])
    log = opened(path)
    log.note([line("exit")])
    kept = [(each.number, each.line) for each in log.last(10)]
    assert kept == [(1, "cluster info"), (2, "cluster inof"), (3, "exit")]
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_newest_lines_are_shown_of_whom_and_which_one_wants(path: Path) -> None:
    log = opened(path)
    log.note([line("a"), line("b", "bert", 4), line("c", code=1), line("d", "bert")])
    assert [each.line for each in log.last(2)] == ["c", "d"]
    assert [each.line for each in log.last(9, "bert")] == ["b", "d"]
    assert [each.line for each in log.last(9, failed=True)] == ["b", "c"]
    assert log.last(0) == ()


def test_the_file_never_grows_beyond_its_bound(path: Path) -> None:
    log = opened(path)
    for start in range(0, 3 * CAPACITY, 500):
        log.note(line(f"line {number}") for number in range(start, start + 500))
    assert len(path.read_bytes().splitlines()) <= 2 * CAPACITY
    assert log.last(1)[0].line == f"line {3 * CAPACITY - 1}"
    assert len(log.last(10 * CAPACITY)) == CAPACITY


def test_the_last_login_is_found_behind_much_else(path: Path) -> None:
    log = opened(path)
    log.note([line(LOGIN), line("cluster info"), line(LOGIN, "bert"), line("cluster info")])
    assert [each.number for each in log.last_login("anna")] == [1]
    assert log.last_login("carl") == ()


def test_a_refused_request_is_noted_as_clusterds_own(path: Path) -> None:
    log = opened(path)
    log.refused(SetMaintenance(value=True), Actor(user="bert", source="ssh 192.0.2.1", role="readonly"))
    (noted,) = log.last(1)
    assert (noted.user, noted.session, noted.code) == ("bert", "clusterd", 4)
    assert noted.line == "(refused SetMaintenance)"


def test_every_line_goes_to_syslog_where_there_is_one(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(path.with_name("log")))
        opened(path).note([line("cluster info\nforged: line")])
        said = syslog.recv(4096).decode()
    assert said.startswith("<86>clusterd[")
    assert said.endswith("audit: user=anna source='ssh 192.0.2.1' session=7 code=0 duration=0.250 "
                         "command=cluster info forged: line")


def test_a_syslog_that_does_not_read_keeps_nobody_waiting(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(path.with_name("log")))
        log = opened(path)
        log.note(line(f"line {number}") for number in range(5000))
        assert len(log.last(10_000)) == 5000


def test_a_line_torn_by_a_power_loss_is_left_out(path: Path) -> None:
    opened(path).note([line("whole")])
    with path.open("ab") as file:
        file.write(b'{"at":1.0,"user":"an')
    log = opened(path)
    log.note([line("next")])
    assert [each.line for each in opened(path).last(9)] == ["whole", "next"]
