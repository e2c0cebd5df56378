"""Two administrators in two sessions: who edits, who is told, who takes over; and what both see of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.ssh import PROMPT

if TYPE_CHECKING:
    from tests.support.ssh import Site


def test_the_second_writer_is_told_by_whom_and_takes_over(site: Site) -> None:
    first = site.person("admin")
    first.expect_exact(PROMPT)
    first.sendline("cluster set advert_interval 30")
    first.expect_exact("OK\r\n")
    second = site.ssh("robot", "cluster set advert_interval 40", password=True)
    assert second.returncode == 5
    assert second.stderr.startswith("% Error: admin (ssh 192.168.12.10) has been editing the configuration for ")
    assert "force 1 takes over" in second.stderr
    assert site.ssh("robot", "cluster set advert_interval 40 force 1", password=True).returncode == 0
    first.sendline("cluster set advert_interval 50")
    first.expect_exact("% Error: robot (ssh 192.168.12.10) has been editing the configuration for ")
    assert site.ssh("robot", "system config save", password=True).returncode == 0
    first.sendline("cluster set advert_interval 25")
    first.expect_exact("OK\r\n")
    first.sendline("system config save")
    first.expect_exact("OK\r\n")
    first.sendline("exit")
