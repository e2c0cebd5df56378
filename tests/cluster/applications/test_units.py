"""The driver for systemd, against a play of systemctl on PATH; test_systemd_openvpn.py has a real one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cluster.applications import units
from cluster.applications.openvpn import Instances
from cluster.applications.tunnels import Tunnels
from cluster.applications.units import Units, read
from cluster.errors import ClusterError, NotFoundError

SHOWN = """\
Names=squid.service
LoadState=loaded
ActiveState=active

Names=frr.service
LoadState=not-found
ActiveState=inactive

Names=strongswan-starter.service ipsec.service
LoadState=loaded
ActiveState=failed

Names=hostapd.service
LoadState=masked
ActiveState=inactive
"""
"""In the form of systemd 252."""

PLAY = """\
#!/bin/sh
echo "$@" >> "$0.calls"
case "$1" in
show) cat "$0.shown" ;;
start) echo "Job for $3 failed because the control process exited with error code." >&2; exit 1 ;;
restart) exec sleep 100 ;;
esac
"""


def driver() -> Units:
    return Units(Tunnels(Instances(Path("/nowhere"))))


class Played:
    """A systemctl that says what it is told to, and writes down what it was asked."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "systemctl"
        self._path.write_text(PLAY)
        self._path.chmod(0o755)
        self._path.with_suffix(".shown").write_text(SHOWN)

    @property
    def calls(self) -> list[str]:
        return self._path.with_suffix(".calls").read_text().splitlines()


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Played(tmp_path)


def test_units_that_are_not_there_or_masked_do_not_count() -> None:
    assert read(SHOWN) == {"squid.service": True, "strongswan-starter.service": False, "ipsec.service": False}
    assert read("") == {}


def test_an_application_is_up_down_or_missing(systemctl: Played) -> None:
    names = ("http_proxy", "ipsec", "routing", "wlan", "unheard")
    assert asyncio.run(driver().states(names)) == {
        "http_proxy": "UP", "ipsec": "DOWN", "routing": "MISSING", "wlan": "MISSING", "unheard": "MISSING",
    }  # fmt: skip
    assert systemctl.calls[0].startswith("show --property=Names,LoadState,ActiveState -- guacd.service")


def test_only_units_of_this_machine_are_stopped(systemctl: Played) -> None:
    asyncio.run(driver().stop("ipsec"))
    assert systemctl.calls[1:] == ["stop -- strongswan-starter.service"]


def test_what_systemd_says_of_a_failed_start_is_passed_on(systemctl: Played) -> None:
    with pytest.raises(ClusterError, match=r"systemctl start failed: Job for squid.service failed"):
        asyncio.run(driver().start("http_proxy"))
    assert systemctl.calls[1:] == ["start -- squid.service"]


def test_a_systemctl_that_hangs_is_left(systemctl: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "PATIENCE", 0.2)
    with pytest.raises(ClusterError, match=r"systemctl restart does not end within 0.2 s"):
        asyncio.run(driver().restart("http_proxy"))
    assert systemctl.calls[1:] == ["restart -- squid.service"]


def test_what_is_not_installed_cannot_be_started(systemctl: Played) -> None:
    with pytest.raises(NotFoundError, match="routing is not installed on this machine"):
        asyncio.run(driver().start("routing"))
    assert len(systemctl.calls) == 1


def test_without_systemctl_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClusterError, match="systemctl cannot be started: No such file or directory"):
        asyncio.run(driver().states(("openvpn",)))
