"""The configuration, typed: the one schema everything else speaks of.

Every field of the configuration carries its scope: `cluster` fields are the same on both nodes and travel with
`system config synchronize`; `machine` fields are facts about one appliance and never cross the hotwire.
Defaults are stripped from the canonical form (`omit_defaults`), otherwise explicit and implicit defaults
would differ forever (docs/ARCHITECTURE.md, Configuration).

Bare numbers in a configuration carry their unit in the field's description; they become `Centiseconds` and
`Seconds` where logic begins.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Scope = Literal["cluster", "machine"]


def _about(scope: Scope, description: str, *, secret: bool = False) -> Meta:
    return Meta(description=description, extra={"scope": scope, "secret": secret})


PriorityWord = Literal["high", "low"]
AuthMode = Literal["none", "hmac"]
AuthPolicy = Literal["enforce", "permissive", "receive-only"]
Role = Literal["admin", "readonly"]
InterfaceType = Literal["ETHERNET", "VLAN", "BRIDGE", "WAN", "TUN", "WIREGUARD"]
ApplicationFlag = Literal["AUTOSTART"]
OpenvpnProto = Literal["udp", "tcp"]
InterfaceFlag = Literal["HA", "HOTWIRE", "DYNAMIC", "DHCP_CLIENT"]
RouteFlag = Literal["BLACKHOLE_IF_OFFLINE"]
RuleFlag = Literal["ACCEPT", "HIDENAT", "HIDENAT_EXCLUDE", "DISABLED"]


class AuthKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key beside the passphrase; its id, 2 to 255, is the key in `ClusterOptions.auth_keys`."""

    secret: Annotated[str, _about("cluster", "a passphrase, or hex: and the key itself", secret=True)]


class ClusterOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Options of the cluster: `cluster get`, `cluster set`, `cluster hotwire set`."""

    enabled: Annotated[bool, _about("machine", "this node takes part in the cluster")] = False
    priority: Annotated[PriorityWord, _about("machine", "high: preferred master; low: preferred spare")] = "high"
    passphrase: Annotated[str, _about("cluster", "authenticates the adverts of both nodes", secret=True)] = ""
    """The key with id 1; empty: there is none."""
    auth_keys: dict[str, AuthKey] = field(default_factory=dict)
    auth_send: Annotated[
        int, Meta(ge=1, le=255), _about("cluster", "id of the key that signs our adverts; all keys are accepted")
    ] = 1
    auth_policy: Annotated[
        AuthPolicy, _about("cluster", "what happens to adverts without a valid signature")
    ] = "enforce"
    advert_interval: Annotated[
        int, Meta(ge=1, le=4095), _about("cluster", "centiseconds between adverts of the master")
    ] = 25
    hotwire_local: Annotated[str, _about("machine", "our address on the hotwire")] = ""
    hotwire_remote: Annotated[tuple[str, ...], _about("machine", "the partner's addresses on the hotwire")] = ()
    hotwire_partner_keys: Annotated[
        tuple[str, ...], _about("machine", "the partner's public SSH keys; two while one replaces the other")
    ] = ()
    backup_disable_interfaces: Annotated[
        tuple[str, ...], _about("cluster", "interfaces that stay down while this node is backup")
    ] = ()
    backup_disable_applications: Annotated[
        tuple[str, ...], _about("cluster", "applications that stay down while this node is backup")
    ] = ()


class Interface(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One network interface; its name is the key in `Config.interfaces`."""

    id: Annotated[int, Meta(ge=1), _about("cluster", "number shown by `interface get`")]
    type: Annotated[InterfaceType, _about("cluster", "kind of interface")] = "ETHERNET"
    flags: Annotated[tuple[InterfaceFlag, ...], _about("cluster", "HA, HOTWIRE, ...")] = ()
    zones: Annotated[tuple[str, ...], _about("cluster", "zones of the rule set")] = ()
    vrid: Annotated[
        Annotated[int, Meta(ge=1, le=255)] | None, _about("cluster", "virtual router id of an HA interface")
    ] = None
    ping_check_host: Annotated[
        tuple[str, ...], _about("cluster", "hosts one of which must answer for the interface to be usable")
    ] = ()
    vlan_id: Annotated[Annotated[int, Meta(ge=1, le=4094)] | None, _about("cluster", "VLAN tag")] = None
    vlan_parent: Annotated[str, _about("cluster", "the interface that carries the VLAN")] = ""


class Address(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address of an interface of this machine; its id is the key in `Config.addresses`."""

    device: Annotated[str, _about("machine", "interface name")]
    address: Annotated[str, _about("machine", "address and prefix length, e.g. 10.0.0.1/24")]


class VirtualAddress(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An address of an HA interface that only the master holds; its id is the key in `Config.virtual_addresses`."""

    device: Annotated[str, _about("cluster", "HA interface name")]
    address: Annotated[str, _about("cluster", "address and prefix length, e.g. 192.168.200.1/24")]


class Route(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A static route of both nodes; its id is the key in `Config.routes`."""

    router: Annotated[str, _about("cluster", "address of the gateway, or the interface that leads there")]
    dst: Annotated[str, _about("cluster", "network it leads to, e.g. 10.8.0.0/24; 0.0.0.0/0: everywhere else")]
    src: Annotated[str, _about("cluster", "only for packets from this network; empty: from everywhere")] = ""
    weight: Annotated[
        int, Meta(ge=1, le=256), _about("cluster", "share among routes to the same network by several routers")
    ] = 1
    flags: Annotated[
        tuple[RouteFlag, ...], _about("cluster", "BLACKHOLE_IF_OFFLINE: no other route takes its packets")
    ] = ()


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the master hides behind a virtual address (source NAT); its id is the key in `Config.rules`."""

    pos: Annotated[int, Meta(ge=1), _about("cluster", "the rules are asked in this order")]
    group: Annotated[str, _about("cluster", "a heading for people")] = "default"
    src: Annotated[str, _about("cluster", "any, a network or address, or ZONE-network")] = "any"
    dst: Annotated[str, _about("cluster", "any, internet, a network or address, or ZONE-network")] = "any"
    service: Annotated[str, _about("cluster", "any, icmp, tcp, udp, or with ports: tcp/443, udp/5000-5010")] = "any"
    flags: Annotated[tuple[RuleFlag, ...], _about("cluster", "ACCEPT with HIDENAT or HIDENAT_EXCLUDE")]
    nat_node: Annotated[str, _about("cluster", "a virtual address, its HA interface, or ZONE-interface")]


class AccountKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A public key that an account may log in with; its id is the key in `Account.keys`."""

    key: Annotated[str, _about("cluster", "a public key as OpenSSH writes it: ssh-ed25519 AAAA.. comment")]
    enabled: Annotated[bool, _about("cluster", "the account may log in with it")] = False


class Account(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Somebody who may log in over SSH; the account's name is the key in `Config.users`."""

    role: Annotated[Role, _about("cluster", "admin: may change everything; readonly: may only look")] = "readonly"
    password: Annotated[str, _about("cluster", "hash of the password; empty: no login with one", secret=True)] = ""
    must_change: Annotated[
        bool, _about("cluster", "nothing can be changed before the account has another password")
    ] = False
    groups: Annotated[tuple[str, ...], _about("cluster", "groups; the account has their roles as well")] = ()
    keys: dict[str, AccountKey] = field(default_factory=dict)


class UserGroup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A role for several accounts; the group's name is the key in `Config.user_groups`."""

    role: Annotated[Role, _about("cluster", "what its accounts may do")] = "readonly"


class SshOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Options of the SSH server for administrators: `system ssh get`, `system ssh set`."""

    enabled: Annotated[bool, _about("cluster", "administrators may log in over SSH")] = True
    port: Annotated[int, Meta(ge=1, le=65535), _about("cluster", "TCP port")] = 22
    idle_timeout: Annotated[
        int, Meta(ge=0, le=86_400), _about("cluster", "seconds until an idle session ends; 0: never")
    ] = 1800


class Application(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application whose flags somebody chose (`appmgmt set`); its name is the key in `Config.applications`."""

    flags: Annotated[tuple[ApplicationFlag, ...], _about("cluster", "AUTOSTART: it is started with the role")]


class OpenvpnInstance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where one OpenVPN listens (`openvpn set`); its id is the key in `Config.openvpn`.

    Everything else is in OpenVPN's own file of that name, the administrator's; so is what is not set here.
    """

    name: Annotated[str, _about("cluster", "of the instance, and of OpenVPN's own file: office for office.conf")]
    local_addr: Annotated[str, _about("cluster", "the address it listens on, without a prefix length")] = ""
    local_port: Annotated[
        Annotated[int, Meta(ge=1, le=65535)] | None, _about("cluster", "the port it listens on")
    ] = None
    proto: Annotated[OpenvpnProto | None, _about("cluster", "udp or tcp")] = None


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A whole configuration. `variables` maps application -> variable -> value (`extc value`)."""

    hostname: Annotated[str, _about("machine", "fully qualified name, shown in the prompt")] = "utm.local"
    cluster: ClusterOptions = field(default_factory=ClusterOptions)
    interfaces: dict[str, Interface] = field(default_factory=dict)
    addresses: Annotated[dict[str, Address], _about("machine", "addresses by id")] = field(default_factory=dict)
    virtual_addresses: dict[str, VirtualAddress] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    variables: Annotated[
        dict[str, dict[str, str]], _about("cluster", "variables of applications")
    ] = field(default_factory=dict)
    globals: Annotated[
        dict[str, tuple[str, ...]], _about("cluster", "GLOB_ variables")
    ] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    openvpn: dict[str, OpenvpnInstance] = field(default_factory=dict)
    users: dict[str, Account] = field(default_factory=dict)
    user_groups: dict[str, UserGroup] = field(default_factory=dict)
    ssh: SshOptions = field(default_factory=SshOptions)


TRIGGER_DELAY = ("securepoint_firewall", "UPDATE_TRIGGER_DELAY")
"""Application and variable of the link delay, whole seconds, default 2 (documented by Securepoint)."""
TRIGGER_DELAY_DEFAULT = "2"

AD_ACCOUNT = ("ad", "APPLIANCE_ACCOUNT")
"""Application and variable of this machine's account in the Active Directory; each node has its own."""
MACHINE_VARIABLES = frozenset({AD_ACCOUNT})
"""Variables of applications that are machine facts, among others that are the cluster's."""


# --- edits -------------------------------------------------------------------------------------------


class SetValue(Struct, frozen=True, tag="set"):
    """Put a value at a path of the configuration, e.g. ``("cluster", "priority")`` <- ``"low"``."""

    path: tuple[str, ...]
    value: Any


class RemoveValue(Struct, frozen=True, tag="remove"):
    """Remove what is at a path; an error if nothing is there."""

    path: tuple[str, ...]


Change = SetValue | RemoveValue


class Difference(Struct, frozen=True):
    """One path where two configurations differ; None where it is absent. Secrets read ``(secret)``."""

    path: str
    left: str | None
    right: str | None
