"""Giving up what root can do: the process that talks to administrators holds no capability at all.

It becomes the account `utmcli` where that exists, else `nobody`. Where that account could not read the program
(a virtual environment below a home directory of mode 0700) or does not exist in this user namespace, the user
id stays and only the capabilities go; `PR_SET_NO_NEW_PRIVS` makes sure that no program started later regains any.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from pathlib import Path
from typing import NamedTuple

ACCOUNTS = ("utmcli", "nobody")
"""Accounts in order of preference."""

_PR_CAPBSET_READ = 23
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = 64


class Identity(NamedTuple):
    """An account to become."""

    name: str
    uid: int
    gid: int


class Choice(NamedTuple):
    """Who the shell host shall run as.

    Attributes:
        identity: the account to become; None to stay who we are.
        reason: a clause saying why we stay, or empty.
    """

    identity: Identity | None
    reason: str


def choose(needed: tuple[Path, ...]) -> Choice:
    """Find the account to run as.

    Args:
        needed: files it must be able to read: the interpreter and the packages.
    """
    if os.geteuid() != 0:
        return Choice(None, "not started by root")
    found = next((identity for identity in map(_account, ACCOUNTS) if identity), None)
    if found is None:
        return Choice(None, f"neither account exists: {', '.join(ACCOUNTS)}")
    if not _is_mapped("uid_map", found.uid) or not _is_mapped("gid_map", found.gid):
        return Choice(None, f"this user namespace has no {found.name}")
    if not _can_read(found, needed):
        return Choice(None, f"{found.name} may not read the program ({sys.executable})")
    return Choice(found, "")


def drop(identity: Identity | None) -> None:
    """Become `identity`, if any, and hold no capability from now on, for good.

    Raises:
        OSError: the kernel refused; the process must not go on.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _empty_bounding_set(libc)
    if identity is not None:
        os.setgroups([])
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
    _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear the ambient capabilities")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _check(libc.capset(header, nothing), "give up the capabilities")
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "refuse new privileges")


def _empty_bounding_set(libc: ctypes.CDLL) -> None:
    for capability in range(_CAPABILITIES):
        held = libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0)
        if held < 0:
            return  # the kernel's last capability is behind us
        if held and os.geteuid() == 0:
            _check(libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), f"give up capability {capability} for good")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {what}: {os.strerror(number)}")


def _account(name: str) -> Identity | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Identity(name, entry.pw_uid, entry.pw_gid)


def _is_mapped(kind: str, number: int) -> bool:
    """Whether a user or group id exists in our user namespace (user_namespaces(7))."""
    for line in Path("/proc/self", kind).read_text().splitlines():
        first, _, count = map(int, line.split())
        if first <= number < first + count:
            return True
    return False


def _can_read(identity: Identity, needed: tuple[Path, ...]) -> bool:
    """Try it in a child: permissions of every directory above count, and so do access lists."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(identity.gid, identity.gid, identity.gid)
            os.setresuid(identity.uid, identity.uid, identity.uid)
            readable = all(os.access(path, os.R_OK) for path in needed)
        except OSError:
            readable = False
        os._exit(0 if readable else 1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0
