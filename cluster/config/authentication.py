"""The keys that authenticate adverts, and whether two nodes with different ones still understand each other. Pure.

The passphrase is the key with id 1; `auth_keys` holds the others. One of them signs, all of them are accepted. That
and the three policies let an administrator change anything without an outage, as long as a node that has taken a
step and one that has not still believe each other. `outage` tells a step after which they would not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cluster.model import Config

PASSPHRASE_ID = 1

ROTATE = (
    "a key changes without an outage in three steps, each on both nodes and each followed by system update "
    "interface: cluster auth new id 2 secret .., then cluster auth set send 2, then cluster auth delete id 1"
)
INTRODUCE = (
    "signatures are introduced without an outage in three steps, each on both nodes and each followed by system "
    "update interface: a passphrase with auth_policy receive-only, then auth_policy permissive, then enforce; "
    "the opposite order takes them away"
)


def keys(config: Config) -> dict[int, str]:
    """The configured secret of every key by its id, in the order of the ids."""
    found = {int(number): key.secret for number, key in config.cluster.auth_keys.items()}
    if config.cluster.passphrase:
        found[PASSPHRASE_ID] = config.cluster.passphrase
    return dict(sorted(found.items()))


def sending(config: Config) -> int | None:
    """The id of the key that signs our adverts; None when they are not signed."""
    signs = config.cluster.auth_policy != "receive-only" and keys(config)
    return config.cluster.auth_send if signs else None


def differ(left: Config, right: Config) -> bool:
    """Whether two configurations authenticate adverts in different ways."""
    return (keys(left), sending(left), left.cluster.auth_policy) != (
        keys(right), sending(right), right.cluster.auth_policy
    )  # fmt: skip


def outage(before: Config, after: Config) -> str:
    """Why a node with the one configuration and its partner with the other would both become master.

    Args:
        before: in force on both nodes.
        after: what one of them is about to change to.

    Returns:
        A sentence that says how to go about it, or nothing when they understand each other.
    """
    if _understands(after, before) and _understands(before, after):
        return ""
    way = ROTATE if keys(before) and keys(after) and _policy_stays(before, after) else INTRODUCE
    return f"until the partner has the same, it and this node would not believe each other: {way}"


def _policy_stays(before: Config, after: Config) -> bool:
    return before.cluster.auth_policy == after.cluster.auth_policy


def _understands(listener: Config, speaker: Config) -> bool:
    accepted, signed_with = keys(listener), sending(speaker)
    if not accepted:
        return True  # a node without keys looks at no signature
    if signed_with is None:
        return listener.cluster.auth_policy != "enforce"
    return accepted.get(signed_with) == keys(speaker)[signed_with]
