"""What clusterd does before its engine runs, which may race the partner's patience, and what it puts off."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from cluster.options import Options, read
from cluster.process.haste import haste
from cluster.process.limits import works
from tests.support.starting import ENGINE, THE_REST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STARTER = Path(__file__).parent.parent / "support" / "starting.py"
CONFINED = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="the engine's privileges cannot be taken away"
)

LIGHT = {"boot", "daemon", "engine", "engine.early", "errors", "files", "options", "peer", "process"}
LIGHT |= {"process.adoption", "process.haste", "process.limits", "process.spawn"}
LIGHT |= {"vrrp", "vrrp.control", "vrrp.realtime"}
"""All of our own that an engine may wait for: whatever is added here is waited for on every takeover race."""
HEAVY = {"asyncio", "concurrent", "ssl", "sqlite3", "logging", "subprocess", "shutil", "inspect", "ctypes"}
"""Of the standard library, what takes longest to import; of other people's packages nothing at all is light."""


class Started(NamedTuple):
    """What came first, and what was imported by then."""

    first: str
    imported: frozenset[str]


class Node:
    """The directories of a node whose clusterd has run in this boot, and took part in the cluster."""

    def __init__(self, directory: Path) -> None:
        self.run, self.state = directory / "run", directory / "state"
        self.run.mkdir()
        self.settings({"enabled": True})
        (self.run / "booted").write_bytes(Path("/proc/sys/kernel/random/boot_id").read_bytes())
        self._report = directory / "report"
        self.path = os.environ["PATH"]
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def settings(self, content: Any) -> None:
        (self.run / "engine.json").write_text(json.dumps(content))

    def start(self) -> Started:
        directories = ("--state-dir", str(self.state), "--run-dir", str(self.run))
        command = (sys.executable, str(STARTER), str(self._report), "-m", "cluster.daemon", *directories)
        done = subprocess.run(
            command, env=os.environ | {"PATH": self.path}, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(self._report.read_text())
        return Started(report["first"], frozenset(report["imported"]))


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    with made.listener:
        yield made


@CONFINED
def test_the_engine_of_a_restarted_clusterd_waits_for_nothing_that_it_does_not_need(node: Node) -> None:
    started = node.start()

    assert started.first == ENGINE
    ours = {name.removeprefix("cluster.") for name in started.imported if name.startswith("cluster.")}
    assert ours <= LIGHT
    assert not started.imported & HEAVY
    assert not started.imported & {"click", "msgspec", "pyroute2", "asyncssh"}


def spoil_settings(node: Node) -> None:
    (node.run / "engine.json").write_bytes(b"\xff{")


def listen(node: Node) -> None:
    node.listener.bind(str(node.run / "engine.sock"))
    node.listener.listen()


def refuse_setpriv(node: Node) -> None:
    fake = node.run / "setpriv"
    fake.write_text("#!/bin/sh\nexit 127\n")
    fake.chmod(0o755)
    node.path = f"{node.run}:{node.path}"


@CONFINED
@pytest.mark.parametrize(
    "given",
    [
        pytest.param(lambda node: (node.run / "booted").unlink(), id="the run directory is new"),
        pytest.param(lambda node: (node.run / "booted").write_text("another"), id="the machine booted"),
        pytest.param(lambda node: (node.run / "engine.json").unlink(), id="the engine was never told anything"),
        pytest.param(lambda node: node.settings({"enabled": False}), id="the cluster is switched off"),
        pytest.param(lambda node: node.settings([]), id="the settings are no settings"),
        pytest.param(spoil_settings, id="the settings are damaged"),
        pytest.param(listen, id="an engine runs"),
        pytest.param(refuse_setpriv, id="the engine would keep its privileges"),
    ],
)
def test_what_is_not_as_usual_is_left_to_the_ordinary_start(node: Node, given: Callable[[Node], None]) -> None:
    given(node)

    assert node.start().first == THE_REST


def test_the_command_line_is_read_with_directories_that_hold_wherever_clusterd_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    factory = tmp_path / "factory.json"
    factory.touch()

    assert read(["--state-dir", "s", "--run-dir=r", "--factory", str(factory), "--no-shell"]) == Options(
        tmp_path / "s", tmp_path / "r", factory, shell=False, applications_dir=Path("/etc/utmcli/applications.d")
    )
    assert read([]).shell


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [(["--nonsense"], "--nonsense"), (["--factory", "/nowhere"], "/nowhere is no file"), (["more"], "more")],
)
def test_a_wrong_command_line_is_refused_in_a_sentence(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        read(arguments)

    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_haste_ends_with_the_block_whatever_happens_in_it() -> None:
    before = os.sched_getscheduler(0)

    with pytest.raises(ZeroDivisionError), haste():
        _ = 1 / 0

    assert os.sched_getscheduler(0) == before


@pytest.mark.parametrize(("program", "whether"), [("true", True), ("false", False), ("/nowhere", False)])
def test_a_prefix_works_where_the_command_behind_it_is_reached(program: str, whether: bool) -> None:
    assert works((program,)) is whether
