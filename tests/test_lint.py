"""The linters have nothing to say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("words", [("ruff", "check", "."), ("mypy",)], ids=["ruff", "mypy"])
def test_a_linter_finds_nothing(words: tuple[str, ...]) -> None:
    tool = str(Path(sys.executable).with_name(words[0]))

    done = subprocess.run([tool, *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
