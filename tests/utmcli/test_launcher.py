"""The one-shot client starts from what Python compiled before, and from nothing that may not be trusted."""

from __future__ import annotations

import importlib.util
import marshal
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.support.fake_clusterd import INFO
from tests.support.shell import Shell, install_client, short_directory
from utmcli import launcher

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
PACKAGES = Path("lib", f"python{sys.version_info.major}.{sys.version_info.minor}", "site-packages")
HEADER = 16
"""Bytes before the code: magic number, flags, time and size of the source (PEP 552)."""


class Installation(NamedTuple):
    """A client, and what it runs."""

    shell: Shell
    module: Path

    @property
    def kept(self) -> Path:
        """Where Python keeps the compiled client."""
        return Path(importlib.util.cache_from_source(str(self.module)))

    def header(self) -> bytes:
        return self.kept.read_bytes()[:HEADER]

    def swap(self, header: bytes) -> None:
        """Keep other code in the place of the client's, which shows when it runs."""
        self.kept.write_bytes(header + marshal.dumps(compile("print('swapped')", "swapped", "exec")))

    def shows(self, text: str) -> None:
        ended = self.shell.run("cluster", "info")
        assert (ended.stdout, ended.stderr, ended.returncode) == (text, "", 0)


def installed(shell: Shell, prefix: Path, way: str) -> Installation:
    """Script and module as pip leaves them, started once; `way` is who wrote the script."""
    module = prefix / PACKAGES / "utmcli" / "client.py"
    for directory in (prefix / "bin", module.parent):
        directory.mkdir(parents=True)
    script = install_client(prefix / "bin")
    shutil.copy(script, module)
    if way == "launcher":
        script.write_text(launcher.text(str(prefix / "bin" / "python3"), str(module)))
    started = Installation(Shell(shell.run_dir, script), module)
    started.shows(INFO)
    return started


@pytest.fixture(params=["installer", "launcher"])
def client(shell: Shell, request: pytest.FixtureRequest) -> Iterator[Installation]:
    with short_directory() as prefix:
        yield installed(shell, prefix, request.param)


def test_the_first_start_compiles_the_client_and_the_next_runs_that(client: Installation) -> None:
    client.swap(client.header())
    client.shows("swapped\n")


def test_a_changed_client_does_not_run_what_was_compiled_before(client: Installation) -> None:
    client.swap(client.header())
    with client.module.open("a") as module:
        module.write("# a later version\n")
    client.shows(INFO)
    assert b"swapped" not in client.kept.read_bytes()


def test_a_client_of_the_same_length_and_another_time_counts_as_changed(client: Installation) -> None:
    client.swap(client.header())
    os.utime(client.module, (0, 0))  # an older version that was put back
    client.shows(INFO)


def test_what_another_python_compiled_is_compiled_again(client: Installation) -> None:
    client.swap(b"\0\0\r\n" + client.header()[4:])
    client.shows(INFO)
    assert client.header().startswith(importlib.util.MAGIC_NUMBER)


@pytest.mark.parametrize("length", [0, 3, HEADER - 1, HEADER, HEADER + 1, 2000])
def test_a_damaged_file_does_no_harm(client: Installation, length: int) -> None:
    client.kept.write_bytes(client.kept.read_bytes()[:length])
    client.shows(INFO)


@pytest.mark.parametrize("rest", [b"\0" * 9, b"\xff" * 9, marshal.dumps("no code")], ids=["zeros", "ones", "text"])
def test_anything_else_in_the_file_does_no_harm(client: Installation, rest: bytes) -> None:
    client.kept.write_bytes(client.header() + rest)
    client.shows(INFO)


def test_it_runs_where_nothing_can_be_kept(client: Installation) -> None:
    shutil.rmtree(client.kept.parent)
    client.kept.parent.write_text("no directory")
    client.shows(INFO)


def test_a_link_leads_to_the_same(client: Installation, tmp_path: Path) -> None:
    client.swap(client.header())
    link = tmp_path / "appliance"
    link.symlink_to(client.shell.client)
    assert subprocess.run([link], capture_output=True, text=True, check=True).stdout == "swapped\n"


def test_the_script_of_an_installer_runs_without_the_module(shell: Shell) -> None:
    with short_directory() as prefix:
        client = installed(shell, prefix, "installer")
        shutil.rmtree(prefix / "lib")
        client.shows(INFO)


def test_the_script_of_an_installer_takes_no_module_from_where_others_may_put_one(shell: Shell) -> None:
    with short_directory() as prefix:
        client = installed(shell, prefix, "installer")
        client.swap(client.header())
        prefix.chmod(0o1777)
        client.shows(INFO)


def test_a_launcher_whose_installation_is_gone_says_so(shell: Shell) -> None:
    with short_directory() as prefix:
        client = installed(shell, prefix, "launcher")
        shutil.rmtree(prefix / "lib")
        ended = client.shell.run("cluster", "info")
    assert (ended.stdout, ended.returncode) == ("", 1)
    assert ended.stderr.startswith("% Error: utmcli is not where it was: ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["it's here", "l" * 250], ids=["blanks", "long"])
def test_a_launcher_works_with_any_path(shell: Shell, name: str) -> None:
    with short_directory() as directory:
        installed(shell, directory / name, "launcher").shows(INFO)


def test_a_launcher_takes_the_place_of_a_link(tmp_path: Path) -> None:
    target, file = tmp_path / "target", tmp_path / "utmcli"
    target.write_text("stays")
    file.symlink_to(target)
    subprocess.run([sys.executable, "-I", "-m", "utmcli.launcher", file], check=True)
    assert target.read_text() == "stays"
    assert file.read_text() == launcher.text(sys.executable, str(ROOT / "utmcli" / "client.py"))
    assert oct(file.lstat().st_mode) == "0o100755"


@pytest.mark.parametrize("arguments", [[], ["/proc/utmcli"]])
def test_a_launcher_that_cannot_be_written_is_one_sentence(arguments: list[str]) -> None:
    words = [sys.executable, "-I", "-m", "utmcli.launcher", *arguments]
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)


def test_make_starts_the_module_of_the_working_tree() -> None:
    python = Path(sys.executable).with_name("python")
    expected = launcher.text(str(python), str(ROOT / "utmcli" / "client.py"))
    assert python.with_name("utmcli").read_text() == expected, "make setup writes it"


def test_an_installed_wheel_runs_what_pip_compiled(shell: Shell, tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="building a wheel takes hatchling, which make setup installs")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    prefix = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
    pip = [sys.executable, "-m", "pip", "--python", prefix / "bin" / "python", "--quiet", "install", "--no-index"]
    subprocess.run([*pip, "--no-deps", wheel], check=True)
    file = tmp_path / "utmcli"
    subprocess.run([prefix / "bin" / "python", "-I", "-m", "utmcli.launcher", file], check=True)
    for script in (prefix / "bin" / "utmcli", file):
        client = Installation(Shell(shell.run_dir, script), prefix / PACKAGES / "utmcli" / "client.py")
        whole = client.kept.read_bytes()
        client.shows(INFO)
        client.swap(client.header())
        client.shows("swapped\n")
        client.kept.write_bytes(whole)
