"""`utmcli service`: what it writes, where, and what it leaves alone; systemd itself judges the unit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cluster.applications.table import KNOWN
from utmcli import service
from utmcli.service import Program, files, word

ROOT = Path(__file__).parents[2]
UNIT = Path("etc/systemd/system/clusterd.service")
HANDOVER = Path("etc/systemd/system/clusterd-handover.service")
ACCOUNT = Path("etc/sysusers.d/utmcli.conf")

needs_systemd = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("systemd-analyze") is None, reason="needs root and Debian's package systemd"
)


def typed(*words: str) -> Result:
    return CliRunner().invoke(service.service, words)


def program_in(directory: str) -> Program:
    there = Path(directory)
    return Program(there / "bin/python3", there / "bin/clusterd", (there,))


def text_of(program: Program) -> str:
    return files(program)[Path("/") / UNIT]


def test_show_prints_all_files_and_where_they_go() -> None:
    shown = typed("show")

    assert shown.exit_code == 0
    assert f"# /{UNIT}\n" in shown.output
    assert f"# /{HANDOVER}\n" in shown.output
    assert f"# /{ACCOUNT}\n" in shown.output
    assert f"ExecStart={Path(sys.executable).with_name('clusterd')}\n" in shown.output


def test_no_placeholder_is_left() -> None:
    for text in files(program_in("/opt/utmcli")).values():
        assert not re.search(r"@(python|clusterd|home)@", text)


def test_at_a_shutdown_the_role_is_handed_over_before_any_application_ends() -> None:
    handover = files(program_in("/opt/utmcli"))[Path("/") / HANDOVER]
    after = set(" ".join(re.findall(r"^After=(.*)", handover, re.MULTILINE)).split())

    assert {unit for known in KNOWN for unit in known.units} <= after
    assert "clusterd.service" in after


def test_a_program_in_a_home_directory_can_be_read_by_the_service() -> None:
    assert "\nProtectHome=yes\n" in text_of(program_in("/opt/utmcli"))
    assert "\nProtectHome=read-only\n" in text_of(program_in("/home/anna/utmcli"))


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/opt/utmcli/bin/clusterd", "/opt/utmcli/bin/clusterd"),
        ("/opt/my programs/clusterd", '"/opt/my programs/clusterd"'),
        ("/opt/100%/$a/clusterd", '"/opt/100%%/$$a/clusterd"'),
        ('/opt/a"b\\c', '"/opt/a\\"b\\\\c"'),
    ],
)
def test_any_path_is_one_word_of_a_command_line(path: str, written: str) -> None:
    assert word(Path(path)) == written


def test_nobody_but_root_installs_a_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    refused = typed("install")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("% Error: only root may install and remove services")


def test_without_systemd_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    refused = typed("install", "--root", str(tmp_path))

    assert refused.exit_code == 1
    assert "systemctl is not installed" in refused.stderr
    assert list(tmp_path.iterdir()) == []


@needs_systemd
def test_installing_makes_the_account_and_starts_it_with_every_boot(tmp_path: Path) -> None:
    installed = typed("install", "--root", str(tmp_path))

    assert installed.exit_code == 0, installed.output
    assert (tmp_path / UNIT).stat().st_mode & 0o777 == 0o644
    for unit in service.UNITS:
        assert (tmp_path / "etc/systemd/system/multi-user.target.wants" / unit).is_symlink()
    (account,) = (tmp_path / "etc/passwd").read_text().splitlines()
    assert re.fullmatch(r"utmcli:x:\d+:\d+:utmcli shell host:/nonexistent:/usr/sbin/nologin", account)


@needs_systemd
def test_installing_again_replaces_what_is_there(tmp_path: Path) -> None:
    assert typed("install", "--root", str(tmp_path)).exit_code == 0
    before = (tmp_path / UNIT).read_text()
    (tmp_path / UNIT).write_text(before.replace("Restart=always", "Restart=no"))

    assert typed("install", "--root", str(tmp_path)).exit_code == 0

    assert (tmp_path / UNIT).read_text() == before


@needs_systemd
@pytest.mark.parametrize("file", [UNIT, HANDOVER, ACCOUNT])
@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, file: Path, verb: str) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("# mine\n")

    refused = typed(verb, "--root", str(tmp_path))

    assert refused.exit_code == 1
    assert refused.stderr == (
        f"% Error: {tmp_path / file} was not written by utmcli: move it away, or keep your own service\n"
    )
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file()] == ["# mine\n"]


@needs_systemd
def test_removing_leaves_nothing_but_the_account(tmp_path: Path) -> None:
    assert typed("install", "--root", str(tmp_path)).exit_code == 0

    removed = typed("uninstall", "--root", str(tmp_path))

    assert removed.exit_code == 0, removed.output
    assert not [path for path in tmp_path.rglob("*") if "clusterd" in path.name or "sysusers" in str(path.parent)]
    assert "utmcli:" in (tmp_path / "etc/passwd").read_text()
    assert typed("uninstall", "--root", str(tmp_path)).stderr.startswith("% Error: the service is not installed")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Given a fresh virtual environment with this package installed in it, and the dependencies of the tests."""
    made = tmp_path_factory.mktemp("installed")
    venv.create(made, with_pip=True)
    purelib = made / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip = [made / "bin/python3", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "install", "--no-deps", ROOT], capture_output=True, text=True, check=False, timeout=240
    )
    if done.returncode:
        pytest.skip(f"pip cannot build here: {done.stderr.strip().splitlines()[-1]}")
    return made


def test_everything_the_unit_starts_is_there_after_an_installation(installed: Path) -> None:
    shown = subprocess.run(
        [installed / "bin/utmcli", "service", "show"], capture_output=True, text=True, check=True, timeout=60
    ).stdout

    commands = re.findall(r"^Exec\w+=(\S+)", shown, re.MULTILINE)

    assert str(installed / "bin/clusterd") in commands
    assert len(commands) == 6
    assert [command for command in commands if not os.access(command, os.X_OK)] == []
    for module in re.findall(r"^Exec\w+=(\S+) -P -m (\S+)", shown, re.MULTILINE):
        asked = subprocess.run([module[0], "-P", "-m", module[1]], capture_output=True, text=True, check=False)
        assert asked.stderr.startswith("python -m cluster.leaving stop | leftovers | shutdown: run by")


@pytest.fixture(params=[UNIT, HANDOVER], ids=lambda path: path.stem)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Given a unit as it is written for this installation."""
    path = tmp_path / request.param.name
    path.write_text(files(service.here())[Path("/") / request.param])
    return path


@needs_systemd
def test_systemd_finds_no_fault_with_the_unit(unit: Path) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False, timeout=60
    )

    # What other units of this machine lack is told, too.
    assert [line for line in judged.stderr.splitlines() if "clusterd" in line] == []
    assert judged.returncode == 0, judged.stderr


@needs_systemd
def test_systemd_calls_the_exposure_of_the_service_ok(unit: Path) -> None:
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=45", unit],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    if "--offline" in judged.stderr:
        pytest.skip("systemd-analyze is too old to judge files")
    assert judged.returncode == 0, judged.stdout + judged.stderr
