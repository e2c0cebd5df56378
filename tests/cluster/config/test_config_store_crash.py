"""A writer killed at any moment loses nothing that it reported as done, and leaves nothing half done."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from cluster.config.store import Store
from tests.cluster.config.config_examples import config

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 20

WRITER = """
import sys
from pathlib import Path
from cluster.config.store import Store
from cluster.config.schema import apply
from cluster.model import SetValue

store = Store.open(Path(sys.argv[1]))
for number in range(store.running.number + 1, 1_000_000):
    changes = [SetValue(("hostname",), f"h{number}.local"), SetValue(("globals", "GLOB_A"), [str(number)] * 500)]
    revision = store.commit(apply(store.running.config, changes), "writer", f"number {number}", float(number))
    print("committed", revision.number, flush=True)
    store.save(None, "writer", float(number))
    print("saved", revision.number, flush=True)
    store.applied = revision
"""


def test_kill_9_at_any_moment_loses_nothing_that_was_reported(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.initialise(config(hostname="h1.local"), 0.0)
    store.close()
    saved = 1
    for kill in range(KILLS):
        lines = reported(tmp_path, count=1 + kill % 7)
        committed = max(number for word, number in lines if word == "committed")
        saved = max([number for word, number in lines if word == "saved"], default=saved)
        store = Store.open(tmp_path)
        running = store.running
        assert running.number in {committed, committed + 1}
        assert running.config.hostname == f"h{running.number}.local"
        assert running.config.globals["GLOB_A"] == (str(running.number),) * 500
        assert (running.who, running.why, running.when) == ("writer", f"number {running.number}", running.number)
        in_default = store.get("default").hostname
        assert in_default in {f"h{number}.local" for number in range(saved, running.number + 1)}
        assert [line.number for line in store.history()] == list(range(running.number, 0, -1))
        store.close()


def reported(directory: Path, count: int) -> list[tuple[str, int]]:
    """Let a writer report so many lines, kill it in the midst of what it does next, and read all it had said."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    lines = [writer.stdout.readline() for _ in range(count)]
    writer.kill()
    lines += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    return [(line.split()[0], int(line.split()[1])) for line in lines if line.endswith("\n")]
