"""The configuration that conntrackd gets, or why it gets none."""

from __future__ import annotations

from pathlib import PurePosixPath as Path

from msgspec.structs import replace

from cluster.conntrack.settings import Files, Machine, Settings, of, text
from cluster.lab.factory import factory
from cluster.model import Address, Config, VirtualAddress

MASTER = factory(2, "master", "a passphrase")
FILES = Files(Path("/run/x/conf"), Path("/run/x/lock"), Path("/run/x/sock"))
PLENTY = Machine(262_144, buffers=True)


def changed(**options: object) -> Config:
    return replace(MASTER, cluster=replace(MASTER.cluster, **options))


def settings(config: Config = MASTER) -> Settings:
    found = of(config)
    assert isinstance(found, Settings)
    return found


def written(machine: Machine = PLENTY, config: Config = MASTER) -> str:
    """Without indentation, a line each."""
    return "\n".join(line.strip() for line in text(settings(config), machine, FILES).splitlines())


def test_it_speaks_from_our_address_to_the_partners_on_the_hotwire_alone() -> None:
    ends = "IPv4_address 192.168.180.2\nIPv4_Destination_Address 192.168.180.3\n"
    assert f"UDP {{\n{ends}Port 3780\nInterface LAN3\n" in written()
    assert "Multicast" not in written()


def test_entries_go_straight_into_the_kernel_and_a_started_daemon_asks_for_all() -> None:
    for option in (
        "Mode FTFW {", "DisableExternalCache yes", "StartupResync yes", "ResendQueueSize 262144",
        "TCPWindowTracking no", "NetlinkOverrunResync 5", "HashSize 65536", "Checksum on",
    ):  # fmt: skip
        assert option in written().splitlines()


def test_there_is_room_for_twice_the_entries_of_the_kernel() -> None:
    assert "HashLimit 2000" in written(PLENTY._replace(most=1000)).splitlines()


def test_none_of_our_own_addresses_is_left_to_be_told_the_partner() -> None:
    ignored = written().partition("Address Ignore {\n")[2].partition("}")[0].splitlines()
    assert ignored == [
        "IPv4_address 127.0.0.1",
        "IPv4_address 192.168.12.141",
        "IPv4_address 192.168.175.101",
        "IPv4_address 192.168.175.102",
        "IPv4_address 192.168.180.2",
        "IPv4_address 192.168.200.1",
        "IPv6_address ::1",
    ]


def test_the_order_of_addresses_in_the_configuration_changes_nothing() -> None:
    backwards = dict(reversed(MASTER.addresses.items()))
    assert written(config=replace(MASTER, addresses=backwards)) == written()


def test_addresses_are_looked_at_where_the_ends_of_a_translated_connection_can_be_seen() -> None:
    assert "Filter From Userspace {" in written().splitlines()


def test_where_larger_buffers_are_not_ours_to_ask_for_they_are_left_out() -> None:
    assert "Buffer" not in written(PLENTY._replace(buffers=False))
    assert written().count("Buffer") == 4


def test_a_hotwire_of_version_6_is_spoken_of_as_such() -> None:
    six = changed(hotwire_local="fd00::2", hotwire_remote=("192.168.180.3", "fd00::3"))
    assert "IPv6_address fd00::2\nIPv6_Destination_Address fd00::3\n" in written(config=six)


def test_without_a_local_address_that_of_the_interface_counts() -> None:
    assert settings(changed(hotwire_local="")).local == "192.168.180.2"


def test_of_several_remote_addresses_the_first_of_our_family_counts() -> None:
    assert settings(changed(hotwire_remote=("fd00::3", "192.168.180.3", "192.168.180.4"))).remote == "192.168.180.3"


def test_what_is_missing_is_said() -> None:
    bare = replace(MASTER, interfaces={})
    assert of(bare) == "no interface is the hotwire"
    assert of(changed(hotwire_remote=())) == "the hotwire LAN3 has no remote address of the same family"
    assert of(replace(changed(hotwire_local=""), addresses={})) == "the hotwire LAN3 has no local address"


def test_an_address_that_comes_twice_is_named_once() -> None:
    again = replace(
        MASTER,
        addresses={**MASTER.addresses, "9": Address(device="LAN1", address="192.168.200.1/32")},
        virtual_addresses={**MASTER.virtual_addresses, "9": VirtualAddress(device="LAN2", address="fd00::1/64")},
    )
    assert written(config=again).count("192.168.200.1") == 1
    assert "IPv6_address fd00::1" in written(config=again).splitlines()
