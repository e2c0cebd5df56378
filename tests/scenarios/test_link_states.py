"""The documented election table, on real interfaces."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.lab import Lab

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]


@pytest.mark.parametrize(
    ("pulled", "master", "spare"),
    [
        pytest.param((), "master", "backup", id="all-up"),
        pytest.param(("master-LAN1",), "backup", "master", id="one-lost-at-the-master"),
        pytest.param(("master-LAN1", "spare-LAN1"), "master", "backup", id="one-lost-at-both"),
        pytest.param(("master-LAN1", "spare-LAN1", "spare-LAN2"), "master", "master", id="no-path-left"),
        pytest.param(
            ("master-LAN1", "spare-LAN1", "master-LAN2", "spare-LAN2"), "master", "master", id="nothing-left"
        ),
    ],
)
def test_the_links_decide_who_is_master(lab: Lab, pulled: tuple[str, ...], master: str, spare: str) -> None:
    for cable in pulled:
        lab.link(*cable.split("-"), "down")

    lab.await_roles(master, spare)
    time.sleep(2.5)  # longer than the link delay: it stays so

    assert lab.roles() == (master, spare)
