"""Every error that can reach an administrator, as one tree with stable codes.

`code` is what travels over RPC and what scripts may rely on; the message is for people: lower case, what
was wrong, where, and what is allowed.
"""

from __future__ import annotations


class ClusterError(Exception):
    """Root of the tree; raised itself only when nothing narrower fits.

    Args:
        message: one sentence in lower case: what was wrong, where, what is allowed.
        details: further lines, one problem each (all problems of a configuration, for example).
    """

    code = "failed"

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidConfigurationError(ClusterError):
    """A configuration or an edit breaks the schema; `details` names every problem with its path."""

    code = "invalid"


class NotFoundError(ClusterError):
    """The named configuration, interface, address, variable or revision does not exist."""

    code = "not-found"


class ConflictError(ClusterError):
    """The object exists already, is in use, or was changed by somebody else meanwhile."""

    code = "conflict"


class RefusedError(ClusterError):
    """The request is understood and possible, but would do harm; says why and what overrides it."""

    code = "refused"


class NotAuthorisedError(ClusterError):
    """The role of the account, or the peer of the socket, does not allow this."""

    code = "not-authorised"


class LockedError(ClusterError):
    """Somebody else holds the lock or the lease; says who and since when."""

    code = "locked"


class UnreachableError(ClusterError):
    """The daemon, the engine or the partner does not answer; says which and how long was waited."""

    code = "unreachable"


class ProtocolError(ClusterError):
    """A peer broke the framing or the message schema."""

    code = "protocol"


class StoreError(ClusterError):
    """The configuration store is damaged or cannot be written."""

    code = "store"


def by_code(code: str) -> type[ClusterError]:
    """The class for a code that came over RPC; `ClusterError` for one this version does not know."""
    return {cls.code: cls for cls in ClusterError.__subclasses__()}.get(code, ClusterError)
