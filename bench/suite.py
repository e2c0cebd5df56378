"""All benchmarks, one after the other.

    python bench/suite.py [--full] [NAME ...]

Without `--full` each is shortened, which takes some minutes in all; with it they take over an hour, and ten minutes
of full load are ten minutes. Every figure stands beside its target and, where there is one, the peer's figure of
the same run. The exit code is 1 if a benchmark could not be carried out.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SHORT = {
    "oneshot": "",
    "shell": "11",
    "power_loss": "3 25 1",
    "planned": "3 25",
    "link_loss": "3 100",
    "healing": "3",
    "start_stop": "3",
    "cpu": "5 3",
    "load": "0.2",
    "continuity": "3",
    "many": "3",
    "hotwire": "20 6",
    "synchronize": "7",
    "connections": "3 300 20 20000 1",
    "ssh": "100 20 150",
}


def main() -> int:
    words = sys.argv[1:]
    full = "--full" in words
    names = [word for word in words if word != "--full"] or list(SHORT)
    failed = []
    for name in names:
        script = Path(__file__).with_name(f"{name}.py")
        arguments = [] if full else SHORT.get(name, "").split()
        if subprocess.run([sys.executable, str(script), *arguments], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nmissed or not carried out: {', '.join(failed)}")
    return bool(failed)


sys.exit(main())
