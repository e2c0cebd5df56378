"""What the role wants of applications."""

from __future__ import annotations

import pytest

from cluster.applications import table
from cluster.model import Application, ClusterOptions, Config
from utmcli.wizard.master import APPLICATIONS


def config(*down: str, enabled: bool = True, **chosen: bool) -> Config:
    options = ClusterOptions(enabled=enabled, backup_disable_applications=down)
    applications = {name: Application(flags=("AUTOSTART",) if auto else ()) for name, auto in chosen.items()}
    return Config(cluster=options, applications=applications)


def test_every_application_of_the_assistant_is_known_by_its_title() -> None:
    assert {known.title for known in table.KNOWN} >= set(APPLICATIONS)


def test_names_and_titles_are_unique_and_in_order() -> None:
    names = [known.name for known in table.KNOWN]
    assert names == sorted(set(names))
    assert len({known.title for known in table.KNOWN}) == len(names)


@pytest.mark.parametrize("word", ["openvpn", "OpenVPN", "SSL-VPN", "ssl-vpn"])
def test_name_and_title_mean_the_same_in_any_case(word: str) -> None:
    assert table.name_of(word) == "openvpn"


def test_an_unknown_application_is_its_own_name_and_title_and_has_no_units() -> None:
    assert (table.name_of("Mine"), table.title_of("Mine"), table.units_of("Mine")) == ("Mine", "Mine", ())


@pytest.mark.parametrize(
    ("given", "on_master", "on_backup"),
    [
        (config(), None, None),
        (config("SSL-VPN"), True, False),
        (config("openvpn"), True, False),
        (config("SSL-VPN", openvpn=True), True, False),
        (config("SSL-VPN", openvpn=False), None, False),
        (config("IPSEC"), None, None),
        (config(openvpn=True), True, True),
        (config(openvpn=False), None, None),
        (config("SSL-VPN", enabled=False), None, None),
        (config("SSL-VPN", enabled=False, openvpn=True), None, None),
    ],
)
def test_what_the_role_wants(given: Config, on_master: bool | None, on_backup: bool | None) -> None:
    assert table.wish(given, "openvpn", is_master=True) is on_master
    assert table.wish(given, "openvpn", is_master=False) is on_backup


def test_what_stays_down_in_backup_has_autostart_unless_somebody_chose_otherwise() -> None:
    assert table.flags(config("SSL-VPN"), "openvpn") == ("AUTOSTART",)
    assert table.flags(config("SSL-VPN", openvpn=False), "openvpn") == ()
    assert table.flags(config(), "openvpn") == ()
