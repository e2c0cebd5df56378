"""`| save` and `| watch`: into a file that was not there before, and again and again until somebody saw enough."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.support.shell import PATIENCE, mode_of, wait_until
from utmcli.canvas import Look, plain
from utmcli.keeping import Keeper, is_name
from utmcli.watching import marked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Person, Shell
    from utmcli.canvas import Row

PROMPT = "master.cluster.local> "
UP, ENTER, CTRL_C = "\x1b[A", "\r", "\x03"


@pytest.fixture
def home(shell: Shell, tmp_path: Path) -> Path:
    """The home directory of whoever types."""
    shell.environment["HOME"] = str(tmp_path)
    return tmp_path


@pytest.fixture
def person(shell: Shell, home: Path) -> Iterator[Person]:
    """Somebody who sits at the prompt."""
    assert home
    sitting = shell.person()
    sitting.sees_prompt()
    yield sitting
    sitting.gone()


# --- save -------------------------------------------------------------------------------------------


def test_save_makes_a_new_file_at_the_users_end(shell: Shell, home: Path) -> None:
    ended = shell.run("cluster info | match sync | save state.txt")
    file = home / "utmcli" / "state.txt"
    assert ended.returncode == 0, ended.stderr
    assert str(file) in ended.stdout
    assert file.read_text() == "attribute |value\n----------+-----\nsync_state|synchronized\n"
    assert (mode_of(file), mode_of(file.parent)) == (0o600, 0o700)


def test_save_keeps_json_too(shell: Shell, home: Path) -> None:
    assert shell.run("cluster info | count | json | save count.json").returncode == 0
    assert json.loads((home / "utmcli" / "count.json").read_text()) == {"value": 4}


def test_save_works_in_a_session(person: Person, home: Path, answers: Answers) -> None:
    answers.texts["big"] = "x" * 1_000_000
    person.types("system config export name big | save big" + ENTER)
    person.sees("saved", "characters|1000001")
    person.sees_prompt()
    assert (home / "utmcli" / "big").stat().st_size == 1_000_001


def test_save_replaces_nothing_and_follows_no_link(shell: Shell, home: Path) -> None:
    (home / "utmcli").mkdir()
    (home / "utmcli" / "old").write_text("precious")
    (home / "target").write_text("precious")
    (home / "utmcli" / "link").symlink_to(home / "target")
    for name in ("old", "link"):
        ended = shell.run(f"cluster info | save {name}")
        assert (ended.stdout, ended.returncode) == ("", 1)
        assert ended.stderr == f"% Error: ~/utmcli/{name} is there already, and save replaces nothing\n"
    assert (home / "utmcli" / "old").read_text() == (home / "target").read_text() == "precious"


def test_save_does_not_enter_a_directory_that_somebody_else_linked_there(shell: Shell, home: Path) -> None:
    (home / "elsewhere").mkdir()
    (home / "utmcli").symlink_to(home / "elsewhere")
    assert shell.run("cluster info | save x").returncode == 1
    assert list((home / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("name", ["a/b", "../x", "/etc/passwd", ".profile", "-rf", "~root", "''", "x" * 101])
def test_save_takes_no_path(shell: Shell, home: Path, name: str) -> None:
    assert shell.run(f"cluster info | save {name}").returncode == 2
    assert not (home / "utmcli").exists()


@pytest.mark.parametrize("name", ["a/b", "..", ".ssh", "", "-x", "a\nb", "~", "ä", "x" * 101])
def test_the_client_believes_no_host_that_names_a_path(tmp_path: Path, name: str) -> None:
    assert not is_name(name)
    with pytest.raises(ValueError):
        Keeper(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


# --- watch ------------------------------------------------------------------------------------------


def marks(rows: list[Row]) -> list[str]:
    return [piece.text for pieces in rows for piece in pieces if piece.look is Look.MARKED]


def test_cells_that_changed_are_marked_and_nothing_else() -> None:
    before = ["name|state", "----+-----", "a   |up", "b   |up"]
    now = ["name|state", "----+-----", "b   |up", "c   |up", "a   |down"]
    rows = marked(before, now)
    assert marks(rows) == ["c", "up", "down"]
    assert [plain(pieces) for pieces in rows] == now


def test_nothing_is_marked_the_first_time_and_padding_is_no_change() -> None:
    assert marks(marked(None, ["a|b"])) == []
    assert marks(marked(["a |b"], ["a     |b"])) == []


def test_text_is_compared_line_by_line() -> None:
    assert marks(marked(["one", "two"], ["one", "2"])) == ["2"]


def test_a_program_gets_block_under_block(shell: Shell, answers: Answers) -> None:
    child = shell.start("cluster info | match maint | watch 1")
    assert child.stdout is not None
    lines = [child.stdout.readline().decode() for _ in range(8)]
    child.terminate()
    child.communicate(timeout=PATIENCE)
    assert lines[0].startswith("--- 20")
    assert lines[3] == "maintainance|false\n"
    assert lines[4].startswith("--- 20")
    assert answers.asked
    assert b"\x1b" not in "".join(lines).encode()


def test_a_program_that_asks_for_json_gets_a_document_each_time(shell: Shell) -> None:
    child = shell.start("cluster info | count | json | watch 1")
    assert child.stdout is not None
    documents = [json.loads(child.stdout.readline()) for _ in range(2)]
    child.terminate()
    child.communicate(timeout=PATIENCE)
    assert documents == [{"value": 4}, {"value": 4}]


def test_a_person_sees_one_picture_with_the_changes_marked(person: Person, answers: Answers) -> None:
    person.types("cluster status | match prio | watch 1" + UP)
    person.sees_line(f"{PROMPT}cluster status | match prio | watch 1")
    person.types(ENTER)
    person.sees("every 1 s, q ends", "priority |254")
    assert "cluster status" not in person.look(), "the picture has the screen for itself"
    answers.status = replace(answers.status, priority=100)
    person.sees("priority |100")

    def is_marked() -> bool:
        (row,) = (number for number, line in enumerate(person.screen.display) if line.startswith("priority"))
        return bool(person.screen.buffer[row][len("priority |")].reverse)

    assert is_marked()
    wait_until(lambda: (person.look(), not is_marked())[1])
    person.types("q")
    person.sees_prompt()
    assert "priority|100" in person.look().replace(" |", "|")


def test_a_watch_says_how_much_of_it_there_is_no_room_for(person: Person) -> None:
    person.types("help | watch 1" + UP)
    person.sees_line(f"{PROMPT}help | watch 1")
    person.types(ENTER)
    person.sees("every 1 s, q ends, the first 22 of ")
    person.types("q")
    person.sees_prompt()


def test_ctrl_c_ends_a_watch_and_not_the_session(person: Person) -> None:
    person.types("cluster info | watch 1" + UP)
    person.sees_line(f"{PROMPT}cluster info | watch 1")
    person.types(ENTER)
    person.sees("q ends")
    person.types(CTRL_C)
    person.sees_prompt()
    person.types("cluster info | count" + ENTER)
    person.sees("value\n-----\n4\n")
    person.sees_prompt()


def test_a_watch_on_a_command_line_puts_the_terminal_back(shell: Shell) -> None:
    person = shell.person("cluster info | watch 1")
    person.sees("q ends", "maintainance |false")
    assert person.is_raw()
    person.types(CTRL_C)
    assert person.leaves() == 0
    assert not person.is_raw()
    assert "maintainance |false" in person.look(), "the last state stays"


def test_what_does_something_is_done_once(shell: Shell, answers: Answers) -> None:
    ended = shell.run('extc global set variable "GLOB_X" value [ "a" ] | watch 1')
    assert (ended.stdout, ended.returncode) == ("OK\n", 0)
    assert [type(ask).__name__ for ask, _ in answers.asked].count("EditConfig") == 1


@pytest.mark.parametrize("pipe", ["watch 0", "watch 3601", "watch x", "watch"])
def test_an_interval_that_makes_no_sense_is_a_usage_error(shell: Shell, pipe: str) -> None:
    assert shell.run(f"cluster info | {pipe}").returncode == 2


def test_watch_and_save_do_not_go_together(shell: Shell, home: Path) -> None:
    ended = shell.run("cluster info | watch 1 | save x")
    assert ended.stderr == "% Error: watch and save do not go together: what is watched has no end\n"
    assert not (home / "utmcli").exists()


def test_a_watch_ends_with_its_reader(shell: Shell) -> None:
    child = subprocess.run(
        f"{shell.client} 'cluster info | watch 1' | head -n 3", shell=True, env=shell.environment, check=False,
        capture_output=True, text=True, timeout=20,
    )
    assert len(child.stdout.splitlines()) == 3
