"""`user`: accounts that may log in over SSH, and their groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cluster.errors import ConflictError, NotFoundError
from cluster.model import RemoveValue, SetValue
from cluster.rpc.messages import ChangePassword
from utmcli import live
from utmcli.commands._asking import done, edit, revise, running
from utmcli.grammar import Call, Command, Key
from utmcli.questions import AbandonedError, Question
from utmcli.results import Done, Table, Text
from utmcli.values import Boolean, Choice, ListOf, Name, ValueType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cluster.model import Account, Change, Config

T = TypeVar("T")
USERS = "users"
GROUPS_FIELD = "user_groups"


async def get(call: Call) -> Table:
    """`user get`: accounts, their roles and how they log in; of a password only that there is one."""
    config = await running(call)
    rows = [
        (name, account.role, account.groups, _flags(account), len(account.keys))
        for name, account in sorted(config.users.items())
    ]
    return Table(("name", "role", "groups", "flags", "keys"), tuple(rows))


def _flags(account: Account) -> tuple[str, ...]:
    flags = (("PASSWORD", bool(account.password)), ("MUST_CHANGE", account.must_change))
    return tuple(word for word, holds in flags if holds)


async def new(call: Call) -> Done:
    """`user new`: whoever logs in with the password first chooses another one, unless told otherwise."""
    name, values = call.values["name"], call.values
    password = values.get("password") or ""
    account = {
        "role": values.get("role", "readonly"),
        "password": password,
        "must_change": values.get("must_change", bool(password)),
        "groups": list(values.get("groups", ())),
    }

    def changes(config: Config) -> tuple[Change, ...]:
        if name in config.users:
            raise ConflictError(f"there is an account {name} already; user set name {name} changes it")
        return (SetValue((USERS, name), account),)

    return await revise(call, changes)


async def set_account(call: Call) -> Done:
    """`user set`: what is not given stays."""
    name, values = call.values["name"], call.values
    account = require(await running(call), name)
    changes: list[Change] = []
    if "role" in values:
        changes.append(SetValue((USERS, name, "role"), values["role"]))
    if "groups" in values:
        changes.append(SetValue((USERS, name, "groups"), list(values["groups"])))
    password = values.get("password")
    if "password" in values:
        changes.append(SetValue((USERS, name, "password"), password or ""))
    must_change = values.get("must_change", bool(password) if "password" in values else account.must_change)
    if must_change != account.must_change:
        changes.append(SetValue((USERS, name, "must_change"), must_change))
    return await edit(call, *changes)


async def delete(call: Call) -> Done:
    """`user delete`: never the last one that can log in as admin."""
    require(await running(call), call.values["name"])
    return await edit(call, RemoveValue((USERS, call.values["name"])))


async def password(call: Call) -> Done | Text:
    """`user password`: one's own, in every role; at once, without save. A person is asked, and types unseen."""
    try:
        old = await _given(call, "old", "Present password")
        new = await _given(call, "new", "New password")
        if "new" not in call.values and new != await _given(call, "new", "New password, again"):
            raise ConflictError("the two new passwords differ")
    except AbandonedError:
        return Text("Nothing was changed.\n")
    return await done(call, ChangePassword(old, new))


async def _given(call: Call, key: str, text: str) -> str:
    """The value of a key, or the answer to the question for it."""
    if key in call.values or call.session.dialogue is None:
        return str(call.values[key])
    about = "It is not shown while it is typed."
    return await call.session.dialogue.ask(Question(key=key, text=text, about=about, read=str, secret=True))


def require(config: Config, name: str) -> Account:
    """The account of a name.

    Raises:
        NotFoundError: there is none.
    """
    return _existing(config.users, name, "account")


async def group_get(call: Call) -> Table:
    """`user group get`: groups, their role and who is in them."""
    config = await running(call)
    rows = [
        (name, group.role, tuple(user for user, account in config.users.items() if name in account.groups))
        for name, group in sorted(config.user_groups.items())
    ]
    return Table(("name", "role", "users"), tuple(rows))


async def group_new(call: Call) -> Done:
    """`user group new`."""
    name = call.values["name"]

    def changes(config: Config) -> tuple[Change, ...]:
        if name in config.user_groups:
            raise ConflictError(f"there is a group {name} already")
        return (SetValue((GROUPS_FIELD, name), {"role": call.values.get("role", "readonly")}),)

    return await revise(call, changes)


async def group_set(call: Call) -> Done:
    """`user group set`."""
    name = call.values["name"]
    _existing((await running(call)).user_groups, name, "group")
    return await edit(call, SetValue((GROUPS_FIELD, name, "role"), call.values["role"]))


async def group_delete(call: Call) -> Done:
    """`user group delete`: accounts leave it with that."""
    name = call.values["name"]
    config = await running(call)
    _existing(config.user_groups, name, "group")
    leaving = [
        SetValue((USERS, user, "groups"), [group for group in account.groups if group != name])
        for user, account in config.users.items()
        if name in account.groups
    ]
    return await edit(call, *leaving, RemoveValue((GROUPS_FIELD, name)))


def _existing(things: Mapping[str, T], name: str, what: str) -> T:
    if name not in things:
        known = ", ".join(sorted(things)) or "none"
        raise NotFoundError(f"there is no {what} {name}; known are {known}")
    return things[name]


_NAME = "small letters, digits, . _ and -"
ROLE = Choice(
    options=(("admin", "may change everything"), ("readonly", "may only look")), metavar="admin|readonly"
)
PASSWORD = ValueType(metavar="PASSWORD", secret=True, longest=256)
USER = Name(metavar="USER", live=live.USERS, longest=32)
GROUP = Name(metavar="GROUP", live=live.USER_GROUPS, longest=32)
MUST_CHANGE = Key("must_change", Boolean(), "another password has to be chosen at the first login")
IN_GROUPS = Key("groups", ListOf(item=GROUP, metavar="GROUP", live=live.USER_GROUPS), "the whole list", clears=True)

COMMANDS = (
    Command(("user", "get"), "accounts and their roles", get, documented=True),
    Command(
        ("user", "new"),
        "add an account",
        new,
        (
            Key("name", Name(metavar="USER", longest=32), _NAME, required=True),
            Key("role", ROLE, "readonly, if not given"),
            Key("password", PASSWORD, "8 characters or more; without one, only a key lets in"),
            MUST_CHANGE,
            IN_GROUPS,
        ),
        documented=True,
        edits=True,
        note="With a password, another one has to be chosen at the first login; must_change 0 is for programs. "
        "Only the hash of a password is kept.",
    ),
    Command(
        ("user", "set"),
        "change an account",
        set_account,
        (
            Key("name", USER, "which", required=True),
            Key("role", ROLE, "what it may do"),
            Key("password", PASSWORD, 'another password; "" takes it away', clears=True),
            MUST_CHANGE,
            IN_GROUPS,
        ),
        documented=True,
        needs_one=True,
        edits=True,
    ),
    Command(
        ("user", "delete"),
        "remove an account",
        delete,
        (Key("name", USER, "which", required=True),),
        documented=True,
        edits=True,
        note="The last account that can log in as admin stays.",
    ),
    Command(
        ("user", "password"),
        "change one's own password",
        password,
        (
            Key("old", PASSWORD, "the present one", required=True),
            Key("new", PASSWORD, "8 characters or more", required=True),
        ),
        asks=("old", "new"),
        note="At once, without system config save; every role may. At a prompt both may be left out: they are then "
        "asked for, and not shown.",
    ),
    Command(("user", "group", "get"), "groups of accounts", group_get, documented=True),
    Command(
        ("user", "group", "new"),
        "add a group; its accounts have its role besides their own",
        group_new,
        (
            Key("name", Name(metavar="GROUP", longest=32), _NAME, required=True),
            Key("role", ROLE, "readonly, if not given"),
        ),
        documented=True,
        edits=True,
    ),
    Command(
        ("user", "group", "set"),
        "change the role of a group",
        group_set,
        (Key("name", GROUP, "which", required=True), Key("role", ROLE, "what its accounts may do", required=True)),
        documented=True,
        edits=True,
    ),
    Command(
        ("user", "group", "delete"),
        "remove a group; its accounts stay",
        group_delete,
        (Key("name", GROUP, "which", required=True),),
        documented=True,
        edits=True,
    ),
)

GROUPS = {
    ("user",): "accounts that may log in over SSH",
    ("user", "group"): "roles for several accounts",
}
