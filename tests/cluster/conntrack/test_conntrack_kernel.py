"""What the kernel needs before conntrackd starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.conntrack import kernel
from cluster.errors import ClusterError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_kernel_is_asked_to_tell_also_of_what_began_before_anybody_listened(tmp_path: Path) -> None:
    (tmp_path / "nf_conntrack_events").write_text("2\n")
    kernel.prepare(tmp_path)
    assert (tmp_path / "nf_conntrack_events").read_text() == "1\n"


def test_a_kernel_without_connection_tracking_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_load", lambda: None)
    with pytest.raises(ClusterError, match="does not track connections"):
        kernel.machine(tmp_path / "none")
    with pytest.raises(ClusterError, match=r"does not (track|tell of) connections"):
        kernel.prepare(tmp_path / "none")


def test_how_many_entries_the_kernel_takes_is_asked_of_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "nf_conntrack_max").write_text("4096\n")
    assert kernel.machine(tmp_path).most == 4096


@pytest.mark.parametrize(
    ("uid_map", "first"),
    [
        ("         0          0 4294967295\n", True),
        ("         0       1000          1\n", False),
        ("         0     100000      65536\n", False),
        ("", False),
    ],
)
def test_only_where_root_is_root_buffers_and_scheduling_may_be_asked_for(uid_map: str, first: bool) -> None:
    assert kernel.is_first_namespace(uid_map) is first
