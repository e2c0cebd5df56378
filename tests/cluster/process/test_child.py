"""Real processes: started, noticed, started again, adopted, stopped."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cluster.process.adoption import listener_of
from cluster.process.child import Child, Ended
from cluster.process.policy import RestartPolicy
from cluster.process.spawn import Command, spawn
from cluster.units import Nanoseconds

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

SLEEP = Command(("/bin/sleep", "1000"), os.environ)


class Watched:
    """A child whose life is written down."""

    def __init__(self, command: Command, *, healthy: bool = True) -> None:
        self.started: asyncio.Queue[int] = asyncio.Queue()
        self.ended: asyncio.Queue[Ended] = asyncio.Queue()
        self.child = Child(
            "the child",
            command,
            RestartPolicy(Nanoseconds(1_000_000), Nanoseconds(5_000_000)),
            was_healthy=lambda _pid, _age: healthy,
            on_start=self.started.put_nowait,
            on_end=self.ended.put_nowait,
        )


def run(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 20))


def shell(script: str) -> Command:
    return Command(("/bin/sh", "-c", script), os.environ)


def test_a_killed_child_is_started_again_and_its_end_is_told() -> None:
    async def scenario() -> None:
        watched = Watched(SLEEP)
        watched.child.start()
        first = await watched.started.get()
        os.kill(first, signal.SIGKILL)
        second = await watched.started.get()
        assert second not in {first, None}
        assert watched.child.pid == second
        ended = await watched.ended.get()
        assert (ended.pid, str(ended)) == (first, "was killed by SIGKILL")
        assert watched.child.restarts == 1
        await watched.child.stop(5)

    run(scenario())


def test_starting_twice_starts_once() -> None:
    async def scenario() -> None:
        watched = Watched(SLEEP)
        watched.child.start()
        watched.child.start()
        assert watched.started.qsize() == 1
        await watched.child.stop(5)

    run(scenario())


def test_a_child_that_fails_at_once_is_tried_again_and_again_with_its_status_told() -> None:
    async def scenario() -> None:
        watched = Watched(shell("exit 7"), healthy=False)
        watched.child.start()
        for _try in range(4):
            assert (await watched.ended.get()).status == 7
        await watched.child.stop(5)
        assert watched.child.pid is None

    run(scenario())


def test_a_program_that_does_not_exist_is_tried_again_until_unwanted(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        watched = Watched(Command(("/nowhere/program",), {}), healthy=False)
        watched.child.start()
        while watched.child.restarts < 4:  # noqa: ASYNC110 - nothing is told of a start that never was
            await asyncio.sleep(0.001)
        watched.child.unwanted()
        tries = watched.child.restarts
        await asyncio.sleep(0.02)
        assert watched.child.restarts == tries

    with caplog.at_level(logging.ERROR):
        run(scenario())
    assert "cannot be started" in caplog.text


def test_stop_asks_first_and_the_child_may_take_its_time() -> None:
    async def scenario() -> None:
        watched = Watched(shell("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"))
        watched.child.start()
        await asyncio.sleep(0.1)
        await watched.child.stop(5)
        assert watched.child.pid is None
        assert watched.ended.empty(), "an end that was asked for is no news"

    run(scenario())


def test_stopping_what_never_ran_is_done_at_once() -> None:
    async def scenario() -> None:
        watched = Watched(SLEEP)
        async with asyncio.timeout(1):
            await watched.child.stop(5)
        assert await watched.child.wait(0)

    run(scenario())


def test_stop_kills_what_does_not_listen(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        watched = Watched(shell("trap '' TERM; while :; do sleep 0.01; done"))
        watched.child.start()
        await asyncio.sleep(0.1)
        await watched.child.stop(0.1)
        assert watched.child.pid is None

    run(scenario())
    assert "did not stop within 0.1 s: killed" in caplog.text


def test_a_stopped_child_can_be_killed_and_is_started_again() -> None:
    async def scenario() -> None:
        watched = Watched(SLEEP)
        watched.child.start()
        first = await watched.started.get()
        os.kill(first, signal.SIGSTOP)
        watched.child.kill()
        assert await watched.started.get() != first
        await watched.child.stop(5)

    run(scenario())


def test_a_child_has_a_session_of_its_own_default_signals_and_no_terminal_input(tmp_path: Path) -> None:
    facts = tmp_path / "facts"
    script = (
        "import os, signal, sys; open(sys.argv[1], 'w').write(f'{os.getsid(0) == os.getpid()} '"
        " f'{signal.getsignal(signal.SIGHUP) == signal.SIG_DFL} {os.readlink(\"/proc/self/fd/0\")}')"
    )

    async def scenario() -> None:
        watched = Watched(Command((sys.executable, "-c", script, str(facts)), os.environ))
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)
        watched.child.start()
        await watched.ended.get()
        await watched.child.stop(5)

    run(scenario())
    assert facts.read_text() == "True True /dev/null"


def test_an_adopted_process_is_watched_and_replaced_though_it_is_nobodys_child_of_ours() -> None:
    orphan = subprocess.run(
        ["/bin/sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
    )
    pid = int(orphan.stdout)

    async def scenario() -> None:
        watched = Watched(SLEEP)
        assert watched.child.adopt(pid)
        assert watched.child.pid == pid
        await watched.started.get()
        os.kill(pid, signal.SIGKILL)
        ended = await watched.ended.get()
        assert (ended.pid, ended.status, str(ended)) == (pid, None, "ended")
        assert watched.child.pid not in {None, pid}
        await watched.child.stop(5)

    run(scenario())


def test_an_adopted_process_is_stopped_in_order() -> None:
    async def scenario() -> None:
        process = await asyncio.create_subprocess_exec("/bin/sleep", "1000")
        watched = Watched(SLEEP)
        assert watched.child.adopt(process.pid)
        await watched.child.stop(5)
        assert watched.child.pid is None
        await process.wait()  # else asyncio's transport outlives its loop, and some later test is blamed for it

    run(scenario())


def test_a_child_that_runs_adopts_no_other() -> None:
    async def scenario() -> None:
        watched = Watched(SLEEP)
        watched.child.start()
        pid = watched.child.pid
        assert pid is not None
        assert watched.child.adopt(pid)
        assert not watched.child.adopt(os.getpid())
        assert watched.child.pid == pid
        await watched.child.stop(5)

    run(scenario())


def test_a_process_that_is_gone_is_not_adopted() -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()

    async def scenario() -> None:
        watched = Watched(SLEEP)
        assert not watched.child.adopt(gone.pid)
        assert watched.child.pid is None

    run(scenario())


def test_a_process_that_was_started_before_it_could_be_watched_and_ended_by_then_is_replaced() -> None:
    pid = spawn(shell("exit 7"))
    assert os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    async def scenario() -> None:
        watched = Watched(SLEEP)
        assert watched.child.adopt(pid)
        assert (await watched.ended.get()) == (pid, 7)
        assert watched.child.pid not in {None, pid}
        await watched.child.stop(5)

    run(scenario())


def test_the_listener_of_a_socket_is_found_by_the_kernels_word(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    assert listener_of(path, socket.SOCK_STREAM) is None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert listener_of(path, socket.SOCK_STREAM) is None
        listener.listen()
        assert listener_of(path, socket.SOCK_STREAM) == os.getpid()
    assert listener_of(path, socket.SOCK_STREAM) is None


def test_a_child_gets_the_descriptors_it_is_equipped_with_where_it_expects_them(tmp_path: Path) -> None:
    async def scenario() -> None:
        (tmp_path / "kept").write_text("what was kept")
        low = os.open(tmp_path / "kept", os.O_RDONLY)
        kept = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, 700)
        os.close(low)
        lister = shell(f"cat <&3 > {tmp_path}/read; ls /proc/self/fd > {tmp_path}/open")
        child = Child(
            "the child",
            lister,
            RestartPolicy(Nanoseconds(1_000_000), Nanoseconds(5_000_000)),
            was_healthy=lambda _pid, _age: True,
            equip=lambda command: command._replace(handles=(kept,)),
        )
        child.start()
        child.unwanted()
        assert await child.wait(30)
        os.close(kept)
        assert (tmp_path / "read").read_text() == "what was kept"
        assert "700" not in (tmp_path / "open").read_text().split()

    run(scenario())


def real_time_is_permitted() -> bool:
    asking = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(7))"
    return subprocess.run([sys.executable, "-c", asking], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not real_time_is_permitted(), reason="real time is not permitted here")
def test_a_child_that_shall_be_on_time_runs_in_real_time_from_its_start_where_that_is_permitted() -> None:
    async def scenario() -> None:
        watched = Watched(SLEEP._replace(real_time=7))
        watched.child.start()
        pid = await watched.started.get()
        assert os.sched_getscheduler(pid) == os.SCHED_RR
        assert os.sched_getparam(pid).sched_priority == 7
        await watched.child.stop(5)

    run(scenario())


def test_a_child_starts_all_the_same_where_real_time_is_not_permitted() -> None:
    script = """
import asyncio, os, sys
from cluster.process.child import Child
from cluster.process.policy import RestartPolicy
from cluster.process.spawn import Command

async def scenario():
    command = Command(("/bin/sleep", "1000"), os.environ, real_time=7)
    child = Child("the child", command, RestartPolicy(), was_healthy=lambda _pid, _age: True)
    child.start()
    print(os.sched_getscheduler(child.pid) == os.SCHED_OTHER)
    await child.stop(5)

asyncio.run(scenario())
"""
    root = os.geteuid() == 0
    without = ("setpriv", "--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice", "--")
    command = [*(without if root else ()), sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr
