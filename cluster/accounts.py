"""Accounts: what a role, a key and the last administrator are. Pure; hashes are made and checked in passwords.py.

An account has the strongest of its own role and those of its groups. Somebody can log in with a password, or with
one of the keys that are enabled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import structs

from cluster.errors import NotAuthorisedError, RefusedError
from cluster.publickey import PEOPLES, parse

if TYPE_CHECKING:
    from cluster.model import Account, Config, Role
    from cluster.publickey import PublicKey

ADMIN: Role = "admin"
READONLY: Role = "readonly"
SSH = "ssh"
"""First word of the source of whoever logged in over SSH."""
NAME = re.compile(r"[a-z_][a-z0-9_.-]{0,31}")
MAX_USERS = 1000
MAX_KEYS = 64
"""Of one account."""


def read_key(text: str) -> PublicKey:
    """Take the public key of a person apart.

    Raises:
        InvalidConfigurationError: it is none.
    """
    return parse(text, PEOPLES)


def role_of(config: Config, account: Account) -> Role:
    """The role that an account has, by itself or by a group."""
    groups = (config.user_groups[name].role for name in account.groups if name in config.user_groups)
    return ADMIN if ADMIN in (account.role, *groups) else READONLY


def standing(config: Config, user: str, source: str, claimed: Role) -> Role:
    """The role in which clusterd serves somebody, whatever role the shell host says they have.

    Args:
        config: the running configuration.
        user: the account.
        source: where from; those who came over SSH have an account here, others were let in by the kernel's word.
        claimed: the role they are said to have.

    Raises:
        NotAuthorisedError: there is no such account any more.
    """
    if source.split(" ", 1)[0] != SSH:
        return claimed
    account = config.users.get(user)
    if account is None:
        raise NotAuthorisedError(f"there is no account {user}")
    return ADMIN if claimed == role_of(config, account) == ADMIN else READONLY


def hindrance(config: Config, user: str, source: str) -> str:
    """Why somebody may only look for now, whatever their role; empty: nothing hinders them.

    Others may know the password that an administrator gave them. Who logs in with it changes it before anything
    else. Who logs in with a key may look, and is held to it here: the shell host is not to be relied on for that.

    Args:
        config: the running configuration.
        user: the account.
        source: where from; who came otherwise than over SSH has no account here.
    """
    account = config.users.get(user)
    if source.split(" ", 1)[0] != SSH or account is None or not account.must_change:
        return ""
    return f"the initial password of the account {user} has to be changed first: user password old OLD new NEW"


def can_log_in(account: Account) -> bool:
    """Whether there is a way in: a password or an enabled key."""
    return bool(account.password) or any(key.enabled for key in account.keys.values())


def enabled_keys(account: Account) -> tuple[str, ...]:
    """The keys that an account may log in with: type and data, without the comment."""
    keys = (read_key(key.key) for key in account.keys.values() if key.enabled)
    return tuple(key._replace(comment="").line for key in keys)


def administrators(config: Config) -> tuple[str, ...]:
    """The accounts that can log in and change everything."""
    return tuple(
        name
        for name, account in config.users.items()
        if can_log_in(account) and role_of(config, account) == ADMIN
    )


def refuse_lockout(before: Config, after: Config) -> None:
    """Keep the last administrator.

    Raises:
        RefusedError: nobody could change anything over SSH any more, and before somebody could.
    """
    if administrators(before) and not administrators(after):
        last = ", ".join(administrators(before))
        raise RefusedError(
            f"{last} is the last account that can log in as admin; make another one first: "
            "user new name .. role admin password .."
        )


def with_present_accounts(before: Config, after: Config) -> Config:
    """What comes back by itself, with nobody there to be refused: no lockout, and no password that was changed.

    A former password may be an initial one, or one that others know: whoever changed it relies on that.

    Args:
        before: what runs.
        after: what comes back.

    Returns:
        The same with the passwords of `before`; with all its accounts where else nobody could log in as admin, and
        before somebody could.
    """
    if administrators(before) and not administrators(after):
        return structs.replace(after, users=before.users, user_groups=before.user_groups)
    users = {
        name: structs.replace(account, password=now.password, must_change=now.must_change)
        if (now := before.users.get(name)) is not None
        else account
        for name, account in after.users.items()
    }
    kept = structs.replace(after, users=users)
    return kept if administrators(kept) or not administrators(after) else after
