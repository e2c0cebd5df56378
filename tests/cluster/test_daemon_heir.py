"""The next engine of a real clusterd: ready before it is needed, harmless until then, and never in the way."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.rpc.messages import GetStatus, Status
from tests.support.appliance import until
from tests.support.daemons import Pair, status_of, two_daemons
from tests.support.netns import why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.appliance import Appliance

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

PATIENCE = 30.0


@pytest.fixture
def pair() -> Iterator[Pair]:
    with two_daemons() as made:
        yield made


@pytest.fixture
def node(pair: Pair) -> Appliance:
    return pair.alone()


def heirs(node: Appliance) -> list[int]:
    """Those that wait, by what their parent and their command lines say; no setpriv that is about to become one."""
    assert node.process is not None
    pids = Path(f"/proc/{node.process.pid}/task/{node.process.pid}/children").read_text().split()
    lines = {}
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):  # ended between two looks
            lines[int(pid)] = Path(f"/proc/{pid}/cmdline").read_bytes()
    return [pid for pid, line in lines.items() if b"cluster.heir" in line and b"--no-new-privs" not in line]


def heir(node: Appliance) -> int:
    until(lambda: heirs(node), "an heir waits", PATIENCE)
    (pid,) = heirs(node)
    return pid


def killed(node: Appliance) -> int:
    """Kill the engine; the pid of the one that listens after it."""
    engine = node.engine
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    until(lambda: node.engine not in {None, engine}, "another engine listens")
    after = node.engine
    assert after is not None
    return after


def handles(pid: int) -> set[str]:
    return {path.name for path in Path(f"/proc/{pid}/fd").iterdir()}


def test_an_heir_may_do_no_more_than_an_engine_and_holds_nothing_of_one(node: Appliance) -> None:
    waiting = heir(node)

    for fact in ("CapBnd", "CapEff", "NoNewPrivs", "Uid"):
        assert status_of(waiting)[fact] == status_of(node.engine)[fact], fact
    until(lambda: handles(waiting) == {"0", "1", "2", "3"}, "it holds where the word comes from, and nothing else")
    assert os.sched_getscheduler(waiting) == os.SCHED_OTHER


def test_the_heir_of_a_killed_engine_is_the_engine_and_has_an_heir_of_its_own(pair: Pair) -> None:
    pair.start()
    waiting, scheduler = heir(pair.master), os.sched_getscheduler(pair.master.engine or 0)

    assert killed(pair.master) == waiting

    assert b"cluster.vrrp" in Path(f"/proc/{waiting}/cmdline").read_bytes()
    assert os.sched_getscheduler(waiting) == scheduler
    assert heir(pair.master) != waiting
    pair.assert_undisturbed()
    assert pair.master.ask(GetStatus(), Status).status.engine_restarts == 1


def test_sockets_of_the_dead_engine_are_given_to_its_heir(pair: Pair) -> None:
    pair.start()
    heir(pair.master)
    before = packet_sockets(pair.master)
    assert before

    killed(pair.master)

    assert packet_sockets(pair.master) == before


def packet_sockets(node: Appliance) -> set[str]:
    """Of the namespace, by their inodes."""
    return {line.split()[-1] for line in node.namespace.run("cat", "/proc/net/packet").splitlines()[1:]}


def test_without_its_heir_an_engine_is_started_from_the_beginning(pair: Pair) -> None:
    pair.start()
    waiting = heir(pair.master)
    os.kill(waiting, signal.SIGKILL)

    assert killed(pair.master) != waiting

    until(lambda: not Path(f"/proc/{waiting}").exists(), "nothing is left of it")
    pair.assert_undisturbed()


def test_an_heir_that_does_not_answer_is_replaced(node: Appliance) -> None:
    waiting = heir(node)
    os.kill(waiting, signal.SIGSTOP)

    assert killed(node) != waiting

    until(lambda: node.role == "master", "the node serves again")


def test_an_heir_ends_with_its_clusterd_and_the_engine_goes_on(node: Appliance) -> None:
    waiting, engine = heir(node), node.engine

    node.kill()

    until(lambda: not Path(f"/proc/{waiting}").exists(), "the heir ends")
    assert node.engine == engine


def test_a_restarted_clusterd_has_an_heir_of_its_own_code_and_leaves_none_behind(node: Appliance) -> None:
    assert node.process is not None
    waiting, engine = heir(node), node.engine

    os.kill(node.process.pid, signal.SIGHUP)

    until(lambda: not Path(f"/proc/{waiting}").exists(), "the heir of the former program ends")
    until(lambda: heirs(node) not in ([], [waiting]), "the new one has another", PATIENCE)
    assert node.engine == engine


def test_where_the_cluster_is_switched_off_nobody_waits(node: Appliance) -> None:
    waiting = heir(node)

    node.set(cluster__enabled=False)
    node.update()

    until(lambda: not Path(f"/proc/{waiting}").exists(), "the heir ends with the engine")
    assert node.engine is None
