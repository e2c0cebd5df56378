"""What a store keeps of synchronising: the common base, and an arrival that is there wholly or not at all."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cluster.config.arrival import Arrival, Base
from cluster.config.revision import packed
from cluster.config.store import Store
from cluster.errors import InvalidConfigurationError, StoreError
from tests.cluster.config.config_examples import config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS = 12
DIGEST = "d" * 64

WRITER = """
import sys
from pathlib import Path
from cluster.config.revision import packed
from cluster.config.schema import apply
from cluster.config.store import Store
from cluster.config.arrival import Arrival
from cluster.model import SetValue

store = Store.open(Path(sys.argv[1]))
for number in range(store.running.number + 1, 1_000_000):
    changes = [SetValue(("hostname",), f"h{number}.local"), SetValue(("globals", "GLOB_A"), [str(number)] * 500)]
    arrival = Arrival(f"from {number}", packed(apply(store.running.config, changes)), None, f"base {number}")
    revision = store.receive(arrival, "anna", f"number {number}", float(number))
    print("received", revision.number, flush=True)
    store.synced.activated()
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    opened.initialise(config(hostname="h1.local"), 1000.0)
    yield opened
    opened.close()


def arrival(name: str = "production", applied: str = "") -> Arrival:
    put = packed(config(hostname=applied)) if applied else None
    return Arrival(name, packed(config(hostname="arrived.local")), put, DIGEST)


def test_what_arrives_runs_and_is_current_and_start_and_applied_under_the_senders_name(store: Store) -> None:
    revision = store.receive(arrival(), "anna", "synchronized", 2000.0)
    assert store.running == store.start == store.applied == revision
    assert (store.current_name, store.start_name, store.unsaved) == ("production", "production", False)
    assert (revision.who, revision.why, revision.when) == ("anna", "synchronized", 2000.0)
    assert store.synced.activating
    assert store.synced.base == Base(DIGEST, revision.number, "")
    assert store.get("default").hostname == "h1.local", "what was start before is still there"


def test_what_is_in_force_may_differ_from_what_runs(store: Store) -> None:
    store.receive(arrival(applied="as.it.was"), "anna", "synchronized", 2000.0)
    assert store.applied is not None
    assert store.applied.config.hostname == "as.it.was"
    assert store.running.config.hostname == "arrived.local"


def test_unsaved_edits_that_an_arrival_displaces_stay_in_the_history_for_good(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cluster.config.rows.UNSAVED_KEPT", 0)
    edited = store.commit(config(hostname="unsaved.local"), "bert", "edit", 1500.0)
    store.receive(arrival(), "anna", "synchronized", 2000.0)
    store.receive(arrival(), "anna", "synchronized", 3000.0)
    assert store.revision(edited.number).config.hostname == "unsaved.local"


def test_the_mark_goes_with_the_activation_or_with_a_boot(store: Store) -> None:
    store.receive(arrival(), "anna", "synchronized", 2000.0)
    store.synced.activated()
    assert not store.synced.activating
    store.receive(arrival(), "anna", "synchronized", 3000.0)
    store.boot()
    assert not store.synced.activating


def test_what_cannot_be_a_name_changes_nothing(store: Store) -> None:
    with pytest.raises(InvalidConfigurationError):
        store.receive(arrival("../x"), "anna", "synchronized", 2000.0)
    assert store.running.number == 1
    assert store.synced.base == Base("", None, "")


def test_what_was_offered_may_be_the_base_until_it_is_known(store: Store) -> None:
    store.synced.offer("x" * 64, "")
    assert store.synced.base == Base("", None, "x" * 64)
    store.synced.offer("y" * 64, "x" * 64)
    assert store.synced.base.possible == ("x" * 64, "y" * 64)
    store.synced.have_common("y" * 64, 1)
    assert store.synced.base == Base("y" * 64, 1, "")


def test_kill_9_at_any_moment_leaves_an_arrival_whole_or_absent(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.initialise(config(hostname="h1.local"), 0.0)
    store.close()
    for kill in range(KILLS):
        reported = received(tmp_path, 1 + kill % 4)
        store = Store.open(tmp_path)
        number = store.running.number
        assert number in {reported, reported + 1}
        assert store.running.config.hostname == f"h{number}.local"
        assert store.current_name == store.start_name == f"from {number}"
        assert store.running == store.start == store.applied
        assert store.synced.base == Base(f"base {number}", number, "")
        store.close()


def received(directory: Path, count: int) -> int:
    """Let a writer report so many arrivals, kill it in the midst of the next, and return the last reported."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    lines = [writer.stdout.readline() for _ in range(count)]
    writer.kill()
    lines += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    return max(int(line.split()[1]) for line in lines if line.endswith("\n"))


# --- stores of older software --------------------------------------------------------------------------

TO_FORMAT_1 = """
DROP TRIGGER what_ran_is_remembered;
DROP TABLE past;
ALTER TABLE state DROP COLUMN base_digest;
ALTER TABLE state DROP COLUMN base_revision;
ALTER TABLE state DROP COLUMN offered;
ALTER TABLE state DROP COLUMN activating;
PRAGMA user_version = 1;
"""


def old(directory: Path, to_format_1: str) -> Store:
    """A store as older software left it, closed; for comparison."""
    store = Store.open(directory)
    store.initialise(config(hostname="h1.local"), 1000.0)
    store.commit(config(hostname="b.local"), "anna", "edit", 2000.0)
    store._connection.executescript(to_format_1)
    return store


def test_a_store_of_format_1_is_upgraded_and_nothing_of_it_is_lost(tmp_path: Path) -> None:
    store = old(tmp_path, "")
    history, names = store.history(), store.names()
    store._connection.executescript(TO_FORMAT_1)
    store.close()
    upgraded = Store.open(tmp_path)
    assert (upgraded.history(), upgraded.names()) == (history, names)
    assert upgraded.synced.base == Base("", None, "")
    arrived = upgraded.receive(arrival(), "anna", "synchronized", 3000.0)
    assert upgraded.past.arrived is not None
    assert upgraded.past.arrived.became == arrived.number
    upgraded.close()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    old(tmp_path, TO_FORMAT_1.replace("ALTER TABLE state DROP COLUMN activating;", "")).close()
    before = (tmp_path / "config.db").read_bytes()
    with pytest.raises(StoreError, match="the store cannot be written: duplicate column name: activating"):
        Store.open(tmp_path)
    assert (tmp_path / "config.db").read_bytes() == before
