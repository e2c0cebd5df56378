"""One engine in a network namespace, whoever else takes names in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cluster.errors import LockedError
from cluster.vrrp.lock import EngineLock
from tests.support.netns import Namespace, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.netns, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

NOBODY = 65534
SQUAT = """
import os, socket, sys
os.setuid({uid})
taken = socket.socket(socket.AF_UNIX, socket.{kind})
taken.bind(b"\\0utmcli-vrrp")
if {listens}:
    taken.listen(1)
print("squatting", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    made = Namespace()
    yield made
    made.close()


def squatter(
    namespace: Namespace, uid: int, *, kind: str = "SOCK_STREAM", listens: bool = True
) -> subprocess.Popen[str]:
    script = SQUAT.format(uid=uid, kind=kind, listens=listens)
    command = namespace.command(sys.executable, "-S", "-c", script)
    made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert made.stdout is not None
    assert made.stdout.readline() == "squatting\n"
    return made


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.mark.parametrize(
    ("kind", "listens"), [("SOCK_STREAM", True), ("SOCK_STREAM", False), ("SOCK_DGRAM", False)]
)
def test_an_unprivileged_process_with_the_name_keeps_no_engine_from_starting(
    namespace: Namespace, tmp_path: Path, kind: str, *, listens: bool
) -> None:
    holder = squatter(namespace, NOBODY, kind=kind, listens=listens)
    directory = str(tmp_path / "locks")
    with namespace.inside():
        held = EngineLock(directory)
        with pytest.raises(LockedError):
            EngineLock(directory)
    # A name of another kind of socket is another name.
    assert ("holds the engine's name" in held.note) == (kind == "SOCK_STREAM")
    assert (f"of user {NOBODY}" in held.note) == listens
    held.close()
    end(holder)


def test_a_privileged_holder_of_the_name_is_another_engine_wherever_its_files_are(
    namespace: Namespace, tmp_path: Path
) -> None:
    holder = squatter(namespace, os.geteuid())
    with namespace.inside(), pytest.raises(LockedError, match="another engine runs"):
        EngineLock(str(tmp_path / "locks"))
    end(holder)
    with namespace.inside():
        EngineLock(str(tmp_path / "locks")).close()


def test_a_directory_that_others_write_to_is_no_place_for_a_lock_and_is_said(
    namespace: Namespace, tmp_path: Path
) -> None:
    tmp_path.chmod(0o777)
    with namespace.inside():
        held = EngineLock(str(tmp_path))
        assert "others may write there" in held.note
        with pytest.raises(LockedError):
            EngineLock(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    held.close()


def test_the_lock_ends_with_its_holder(namespace: Namespace, tmp_path: Path) -> None:
    directory = str(tmp_path / "locks")
    with namespace.inside():
        EngineLock(directory).close()
        with socket.socket(socket.AF_UNIX) as free:
            free.bind(b"\0utmcli-vrrp")
        EngineLock(directory).close()
