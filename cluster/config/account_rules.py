"""The rules for accounts, their groups and their keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cluster import accounts, passwords
from cluster.config.shape import Problem
from cluster.errors import InvalidConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.config.tree import Path
    from cluster.model import Account, Config

_ID = re.compile(r"[1-9][0-9]{0,5}")


def check(config: Config) -> Iterator[Problem]:
    """Every rule about accounts that the configuration breaks."""
    if len(config.users) > accounts.MAX_USERS:
        many = f"there are {len(config.users)} accounts; at most {accounts.MAX_USERS} are allowed"
        yield Problem(("users",), many)
    for name in config.user_groups:
        yield from _name(("user_groups", name))
    for name, account in config.users.items():
        path = ("users", name)
        yield from _name(path)
        yield from _password(path, account)
        yield from _groups(config, path, account)
        yield from _keys(path, account)


def _name(path: Path) -> Iterator[Problem]:
    if not accounts.NAME.fullmatch(path[-1]):
        yield Problem(
            path,
            "a name begins with a small letter and goes on with small letters, digits, underscore, dot and hyphen; "
            "at most 32 characters are allowed",
        )


def _password(path: Path, account: Account) -> Iterator[Problem]:
    if account.password and not passwords.is_hash(account.password):
        yield Problem((*path, "password"), "must be a hash as an export with secrets writes it; $scrypt$ln=..")
    if account.must_change and not account.password:
        yield Problem((*path, "must_change"), "there is no password that could be changed")


def _groups(config: Config, path: Path, account: Account) -> Iterator[Problem]:
    for group in account.groups:
        if group not in config.user_groups:
            known = ", ".join(config.user_groups) or "none"
            yield Problem((*path, "groups"), f"there is no group {group}; known are {known}")
    if len(set(account.groups)) < len(account.groups):
        yield Problem((*path, "groups"), "a group is there twice; once is enough")


def _keys(path: Path, account: Account) -> Iterator[Problem]:
    if len(account.keys) > accounts.MAX_KEYS:
        yield Problem((*path, "keys"), f"there are {len(account.keys)}; at most {accounts.MAX_KEYS} are allowed")
    owners: dict[bytes, str] = {}
    for number, each in account.keys.items():
        here = (*path, "keys", number)
        if not _ID.fullmatch(number):
            yield Problem(here, "is no id of a key; a whole number from 1 on is allowed")
        try:
            blob = accounts.read_key(each.key).blob
        except InvalidConfigurationError as error:
            yield Problem((*here, "key"), error.message)
            continue
        owner = owners.setdefault(blob, number)
        if owner != number:
            yield Problem((*here, "key"), f"is the same as the one with id {owner}")
