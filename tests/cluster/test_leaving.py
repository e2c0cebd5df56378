"""Around the end of clusterd.service: a restart leaves all others alone, a stop ends them in order."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cluster.leaving import LEFTOVERS, end_leftovers, end_main, hand_over, job_in, main
from tests.support.appliance import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LISTENING = (
    "import signal, socket, sys; is_engine = sys.argv[1].endswith('engine.sock'); "
    "kind = socket.SOCK_SEQPACKET if is_engine else socket.SOCK_STREAM; "
    "s = socket.socket(socket.AF_UNIX, kind); s.bind(sys.argv[1]); s.listen(); print(flush=True); signal.pause()"
)


def test_the_job_of_our_unit_is_told_from_those_of_others() -> None:
    listed = "7 clusterd.service restart running\n8 clusterd-x.service stop waiting\n9 network.target stop waiting"

    assert job_in(listed) == "restart"
    assert job_in(listed, "network.target") == "stop"
    assert job_in("No jobs running.\n") == ""
    assert job_in("") == ""


@pytest.mark.parametrize(
    ("job", "number"),
    [("restart", signal.SIGUSR1), ("stop", signal.SIGTERM), ("", signal.SIGTERM)],
)
def test_only_a_restart_ends_clusterd_alone(job: str, number: signal.Signals) -> None:
    with subprocess.Popen(["sleep", "600"]) as process:
        end_main(process.pid, job)

        assert process.wait(30) == -number


def test_a_clusterd_that_has_ended_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait(30)
    end_main(process.pid, "stop")
    monkeypatch.delenv("MAINPID", raising=False)

    assert main(["stop"]) == 0


@pytest.fixture
def left(tmp_path: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Given an engine, a shell host and a conntrackd that nobody supervises."""
    found = {}
    for name in (one.file for one in LEFTOVERS):
        command = [sys.executable, "-c", LISTENING, str(tmp_path / name)]
        found[name] = subprocess.Popen(command, stdout=subprocess.PIPE)
    for process in found.values():
        assert process.stdout is not None
        process.stdout.readline()
    yield found
    for process in found.values():
        process.kill()
        process.communicate()


def test_after_a_stop_the_engine_ends_first_and_nothing_is_left(
    tmp_path: Path, left: dict[str, subprocess.Popen[bytes]]
) -> None:
    said = end_leftovers(tmp_path, "stop")

    assert [text.split(" (pid")[0] for text in said] == ["the engine", "the shell host", "conntrackd"]
    assert all(text.endswith("was left, and has ended") for text in said)
    assert {process.wait(30) for process in left.values()} == {-signal.SIGTERM}


@pytest.mark.parametrize("job", ["restart", "start", ""])
def test_else_all_stay_for_the_next_clusterd(
    tmp_path: Path, left: dict[str, subprocess.Popen[bytes]], job: str
) -> None:
    assert end_leftovers(tmp_path, job) == []

    assert [process.poll() for process in left.values()] == [None, None, None]


def test_where_nothing_is_left_nothing_is_said(tmp_path: Path) -> None:
    assert end_leftovers(tmp_path, "stop") == []


def test_it_says_who_runs_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    until(lambda: "run by the units" in capsys.readouterr().err, "the sentence")


def test_without_clusterd_a_shutdown_goes_on(tmp_path: Path) -> None:
    assert asyncio.run(hand_over(tmp_path)).startswith("nothing to hand over: ")
