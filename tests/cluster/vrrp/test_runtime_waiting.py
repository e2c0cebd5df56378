"""An engine never waits: for a disk, for the kernel's lock, or for its turn after it was stopped."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import MASTER_DOWN, eventually

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace

pytestmark = pytest.mark.netns


def test_a_disk_that_keeps_it_waiting_delays_no_advert(engine: MakeEngine, first: Namespace) -> None:
    alone = engine(first)
    alone.becomes("backup")
    # Whoever opens a pipe for writing waits until somebody reads.
    os.mkfifo(alone.state_dir / "vrrp.sequence")
    alone.becomes("master")

    sent = alone.status()["interfaces"][0]["adverts_sent"]
    eventually(lambda: alone.status()["interfaces"][0]["adverts_sent"] > sent + 2)


def test_a_state_directory_that_cannot_be_written_is_said_once_and_harms_nothing(
    engine: MakeEngine, first: Namespace
) -> None:
    alone = engine(first)
    alone.becomes("backup")
    (alone.state_dir / "vrrp.sequence").mkdir()
    alone.becomes("master")

    said = eventually(lambda: alone.events("state"))

    assert len(said) == 1
    assert "signatures may repeat after a reboot" in said[0]["text"]
    assert alone.is_("master")


def test_a_backup_that_was_stopped_for_longer_than_its_patience_does_not_take_over_from_a_living_master(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    master = engine(first)
    master.becomes("master")
    backup = engine(second, priority="low")
    backup.becomes("backup")
    eventually(lambda: backup.status()["interfaces"][0]["adverts_received"])

    for _ in range(3):
        os.kill(backup.running.pid, signal.SIGSTOP)
        time.sleep(1.5 * MASTER_DOWN)
        os.kill(backup.running.pid, signal.SIGCONT)
        time.sleep(0.3)

    assert [event["role"] for event in backup.events("role")] == ["backup"]
    assert master.events("two-masters") == []
