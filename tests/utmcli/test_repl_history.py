"""Lines typed before: kept, bounded, private, and without secrets."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import mode_of
from utmcli.history import KEPT, LineHistory

if TYPE_CHECKING:
    from pathlib import Path


def remembered(directory: Path, user: str = "root") -> list[str]:
    """What a new session of this user would find, newest first."""
    return list(LineHistory(directory, user).load_history_strings())


async def recalled(history: LineHistory) -> list[str]:
    """What the editor finds, newest first."""
    return [line async for line in history.load()]


def test_a_new_session_finds_the_lines_newest_first(tmp_path: Path) -> None:
    history = LineHistory(tmp_path, "root")
    for line in ("cluster info", "system info", "cluster explain"):
        history.append_string(line)
    assert remembered(tmp_path) == ["cluster explain", "system info", "cluster info"]


def test_users_do_not_see_each_others_lines(tmp_path: Path) -> None:
    LineHistory(tmp_path, "root").append_string("cluster info")
    assert remembered(tmp_path, "admin") == []


def test_a_user_name_cannot_lead_out_of_the_directory(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    LineHistory(below, "../../root").append_string("cluster info")
    assert [path.parent for path in tmp_path.rglob("history-*")] == [below]


@pytest.mark.parametrize(
    "line",
    [
        "cluster set passphrase swordfish",
        "clu set pass 'sword fish'",
        "cluster set priority low passphrase swordfish",
        "cluster set passphrase swordfish nonsense",
        "cluster set passphrase 'not closed",
        "   ",
        "",
    ],
)
def test_a_line_with_a_secret_or_with_nothing_is_not_kept(tmp_path: Path, line: str) -> None:
    history = LineHistory(tmp_path, "root")
    history.append_string(line)
    assert (history.get_strings(), remembered(tmp_path)) == ([], [])


def test_the_file_is_private(tmp_path: Path) -> None:
    LineHistory(tmp_path, "root").append_string("cluster info")
    assert mode_of(tmp_path / "history-root") == 0o600


def test_a_link_put_in_its_place_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    target = tmp_path / "target"
    target.write_text("untouched\n")
    (tmp_path / "history-root").symlink_to(target)
    LineHistory(tmp_path, "root").append_string("cluster info")
    assert target.read_text() == "untouched\n"
    assert "cannot keep the history" in caplog.text


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    (tmp_path / "history-root").write_text("".join(f"line {n}\n" for n in range(2 * KEPT + 1)))
    lines = remembered(tmp_path)
    assert (len(lines), lines[0], lines[-1]) == (KEPT, f"line {2 * KEPT}", f"line {KEPT + 1}")
    assert len((tmp_path / "history-root").read_text().splitlines()) == KEPT


def test_a_directory_that_is_missing_costs_the_history_and_nothing_else(tmp_path: Path) -> None:
    history = LineHistory(tmp_path / "missing", "root")
    history.append_string("cluster info")
    assert history.get_strings() == ["cluster info"]
    assert remembered(tmp_path / "missing") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be several users")
def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    os.chown(tmp_path, 1, 1)
    history = LineHistory(tmp_path, "root")
    history.append_string("cluster info")
    assert asyncio.run(recalled(history)) == ["cluster info"]
    assert list(tmp_path.iterdir()) == []
