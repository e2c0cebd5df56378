"""The file under the store: made whole or not at all, checked before it is trusted, written by one process.

SQLite with a rollback journal and `synchronous=EXTRA`: a commit that returned survives a loss of power, one that
did not never happened. (The write-ahead log has a race that corrupts, before SQLite 3.51.3.)
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cluster.errors import LockedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "config.db"
LOCK_FILE = "config.lock"

_APPLICATION_ID = 0x75746D63
"""``utmc``: says that a database is ours."""
_FORMAT = 3
"""Version of the tables below; the version of the configurations in them is `migrations.VERSION`."""

_PAST = """
    CREATE TABLE past (  -- what the pointers were before another revision ran; past.py
        step    INTEGER PRIMARY KEY AUTOINCREMENT,
        became  INTEGER NOT NULL,
        arrived INTEGER NOT NULL,  -- 1: it came from the partner, in one transaction with being the common base
        running INTEGER NOT NULL,
        applied INTEGER,
        current TEXT,
        start   TEXT
    ) STRICT;
    CREATE TRIGGER what_ran_is_remembered AFTER UPDATE OF running ON state
        WHEN NEW.running IS NOT OLD.running AND OLD.running IS NOT NULL
    BEGIN
        INSERT INTO past (became, arrived, running, applied, current, start) VALUES (
            NEW.running, NEW.activating AND NEW.base_revision IS NEW.running,
            OLD.running, OLD.applied, OLD.current, OLD.start
        );
        DELETE FROM past WHERE step <= (SELECT max(step) FROM past) - 1000;
    END;
"""

_UPGRADES = (
    """
    ALTER TABLE state ADD COLUMN base_digest TEXT NOT NULL DEFAULT '';
    ALTER TABLE state ADD COLUMN base_revision INTEGER REFERENCES revision;
    ALTER TABLE state ADD COLUMN offered TEXT NOT NULL DEFAULT '';
    ALTER TABLE state ADD COLUMN activating INTEGER NOT NULL DEFAULT 0;
    """,
    _PAST,
)
"""What makes format 2 of 1, 3 of 2, ...: never edited once released. Statements end with a semicolon."""

_TABLES = """
BEGIN;
CREATE TABLE revision (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    body   BLOB NOT NULL,  -- canonical JSON, compressed by zlib
    digest TEXT NOT NULL,  -- SHA-256 of the canonical JSON
    who    TEXT NOT NULL,
    at     REAL NOT NULL,  -- unix seconds
    why    TEXT NOT NULL
) STRICT;
CREATE TRIGGER revisions_are_immutable BEFORE UPDATE ON revision
    BEGIN SELECT RAISE(ABORT, 'revisions are immutable'); END;
CREATE TABLE name (
    name     TEXT PRIMARY KEY,
    revision INTEGER NOT NULL REFERENCES revision
) STRICT;
CREATE TABLE saved (  -- every save there ever was: what is named here is never pruned
    revision INTEGER NOT NULL REFERENCES revision,
    name     TEXT NOT NULL,
    who      TEXT NOT NULL,
    at       REAL NOT NULL
) STRICT;
CREATE INDEX saved_by_revision ON saved (revision);
CREATE TABLE state (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    running     INTEGER REFERENCES revision,
    applied     INTEGER REFERENCES revision,
    current     TEXT REFERENCES name,
    start       TEXT REFERENCES name,
    maintenance INTEGER NOT NULL DEFAULT 0,
    base_digest TEXT NOT NULL DEFAULT '',  -- of the shared part, when both nodes last had the same; empty: never
    base_revision INTEGER REFERENCES revision,  -- our own revision then
    offered     TEXT NOT NULL DEFAULT '',  -- digest that was sent and may have arrived
    activating  INTEGER NOT NULL DEFAULT 0  -- 1: what arrived is applied, the live system may not follow it yet
) STRICT;
INSERT INTO state (one) VALUES (1);
COMMIT;
"""


def lock(directory: Path) -> int:
    """Become the only process that may open the database in this directory, which is made when missing.

    Returns:
        A descriptor; closing it, or the end of the process, gives the lock back.

    Raises:
        LockedError: another process has it.
        StoreError: the directory cannot be made or used.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        descriptor = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"the store {directory} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise LockedError(f"the store {directory} is in use by another process") from error
    return descriptor


def connect(directory: Path) -> sqlite3.Connection:
    """Open the database, after making it where there is none; the caller holds the lock.

    One of an older format is upgraded first, wholly or not at all.

    Raises:
        StoreError: it is damaged, foreign or newer, and the file stays untouched, for a rescue; or it cannot be
            upgraded.
    """
    path = directory / FILE
    if not path.exists():
        _create(path)
    connection = _opened(path)
    try:
        _configure(connection)
        problem = _problem(connection)
        if not problem:
            _upgrade(connection)
    except sqlite3.Error as error:
        problem = f"is damaged: {error}"
    except StoreError:
        connection.close()
        raise
    if problem:
        connection.close()
        raise StoreError(f"the store {path} {problem}")
    return connection


def _opened(path: Path) -> sqlite3.Connection:
    # One process, one call at a time, but not always from the same thread: fsync may be kept off the loop's.
    try:
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise StoreError(f"the store {path} cannot be opened: {error}") from error


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA foreign_keys = ON")


def _problem(connection: sqlite3.Connection) -> str:
    """Why the database cannot be trusted, as the end of a sentence; empty when it can."""
    findings = [line for (line,) in connection.execute("PRAGMA quick_check")]
    if findings != ["ok"]:
        return f"is damaged: {'; '.join(findings[:3])}"
    if connection.execute("PRAGMA application_id").fetchone() != (_APPLICATION_ID,):
        return "is damaged, or no configuration store at all"
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > _FORMAT:
        return f"was written by newer software: format {version}; this one reads up to {_FORMAT}"
    return ""


def _upgrade(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == _FORMAT:
        return
    with transaction(connection):
        for statements in _UPGRADES[version - 1 :]:
            for statement in _single(statements):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {_FORMAT}")


def _single(statements: str) -> Iterator[str]:
    """One statement after the other; a trigger has semicolons inside."""
    begun = ""
    for part in statements.split(";")[:-1]:
        begun += f"{part};"
        if sqlite3.complete_statement(begun):
            yield begun
            begun = ""


def _create(path: Path) -> None:
    """Make the database beside its place and move it there whole: so an empty or half-made file is damage."""
    journal = path.with_name(f"{path.name}-journal")
    if journal.exists():
        raise StoreError(f"the store {path} is gone, but its journal {journal} is there; restore it from a backup")
    fresh = path.with_name(f"{path.name}.new")
    try:
        for leftover in (fresh, path.with_name(f"{fresh.name}-journal")):
            leftover.unlink(missing_ok=True)
        os.close(os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        _fill(fresh)
        fresh.rename(path)
        _sync_directory(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the store {path} cannot be made: {error}") from error


def _fill(path: Path) -> None:
    connection = _opened(path)
    try:
        _configure(connection)
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
        connection.executescript(_TABLES)
        connection.executescript(_PAST)
    finally:
        connection.close()


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's statements or none; durable once the block is left.

    Raises:
        StoreError: the disk is full or failing; nothing changed.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise StoreError(f"the store cannot be written: {error}") from error
