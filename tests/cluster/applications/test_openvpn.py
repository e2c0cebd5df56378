"""From one command line and some instances to the programs that OpenVPN consists of."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.applications.openvpn import commands, settings
from cluster.errors import ClusterError
from cluster.model import OpenvpnInstance

OFFICE, HOME = {"office": Path("/run/office.conf")}, {"home": Path("/run/home.conf")}


def test_without_an_instance_it_is_one_program_as_its_file_says() -> None:
    assert commands(("/usr/sbin/openvpn", "x.conf"), {}) == {"openvpn": ("/usr/sbin/openvpn", "x.conf")}


def test_each_instance_is_a_program_that_reads_our_file_last() -> None:
    assert commands(("/usr/sbin/openvpn", "--config", "/etc/%i.conf"), OFFICE | HOME) == {
        "openvpn@office": ("/usr/sbin/openvpn", "--config", "/etc/office.conf", "--config", "/run/office.conf"),
        "openvpn@home": ("/usr/sbin/openvpn", "--config", "/etc/home.conf", "--config", "/run/home.conf"),
    }


def test_a_single_instance_needs_no_placeholder() -> None:
    line = ("/usr/sbin/openvpn", "--config", "/etc/server.conf")
    assert commands(line, OFFICE) == {"openvpn@office": (*line, "--config", "/run/office.conf")}


def test_a_command_that_does_not_fit_the_instances_is_refused() -> None:
    with pytest.raises(ClusterError, match=r"speaks of %i, and there is no instance; openvpn new makes one"):
        commands(("/usr/sbin/openvpn", "%i.conf"), {})
    with pytest.raises(ClusterError, match=r"must hold %i .* since there are 2: office, home"):
        commands(("/usr/sbin/openvpn", "x.conf"), OFFICE | HOME)


def test_what_is_not_set_is_left_to_the_administrators_own_file() -> None:
    said = [line for line in settings(OpenvpnInstance(name="office")).splitlines() if not line.startswith("#")]
    assert said == []
    assert settings(OpenvpnInstance(name="office", proto="udp")).endswith("proto udp\n")
