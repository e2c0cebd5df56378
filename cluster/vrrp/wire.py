"""How adverts look and are signed on this node, from the configured authentication."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

from cluster.vrrp.auth import Key, Policy, Verifier, derive_key
from cluster.vrrp.local import simple_password
from cluster.vrrp.packet import AUTH_NONE, AUTH_SIMPLE, NO_AUTH_DATA

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cluster.units import Centiseconds, Nanoseconds, Seconds
    from cluster.vrrp.auth import Claim, Verdict
    from cluster.vrrp.marks import Marks
    from cluster.vrrp.settings import EngineSettings

_TRAILER_START = Struct(">BBxxQ")


class Wire(NamedTuple):
    """How adverts look, the same on every HA interface.

    Attributes:
        version: of VRRP, 3 or 2.
        interval: between our adverts.
        auth_type: version 2 only.
        auth_data: version 2 only.
        key: signs our adverts; None: they are not signed.
    """

    version: int
    interval: Centiseconds
    auth_type: int = AUTH_NONE
    auth_data: bytes = NO_AUTH_DATA
    key: Key | None = None


class Guard:
    """Judges signatures, and keeps in `marks` how far each sender got.

    Args:
        marks: outlives the engine.
    """

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._verifier = Verifier((), marks=marks.load())
        self._fingerprints: dict[int, str] = {}

    def configure(self, keys: Iterable[Key], policy: Policy, freshness: Seconds | None) -> None:
        """Replace keys and policy; how far the senders got stays."""
        self._fingerprints = {key.key_id: key.fingerprint for key in keys}
        self._verifier.configure(keys, policy, freshness)

    def judge(self, claim: Claim, trailer: bytes, unix: Nanoseconds) -> Verdict:
        """Whether an advert may be believed.

        Args:
            claim: what it says.
            trailer: its signature, or nothing.
            unix: nanoseconds since 1970, UTC.
        """
        verdict = self._verifier.judge(claim, trailer, unix)
        if verdict.accepted and verdict.reason is None:
            _, key_id, sequence = _TRAILER_START.unpack_from(trailer)
            self._marks.keep(claim.sender, self._fingerprints[key_id], sequence)
        return verdict

    def reset(self, sequence: int, sources: Iterable[bytes]) -> None:
        """The authenticated hotwire says where these senders are; only what comes after it is believed."""
        for source in sources:
            self._verifier.reset(source, sequence)
            self._marks.reset(source, sequence)


class Keyring:
    """Turns the configured authentication into a `Wire` and a guard.

    It lives as long as the engine: the guard knows how far the partner's sequence got, and a key that was
    stretched from a passphrase (80 ms) is not stretched again.

    Args:
        marks: how far the senders' sequences got, from an earlier life.
    """

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._secrets: dict[str, bytes] = {}
        self._guard: Guard | None = None

    def configure(self, settings: EngineSettings) -> tuple[Wire, Guard | None]:
        """The wire format, and what judges signatures (None: nothing does).

        Raises:
            InvalidConfigurationError: a passphrase or key is too short or too long; nothing has changed then.
        """
        authentication, interval = settings.authentication, settings.advert_interval
        if authentication.mode == "simple":
            return Wire(2, interval, AUTH_SIMPLE, simple_password(authentication.secret)), None
        if authentication.mode == "none":
            return Wire(3, interval), None
        keys = {key_id: Key(key_id, self._secret(text)) for key_id, text in authentication.keys}
        policy = Policy(authentication.policy)
        if self._guard is None:
            self._guard = Guard(self._marks)
        self._guard.configure(keys.values(), policy, authentication.freshness)
        return Wire(3, interval, key=keys[authentication.send_key] if policy.signs else None), self._guard

    def reset(self, sequence: int, sources: Iterable[bytes]) -> None:
        """As `Guard.reset`; without signatures there is nothing to set."""
        if self._guard is not None:
            self._guard.reset(sequence, sources)

    def _secret(self, text: str) -> bytes:
        if text not in self._secrets:
            self._secrets[text] = derive_key(text)
        return self._secrets[text]
