"""Why an advert was not believed: every reason, in the order in which a packet meets the checks.

One enumeration for decoding, the comparison with the local configuration and the authentication, so that one
set of counters per interface shows them all.
"""

from __future__ import annotations

from enum import Enum
from typing import Self


class Reject(Enum):
    """A reason to drop an advert. The value is a stable word for counters, the explanation is for people.

    Attributes:
        explanation: one line for `cluster status`.
        suspicious: may be the work of an attacker or of a wrong passphrase; to be reported, not only counted.
    """

    explanation: str
    suspicious: bool

    def __new__(cls, word: str, explanation: str, suspicious: bool = False) -> Self:
        """Take only the word as the value."""
        reject = object.__new__(cls)
        reject._value_ = word
        reject.explanation = explanation
        reject.suspicious = suspicious
        return reject

    # The IP packet.
    TRUNCATED = "truncated", "the packet ends before its headers or its stated length"
    NOT_VRRP = "not-vrrp", "not an IP packet with protocol 112"
    IPSEC_AH = "ipsec-ah", "wrapped in an IPsec authentication header, an old VRRPv2 habit that is not spoken here"
    IP_HEADER = "ip-header", "the IP header contradicts itself or its checksum is wrong"
    FRAGMENT = "fragment", "a fragment; adverts are never fragmented"
    TTL = "ttl", "the TTL or hop limit is not 255: the packet crossed a router (RFC 9568 section 7.1)"
    SOURCE = "source", "the source address cannot be that of a host"
    # The VRRP message.
    VERSION = "version", "neither VRRP version 3 nor, over IPv4, version 2"
    TYPE = "type", "not an advertisement, the only type there is"
    LENGTH = "length", "the length does not fit the number of addresses"
    CHECKSUM = "checksum", "the VRRP checksum is wrong"
    VRID_ZERO = "vrid-zero", "virtual router id 0; allowed are 1 to 255"
    AUTH_TYPE = "auth-type", "a VRRPv2 authentication other than none and simple password"
    INTERVAL_ZERO = "interval-zero", "an advertisement interval of 0 (RFC 9568 erratum 8301)"
    NO_ADDRESSES = "no-addresses", "no virtual address; at least one is required (RFC 9568 section 5.2.5)"
    # Against the local configuration.
    OWN_PACKET = "own-packet", "our own advert came back to us"
    REFLECTED = "reflected", "our source address from a foreign MAC: reflected, forged, or in use twice", True
    DESTINATION = "destination", "sent to another address than the VRRP group or ours"
    VERSION_MISMATCH = "version-mismatch", "the partner speaks the other VRRP version"
    UNKNOWN_VRID = "unknown-vrid", "a virtual router that is not ours, or ours with a different VRID"
    INTERVAL_MISMATCH = "interval-mismatch", "a VRRPv2 interval that differs from ours (RFC 3768 section 7.1)"
    AUTH_MISMATCH = "auth-mismatch", "a VRRPv2 authentication type that differs from ours", True
    PASSWORD = "password", "a wrong VRRPv2 password", True
    # Authentication.
    NO_TRAILER = "no-trailer", "not signed, although a passphrase is set here", True
    TRAILER = "trailer", "a signature of unknown form", True
    UNKNOWN_KEY = "unknown-key", "signed with a key id that is not configured here", True
    BAD_TAG = "bad-tag", "the signature is wrong: another passphrase, or altered on the way", True
    STALE = "stale", "signed too long ago or in the future: replayed, or the clocks differ", True
    REPLAYED = "replayed", "no newer than this sender's last: replayed, or its clock was set back", True


class RejectedError(Exception):
    """Raised by decoding when a packet is not a valid advert; nothing else is ever raised for outside data.

    Args:
        reason: the first check it failed.
    """

    def __init__(self, reason: Reject) -> None:
        super().__init__(reason.explanation)
        self.reason = reason
