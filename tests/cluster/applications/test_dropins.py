"""Files that name a command which runs as root."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from cluster.applications import dropins
from cluster.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the files must belong to root")


def drop(directory: Path, text: str, name: str = "openvpn") -> Path:
    path = directory / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def test_a_command_is_one_line_among_comments_and_split_as_a_shell_does_it(tmp_path: Path) -> None:
    drop(tmp_path, "# VPN\n\n  /usr/sbin/openvpn --cd '/etc/my vpn' --config \"a b\" $HOME\n")
    assert dropins.command(tmp_path, "openvpn") == (
        "/usr/sbin/openvpn", "--cd", "/etc/my vpn", "--config", "a b", "$HOME",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must hold one command line and has 0"),
        ("/bin/a\n/bin/b\n", "must hold one command line and has 2"),
        ("openvpn --x\n", "must begin with the absolute path of a program"),
        ("'' a\n", "must begin with the absolute path of a program"),
        ("/bin/a 'b\n", "no closing quotation"),
    ],
)
def test_what_is_no_command_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    drop(tmp_path, text)
    with pytest.raises(ClusterError, match=sentence):
        dropins.command(tmp_path, "openvpn")


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    drop(tmp_path, "/bin/true\n").chmod(mode)
    with pytest.raises(ClusterError, match="belong to root and be writable by nobody else"):
        dropins.command(tmp_path, "openvpn")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    os.chown(drop(tmp_path, "/bin/true\n"), 65534, -1)
    with pytest.raises(ClusterError, match="belong to root"):
        dropins.command(tmp_path, "openvpn")


def test_a_directory_that_others_may_write_is_refused(tmp_path: Path) -> None:
    drop(tmp_path, "/bin/true\n")
    tmp_path.chmod(0o777)
    with pytest.raises(ClusterError, match="belong to root"):
        dropins.command(tmp_path, "openvpn")


def test_neither_a_link_nor_a_pipe_is_followed(tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(drop(tmp_path, "/bin/true\n"))
    os.mkfifo(tmp_path / "piped", 0o644)
    with pytest.raises(ClusterError, match="cannot be read"):
        dropins.command(tmp_path, "linked")
    with pytest.raises(ClusterError, match="plain file"):
        dropins.command(tmp_path, "piped")


def test_the_names_are_those_of_the_files_that_can_be_meant(tmp_path: Path) -> None:
    for name in ("openvpn", "b.local", ".hidden", "a b", "editor~"):
        drop(tmp_path, "/bin/true\n", name)
    assert dropins.names(tmp_path) == ("b.local", "openvpn")
    assert dropins.names(tmp_path / "missing") == ()
