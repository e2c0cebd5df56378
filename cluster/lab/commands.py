"""The words of `utmcli lab`."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cluster.errors import ClusterError
from cluster.lab import remote
from cluster.lab.enter import run
from cluster.lab.home import DEFAULT_NAME, Home
from cluster.lab.identity import Identity
from cluster.lab.node import search_path
from cluster.lab.plan import APPLIANCES, NODES, SWITCH, VIRTUAL_INSIDE, factory, plan

if TYPE_CHECKING:
    from collections.abc import Iterator


_ROLE_PATIENCE = 20.0
_LOG_TAIL = 20

_name = click.option(
    "--name", default=DEFAULT_NAME, envvar="UTMCLI_LAB", show_default=True, help="Which lab; there can be several."
)
_example = click.option(
    "--example", type=click.Choice(["1", "2"]), default="2", show_default=True,
    help="Example network: 1 behind a modem, 2 behind a router.",
)  # fmt: skip


class _Group(click.Group):
    """Says every problem as one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClusterError as error:
            click.echo(f"% Error: {error.message}", err=True)
            ctx.exit(1)


@click.group(cls=_Group, invoke_without_command=True)
@_name
@_example
@click.pass_context
def lab(ctx: click.Context, name: str, example: str) -> None:
    """Two appliances, a router and a client on this machine.

    Without a command: a lab for as long as the master's shell is open.
    """
    if ctx.invoked_subcommand is None:
        ctx.exit(_visit(Home(name), int(example)))


@lab.command()
@_name
@_example
def up(name: str, example: str) -> None:
    """Build a lab, and return once both nodes have a role."""
    home = Home(name)
    with _interruptible():
        found = _raise(home, int(example), None)
    click.echo(_how_to_go_on(home, found))


@lab.command()
@_name
def down(name: str) -> None:
    """End a lab, and leave nothing of it behind."""
    home = Home(name)
    with home.locked() as there:
        if not there:
            click.echo(f"The lab {name} is not up.", err=True)
            return
        _lower(home)


@lab.command()
@_name
def status(name: str) -> None:
    """Nodes, roles and cables."""
    from cluster.lab.roles import roles  # noqa: PLC0415 - asyncio and the RPC client, which `exec` does without

    home = Home(name)
    record = home.running()
    cables = plan(record.example)
    found = roles(record)
    interfaces = list(dict.fromkeys(port.interface for port in cables.ports))
    rows = [["node", "power", "role", *interfaces]]
    for node in NODES:
        ports = {port.interface: port for port in cables.of(node)}
        links = [
            "" if interface not in ports else "down" if ports[interface].name in record.pulled else "up"
            for interface in interfaces
        ]
        rows.append([node, "on" if node in record.nodes else "off", found.get(node, ""), *links])
    click.echo(_table(rows))


@lab.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_name
@click.argument("node", type=click.Choice([*NODES, SWITCH]))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(name: str, node: str, command: tuple[str, ...]) -> None:
    """Run a COMMAND inside a node: `exec master -- utmcli cluster info`."""
    record = Home(name).running()
    if node not in record.nodes:
        raise ClusterError(f"{node} is off: utmcli lab start {node}{Home(name).option}")
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("which command?")
    run(record.nodes[node], words, search_path(os.environ.get("PATH", "")))


@lab.command()
@_name
@click.argument("node", type=click.Choice(NODES))
def kill(name: str, node: str) -> None:
    """Power loss: everything on the node ends at once, its cables fall silent."""
    remote.ask(Home(name), {"do": "kill", "node": node})


@lab.command()
@_name
@click.argument("node", type=click.Choice(NODES))
def start(name: str, node: str) -> None:
    """Switch a node on again, with the state it kept."""
    remote.ask(Home(name), {"do": "start", "node": node})


@lab.command()
@_name
@click.argument("node", type=click.Choice(NODES))
@click.argument("interface")
@click.argument("state", type=click.Choice(["up", "down"]))
def link(name: str, node: str, interface: str, state: str) -> None:
    """Plug in or pull a cable, for instance `link master LAN2 down`."""
    remote.ask(Home(name), {"do": "link", "node": node, "interface": interface, "up": state == "up"})


@lab.command(hidden=True)
@click.argument("name")
@click.option("--example", type=int, required=True)
@click.option("--above", type=click.Path(path_type=Path), required=True)
@click.option("--report", type=int, required=True)
@click.option("--owner", default="")
def warden(name: str, example: int, above: Path, report: int, owner: str) -> None:
    """Own a lab; started by `up`."""
    from cluster.lab.warden import main  # noqa: PLC0415 - only one process of a lab needs it

    lives_for = Identity(*map(int, owner.split(":"))) if owner else None
    main(Home(name, above), example, lives_for, report)


# --- up and down ----------------------------------------------------------------------------------------


def _raise(home: Home, example: int, owner: Identity | None) -> dict[str, str]:
    """Build a lab and wait for its roles; on failure show the nodes' last words and leave nothing."""
    from cluster.lab.roles import await_roles  # noqa: PLC0415 - asyncio and the RPC client, which `exec` does without

    with home.locked(create=True):
        if home.record() is not None:
            raise ClusterError(f"the lab {home.name} is up already: utmcli lab down{home.option}")
        home.sweep()
        passphrase = secrets.token_urlsafe(24)
        for node in APPLIANCES:
            home.of(node).mkdir(mode=0o700)
            document = msgspec.json.encode(factory(example, node, passphrase))
            (home.of(node) / "factory.json").write_bytes(document)
        try:
            remote.start(home, example, owner)
            return await_roles(home.running(), _ROLE_PATIENCE)
        except BaseException as error:
            if isinstance(error, ClusterError):
                _last_words(home)
            _lower(home)
            raise


def _lower(home: Home) -> None:
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
def _interruptible() -> Iterator[None]:
    """Have SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that everything begun is undone."""

    def leave(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _visit(home: Home, example: int) -> int:
    """A lab, the master's shell, and the end of the lab, whichever way the shell ends.

    The warden watches this process: should even SIGKILL hit it, the lab still ends.
    """
    with _interruptible():
        found = _raise(home, example, Identity.of(os.getpid()))
        click.echo(_how_to_go_on(home, found), err=True)
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
                    _lower(home)


def _follow(shell: subprocess.Popen[bytes]) -> int:
    """Wait for the shell; Ctrl-C is its business."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return shell.wait()
    finally:
        signal.signal(signal.SIGINT, before)


# --- what people read -----------------------------------------------------------------------------------


def _how_to_go_on(home: Home, found: dict[str, str]) -> str:
    option = home.option
    told = ", ".join(f"{node} is {role}" for node, role in found.items())
    return f"""\
The lab {home.name} is up: {told}.
  utmcli lab exec{option} master -- utmcli              the master's shell
  utmcli lab exec{option} client -- ping {VIRTUAL_INSIDE}  a client of the cluster
  utmcli lab kill{option} master                        power loss; the spare takes over
  utmcli lab start{option} master
  utmcli lab status{option}
  utmcli lab down{option}"""


def _table(rows: list[list[str]]) -> str:
    """Rows under a header, in the shell's own table style."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = len(rows[0][-1])
    lines = ["|".join(map(str.ljust, row, [*widths[:-1], 0])) for row in rows]
    return "\n".join([lines[0], "+".join("-" * width for width in widths), *lines[1:]])
