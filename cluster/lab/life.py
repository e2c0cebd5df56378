"""A lab's beginning and end."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import msgspec

from cluster import passwords
from cluster.errors import ClusterError
from cluster.lab import remote
from cluster.lab.factory import ADMIN, administrator, blank, factory
from cluster.lab.pairing import pair
from cluster.lab.plan import APPLIANCES, VIRTUAL_INSIDE
from cluster.lab.roles import OFFLINE, SETTLED, await_hotwire, await_preferred, await_roles
from cluster.process.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.lab.home import Home

_ROLE_PATIENCE = 20.0
_HOTWIRE_PATIENCE = 10.0
_PREFERENCE_PATIENCE = 35.0
"""The node that is preferred waits for the connections of the other one, 30 s at most."""
_LOG_TAIL = 20


def build(home: Home, example: int, owner: Identity | None, *, unconfigured: bool = False) -> dict[str, str]:
    """Build a lab and wait for its roles; on failure show the nodes' last words and leave nothing.

    Args:
        home: its directory.
        example: number of the example network.
        owner: process without which the lab shall not go on, or None.
        unconfigured: the appliances are no cluster yet, and both offline.

    Returns:
        The role of each appliance.

    Raises:
        ClusterError: it is up already, or why it could not be built.
    """
    with home.locked(create=True):
        if home.record() is not None:
            raise ClusterError(f"the lab {home.name} is up already: utmcli lab down{home.option}")
        home.sweep()
        remote.require_tools()
        passphrase = secrets.token_urlsafe(24)
        users = {ADMIN: administrator(home.new_password(), secrets.token_bytes(passwords.SALT_BYTES))}
        for node in APPLIANCES:
            home.of(node).mkdir(mode=0o700)
            config = blank(example, node) if unconfigured else factory(example, node, passphrase)
            config = msgspec.structs.replace(config, users=users)
            (home.of(node) / "factory.json").write_bytes(msgspec.json.encode(config))
        if not unconfigured:
            pair(home)
        try:
            remote.start(home, example, owner)
            found = await_roles(home.running(), _ROLE_PATIENCE, OFFLINE if unconfigured else SETTLED)
            if not unconfigured:
                await_hotwire(home.running(), _HOTWIRE_PATIENCE)
                found = await_preferred(home.running(), _PREFERENCE_PATIENCE)
        except BaseException as error:
            if isinstance(error, ClusterError):
                _last_words(home)
            clear(home)
            raise
        return found


def clear(home: Home) -> None:
    """End a lab whose lock is held, running or crashed, and remove its directory."""
    record = home.record()
    if record is not None:
        remote.stop(home, record)
    home.sweep()
    home.remove()


def _last_words(home: Home) -> None:
    for node in APPLIANCES:
        log = home.of(node) / "log"
        if log.exists():
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL:]
            click.echo("\n".join([f"--- the last words of {node}", *lines]), err=True)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that everything begun is undone."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def visit(home: Home, example: int, *, unconfigured: bool = False) -> int:
    """A lab, the master's shell, and the end of the lab, whichever way the shell ends.

    The warden watches this process: should even SIGKILL hit it, the lab still ends.
    """
    with interruptible():
        found = build(home, example, Identity.of(os.getpid()), unconfigured=unconfigured)
        click.echo(how_to_go_on(home, found), err=True)
        shell = subprocess.Popen(
            [sys.executable, "-m", "cluster.lab", "exec", "--name", home.name, "master", "--", "utmcli", "-i"]
        )
        try:
            return _follow(shell)
        finally:
            # The end is not to be interrupted half way by a second Ctrl-C.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if shell.poll() is None:
                shell.terminate()
                shell.wait()
            with home.locked() as there:
                if there:
                    clear(home)


def _follow(shell: subprocess.Popen[bytes]) -> int:
    """Wait for the shell; Ctrl-C is its business."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return shell.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def how_to_go_on(home: Home, found: dict[str, str]) -> str:
    """What to type next, for people."""
    option = home.option
    password = f"SSH: account {ADMIN}, initial password {home.password}, to be changed at the first login"
    told = ", ".join(f"{node} is {role}" for node, role in found.items())
    if set(found.values()) == OFFLINE:
        return f"""\
The lab {home.name} is up: {told}. Its appliances are no cluster yet.
  utmcli lab exec{option} master -- utmcli              the master's shell; cluster wizard role master begins
  utmcli lab exec{option} spare -- utmcli               the spare's shell; cluster wizard role spare goes on
  utmcli lab status{option}
  utmcli lab down{option}
{password}"""
    return f"""\
The lab {home.name} is up: {told}.
  utmcli lab exec{option} master -- utmcli              the master's shell
  utmcli lab ssh{option}                                the same over SSH, from the client
  utmcli lab exec{option} client -- ping {VIRTUAL_INSIDE}  a client of the cluster
  utmcli lab kill{option} master                        power loss; the spare takes over
  utmcli lab start{option} master
  utmcli lab status{option}
  utmcli lab down{option}
{password}"""
