"""What the link is like, in a word and a sentence, and what follows for `sync_state`. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple

from cluster.errors import UnreachableError

if TYPE_CHECKING:
    from cluster.health import PartnerHealth
    from cluster.hotwire.protocol import Hello

SyncWord = Literal["synchronized", "pending", "error"]


class Code(StrEnum):
    """Stable words for the states of the link; the sentence beside one names what this machine sees."""

    CONNECTED = "connected"
    NO_INTERFACE = "no-interface"
    NO_ADDRESS = "no-address"
    NO_KEYS = "no-keys"
    NO_LINK = "no-link"
    UNREACHABLE = "unreachable"
    HOST_KEY = "host-key"
    KEY_REFUSED = "key-refused"
    ADDRESS_REFUSED = "address-refused"
    VERSION = "version"
    FAILED = "failed"


class LinkState(NamedTuple):
    """The link now.

    Attributes:
        connected: the partner is heard and can be asked.
        code: see `Code`.
        reason: one sentence; empty while connected.
    """

    connected: bool
    code: Code
    reason: str


class LinkDownError(UnreachableError):
    """The partner was not entered, and why.

    Args:
        state: of the link.
    """

    def __init__(self, state: LinkState) -> None:
        super().__init__(state.reason)
        self.state = state


class SyncView(NamedTuple):
    """`sync_state` and, unless synchronized, why."""

    state: SyncWord
    reason: str


CONNECTED = LinkState(connected=True, code=Code.CONNECTED, reason="")


def down(code: Code, reason: str) -> LinkState:
    """The link is not there, and why."""
    return LinkState(connected=False, code=code, reason=reason)


NO_INTERFACE = down(Code.NO_INTERFACE, "no interface is the hotwire; cluster hotwire set interface chooses one")
NO_ADDRESS = down(
    Code.NO_ADDRESS, "the hotwire has no addresses; cluster hotwire set local_addr and remote_addr gives them"
)
NO_KEYS = down(Code.NO_KEYS, "the partner's key is not known here; cluster key remote set key enters it")
BEGINNING = down(Code.UNREACHABLE, "the partner was not reached yet")


def no_link(device: str) -> LinkState:
    """The cable is not plugged, or the partner's end is down."""
    return down(Code.NO_LINK, f"the hotwire {device} has no link")


def unreachable(address: str, why: str) -> LinkState:
    """Nobody answers there."""
    return down(Code.UNREACHABLE, f"the partner is not reached at {address}: {why}")


def silent(seconds: float) -> LinkState:
    """The partner was there, and says nothing any more."""
    return down(Code.UNREACHABLE, f"the partner has said nothing over the hotwire for {seconds:.0f} s")


def host_key(address: str, presented: str) -> LinkState:
    """Somebody answers, but not with the pinned key."""
    return down(
        Code.HOST_KEY,
        f"the host key at {address} differs from the partner's key known here: it is {presented}",
    )


def key_refused(address: str, fingerprint: str) -> LinkState:
    """The partner does not know our key."""
    return down(Code.KEY_REFUSED, f"the partner at {address} refuses the key {fingerprint} of this node")


def address_refused(address: str, local: str) -> LinkState:
    """The partner does not know our address."""
    return down(
        Code.ADDRESS_REFUSED,
        f"the partner at {address} refuses the address {local}: it is not among the remote addresses set there",
    )


def other_protocol(own: Hello, partner: Hello) -> LinkState:
    """Both speak over the hotwire in different ways."""
    return down(
        Code.VERSION,
        f"the partner runs version {partner.software} with hotwire protocol {partner.protocol}, "
        f"this node version {own.software} with {own.protocol}",
    )


def sync_view(link: LinkState, own_digest: str, own_schema: int, partner: PartnerHealth | None) -> SyncView:
    """`sync_state` as documented.

    Args:
        link: the link now.
        own_digest: of the shared part of our start configuration.
        own_schema: version of our configuration's schema.
        partner: what it last said of itself.
    """
    if not link.connected or partner is None:
        return SyncView("error", link.reason or "the partner has not said yet how it is")
    if partner.schema != own_schema:
        return SyncView(
            "error",
            f"the partner's configuration has schema version {partner.schema} (software {partner.software}), "
            f"this node's {own_schema}",
        )
    if partner.start_digest != own_digest:
        return SyncView("pending", "the start configurations differ; system config synchronize sends this node's")
    return SyncView("synchronized", "")
