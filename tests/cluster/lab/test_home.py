"""A lab's directory: its record, its lock, and clearing up after a crash."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from cluster.errors import ClusterError, NotFoundError
from cluster.lab.home import Home, Record
from cluster.process.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home("mine", tmp_path / "labs")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("name", ["", "-x", "../up", "a/b", "a b", "x" * 33])
def test_a_name_that_is_no_directory_name_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="is no name for a lab"):
        Home(name)


def test_a_record_is_read_as_it_was_written(home: Home) -> None:
    me = Identity.of(os.getpid())
    record = Record(2, me, {"master": me}, ("master-LAN2",))
    with home.locked(create=True):
        home.write(record)

    assert home.running() == record


def test_a_lab_whose_warden_died_is_not_running(home: Home, sleeper: subprocess.Popen[bytes]) -> None:
    with home.locked(create=True):
        home.write(Record(2, Identity.of(sleeper.pid), {}))
    assert home.record() is not None

    sleeper.kill()
    sleeper.wait()

    assert home.record() is None
    with pytest.raises(NotFoundError, match="the lab mine is not up"):
        home.running()


def test_sweeping_ends_what_a_crashed_lab_left_and_empties_its_directory(
    home: Home, sleeper: subprocess.Popen[bytes]
) -> None:
    with home.locked(create=True):
        gone = Identity(sleeper.pid, 1)
        home.write(Record(2, gone, {"master": Identity.of(sleeper.pid)}))
        home.of("master").mkdir()

        home.sweep()

    assert sleeper.wait() == -signal.SIGKILL
    assert list(home.path.iterdir()) == []


def test_sweeping_spares_a_stranger_that_has_a_recorded_pid(home: Home, sleeper: subprocess.Popen[bytes]) -> None:
    with home.locked(create=True):
        stranger = Identity(sleeper.pid, 1)
        home.write(Record(2, stranger, {"master": stranger}))

        home.sweep()

    assert sleeper.poll() is None


def test_the_last_lab_takes_the_directory_of_all_labs_with_it(home: Home) -> None:
    other = Home("other", home.path.parent)
    with home.locked(create=True), other.locked(create=True):
        other.remove()
        assert home.path.exists()
        home.remove()

    assert not home.path.parent.exists()


def test_without_a_lab_there_is_nothing_to_lock(home: Home) -> None:
    with home.locked() as there:
        assert not there
    assert not home.path.parent.exists()


def test_a_warden_leaves_the_directory_to_whoever_holds_the_lock(home: Home) -> None:
    with home.locked(create=True):
        home.remove_unless_locked()
        assert home.path.exists()

    home.remove_unless_locked()
    assert not home.path.exists()


def test_whoever_waited_for_the_lock_of_a_directory_that_was_removed_locks_a_new_one(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, real = threading.Event(), fcntl.flock
    found: list[bool] = []

    def up() -> None:
        with home.locked(create=True):
            found.append(home.path.exists())

    with home.locked(create=True):
        monkeypatch.setattr(fcntl, "flock", lambda fd, how: (waiting.set(), real(fd, how)))
        waiter = threading.Thread(target=up)
        waiter.start()
        waiting.wait(30)
        home.remove()
    waiter.join(30)

    assert found == [True]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_labs_that_belongs_to_somebody_else_is_not_used(home: Home) -> None:
    home.path.parent.mkdir()
    os.chown(home.path.parent, 4711, 4711)

    with pytest.raises(ClusterError, match="belongs to somebody else"), home.locked(create=True):
        pass
