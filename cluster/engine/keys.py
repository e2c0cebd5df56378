"""Passphrases stretched to keys once, since the engine's restart has no time for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cluster.config import authentication
from cluster.observed import AuthKeyState
from cluster.vrrp.auth import Key, derive_key

if TYPE_CHECKING:
    from cluster.model import Config


class DerivedKeys:
    """The keys of configurations, kept for as long as the latest configuration asked for has them."""

    def __init__(self) -> None:
        self._derived: dict[str, bytes] = {}

    async def of(self, config: Config) -> dict[int, str]:
        """The keys of a configuration by id, in the form ``hex:...``."""
        secrets = authentication.keys(config)
        self._derived = {text: await self._key(text) for text in secrets.values()}
        return {key_id: f"hex:{self._derived[text].hex()}" for key_id, text in secrets.items()}

    async def states(self, config: Config) -> tuple[AuthKeyState, ...]:
        """What may be shown of the keys of a configuration."""
        sending = authentication.sending(config)
        return tuple([
            AuthKeyState(
                id=key_id,
                state="SENDING" if key_id == sending else "ACCEPTED",
                fingerprint=Key(key_id, await self._key(text)).fingerprint,
            )
            for key_id, text in authentication.keys(config).items()
        ])

    async def _key(self, text: str) -> bytes:
        if text in self._derived:
            return self._derived[text]
        return await asyncio.to_thread(derive_key, text)  # 80 ms of computing, beside the loop
