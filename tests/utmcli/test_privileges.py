"""The process that talks to administrators can do nothing by itself."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from utmcli import privileges
from utmcli.privileges import Choice, choose

if TYPE_CHECKING:
    from tests.support.shell import Shell, ShellHost

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs privileges to give up")

READABLE = (Path(os.__file__),)


def status(pid: int) -> dict[str, str]:
    """/proc/PID/status by field."""
    return fields(Path(f"/proc/{pid}/status").read_text())


def fields(text: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}


@as_root
def test_a_running_host_holds_no_capability_and_cannot_regain_any(shell: Shell, host: ShellHost) -> None:
    assert shell.run("cluster", "info").returncode == 0
    held = status(host.process.pid)
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(held[kind], 16) == 0, kind
    assert held["NoNewPrivs"] == "1"


@as_root
def test_a_running_host_is_no_longer_root_where_that_is_possible(host: ShellHost) -> None:
    choice = choose((Path(sys.executable), *READABLE))
    assert choice.identity is not None, choice.reason
    held = status(host.process.pid)
    assert held["Uid"].split() == [str(choice.identity.uid)] * 4
    assert held["Gid"].split() == [str(choice.identity.gid)] * 4
    assert held["Groups"] == ""


@as_root
def test_a_program_that_nobody_could_read_is_run_under_the_old_user_id(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    program = tmp_path / "program"
    program.write_text("")
    choice = choose((program,))
    assert choice.identity is None
    assert "may not read the program" in choice.reason


@as_root
def test_the_account_of_its_own_is_preferred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "ACCOUNTS", ("daemon", "nobody"))
    identity = choose(READABLE).identity
    assert identity is not None
    assert identity.name == "daemon"


@as_root
def test_no_account_at_all_keeps_the_user_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "ACCOUNTS", ("no-such-account",))
    assert choose(READABLE) == Choice(None, "neither account exists: no-such-account")


@as_root
def test_keeping_the_user_id_gives_up_the_capabilities_all_the_same() -> None:
    code = "from utmcli.privileges import *; drop(None); print(open('/proc/self/status').read())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    held = fields(ended.stdout)
    assert held["Uid"].split()[0] == "0"
    assert (int(held["CapEff"], 16), int(held["CapBnd"], 16), held["NoNewPrivs"]) == (0, 0, "1")


@as_root
def test_becoming_somebody_leaves_no_group_behind() -> None:
    code = "from utmcli.privileges import *; drop(Identity('x', 1, 1)); print(open('/proc/self/status').read())"
    argv = [sys.executable, "-c", code]
    ended = subprocess.run(argv, capture_output=True, text=True, check=True, extra_groups=[4, 24])
    held = fields(ended.stdout)
    assert (held["Groups"], held["Uid"].split(), held["Gid"].split()) == ("", ["1"] * 4, ["1"] * 4)


def can_unshare() -> bool:
    return subprocess.run(["unshare", "-Ur", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="no unprivileged user namespaces here")
def test_a_user_namespace_without_the_account_keeps_the_user_id() -> None:
    code = (
        "from pathlib import Path; import os; from utmcli.privileges import *;"
        "choice = choose((Path(os.__file__),)); print(choice.reason); drop(choice.identity);"
        "print(open('/proc/self/status').read())"
    )
    ended = subprocess.run(
        ["unshare", "-Ur", sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    reason, _, text = ended.stdout.partition("\n")
    assert reason in ("this user namespace has no utmcli", "this user namespace has no nobody")
    assert "\nCapEff:\t0000000000000000\n" in text
    assert "\nNoNewPrivs:\t1\n" in text


def test_who_is_not_root_has_nothing_to_become(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert choose(READABLE) == Choice(None, "not started by root")


@as_root
def test_a_refusal_of_the_kernel_is_no_warning() -> None:
    code = "from utmcli.privileges import *; drop(None); drop(Identity('nobody', 1, 1))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "Operation not permitted" in ended.stderr


@as_root
def test_the_console_admits_everybody_to_the_door_and_the_state_to_nobody(shell: Shell, host: ShellHost) -> None:
    assert host
    assert stat.S_IMODE((shell.run_dir / "console.sock").stat().st_mode) == 0o666
    state = (shell.run_dir / "shell").stat()
    identity = choose((Path(sys.executable), *READABLE)).identity
    assert identity is None or (state.st_uid, state.st_gid) == (identity.uid, identity.gid)
