"""The engine's privileges, and what happens where they cannot be taken away."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cluster.process.confine import confined

SHOW = ("/bin/grep", "-E", "CapBnd|NoNewPrivs", "/proc/self/status")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a bounding set to take away")
def test_what_is_confined_keeps_the_named_capabilities_and_gains_no_others() -> None:
    done = subprocess.run(confined(SHOW, ("net_raw",)), capture_output=True, text=True, check=True)
    facts = dict(line.split(":\t") for line in done.stdout.splitlines())
    assert int(facts["CapBnd"], 16) == 1 << 13
    assert facts["NoNewPrivs"] == "1"


def test_without_setpriv_the_command_runs_as_it_is_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert confined(SHOW) == SHOW
    assert "setpriv is not installed" in caplog.text


def test_where_setpriv_fails_the_command_runs_as_it_is_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = tmp_path / "setpriv"
    fake.write_text("#!/bin/sh\necho 'not permitted here' >&2\nexit 127\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert Path(confined(SHOW)[0]) == Path(SHOW[0])
    assert "not permitted here" in caplog.text
