"""The layering that docs/ARCHITECTURE.md describes is the layering the code has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_point_downwards_only() -> None:
    lint = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_no_file_outgrows_its_question() -> None:
    sources = [path for package in ("utmcli", "cluster") for path in (ROOT / package).rglob("*.py")]

    too_long = {str(path.relative_to(ROOT)): n for path in sources if (n := path.read_text().count("\n")) > 420}

    assert not too_long
