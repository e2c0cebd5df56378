"""An engine that runs for long, and one whose machine slept."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import ROOT, Engine, configuration

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace

pytestmark = pytest.mark.netns

INTERVAL = 3
"""Centiseconds: quick, and yet with room between adverts for work that waits for it, locking memory."""
SAMPLE_EVERY = 0.1
SAMPLES = 60
FEW = 20
"""Blocks; one kept of every advert would make several times as many."""
COUNTED = """
import sys, threading, time
from cluster.vrrp.__main__ import main

def count():
    while True:
        time.sleep(SAMPLE)
        print(sys.getallocatedblocks(), flush=True)

threading.Thread(target=count, daemon=True).start()
sys.exit(main(sys.argv[1:]))
""".replace("SAMPLE", str(SAMPLE_EVERY))
"""The engine's own entry point; beside it, a thread that tells how many blocks of memory Python uses."""


class CountedEngine(Engine):
    """An engine that tells its memory."""

    def start(self) -> None:
        directories = ["--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir)]
        self.blocks = self.run_dir / "blocks"
        with self.blocks.open("wb") as told:
            self.process = subprocess.Popen(
                self.namespace.command(sys.executable, "-S", "-P", "-c", COUNTED, *directories),
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=told,
                stderr=subprocess.PIPE,
                text=True,
            )

    @property
    def samples(self) -> list[int]:
        return [int(line) for line in self.blocks.read_text().split("\n")[:-1]]

    def settles(self) -> None:
        """Everything that is made once has been made: locked memory comes last."""
        while "memory" not in self.status()["real_time"]:
            time.sleep(SAMPLE_EVERY)  # each question would leave traces of its own


def test_hundreds_of_adverts_later_neither_master_nor_backup_uses_more_memory(
    tmp_path: Path, first: Namespace, second: Namespace
) -> None:
    quick = {"advert_interval": INTERVAL}
    master = CountedEngine(first, tmp_path / "first", configuration(**quick))
    backup = CountedEngine(second, tmp_path / "second", configuration(**quick, priority="low"))
    both = (master, backup)
    try:
        for one, role in zip(both, ("master", "backup"), strict=True):
            one.start()
            one.becomes(role)
            one.settles()
        seen = [len(one.samples) for one in both]
        time.sleep(SAMPLES * SAMPLE_EVERY)

        for one, begin in zip(both, seen, strict=True):
            counted = one.samples[begin:]
            early, late = min(counted[: SAMPLES // 4]), min(counted[-SAMPLES // 4 :])
            assert late - early < FEW, counted
        (sent,), (received,) = (one.status()["interfaces"] for one in both)
        assert min(sent["adverts_sent"], received["adverts_received"]) > 7 * FEW
        assert (master.page.role.value, backup.page.role.value) == ("master", "backup")
    finally:
        for one in both:
            one.close()


class SleptEngine(Engine):
    """An engine whose machine slept for an hour: the boot clock went on, the monotonic one stood still."""

    def start(self) -> None:
        module = [sys.executable, "-S", "-P", "-m", "cluster.vrrp"]
        directories = ["--run-dir", str(self.run_dir), "--state-dir", str(self.state_dir)]
        slept = ["unshare", "--time", "--boottime", "3600", "--"]
        self.process = subprocess.Popen(
            self.namespace.command(*slept, *module, *directories),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )


def test_a_role_is_not_resumed_after_the_machine_slept(
    engine: MakeEngine, first: Namespace, tmp_path: Path
) -> None:
    awake = engine(first)
    awake.becomes("master")
    awake.kill()

    still = configuration(advert_interval=1000)  # backup for as long as the test looks
    slept = SleptEngine(first, tmp_path / "slept", still)
    (slept.run_dir / "engine.page").write_bytes((awake.run_dir / "engine.page").read_bytes())
    slept.start()
    try:
        slept.becomes("backup")
        assert first.addresses("LAN2") == {"192.168.12.141/24"}
    finally:
        slept.close()
