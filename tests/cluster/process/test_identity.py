"""A process is known by pid and start time, so that no stranger is ever signalled."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from cluster.process.identity import Identity

if TYPE_CHECKING:
    from pathlib import Path


def test_a_running_process_is_alive_and_ends_when_told() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        identity = Identity.of(process.pid)

        assert identity.alive
        assert identity.end(signal.SIGTERM, 5.0)
        assert not identity.alive, "a zombie has ended"

    assert process.returncode == -signal.SIGTERM


def test_a_process_of_the_same_pid_that_started_at_another_time_is_a_stranger() -> None:
    stranger = Identity(os.getpid(), Identity.of(os.getpid()).start - 1)

    assert not stranger.alive
    assert stranger.end(signal.SIGKILL, 0.0), "it has ended, and we live on to see that"
    with pytest.raises(ProcessLookupError):
        stranger.open()


def test_a_process_that_does_not_end_in_time_is_said_to_run_on() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        identity = Identity.of(process.pid)

        assert not identity.ended(0.01)
        assert not identity.end(signal.SIGCONT, 0.01)
        assert identity.end(signal.SIGKILL, 5.0)


def test_a_program_name_with_blanks_and_parentheses_does_not_confuse(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as process:
        assert Identity.of(process.pid).start >= Identity.of(os.getpid()).start
        process.kill()
