"""How adverts look and are signed on this node, from the configured authentication."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cluster.vrrp.auth import Key, Policy, Verifier, derive_key
from cluster.vrrp.local import simple_password
from cluster.vrrp.packet import AUTH_NONE, AUTH_SIMPLE, NO_AUTH_DATA

if TYPE_CHECKING:
    from cluster.units import Centiseconds
    from cluster.vrrp.settings import EngineSettings


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


class Keyring:
    """Turns the configured authentication into a `Wire` and a verifier.

    It lives as long as the engine: the verifier remembers how far the partner's sequence got, and a key that
    was stretched from a passphrase (80 ms) is not stretched again.
    """

    def __init__(self) -> None:
        self._secrets: dict[str, bytes] = {}
        self._verifier: Verifier | None = None

    def configure(self, settings: EngineSettings) -> tuple[Wire, Verifier | None]:
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
        if self._verifier is None:
            self._verifier = Verifier(keys.values(), policy, authentication.freshness)
        else:
            self._verifier.configure(keys.values(), policy, authentication.freshness)
        return Wire(3, interval, key=keys[authentication.send_key] if policy.signs else None), self._verifier

    def _secret(self, text: str) -> bytes:
        if text not in self._secrets:
            self._secrets[text] = derive_key(text)
        return self._secrets[text]
