"""Which applications there are, what they are made of, and what the role wants of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cluster.model import ApplicationFlag, Config


class Known(NamedTuple):
    """One application.

    Attributes:
        name: as `appmgmt` says it.
        title: as the assistant and `cluster backup_disable` say it.
        units: of Debian packages, alternatives among them; those that this machine has are the application.
    """

    name: str
    title: str
    units: tuple[str, ...]


KNOWN = (
    Known("clientless_vpn", "Clientless VPN", ("guacd.service",)),
    Known("dhcpd", "DHCP Server", ("isc-dhcp-server.service", "kea-dhcp4-server.service")),
    Known("dhcprelay", "DHCP Relay", ("isc-dhcp-relay.service",)),
    Known("greylisting", "Greylisting Filter", ("postgrey.service", "milter-greylist.service")),
    Known("http_proxy", "HTTP Proxy", ("squid.service",)),
    Known("ipsec", "IPSEC", ("strongswan.service", "strongswan-starter.service")),
    Known("l2tpd", "L2TP VPN", ("xl2tpd.service",)),
    Known("mailrelay", "Mailrelay", ("postfix.service", "exim4.service")),
    Known("named", "Nameserver", ("named.service", "unbound.service")),
    Known("ntpd", "NTP Server", ("chrony.service", "ntpsec.service")),
    Known("openvpn", "SSL-VPN", ("openvpn.service",)),
    Known("pop3_proxy", "POP3 Proxy", ("p3scan.service",)),
    Known("routing", "Routing Daemon", ("frr.service", "bird.service")),
    Known("spamfilter", "Spamfilter", ("spamd.service", "spamassassin.service", "rspamd.service")),
    Known("spf", "SPF Filter", ("pyspf-milter.service",)),
    Known("wlan", "WLAN Server", ("hostapd.service",)),
)
"""By name. openvpn, http_proxy, dhcpd, dhcprelay, named and ntpd are Securepoint's; the other names are ours."""

_NAMES = {word.casefold(): known.name for known in KNOWN for word in (known.name, known.title)}
_TITLES = {known.name: known.title for known in KNOWN}
_UNITS = {known.name: known.units for known in KNOWN}


def name_of(word: str) -> str:
    """The name of an application by its name or its title, in any case; of an unknown one the word itself."""
    return _NAMES.get(word.casefold(), word)


def title_of(name: str) -> str:
    """Its documented title; of an unknown one its name."""
    return _TITLES.get(name, name)


def units_of(name: str) -> tuple[str, ...]:
    """The systemd units it may consist of; none for an unknown one."""
    return _UNITS.get(name, ())


def down_in_backup(config: Config) -> frozenset[str]:
    """Names of the applications that stay down on a backup."""
    return frozenset(map(name_of, config.cluster.backup_disable_applications))


def named_in(config: Config) -> frozenset[str]:
    """Names of all applications that a configuration says anything of."""
    return down_in_backup(config) | frozenset(config.applications)


def flags(config: Config, name: str) -> tuple[ApplicationFlag, ...]:
    """The flags of an application.

    Where nobody chose them they follow from the rest: what stays down on a backup is for the master to run.
    """
    if name in config.applications:
        return config.applications[name].flags
    return ("AUTOSTART",) if name in down_in_backup(config) else ()


def wish(config: Config, name: str, *, is_master: bool) -> bool | None:
    """Whether an application shall run; None: it stays as it is.

    Args:
        config: the configuration in force.
        name: of the application.
        is_master: the role of this node.
    """
    if not config.cluster.enabled:
        return None
    if not is_master and name in down_in_backup(config):
        return False
    return True if "AUTOSTART" in flags(config, name) else None
