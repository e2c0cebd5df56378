"""Accounts: what the shell host asks when somebody wants in, and the password that its owner changes.

The hash of a password never leaves clusterd: the shell host, which strangers talk to, only learns whether a
password is right.
"""

from __future__ import annotations

from msgspec import Struct

from cluster.model import Role
from cluster.rpc.messages.base import Ask


class GetLogin(Ask, frozen=True, tag="login"):
    """What an account logs in with -> Login; also for one that does not exist, which nobody can log in to."""

    name: str


class CheckPassword(Ask, frozen=True, tag="check-password"):
    """Whether this is the password of an account -> Verdict. Takes as long for one that does not exist."""

    name: str
    password: str


class ChangePassword(Ask, frozen=True, tag="change-password"):
    """Change the password of the account that asks, who knows the old one -> Done. It persists at once."""

    old: str
    new: str


class Login(Struct, frozen=True, tag="login", kw_only=True):
    """Answer to GetLogin.

    Attributes:
        exists: there is such an account.
        role: that it has.
        keys: it may log in with, type and data in base64.
        enabled: administrators may log in over SSH at all.
        idle_timeout: seconds until an idle session ends; 0: never.
        hotwire: our address on the hotwire, where nobody logs in.
    """

    exists: bool
    enabled: bool
    idle_timeout: int
    hotwire: str
    role: Role = "readonly"
    keys: tuple[str, ...] = ()


class Verdict(Struct, frozen=True, tag="verdict", kw_only=True):
    """Answer to CheckPassword; `must_change`: another one has to be chosen before anything else."""

    right: bool
    must_change: bool = False
