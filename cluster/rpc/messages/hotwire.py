"""The SSH keys of the hotwire."""

from __future__ import annotations

from msgspec import Struct

from cluster.rpc.messages.base import Ask


class GetHotwireKeys(Ask, frozen=True, tag="hotwire-keys"):
    """`cluster key get`: our own public key, and the partner's of the running configuration -> HotwireKeys."""


class RenewHotwireKey(Ask, frozen=True, tag="hotwire-key-new"):
    """`cluster key new`: a new key of our own, in use at once -> HotwireKeys."""


class SshKey(Struct, frozen=True, kw_only=True):
    """A public key: the line to paste at the other node, and the fingerprint to compare."""

    line: str
    fingerprint: str


class HotwireKeys(Struct, frozen=True, tag="hotwire-keys", kw_only=True):
    """Answer to GetHotwireKeys; `warnings` of RenewHotwireKey: what the partner has to be told by hand."""

    own: SshKey
    partner: tuple[SshKey, ...]
    warnings: tuple[str, ...] = ()
