"""Instances of OpenVPN as systemd units: what their drop-in says, against a play of systemctl on PATH."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cluster.applications.openvpn import Instances
from cluster.applications.tunnels import Tunnels, overridden
from cluster.applications.units import Units
from cluster.errors import ClusterError
from cluster.model import Config, OpenvpnInstance

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = "/usr/sbin/openvpn --daemon ovpn-%i --cd /etc/openvpn --config /etc/openvpn/%i.conf"
CAT = f"""\
# /lib/systemd/system/openvpn@.service
[Service]
Type=notify
ExecStart={COMMAND}
"""
"""Of Debian's package 2.6."""

PLAY = """\
#!/bin/sh
echo "$@" >> "$0.calls"
case "$1" in
show) printf 'Names=openvpn.service\\nLoadState=loaded\\nActiveState=active\\n\\n'
      shift 3
      for unit; do case $unit in *@*)
          printf 'Names=%s\\nLoadState=loaded\\nActiveState=failed\\n\\n' "$unit";; esac; done ;;
cat) cat "$0.cat" ;;
esac
"""


class Site:
    """A machine with systemd, an OpenVPN, and the configuration that says where it listens."""

    def __init__(self, directory: Path) -> None:
        self.systemctl = directory / "systemctl"
        self.systemctl.write_text(PLAY)
        self.systemctl.chmod(0o755)
        self.systemctl.with_suffix(".cat").write_text(CAT)
        self.etc, self.runtime, self.run = directory / "etc", directory / "runtime", directory / "run"
        (self.etc / "server").mkdir(parents=True)
        self.config = Config()
        self.units = Units(Tunnels(Instances(self.run), self.etc, self.runtime))
        self.units.adopt(lambda: self.config)

    def configure(self, *instances: OpenvpnInstance) -> None:
        self.config = Config(openvpn={str(number): each for number, each in enumerate(instances, 1)})

    def do(self, verb: str) -> list[str]:
        """Let the application be started, stopped or restarted; what systemctl was asked for, looking left out."""
        calls = self.systemctl.with_suffix(".calls")
        calls.write_text("")
        asyncio.run(getattr(self.units, verb)("openvpn"))
        return [line for line in calls.read_text().splitlines() if not line.startswith("show ")]

    @property
    def state(self) -> str:
        return asyncio.run(self.units.states(("openvpn",)))["openvpn"]

    def drop_in(self, unit: str) -> Path:
        return self.runtime / f"{unit}.d" / "zz-utmcli.conf"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Site(tmp_path)


def test_a_unit_keeps_its_command_line_and_reads_our_file_last(site: Site) -> None:
    (site.etc / "office.conf").touch()
    site.configure(OpenvpnInstance(name="office", local_addr="192.168.200.1", local_port=20000, proto="tcp"))

    unit = "openvpn@office.service"
    calls = ["cat -- openvpn@office.service", "daemon-reload", "restart -- openvpn.service openvpn@office.service"]
    assert site.do("restart") == calls

    settings = site.run / "office.conf"
    assert site.drop_in(unit).read_text().splitlines()[1:] == [
        "[Service]",
        "ExecStart=",
        f"ExecStart={COMMAND} --config {settings}",
    ]
    assert settings.read_text().splitlines()[1:] == ["local 192.168.200.1", "lport 20000", "proto tcp-server"]
    assert settings.stat().st_mode & 0o777 == 0o644, "OpenVPN reads it without privileges, too"
    assert site.do("restart") == [calls[0], calls[2]], "systemd is not told what it knows"


def test_settings_are_those_of_the_moment_of_the_start(site: Site) -> None:
    (site.etc / "office.conf").touch()
    site.configure(OpenvpnInstance(name="office", local_port=20000))
    site.do("start")
    site.configure(OpenvpnInstance(name="office", local_port=20001))
    assert "lport 20000" in (site.run / "office.conf").read_text()
    site.do("stop")
    assert "lport 20000" in (site.run / "office.conf").read_text()
    site.do("start")
    assert "lport 20001" in (site.run / "office.conf").read_text()


def test_a_file_of_the_other_template_is_found_and_a_missing_one_is_named(site: Site) -> None:
    (site.etc / "server" / "office.conf").touch()
    site.configure(OpenvpnInstance(name="office"))
    assert site.do("start")[-1] == "start -- openvpn.service openvpn-server@office.service"

    site.configure(OpenvpnInstance(name="office"), OpenvpnInstance(name="home"))
    with pytest.raises(ClusterError, match=r"no file for the instance home: there is neither .*/home.conf nor "):
        site.do("restart")


def test_a_deleted_instance_is_stopped_and_gets_its_unit_back_as_it_was(site: Site) -> None:
    for name in ("office", "home"):
        (site.etc / f"{name}.conf").touch()
    site.configure(OpenvpnInstance(name="office"), OpenvpnInstance(name="home"))
    site.do("start")
    site.configure(OpenvpnInstance(name="office"))

    assert site.do("restart") == [
        "cat -- openvpn@office.service",
        "stop -- openvpn@home.service",
        "daemon-reload",
        "restart -- openvpn.service openvpn@office.service",
    ]
    assert not site.drop_in("openvpn@home.service").exists()
    assert site.do("stop") == ["stop -- openvpn.service openvpn@office.service"]


def test_the_state_is_that_of_the_instances_where_there_are_any(site: Site) -> None:
    assert site.state == "UP", "openvpn.service is up by itself"
    (site.etc / "office.conf").touch()
    site.configure(OpenvpnInstance(name="office"))
    assert site.state == "DOWN", "its instance is not"


def test_what_an_administrator_overrode_is_what_the_drop_in_begins_with(tmp_path: Path) -> None:
    own = "# /etc/systemd/system/openvpn@.service.d/own.conf\n[Service]\nExecStart=\nExecStart=/opt/o \\\n  -x\n"
    ours = "# /run/systemd/system/openvpn@a.service.d/zz-utmcli.conf\n[Service]\nExecStart=\nExecStart=/old\n"
    drop_in = overridden(f"{CAT}\n{own}\n{ours}", "openvpn@a", tmp_path / "a%b.conf")
    assert drop_in.endswith(f"ExecStart=\nExecStart=/opt/o    -x --config {tmp_path}/a%%b.conf\n")


@pytest.mark.parametrize("shown", ["[Service]\n", f"{CAT}ExecStart=/bin/second\n"])
def test_a_unit_without_one_clear_command_line_is_refused(shown: str, tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=r"the unit openvpn@a has [02] command lines"):
        overridden(shown, "openvpn@a", tmp_path / "a.conf")
