"""The store keeps what it was given: names, pointers, revisions."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.config import rows as rows_module
from cluster.config.store import Store
from cluster.errors import ConflictError, InvalidConfigurationError, LockedError, NotFoundError, StoreError
from cluster.model import Config
from tests.cluster.config.config_examples import config

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def opened(directory: Path) -> Iterator[Store]:
    """The store in a directory; one that was empty gets the factory's configuration."""
    store = Store.open(directory)
    if store.is_empty:
        store.initialise(config(), 1000.0)
    yield store
    store.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with opened(tmp_path) as store:
        yield store


def edit(store: Store, hostname: str) -> None:
    store.commit(config(hostname=hostname), "anna", f"hostname {hostname}", 2000.0)


def flags(store: Store) -> dict[str, str]:
    words = ("current", "start", "unsaved")
    return {each.name: " ".join(word for word in words if getattr(each, word)) for each in store.names()}


def hostname(store: Store) -> str:
    return store.running.config.hostname


# --- life cycle ----------------------------------------------------------------------------------------


def test_a_new_store_is_empty_and_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    assert store.is_empty
    assert store.names() == ()
    for ask in (lambda: store.running, lambda: store.start, store.boot, lambda: store.get("default")):
        with pytest.raises(NotFoundError):
            ask()
    with pytest.raises(NotFoundError):
        store.commit(Config(), "anna", "", 0.0)
    store.close()


def test_the_factory_configuration_is_running_current_and_start(store: Store) -> None:
    assert not store.is_empty
    assert store.running.config == config()
    assert (store.running.who, store.running.when) == ("factory", 1000.0)
    assert flags(store) == {"default": "current start"}


def test_a_store_that_holds_something_takes_no_factory_configuration(store: Store) -> None:
    with pytest.raises(ConflictError):
        store.initialise(Config(), 0.0)
    assert store.running.config == config()


def test_an_edit_is_a_new_revision_and_unsaved(store: Store) -> None:
    edit(store, "b.local")
    running = store.running
    assert (running.number, running.config.hostname) == (2, "b.local")
    assert (running.who, running.why, running.when) == ("anna", "hostname b.local", 2000.0)
    assert flags(store) == {"default": "current start unsaved"}


def test_an_edit_that_changes_nothing_is_no_revision(store: Store) -> None:
    before = store.running
    assert store.commit(config(), "anna", "nothing", 2000.0) is before
    assert len(store.history()) == 1


def test_an_edit_taken_back_leaves_nothing_unsaved(store: Store) -> None:
    edit(store, "b.local")
    edit(store, config().hostname)
    assert flags(store) == {"default": "current start"}


def test_save_writes_the_current_name(store: Store) -> None:
    edit(store, "b.local")
    store.save(None, "anna", 3000.0)
    assert flags(store) == {"default": "current start"}
    assert store.get("default").hostname == "b.local"


def test_save_under_a_name_makes_it_current_and_never_moves_start(store: Store) -> None:
    edit(store, "b.local")
    store.save("trial", "anna", 3000.0)
    assert flags(store) == {"default": "start", "trial": "current"}
    assert store.get("default") == config()
    assert store.start.config == config()


def test_set_start_chooses_what_boots(store: Store) -> None:
    edit(store, "b.local")
    store.save("trial", "anna", 3000.0)
    store.set_start("trial")
    assert flags(store) == {"default": "", "trial": "current start"}
    assert store.start.config.hostname == "b.local"


def test_load_makes_a_name_running_and_current_without_a_new_revision(store: Store) -> None:
    edit(store, "b.local")
    store.save("trial", "anna", 3000.0)
    assert store.load("default").number == 1
    assert store.running.config == config()
    assert flags(store) == {"default": "current start", "trial": ""}
    assert len(store.history()) == 2


def test_put_keeps_a_configuration_without_running_it(store: Store) -> None:
    store.put("imported", config(hostname="c.local"), "anna", "import", 3000.0)
    assert store.get("imported").hostname == "c.local"
    assert store.named("imported").number == 2
    assert store.running.config == config()
    assert flags(store) == {"default": "current start", "imported": ""}


def test_put_over_the_current_name_shows_that_the_running_one_differs_from_it(store: Store) -> None:
    store.put("default", config(hostname="c.local"), "partner", "synchronize", 3000.0)
    assert flags(store) == {"default": "current start unsaved"}
    assert store.start.config.hostname == "c.local"


def test_a_deleted_name_is_gone_and_its_revision_stays_in_the_history(store: Store) -> None:
    store.put("imported", config(hostname="c.local"), "anna", "import", 3000.0)
    store.delete("imported")
    assert flags(store) == {"default": "current start"}
    assert store.revision(2).config.hostname == "c.local"


def test_neither_the_current_nor_the_start_configuration_can_be_deleted(store: Store) -> None:
    store.save("trial", "anna", 3000.0)
    with pytest.raises(ConflictError, match=r"^trial is the current configuration; "):
        store.delete("trial")
    with pytest.raises(ConflictError, match=r"^default is the start configuration; "):
        store.delete("default")
    assert flags(store) == {"default": "start", "trial": "current"}


def test_a_name_that_does_not_exist_is_not_found(store: Store) -> None:
    for ask in (store.get, store.named, store.load, store.delete, store.set_start):
        with pytest.raises(NotFoundError, match=r"^there is no configuration named 'x'$"):
            ask("x")
    with pytest.raises(NotFoundError, match=r"^there is no revision 7$"):
        store.revision(7)


@pytest.mark.parametrize("name", ["", " a", "a ", "a/b", "-a", "a\n", "a\x1b[m", ".", "a" * 65, "a,b", "(a)"])
def test_a_name_that_would_confuse_is_refused(store: Store, name: str) -> None:
    for ask in (lambda: store.save(name, "anna", 0.0), lambda: store.put(name, Config(), "anna", "", 0.0)):
        with pytest.raises(InvalidConfigurationError, match="cannot name a configuration; 1 to 64 letters"):
            ask()
    assert flags(store) == {"default": "current start"}


@pytest.mark.parametrize("name", ["a", "a-b", "cluster 2026-11", "Büro_1.b+c", "a" * 64])
def test_a_sane_name_is_accepted(store: Store, name: str) -> None:
    store.save(name, "anna", 0.0)
    assert flags(store)[name] == "current"


# --- restart, boot -------------------------------------------------------------------------------------


def test_unsaved_edits_survive_a_restart_of_the_daemon(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        edit(store, "b.local")
    with opened(tmp_path) as again:
        assert hostname(again) == "b.local"
        assert flags(again) == {"default": "current start unsaved"}


def test_unsaved_edits_do_not_survive_a_boot(store: Store) -> None:
    edit(store, "b.local")
    assert store.boot().config == config()
    assert store.running.config == config()
    assert flags(store) == {"default": "current start"}


def test_a_boot_makes_the_start_configuration_current(store: Store) -> None:
    edit(store, "b.local")
    store.save("trial", "anna", 3000.0)
    store.boot()
    assert flags(store) == {"default": "current start", "trial": ""}


def test_maintenance_persists_at_once_and_survives_restart_and_boot(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.maintenance is False
        store.maintenance = True
    with opened(tmp_path) as again:
        again.boot()
        assert again.maintenance is True
        assert len(again.history()) == 1
        again.maintenance = False
        assert again.maintenance is False


def test_the_applied_revision_survives_a_restart_but_not_a_boot(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        assert store.applied is None
        store.applied = store.running
        edit(store, "b.local")
    with opened(tmp_path) as again:
        assert again.applied is not None
        assert again.applied.config == config()
        again.boot()
        assert again.applied is None


# --- history -------------------------------------------------------------------------------------------


def test_the_history_tells_who_when_why_and_under_which_names(store: Store) -> None:
    edit(store, "b.local")
    store.save(None, "anna", 3000.0)
    store.save("trial", "anna", 3001.0)
    edit(store, "c.local")
    lines = [(line.number, line.who, line.why, line.when, line.saved_as) for line in store.history()]
    assert lines == [
        (3, "anna", "hostname c.local", 2000.0, ()),
        (2, "anna", "hostname b.local", 2000.0, ("default", "trial")),
        (1, "factory", "factory configuration", 1000.0, ("default",)),
    ]


def test_a_revision_cannot_be_changed(store: Store) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="revisions are immutable"):
        store._connection.execute("UPDATE revision SET why = 'x'")


def test_of_the_unsaved_edits_only_the_youngest_are_kept_and_of_the_saved_ones_all(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given room for 3 unsaved edits, then the applied and the running one are kept beyond them."""
    monkeypatch.setattr(rows_module, "UNSAVED_KEPT", 3)
    edit(store, "applied.local")  # 2
    store.applied = store.running
    edit(store, "saved.local")  # 3
    store.save("trial", "anna", 3000.0)
    for number in range(4, 11):
        edit(store, f"h{number}.local")
    assert [line.number for line in store.history()] == [10, 9, 8, 7, 3, 2, 1]
    assert hostname(store) == "h10.local"


def test_a_number_is_never_used_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "UNSAVED_KEPT", 0)
    with opened(tmp_path) as store:
        edit(store, "b.local")
        store.load("default")
        assert [line.number for line in store.history()] == [1]
    with opened(tmp_path) as again:
        edit(again, "c.local")
        assert again.running.number == 3


# --- the file ------------------------------------------------------------------------------------------


def test_only_the_owner_may_read_the_store(tmp_path: Path) -> None:
    directory = tmp_path / "made" / "here"
    store = Store.open(directory)
    store.initialise(config(), 0.0)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()} == {
        "config.db": 0o600,
        "config.lock": 0o600,
    }
    store.close()


def test_a_directory_that_others_may_read_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Store.open(tmp_path).close()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_a_second_writer_is_locked_out_until_the_first_one_closes(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        with pytest.raises(LockedError, match="in use by another process"):
            Store.open(tmp_path)
        edit(store, "b.local")
    with opened(tmp_path) as again:
        assert hostname(again) == "b.local"


def test_commits_wait_for_the_disk_as_a_loss_of_power_demands(store: Store) -> None:
    """EXTRA is 3. `delete` as the journal: the write-ahead log corrupts before SQLite 3.51.3."""
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (3,)
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_failing_disk_is_told_and_changes_nothing(store: Store) -> None:
    store._connection.execute(f"PRAGMA max_page_count = {page_count(store)}")
    with pytest.raises(StoreError, match=r"^the store cannot be written: database or disk is full$"):
        store.commit(config(globals={"GLOB_A": [str(n) for n in range(100_000)]}), "anna", "", 0.0)
    assert store.running.number == 1
    assert store.running.config == config()
    store._connection.execute("PRAGMA max_page_count = 1000000")
    edit(store, "b.local")
    assert hostname(store) == "b.local"


def page_count(store: Store) -> int:
    (count,) = store._connection.execute("PRAGMA page_count").fetchone()
    return int(count)


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Store.open(tmp_path / "file" / "below")


def test_a_store_that_was_closed_says_that_it_cannot_be_read(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        pass
    with pytest.raises(StoreError, match="cannot be read"):
        store.names()


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.db.new").mkdir()
    with pytest.raises(StoreError, match="cannot be made"):
        Store.open(tmp_path)


def test_a_path_with_signs_of_an_address_is_a_path(tmp_path: Path) -> None:
    with opened(tmp_path / "a ?b#c%20d") as store:
        edit(store, "b.local")
    assert (tmp_path / "a ?b#c%20d" / "config.db").exists()


def test_the_directory_may_be_given_as_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(Path("state")) as store:
        edit(store, "b.local")
    assert (tmp_path / "state" / "config.db").exists()
