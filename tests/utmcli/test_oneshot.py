"""Scripts: what ends them, what they print, and what a dry run says without doing anything."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from cluster.errors import RefusedError
from cluster.rpc import messages
from utmcli import oneshot

if TYPE_CHECKING:
    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Shell

SCRIPT = "cluster info | count\ncluster inof\ncluster info | count\n"
COUNT = "value\n-----\n4\n"


def test_a_script_ends_at_its_first_mistake_unless_told_to_go_on(shell: Shell) -> None:
    ended = shell.run(stdin=SCRIPT)
    assert (ended.stdout, ended.returncode) == (COUNT, 2)
    assert ended.stderr.endswith("utmcli: the script ended at line 2\n")
    went_on = shell.run("--keep-going", stdin=SCRIPT)
    assert (went_on.stdout, went_on.returncode) == (COUNT * 2, 2)
    assert went_on.stderr.endswith("utmcli: that was at line 2\n")


def test_a_script_of_a_windows_editor_begins_with_a_mark_and_is_a_script_like_others(shell: Shell) -> None:
    done = shell.run(stdin="\ufeffcluster info | count\r\ncluster info | count\r\n")
    assert (done.returncode, done.stdout) == (0, "value\n-----\n4\n" * 2)


def test_commands_as_arguments_can_go_on_too(shell: Shell) -> None:
    words = ("-c", "cluster inof", "-c", "cluster info | count")
    assert shell.run(*words).stdout == ""
    assert shell.run("--stop-on-error", *words).stdout == ""
    went_on = shell.run("--keep-going", *words)
    assert (went_on.stdout, went_on.returncode) == (COUNT, 2)


def test_a_transcript_can_end_at_its_first_mistake(shell: Shell) -> None:
    ended = shell.run("-i", "--stop-on-error", stdin="cluster inof\ncluster info\n")
    assert ended.returncode == 2
    assert "cluster_state" not in ended.stdout


def test_several_commands_make_one_json_array_with_an_element_for_each(shell: Shell) -> None:
    ended = shell.run("--json", "-c", "cluster info | match sync", "-c", "help exit")
    first, second = json.loads(ended.stdout)
    assert first == {"sync_state": "synchronized"}
    assert second["text"].startswith("exit\n")


def test_a_single_command_makes_one_document(shell: Shell) -> None:
    assert json.loads(shell.run("--json", "-c", "cluster info | count").stdout) == {"value": 4}


def test_the_array_stays_valid_and_counts_when_a_command_fails(shell: Shell) -> None:
    stopped = shell.run("--json", stdin=SCRIPT)
    assert (len(json.loads(stopped.stdout)), stopped.returncode) == (2, 2)
    went_on = json.loads(shell.run("--json", "--keep-going", stdin=SCRIPT).stdout)
    assert went_on[0] == went_on[2] == {"value": 4}
    assert went_on[1]["exit_code"] == 2
    assert went_on[1]["error"].startswith("% Invalid input")


def test_a_script_that_says_nothing_is_an_empty_array(shell: Shell) -> None:
    assert json.loads(shell.run("--json", stdin="# nothing\n\n").stdout) == []


def test_a_dry_run_names_every_mistake_and_asks_nobody(shell: Shell, answers: Answers) -> None:
    script = 'extc global set variable "GLOB_X" value [ "a" ]\ncluster inof\nsystem config set\n'
    ended = shell.run("--dry-run", stdin=script)
    assert (ended.stdout, ended.returncode) == ("OK\n", 2)
    assert "% Invalid input" in ended.stderr
    assert "% Incomplete command" in ended.stderr
    assert ended.stderr.count("utmcli: that was at line ") == 2
    assert not [ask for ask, _ in answers.asked if isinstance(ask, messages.EditConfig)]


@pytest.mark.parametrize("words", [("cluster", "info"), ("-c", "cluster info")])
def test_a_dry_run_of_one_command_says_ok(shell: Shell, answers: Answers, words: tuple[str, ...]) -> None:
    assert shell.run("--dry-run", *words).stdout == "OK\n"
    assert json.loads(shell.run("--dry-run", "--json", *words).stdout) == {"result": "OK"}
    assert answers.asked == []


def test_a_dry_run_covers_secrets_in_what_it_shows(shell: Shell) -> None:
    ended = shell.run("--dry-run", stdin="cluster set passphrase swordfish junk\n")
    assert ended.returncode == 2
    assert "swordfish" not in ended.stderr


def test_options_that_contradict_each_other_are_a_usage_error(shell: Shell) -> None:
    ended = shell.run("--stop-on-error", "--keep-going", "cluster", "info")
    assert ended.returncode == 2
    assert "contradict" in ended.stderr


def test_a_line_ends_where_enter_was_pressed_and_nowhere_else() -> None:
    text = 'extc global set variable GLOB_X value "a\u2028b\x0bc\x85d"\r\n\n# remark\ncluster info'
    assert oneshot.commands_in(text) == [text.partition("\r")[0], "cluster info"]


class Nowhere:
    """A screen that nobody looks at."""

    async def write(self, text: str) -> None:
        """Nothing."""

    async def write_error(self, text: str) -> None:
        """Nothing."""


def test_a_command_without_an_end_does_not_fill_the_memory() -> None:
    async def go_on() -> None:
        elements = oneshot._Elements(Nowhere())  # a subprocess would take hours
        half = "x" * (oneshot.LONGEST_ELEMENT // 2)
        await elements.write(half)
        await elements.write(half)
        with pytest.raises(RefusedError):
            await elements.write("x")
        await elements.settle(1)
        await elements.write(half)  # the next command has all room again

    asyncio.run(go_on())
