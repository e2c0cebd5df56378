"""The words of `utmcli lab`.

What only one word needs is imported by that word: `exec` is typed often and waited for.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from cluster.errors import ClusterError
from cluster.lab.home import DEFAULT_NAME, Home
from cluster.lab.plan import NODES, SWITCH, plan
from cluster.process.identity import Identity

_INTERRUPTED = 130

_name = click.option(
    "--name", default=DEFAULT_NAME, envvar="UTMCLI_LAB", show_default=True, help="Which lab; there can be several."
)
_example = click.option(
    "--example", type=click.Choice(["1", "2"]), default="2", show_default=True,
    help="Example network: 1 behind a modem, 2 behind a router.",
)  # fmt: skip


_blank = click.option(
    "--blank", is_flag=True, help="Appliances that are no cluster yet: walk through cluster wizard.",
)  # fmt: skip


class _Group(click.Group):
    """Says every problem as one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ClusterError as error:
            click.echo(f"% Error: {error.message}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            ctx.exit(_INTERRUPTED)


@click.group(cls=_Group, invoke_without_command=True)
@_name
@_example
@_blank
@click.pass_context
def lab(ctx: click.Context, name: str, example: str, blank: bool) -> None:
    """Two appliances, a router and a client on this machine.

    Without a command: a lab for as long as the master's shell is open.
    """
    if ctx.invoked_subcommand is None:
        from cluster.lab import life

        ctx.exit(life.visit(Home(name), int(example), unconfigured=blank))


@lab.command()
@_name
@_example
@_blank
def up(name: str, example: str, blank: bool) -> None:
    """Build a lab, and return once both nodes have a role (both are offline in a blank one)."""
    from cluster.lab import life

    home = Home(name)
    with life.interruptible():
        found = life.build(home, int(example), None, unconfigured=blank)
    click.echo(life.how_to_go_on(home, found))


@lab.command()
@_name
def down(name: str) -> None:
    """End a lab, and leave nothing of it behind."""
    from cluster.lab import life

    home = Home(name)
    with home.locked() as there:
        if not there:
            click.echo(f"The lab {name} is not up.", err=True)
            return
        life.clear(home)


@lab.command()
@_name
def status(name: str) -> None:
    """Nodes, roles and cables."""
    from cluster.lab.roles import roles

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
    from cluster.lab.enter import run, search_path

    record = Home(name).running()
    if node not in record.nodes:
        raise ClusterError(f"{node} is off: utmcli lab start {node}{Home(name).option}")
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("which command?")
    run(record.nodes[node], words, search_path(os.environ.get("PATH", "")))


@lab.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_name
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, words: tuple[str, ...]) -> None:
    """The master's shell over SSH, from the client; with WORDS one command.

    Whoever is master answers at the virtual address, with its own host key; so a lab asks for no known hosts.
    """
    from cluster.lab.enter import run, search_path
    from cluster.lab.factory import ADMIN
    from cluster.lab.plan import VIRTUAL_INSIDE

    record = Home(name).running()
    unknown = ("-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR")
    command = ("ssh", *unknown, f"{ADMIN}@{VIRTUAL_INSIDE}", *words)
    run(record.nodes["client"], command, search_path(os.environ.get("PATH", "")))


@lab.command()
@_name
@click.argument("node", type=click.Choice(NODES))
def kill(name: str, node: str) -> None:
    """Power loss: everything on the node ends at once, its cables fall silent."""
    _ask(name, {"do": "kill", "node": node})


@lab.command()
@_name
@click.argument("node", type=click.Choice(NODES))
def start(name: str, node: str) -> None:
    """Switch a node on again, with the state it kept."""
    _ask(name, {"do": "start", "node": node})


@lab.command()
@_name
@click.argument("node", type=click.Choice(NODES))
@click.argument("interface")
@click.argument("state", type=click.Choice(["up", "down"]))
def link(name: str, node: str, interface: str, state: str) -> None:
    """Plug in or pull a cable, for instance `link master LAN2 down`."""
    _ask(name, {"do": "link", "node": node, "interface": interface, "up": state == "up"})


@lab.command(hidden=True)
@click.argument("name")
@click.option("--example", type=int, required=True)
@click.option("--above", type=click.Path(path_type=Path), required=True)
@click.option("--report", type=int, required=True)
@click.option("--owner", default="")
def warden(name: str, example: int, above: Path, report: int, owner: str) -> None:
    """Own a lab; started by `up`."""
    from cluster.lab.warden import main

    lives_for = Identity(*map(int, owner.split(":"))) if owner else None
    main(Home(name, above), example, lives_for, report)


def _ask(name: str, request: dict[str, Any]) -> None:
    from cluster.lab import remote

    remote.ask(Home(name), request)


def _table(rows: list[list[str]]) -> str:
    """Rows under a header, in the shell's own table style."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[-1] = len(rows[0][-1])
    lines = ["|".join(map(str.ljust, row, [*widths[:-1], 0])) for row in rows]
    return "\n".join([lines[0], "+".join("-" * width for width in widths), *lines[1:]])
