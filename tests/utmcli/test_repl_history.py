"""Lines typed before: kept, bounded, private, and without secrets."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from cluster.rpc.messages import Actor
from tests.support.shell import mode_of
from utmcli.history import KEPT, LineHistory

if TYPE_CHECKING:
    from pathlib import Path


def actor(user: str, source: str = "console") -> Actor:
    return Actor(user=user, source=source, role="admin")


ROOT = actor("root")


def remembered(directory: Path, who: Actor = ROOT) -> list[str]:
    """What a new session of this user would find, newest first."""
    return list(LineHistory(directory, who).load_history_strings())


async def recalled(history: LineHistory) -> list[str]:
    """What the editor finds, newest first."""
    return [line async for line in history.load()]


def test_a_new_session_finds_the_lines_newest_first(tmp_path: Path) -> None:
    history = LineHistory(tmp_path, ROOT)
    for line in ("cluster info", "system info", "cluster explain"):
        history.append_string(line)
    assert remembered(tmp_path) == ["cluster explain", "system info", "cluster info"]


def test_users_do_not_see_each_others_lines(tmp_path: Path) -> None:
    LineHistory(tmp_path, ROOT).append_string("cluster info")
    assert remembered(tmp_path, actor("admin")) == []
    for other in ("a-b", "a_b", "a.b"):
        LineHistory(tmp_path, actor(other)).append_string(other)
        assert remembered(tmp_path, actor(other)) == [other]


def test_root_of_the_machine_and_an_account_of_that_name_are_two_persons(tmp_path: Path) -> None:
    LineHistory(tmp_path, ROOT).append_string("cluster info")
    account = actor("root", "ssh 192.0.2.1")
    assert remembered(tmp_path, account) == []
    LineHistory(tmp_path, account).append_string("cluster explain")
    assert remembered(tmp_path, actor("root", "ssh 192.0.2.9")) == ["cluster explain"], "from wherever they come"
    assert remembered(tmp_path) == ["cluster info"]


def test_a_user_name_cannot_lead_out_of_the_directory(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    LineHistory(below, actor("../../root")).append_string("cluster info")
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
    history = LineHistory(tmp_path, ROOT)
    history.append_string(line)
    assert (history.get_strings(), remembered(tmp_path)) == ([], [])


def test_the_file_is_private(tmp_path: Path) -> None:
    LineHistory(tmp_path, ROOT).append_string("cluster info")
    assert mode_of(tmp_path / "history-console-root") == 0o600


def test_a_link_put_in_its_place_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    target = tmp_path / "target"
    target.write_text("untouched\n")
    (tmp_path / "history-console-root").symlink_to(target)
    LineHistory(tmp_path, ROOT).append_string("cluster info")
    assert target.read_text() == "untouched\n"
    assert "cannot keep the history" in caplog.text


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    (tmp_path / "history-console-root").write_text("".join(f"line {n}\n" for n in range(2 * KEPT + 1)))
    lines = remembered(tmp_path)
    assert (len(lines), lines[0], lines[-1]) == (KEPT, f"line {2 * KEPT}", f"line {KEPT + 1}")
    assert len((tmp_path / "history-console-root").read_text().splitlines()) == KEPT


def test_a_directory_that_is_missing_costs_the_history_and_nothing_else(tmp_path: Path) -> None:
    history = LineHistory(tmp_path / "missing", ROOT)
    history.append_string("cluster info")
    assert history.get_strings() == ["cluster info"]
    assert remembered(tmp_path / "missing") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be several users")
def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    os.chown(tmp_path, 1, 1)
    history = LineHistory(tmp_path, ROOT)
    history.append_string("cluster info")
    assert asyncio.run(recalled(history)) == ["cluster info"]
    assert list(tmp_path.iterdir()) == []
