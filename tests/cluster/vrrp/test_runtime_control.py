"""The control socket of a running engine: nothing a manager sends can end it, nobody else gets in."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import PATIENCE

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.engine import Engine
    from tests.support.netns import Namespace

pytestmark = pytest.mark.netns


@pytest.fixture
def node(engine: MakeEngine, first: Namespace) -> Engine:
    made = engine(first)
    made.becomes("backup")
    return made


@pytest.mark.parametrize(
    "packet",
    [
        b"x", b"{", b"[]", b"1", b"\xff\xfe", b"[" * 50_000, b'{"do": 1}', b'{"do": "dance"}',
        b'{"do": "partner", "role": 1}', b'{"do": "partner", "role": "master", "hears": 3}',
        b'{"do": "partner", "role": null, "sequence": "7", "sources": []}',
        b'{"do": "partner", "role": null, "sequence": true, "sources": []}',
        b'{"do": "partner", "role": null, "sequence": -1, "sources": []}',
        b'{"do": "partner", "role": null, "sequence": 18446744073709551616, "sources": []}',
        b'{"do": "partner", "role": null, "sequence": 7}',
        b'{"do": "partner", "role": null, "sequence": 7, "sources": ["LAN2"]}',
        b'{"do": "partner", "role": null, "sequence": 7, "sources": [1]}',
    ],
)
def test_a_malformed_packet_is_answered_with_an_error(node: Engine, packet: bytes) -> None:
    answer, _ = node.talk(packet)

    assert answer["error"]
    assert node.status()["pid"] == node.running.pid


def test_a_manager_that_connects_reads_what_it_missed_in_order(node: Engine) -> None:
    node.becomes("master")

    events = node.events()

    assert [event["n"] for event in events] == [1, 2]
    assert [(event["old"], event["role"]) for event in events] == [("offline", "backup"), ("backup", "master")]


def test_every_manager_is_told_of_an_event(node: Engine) -> None:
    managers = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(3)]
    for manager in managers:
        manager.settimeout(PATIENCE)
        manager.connect(str(node.run_dir / "engine.sock"))

    heard = [[json.loads(manager.recv(9999))["event"]["role"] for _ in range(2)] for manager in managers]

    assert heard == [["backup", "master"]] * 3
    for manager in managers:
        manager.close()


def test_a_manager_that_never_reads_does_not_hold_up_the_others(node: Engine) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as deaf:
        deaf.connect(str(node.run_dir / "engine.sock"))
        deaf.setblocking(False)
        sent = sum(_sends(deaf) for _ in range(2_000))

        assert node.status()["role"] in ("backup", "master")
        assert sent < 2_000


def _sends(manager: socket.socket) -> bool:
    try:
        manager.send(b'{"do": "status"}')
    except OSError:
        return False
    return True


def test_somebody_else_is_not_let_in(node: Engine) -> None:
    node.run_dir.parent.chmod(0o755)
    for path in node.run_dir.parents:
        if not path.stat().st_mode & 0o001:
            path.chmod(0o755)
    (node.run_dir / "engine.sock").chmod(0o666)
    program = (
        "import os, socket, sys\n"
        "os.setuid(65534)\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
        "s.connect(sys.argv[1])\n"
        "print(s.recv(9999).decode())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(node.run_dir / "engine.sock")],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
    )

    assert "only root" in json.loads(done.stdout)["error"]


def test_the_socket_is_closed_to_others_by_its_mode(node: Engine) -> None:
    assert (node.run_dir / "engine.sock").stat().st_mode & 0o777 == 0o600


def test_the_status_tells_whether_real_time_was_granted(node: Engine) -> None:
    assert "SCHED_RR" in node.status()["real_time"]


def test_an_engine_without_configuration_says_so_and_ends(engine: MakeEngine, first: Namespace) -> None:
    empty = engine(first, start=False)
    (empty.run_dir / "engine.json").unlink()

    empty.start()

    assert empty.running.wait(PATIENCE) == 1
    assert empty.running.stderr is not None
    assert "engine.json cannot be read" in empty.running.stderr.read()


@pytest.mark.parametrize("arguments", [[], ["--run-dir"], ["--run-dir", "/nowhere", "--fast", "1"]])
def test_wrong_arguments_are_answered_with_the_right_ones(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cluster.vrrp", *arguments], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")
