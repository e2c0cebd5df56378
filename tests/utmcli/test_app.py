"""Entry points, options, scripts and transcripts."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.fake_clusterd import INFO
from utmcli.arguments import Arguments, UsageError, as_line, understand

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_clusterd import Answers, FakeClusterd
    from tests.support.shell import Shell


def test_help_lists_every_exit_code(alone: Shell) -> None:
    ended = alone.run("--help")
    assert ended.returncode == 0
    for code in ("0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "130 "):
        assert f"\n    {code}" in ended.stdout


def test_version_is_printed(alone: Shell) -> None:
    assert alone.run("--version").stdout.startswith("utmcli ")


@pytest.mark.parametrize(
    "words", [["--bogus"], ["-f"], ["-c"], ["-f", "/nonexistent/file"], ["-c", "cluster info", "cluster", "info"]]
)
def test_a_wrong_option_is_a_usage_error(shell: Shell, answers: Answers, words: list[str]) -> None:
    ended = shell.run(*words)
    assert (ended.stdout, ended.returncode) == ("", 2)
    assert ended.stderr
    assert answers.asked == []


def test_several_commands_stop_at_the_first_that_fails(shell: Shell) -> None:
    ended = shell.run("-c", "cluster info", "-c", "bogus", "-c", "cluster info")
    assert (ended.stdout, ended.returncode) == (INFO, 2)


def test_a_script_runs_silently_and_skips_remarks(shell: Shell) -> None:
    ended = shell.run(stdin="# a remark\n\n  cluster info\r\ncluster info")
    assert (ended.stdout, ended.stderr, ended.returncode) == (INFO * 2, "", 0)


def test_a_script_stops_at_the_first_line_that_fails_and_says_which(shell: Shell) -> None:
    ended = shell.run(stdin="cluster info\n# fine\nbogus\ncluster info\n")
    assert (ended.stdout, ended.returncode) == (INFO, 2)
    assert ended.stderr.endswith("utmcli: the script ended at line 3\n")


def test_a_script_ends_at_exit(shell: Shell) -> None:
    assert shell.run(stdin="cluster info\nexit\ncluster info\n").stdout == INFO


def test_a_script_may_be_a_file(shell: Shell, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("cluster info\n")
    assert shell.run("-f", str(script)).stdout == INFO
    assert shell.run("-f", "-", stdin="cluster info\n").stdout == INFO


def test_a_transcript_shows_prompt_and_line_before_the_output(shell: Shell) -> None:
    ended = shell.run("-i", stdin="cluster info\n")
    prompt = "master.cluster.local> "
    assert (ended.stdout, ended.returncode) == (f"{prompt}cluster info\n{INFO}{prompt}\n", 0)


def test_a_transcript_goes_on_after_an_error_and_ends_with_the_last_exit_code(shell: Shell) -> None:
    good_last = shell.run("--interactive", stdin="bogus\ncluster info\n")
    assert (INFO in good_last.stdout, good_last.returncode) == (True, 0)
    assert shell.run("--interactive", stdin="cluster info\nbogus\n").returncode == 2


def test_a_transcript_keeps_secrets_to_itself(shell: Shell) -> None:
    ended = shell.run("-i", stdin="cluster set passphrase swordfish\n")
    assert ended.returncode == 0, ended.stderr
    assert "swordfish" not in ended.stdout + ended.stderr


def test_a_transcript_tells_hints_on_standard_error(shell: Shell, answers: Answers) -> None:
    answers.unsaved = True
    ended = shell.run("-i", stdin="cluster info\ncluster info\n")
    assert ended.stderr.count("unsaved edits") == 1
    assert "unsaved edits" not in ended.stdout


def test_a_session_without_a_host_works_the_same(alone: Shell, clusterd: FakeClusterd) -> None:
    assert clusterd
    assert alone.run(stdin="cluster info\n").stdout == INFO
    assert alone.run("-i", stdin="cluster info\n").stdout.startswith("master.cluster.local> cluster info\n")


@pytest.mark.parametrize("words", [[], ["-i"]])
def test_a_session_with_nothing_to_talk_to_does_not_begin(alone: Shell, words: list[str]) -> None:
    ended = alone.run(*words)
    sentence = f"% Error: neither the shell host nor clusterd runs: nothing listens in {alone.run_dir}\n"
    assert (ended.stdout, ended.stderr, ended.returncode) == ("", sentence, 6)


def test_help_needs_nobody_to_talk_to(alone: Shell) -> None:
    ended = alone.run("help", "cluster", "info")
    assert ended.returncode == 0, ended.stderr
    assert "cluster info" in ended.stdout


def test_a_script_that_does_not_end_its_line_is_refused(shell: Shell) -> None:
    ended = shell.run(stdin="x" * 2_000_000)
    assert ended.returncode == 1
    assert ended.stderr == "% Error: a line is longer than 1048576 characters\n"


def test_completion_is_printed_with_descriptions(shell: Shell) -> None:
    lines = shell.run("--complete", "cluster maint").stdout.splitlines()
    assert lines == ["maintainance\ttake this node out of service for a while"]


def test_completion_knows_the_names_that_exist(shell: Shell) -> None:
    lines = shell.run("--complete", "interface delete name ").stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["LAN1", "LAN2", "LAN3"]


def test_the_module_runs_too(shell: Shell) -> None:
    argv = [sys.executable, "-m", "utmcli", "cluster", "info"]
    ended = subprocess.run(argv, env=shell.environment, capture_output=True, text=True, check=True)
    assert ended.stdout == INFO


def test_the_lab_is_a_program_of_its_own(alone: Shell) -> None:
    through = alone.run("lab", "status", "--bogus-option")
    argv = [sys.executable, "-m", "cluster.lab", "status", "--bogus-option"]
    itself = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert itself.returncode == 2
    assert (through.returncode, through.stderr) == (itself.returncode, itself.stderr)


# --- the words of a command line -----------------------------------------------------------------------


def test_options_come_before_the_words() -> None:
    assert understand(["--json", "-i"]) == Arguments(json=True, interactive=True)
    assert understand(["--json", "cluster", "info"]) == Arguments(json=True, commands=("cluster info",))
    assert understand(["cluster", "-i"]) == Arguments(commands=("cluster -i",))
    assert understand(["--", "--json"]) == Arguments(commands=("--json",))


def test_json_may_also_be_asked_for_behind_the_words(shell: Shell) -> None:
    assert understand(["cluster", "info", "--json"]) == Arguments(json=True, commands=("cluster info",))
    assert understand(["set", "value", "--json", "x"]) == Arguments(commands=("set value --json x",))
    assert shell.run("cluster", "info", "--json").stdout == shell.run("--json", "cluster", "info").stdout


def test_help_may_be_asked_for_behind_the_words_that_it_is_about(shell: Shell) -> None:
    assert understand(["cluster", "set", "--help"]) == Arguments(commands=("help cluster set",))
    assert shell.run("cluster", "info", "--help").stdout == "cluster info\n    state of this node in four lines\n"
    assert shell.run("user", "group", "--help").stdout.startswith("command          |meaning\n")


def test_commands_are_given_in_one_way_only() -> None:
    assert understand(["-c", "a b", "-c", "c"]).commands == ("a b", "c")
    with pytest.raises(UsageError, match="either with -c or as words"):
        understand(["-c", "a", "b"])


@pytest.mark.parametrize("option", ["-c", "--complete", "--nonsense", "-x"])
def test_an_option_that_lacks_something_is_named(option: str) -> None:
    with pytest.raises(UsageError, match=option):
        understand([option])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["cluster", "info"], "cluster info"),
        (["set", "value", "two words"], 'set value "two words"'),
        (["set", "value", ""], 'set value ""'),
        (["set", "value", 'say "x" \\'], 'set value "say \\"x\\" \\\\"'),
        (["flags", "[", "HA", "]"], "flags [ HA ]"),
        (["flags", "[", '"HA"', "]"], 'flags [ "HA" ]'),
        (["flags", '[ "HA" ]'], 'flags [ "HA" ]'),
        (["info", "|", "json"], "info | json"),
        (["value", "a|b"], 'value "a|b"'),
        (["cluster info | json"], "cluster info | json"),
    ],
)
def test_words_become_the_line_they_mean(words: list[str], line: str) -> None:
    assert as_line(words) == line
