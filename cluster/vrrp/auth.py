"""Signed adverts: the trailer of draft-cassen-vrrp-auth-hmac, which keepalived 2.4 speaks too.

The trailer's 28 bytes follow the VRRP message::

    type 1 | key id | 2 zero bytes | sequence: seconds (4), fraction (2), counter (2) | tag (16)

The tag is HMAC-SHA-256, cut to 16 bytes, over: a pseudo-header of 20 bytes (4 or 6, version, VRID, 0, the source
address in 16 bytes with IPv4 in the first four), the message with its checksum field as zero, the trailer up to the
tag, and 16 zero bytes. Neither the destination nor the IP header is signed.

Replay: each sender's sequence has to grow strictly. By default nothing else is asked of it, since a machine that
boots without the time must still be heard: not believing it would make two masters. A freshness window is there on
request. What a sender's sequence has reached is forgotten for two reasons only: it signs with a key never seen from
it, or the authenticated hotwire says where it stands.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cluster.errors import InvalidConfigurationError, StoreError
from cluster.units import NANOSECONDS_PER_SECOND, Nanoseconds, Seconds
from cluster.vrrp.mac import Mac, digest, same
from cluster.vrrp.packet import TRAILER_SIZE, Advert, Family, Received, encode
from cluster.vrrp.reject import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable

HMAC_SHA256: Final = 1
TAG_SIZE: Final = 16
KEY_SIZES: Final = range(32, 65)
PASSPHRASE_LENGTHS: Final = range(8, 257)

_TRAILER: Final = struct.Struct(">BBHQ")
_START: Final = struct.Struct(">BBH")
_PSEUDO_HEADER: Final = struct.Struct(">BBBx16s")
_NO_TAG: Final = bytes(TAG_SIZE)
# Both nodes must derive the same key from the passphrase alone, so salt and cost are part of the format: changing
# them is changing every key in the field. The cost is about 80 ms and 32 MiB; the derived key is to be kept.
_SALT: Final = b"utmcli vrrp hmac key 1"
_COST: Final = 2**15
_BLOCK: Final = 8
_SCRYPT_MEMORY: Final = 64 * 1024 * 1024


def derive_key(passphrase: str) -> bytes:
    """The key for a passphrase, or the one given directly as ``hex:`` and 32 to 64 bytes in hexadecimal digits.

    Args:
        passphrase: 8 to 256 characters.

    Raises:
        InvalidConfigurationError: it is too short or too long, or the digits are none.
    """
    if passphrase.startswith("hex:"):
        try:
            secret = bytes.fromhex(passphrase[4:])
        except ValueError as error:
            raise InvalidConfigurationError("the key after hex: is no even number of hexadecimal digits") from error
        return _checked_secret(secret)
    if len(passphrase) not in PASSPHRASE_LENGTHS:
        raise InvalidConfigurationError(
            f"passphrase of {len(passphrase)} characters; "
            f"it needs {PASSPHRASE_LENGTHS[0]} to {PASSPHRASE_LENGTHS[-1]}"
        )
    import hashlib  # noqa: PLC0415 - loads OpenSSL, which a restart with a ready-made key does without

    return hashlib.scrypt(
        passphrase.encode(), salt=_SALT, n=_COST, r=_BLOCK, p=1, maxmem=_SCRYPT_MEMORY, dklen=KEY_SIZES[0]
    )


class Key:
    """A key and its id. Its representation does not tell the secret.

    Args:
        key_id: 1 to 255, the same on both nodes.
        secret: 32 to 64 bytes.

    Raises:
        InvalidConfigurationError: id or length is outside these bounds.
    """

    __slots__ = ("fingerprint", "key_id", "secret")

    def __init__(self, key_id: int, secret: bytes) -> None:
        if not 1 <= key_id <= 255:
            raise InvalidConfigurationError(f"key id {key_id} is not between 1 and 255")
        self.key_id = key_id
        self.secret = _checked_secret(secret)
        self.fingerprint = digest(b"fingerprint" + secret).hex()[:16]

    def __repr__(self) -> str:
        return f"Key({self.key_id}, {self.fingerprint})"


def _checked_secret(secret: bytes) -> bytes:
    if len(secret) not in KEY_SIZES:
        raise InvalidConfigurationError(
            f"key of {len(secret)} bytes; it needs {KEY_SIZES[0]} to {KEY_SIZES[-1]} bytes"
        )
    return secret


# --- the sender ------------------------------------------------------------------------------------


class Signer:
    """Signs one message again and again: between two adverts of a master only the sequence changes.

    Args:
        key: to sign with.
        source: our address, 4 or 16 bytes.
        message: the VRRP message without a trailer; its checksum does not matter.
    """

    __slots__ = ("_mac", "_start")

    def __init__(self, key: Key, source: bytes, message: bytes) -> None:
        self._start = _START.pack(HMAC_SHA256, key.key_id, 0)
        self._mac = Mac(key.secret, _signed_part(source, message) + self._start)

    def trailer(self, sequence: int) -> bytes:
        """The 28 bytes to put behind the message.

        Args:
            sequence: from `Sequence.next`; never used twice.
        """
        stamp = sequence.to_bytes(8, "big")
        return self._start + stamp + self._mac.tag(stamp + _NO_TAG)[:TAG_SIZE]


def sign(advert: Advert, source: bytes, destination: bytes, key: Key, sequence: int) -> Advert:
    """The advert with its trailer, ready for `encode`; for IPv6, whose checksum covers the trailer.

    Args:
        advert: what to say.
        source: our address, 4 or 16 bytes.
        destination: the group or a unicast address.
        key: to sign with.
        sequence: from `Sequence.next`; never used twice.
    """
    message = encode(advert._replace(trailer=b""), source, destination)
    return advert._replace(trailer=Signer(key, source, message).trailer(sequence))


def _signed_part(source: bytes, message: bytes) -> bytes:
    family = 4 if len(source) == 4 else 6
    return _PSEUDO_HEADER.pack(family, message[0] >> 4, message[1], source) + message[:6] + b"\0\0" + message[8:]


# --- the receiver ------------------------------------------------------------------------------------


class Policy(Enum):
    """Three steps to introduce a passphrase without an outage: each node goes through all of them.

    A signature that is present has to be right under every one of them.
    """

    RECEIVE_ONLY = "receive-only"
    PERMISSIVE = "permissive"
    ENFORCE = "enforce"

    @property
    def signs(self) -> bool:
        """Whether our own adverts are signed."""
        return self is not Policy.RECEIVE_ONLY

    @property
    def accepts_unsigned(self) -> bool:
        """Whether adverts without a trailer count."""
        return self is not Policy.ENFORCE


class Verdict(NamedTuple):
    """What the authentication says of an advert.

    Attributes:
        accepted: it may be believed.
        reason: why not; or, accepted, that it was not signed.
    """

    accepted: bool
    reason: Reject | None


class Sender(NamedTuple):
    """Whose sequence it is."""

    family: Family
    vrid: int
    source: bytes


def _restored(saved: Any) -> dict[Sender, dict[str, int]]:
    marks = {}
    try:
        for name, reached in saved.items():
            family, vrid, source = name.split("/")
            sender = Sender(4 if int(family) == 4 else 6, int(vrid), bytes.fromhex(source))
            marks[sender] = {str(fingerprint): int(sequence) for fingerprint, sequence in reached.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise StoreError(
            f"remembered sequences of the partner's adverts are damaged: {error}; "
            "they map family/vrid/source to fingerprints and numbers"
        ) from error
    return marks


_GENUINE: Final = Verdict(accepted=True, reason=None)


class Claim:
    """What an advert claims, apart from its signature: to be judged again and again, as long as it stays the same.

    Args:
        received: the decoded advert.
    """

    __slots__ = ("_key", "_mac", "_signed", "sender")

    def __init__(self, received: Received) -> None:
        self.sender = Sender(received.family, received.advert.vrid, received.source)
        self._signed = _signed_part(received.source, received.message)
        self._key: Key | None = None
        self._mac: Mac | None = None

    def signed_with(self, key: Key, trailer: bytes) -> bool:
        """Whether the trailer was made with this key, for exactly this claim."""
        if self._mac is None or self._key is not key:
            self._key, self._mac = key, Mac(key.secret, self._signed)
        at = TRAILER_SIZE - TAG_SIZE
        return same(trailer[at:], self._mac.tag(trailer[:at] + _NO_TAG)[:TAG_SIZE])


class Verifier:
    """Checks the trailers of one node's partners and remembers how far each sequence got.

    State comes into being only for adverts with a right tag, so nobody without a key can make it grow.

    Args:
        keys: all that are accepted, at most one for an id; several during a rotation.
        policy: what happens to unsigned adverts.
        freshness: how far a sequence may be from our clock; None for no limit.
        marks: what an earlier life of this node remembered: the value of `export`, read from disk as it is.

    Raises:
        StoreError: `marks` is damaged.
    """

    def __init__(
        self,
        keys: Iterable[Key],
        policy: Policy = Policy.ENFORCE,
        freshness: Seconds | None = None,
        marks: Any = None,
    ) -> None:
        self._marks = {} if marks is None else _restored(marks)
        self.configure(keys, policy, freshness)

    def configure(self, keys: Iterable[Key], policy: Policy, freshness: Seconds | None) -> None:
        """Replace the configuration; arguments as above.

        What every sequence has reached stays, also under keys that are no longer accepted.
        """
        self._keys = {key.key_id: key for key in keys}
        self._policy = policy
        self._freshness = freshness

    def export(self) -> dict[str, dict[str, int]]:
        """How far each sequence got, fit for JSON: by sender, then by fingerprint, the key used last at the end."""
        return {
            f"{sender.family}/{sender.vrid}/{sender.source.hex()}": dict(reached)
            for sender, reached in self._marks.items()
        }

    def verify(self, received: Received, now: Nanoseconds) -> Verdict:
        """Whether an advert may be believed.

        Args:
            received: a decoded advert.
            now: nanoseconds since 1970, UTC; matters with a freshness window only.
        """
        return self.judge(Claim(received), received.advert.trailer, now)

    def judge(self, claim: Claim, trailer: bytes, now: Nanoseconds) -> Verdict:
        """The same for a claim that was seen before, with another signature.

        Args:
            claim: of the advert.
            trailer: 28 bytes, or none.
            now: as above.
        """
        if not trailer:
            return Verdict(self._policy.accepts_unsigned, Reject.NO_TRAILER)
        kind, key_id, zero, sequence = _TRAILER.unpack_from(trailer)
        if kind != HMAC_SHA256 or zero:
            return Verdict(accepted=False, reason=Reject.TRAILER)
        key = self._keys.get(key_id)
        if key is None:
            return Verdict(accepted=False, reason=Reject.UNKNOWN_KEY)
        if not claim.signed_with(key, trailer):
            return Verdict(accepted=False, reason=Reject.BAD_TAG)
        if self._freshness is not None and abs(now // NANOSECONDS_PER_SECOND - (sequence >> 32)) > self._freshness:
            return Verdict(accepted=False, reason=Reject.STALE)
        if not self._advance(claim.sender, key.fingerprint, sequence):
            return Verdict(accepted=False, reason=Reject.REPLAYED)
        return _GENUINE

    def reset(self, source: bytes, sequence: int) -> None:
        """The partner said over the hotwire how far it got; it may be less than we have seen.

        Args:
            source: its address; all of its virtual routers are meant.
            sequence: the last value it used. Only greater ones are accepted from now on.
        """
        for sender, reached in self._marks.items():
            if sender.source == source:
                self._marks[sender] = dict.fromkeys(reached, sequence)

    def _advance(self, sender: Sender, fingerprint: str, sequence: int) -> bool:
        reached = self._marks.setdefault(sender, {})
        if fingerprint in reached:
            # Back on an earlier key, it must be past everything seen: recordings under that key may exist.
            current = next(reversed(reached)) == fingerprint
            if sequence <= (reached[fingerprint] if current else max(reached.values())):
                return False
            if not current:
                del reached[fingerprint]
        reached[fingerprint] = sequence
        return True
