"""A damaged store is named and left as it is: somebody may still rescue it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from cluster.config.store import Store
from cluster.errors import StoreError
from cluster.model import Config
from tests.cluster.config.config_examples import config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store with two revisions, one of them unsaved and running."""
    store = Store.open(tmp_path)
    store.initialise(config(), 0.0)
    store.commit(config(hostname="b.local"), "anna", "edit", 0.0)
    store.close()
    return tmp_path / "config.db"


def execute(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def empty(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4096])


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all, whatever its name says. " * 200)


def broken_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 + 8 : 4096 + 200] = b"\xff" * 192
    path.write_bytes(bytes(content))


def foreign(path: Path) -> None:
    path.unlink()
    execute(path, "CREATE TABLE other (x)")


def newer(path: Path) -> None:
    execute(path, "PRAGMA user_version = 99")


def pointers_gone(path: Path) -> None:
    execute(path, "DELETE FROM state")


def changed_body(number: int, body: str) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        execute(
            path,
            "DROP TRIGGER revisions_are_immutable",
            f"UPDATE revision SET body = {body} WHERE number = {number}",
        )

    damage.__name__ = f"changed_body_of_{number}_{body}"
    return damage


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (empty, "is damaged, or no configuration store at all"),
        (cut, "is damaged: "),
        (garbage, "is damaged: file is not a database"),
        (broken_page, "is damaged: "),
        (foreign, "is damaged, or no configuration store at all"),
        (newer, "was written by newer software: format 99; this one reads up to 3"),
        (pointers_gone, "the store is damaged: it does not say which configuration is running"),
        (changed_body(1, "x'00'"), "the store is damaged: revision 1 cannot be unpacked: "),
        (changed_body(2, "x'00'"), "the store is damaged: revision 2 cannot be unpacked: "),
        (
            changed_body(2, "(SELECT body FROM revision WHERE number = 1)"),
            "the store is damaged: revision 2 is not what was written",
        ),
    ],
)
def test_a_damaged_store_is_named_and_not_touched(
    path: Path, damage: Callable[[Path], None], sentence: str
) -> None:
    damage(path)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            Store.open(path.parent)
        assert sentence in caught.value.message
        assert path.read_bytes() == before


def test_a_revision_nobody_points_at_is_checked_when_it_is_read(path: Path) -> None:
    store = Store.open(path.parent)
    store.commit(config(hostname="c.local"), "anna", "edit", 0.0)
    store.close()
    changed_body(2, "x'00'")(path)
    store = Store.open(path.parent)
    with pytest.raises(StoreError, match="revision 2 cannot be unpacked"):
        store.revision(2)
    store.close()


def test_a_journal_without_its_database_is_not_covered_by_a_new_one(path: Path) -> None:
    """SQLite would play the old journal into the new file."""
    path.rename(path.with_name("config.db-journal"))
    with pytest.raises(StoreError, match="is gone, but its journal"):
        Store.open(path.parent)
    assert not path.exists()


def test_what_a_crash_left_of_making_the_store_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "config.db.new").write_bytes(b"half made")
    (tmp_path / "config.db.new-journal").write_bytes(b"half made")
    store = Store.open(tmp_path)
    assert store.is_empty
    store.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.db", "config.lock"]


def test_a_stored_configuration_that_no_longer_fits_the_model_is_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after going back to older software that did not raise the number of its schema."""
    store = Store.open(path.parent)
    monkeypatch.setattr("cluster.config.revision.migrate", lambda _: {"unheard_of": 1})
    with pytest.raises(StoreError, match=r"^revision 1 of the store does not fit this version: .*unheard_of"):
        store.get("default")
    store.close()


def test_after_a_refused_opening_the_lock_is_free_again(path: Path) -> None:
    whole = path.read_bytes()
    garbage(path)
    with pytest.raises(StoreError):
        Store.open(path.parent)
    path.write_bytes(whole)
    store = Store.open(path.parent)
    assert store.running.config == config(hostname="b.local")
    assert store.running.config != Config()
    store.close()
