"""One log format, with journald's level in front where journald listens, and the word that we are ready."""

from __future__ import annotations

import logging
import os
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cluster import service

if TYPE_CHECKING:
    from pathlib import Path

LOGGING = (
    "from cluster import service; log = service.begin_log(); "
    "log.warning('two %s', 'words\\nand more'); log.debug('no')"
)


def logged(path: Path, *, journal: bool) -> str:
    with path.open("wb") as stream:
        here = os.fstat(stream.fileno())
        name = f"{here.st_dev}:{here.st_ino}" if journal else "8:1"
        environment = os.environ | {"JOURNAL_STREAM": name}
        subprocess.run([sys.executable, "-c", LOGGING], env=environment, stderr=stream, check=True)
    return path.read_text()


def test_a_line_says_level_daemon_and_text(tmp_path: Path) -> None:
    text = logged(tmp_path / "log", journal=False)
    assert re.fullmatch(r"WARNING clusterd\[\d+\]: two words\nand more\n", text)


def test_where_the_journal_reads_every_line_begins_with_its_level(tmp_path: Path) -> None:
    text = logged(tmp_path / "log", journal=True)
    assert re.fullmatch(r"<4>WARNING clusterd\[\d+\]: two words\n<4>and more\n", text)


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told_that_we_are_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool
) -> None:
    address = f"@utmcli-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind("\0" + address[1:] if abstract else address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)

        service.say_ready()

        assert systemd.recv(100).splitlines() == [b"READY=1", b"MAINPID=%d" % os.getpid()]


def test_without_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service.say_ready()
    assert logging.getLogger("clusterd").name == "clusterd"
