"""The one-shot client: a command line goes in, bytes and an exit code come out, nothing else is touched."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import utmcli
from cluster.rpc import messages
from tests.support.fake_clusterd import INFO
from tests.support.shell import PATIENCE, wait_until

if TYPE_CHECKING:
    from tests.support.fake_clusterd import Answers, FakeClusterd
    from tests.support.shell import Shell, ShellHost


def test_a_command_prints_its_documented_table(shell: Shell) -> None:
    ended = shell.run("cluster", "info")
    assert (ended.stdout, ended.stderr, ended.returncode) == (INFO, "", 0)


def test_json_is_asked_for_before_the_words_or_behind_a_bar(shell: Shell) -> None:
    document = {
        "cluster_state": "master", "sync_state": "synchronized", "hotwire_dev": "LAN3", "maintainance": False,
    }
    assert json.loads(shell.run("--json", "cluster", "info").stdout) == document
    assert json.loads(shell.run("cluster", "info", "|", "json").stdout) == document


def test_a_word_with_blanks_is_one_value(shell: Shell, answers: Answers) -> None:
    ended = shell.run("extc", "global", "set", "variable", "GLOB_X", "value", "two words")
    assert ended.stdout == "OK\n", ended.stderr
    edits = [ask for ask, _ in answers.asked if isinstance(ask, messages.EditConfig)]
    assert [change.value for change in edits[0].changes] == [["two words"]]


def test_a_single_word_with_blanks_is_a_whole_line(shell: Shell) -> None:
    assert shell.run("cluster info | match sync").stdout.splitlines()[2:] == ["sync_state|synchronized"]


def test_a_mistake_is_pointed_at_and_nothing_is_asked(shell: Shell, answers: Answers) -> None:
    ended = shell.run("cluster", "inof")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("% Invalid input")
    assert ended.stderr.splitlines()[1:3] == ["cluster inof", "        ^"]
    assert answers.asked == []


def test_the_host_knows_who_asks(shell: Shell, answers: Answers) -> None:
    shell.run("cluster", "info")
    (_, actor), *_ = answers.asked
    assert (actor.source, actor.role) == ("console", "admin")


def test_standard_input_is_left_to_the_next_program(shell: Shell) -> None:
    script = f"{shell.client} cluster info >/dev/null; cat"
    ended = subprocess.run(
        ["sh", "-c", script], input="for cat\n", env=shell.environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "for cat\n"


def test_standard_input_reaches_a_command_that_reads_it(shell: Shell, answers: Answers) -> None:
    text = "line\n" * 100_000
    ended = shell.run("system", "config", "import", "name", "x", stdin=text)
    assert ended.stdout == "OK\n", ended.stderr
    assert answers.texts == {"x": text}


def test_endless_standard_input_is_refused(shell: Shell, answers: Answers) -> None:
    with Path("/dev/zero").open("rb") as endless:
        child = subprocess.Popen(
            [str(shell.client), "system", "config", "import", "name", "x"],
            env=shell.environment, stdin=endless, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        _, error = child.communicate(timeout=PATIENCE)
    assert child.returncode == 1
    assert error.startswith(b"% Error: standard input is longer than")
    assert answers.texts == {}


def test_large_output_survives_a_pipe_that_somebody_made_non_blocking(shell: Shell, answers: Answers) -> None:
    answers.texts["big"] = "0123456789abcde\n" * 20_000
    reading, writing = os.pipe2(os.O_NONBLOCK)
    argv = [str(shell.client), "system", "config", "export", "name", "big"]
    with subprocess.Popen(argv, env=shell.environment, stdout=writing) as child:
        os.close(writing)
        os.set_blocking(reading, True)
        with os.fdopen(reading, "rb") as pipe:
            time.sleep(0.3)  # let the pipe fill: only then is there anything to see
            assert pipe.read().decode() == answers.texts["big"]
    assert child.returncode == 0


def test_a_reader_that_leaves_early_is_no_error(shell: Shell, answers: Answers) -> None:
    answers.texts["big"] = "0123456789abcde\n" * 200_000
    script = f"{shell.client} system config export name big | head -1"
    ended = subprocess.run(["sh", "-c", script], env=shell.environment, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("0123456789abcde\n", "")


def test_ctrl_c_ends_a_stream_at_once_and_cancels_it_at_clusterd(shell: Shell, answers: Answers) -> None:
    child = shell.start("cluster", "events", "follow", "1")
    assert answers.following.wait(PATIENCE)
    child.send_signal(signal.SIGINT)
    assert child.wait(PATIENCE) == 130
    assert child.stderr is not None
    assert child.stderr.read() == b""
    assert answers.stopped_following.wait(PATIENCE)


def test_a_killed_client_leaves_nothing_behind_at_clusterd(shell: Shell, answers: Answers) -> None:
    child = shell.start("cluster", "events", "follow", "1")
    assert answers.following.wait(PATIENCE)
    child.kill()
    child.wait()
    assert answers.stopped_following.wait(PATIENCE)


def test_a_host_that_dies_ends_its_clients_with_a_sentence(
    shell: Shell, host: ShellHost, answers: Answers
) -> None:
    child = shell.start("cluster", "events", "follow", "1")
    assert answers.following.wait(PATIENCE)
    host.process.kill()
    _, error = child.communicate(timeout=PATIENCE)
    assert (child.returncode, error) == (6, b"% Error: the shell host went away\n")


def test_without_a_host_the_command_runs_by_itself(alone: Shell, clusterd: FakeClusterd) -> None:
    assert clusterd
    ended = alone.run("cluster", "info")
    assert (ended.stdout, ended.stderr, ended.returncode) == (INFO, "", 0)


def test_a_dead_hosts_socket_counts_as_no_host(alone: Shell, host: ShellHost) -> None:
    host.process.kill()
    host.process.wait()
    assert (alone.run_dir / "console.sock").exists()
    assert alone.run("cluster", "info").stdout == INFO


def test_without_clusterd_there_is_one_sentence_and_exit_code_6(alone: Shell) -> None:
    ended = alone.run("cluster", "info")
    assert ended.returncode == 6
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "clusterd does not run" in ended.stderr


def test_the_run_directory_may_be_named(shell: Shell, tmp_path: Path) -> None:
    elsewhere = {**shell.environment, "UTMCLI_RUN_DIR": str(tmp_path)}
    for option in (["--run-dir", str(shell.run_dir)], [f"--run-dir={shell.run_dir}"]):
        argv = [str(shell.client), *option, "cluster", "info"]
        ended = subprocess.run(argv, env=elsewhere, capture_output=True, text=True, check=True)
        assert ended.stdout == INFO


def test_it_runs_through_a_symbolic_link(shell: Shell, tmp_path: Path) -> None:
    link = tmp_path / "appliance"
    link.symlink_to(shell.client)
    argv = [str(link), "cluster", "info"]
    ended = subprocess.run(argv, env=shell.environment, capture_output=True, text=True, check=False)
    assert ended.stdout == INFO


def test_a_removed_working_directory_does_no_harm(shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "gone"
    place.mkdir()
    argv = ["sh", "-c", f"rmdir {place}; exec {shell.client} cluster info"]
    ended = subprocess.run(argv, cwd=place, env=shell.environment, capture_output=True, text=True, check=False)
    assert ended.stdout == INFO


def test_it_imports_nothing_that_costs_time() -> None:
    source = Path(utmcli.__file__).with_name("client.py").read_text()
    imported = {
        name
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported <= {"posix", "sys", "_socket"}
    assert imported <= set(sys.builtin_module_names) or "_socket" not in sys.builtin_module_names


def test_it_starts_as_a_program() -> None:
    program = Path(utmcli.__file__).with_name("client.py")
    assert os.access(program, os.X_OK)
    assert program.read_text().startswith("#!/bin/sh\n")


def test_it_is_quick_to_give_up_on_a_signal_before_anything_is_read(shell: Shell, answers: Answers) -> None:
    child = shell.start("cluster", "events", "follow", "1")
    assert answers.following.wait(PATIENCE)
    child.send_signal(signal.SIGTERM)
    wait_until(lambda: child.poll() is not None)
    assert child.returncode == -signal.SIGTERM
