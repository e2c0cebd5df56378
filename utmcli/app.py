"""Entry points: everything the thin client leaves alone, and the commands themselves where no shell host runs.

Without a shell host the same host code serves this one command in a thread, over a socket pair, with the
ordinary thin client in front: there is no second way to run a command that could behave differently.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from importlib.metadata import version
from pathlib import Path

import click

from cluster.rpc.client import SOCKET_FILE as CLUSTERD_SOCKET
from utmcli import client, terminal
from utmcli.console import SOCKET_FILE, run_directory

EPILOG = """\b
Exit codes:
  0    done
  1    failed; the sentence on standard error says why
  2    usage: unknown, missing, repeated or malformed input; nothing was sent
  3    ambiguous abbreviation
  4    not authorised
  5    locked by somebody else
  6    clusterd, or the partner, unreachable
  130  interrupted

\b
Standard input that is no terminal is a script: it stops at the first line that fails, with that line's
exit code; with --keep-going it goes on, and the exit code is that of the first failure. With --interactive it
is typed in: prompt and lines are shown, errors do not end it (with --stop-on-error they do), and the exit code
is that of the last line.

\b
With --json one command prints one document, several or a script print one array with an element for each.

\b
utmcli serve   the resident shell host (started by clusterd)
utmcli completion install   completion for bash, zsh or fish
utmcli service install      the cluster as a service of this machine
utmcli lab     two appliances in network namespaces on this machine
"""


_RUN_DIR = click.option(
    "--run-dir", default=run_directory, metavar="DIR", help="Where the sockets are.  [env: UTMCLI_RUN_DIR]"
)


@click.command(
    epilog=EPILOG,
    context_settings={"allow_interspersed_args": False, "max_content_width": 110},
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document for each command (or behind WORDS).")
@click.option("-i", "--interactive", is_flag=True, help="Start a session even if standard input is no terminal.")
@click.option("--dry-run", is_flag=True, help="Understand and check every line, and carry none out.")
@click.option("--stop-on-error/--keep-going", "stop", default=None, help="What follows a line that fails.")
@_RUN_DIR
@click.option("-c", "commands", multiple=True, metavar="COMMAND", help="Run a command line; may be repeated.")
@click.option("-f", "script", metavar="FILE", help="Run a script; - is standard input.")
@click.option("--complete", metavar="LINE", help="Print what can come next in LINE, with descriptions.")
@click.version_option(version("utmcli"), prog_name="utmcli", message="%(prog)s %(version)s")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(  # noqa: PLR0917 - click passes them by name
    as_json: bool,
    interactive: bool,
    dry_run: bool,
    stop: bool | None,
    run_dir: str,
    commands: tuple[str, ...],
    script: str | None,
    complete: str | None,
    words: tuple[str, ...],
) -> None:
    """Run WORDS as one command of the appliance, or open its command line."""
    if script is not None and (commands or words):
        raise click.UsageError("a script is given with -f, or commands, not both")
    if script not in (None, "-"):
        _read_from(str(script))
    arguments = ["--json"] * as_json + ["--interactive"] * interactive + ["--dry-run"] * dry_run
    if stop is not None:
        arguments.append("--stop-on-error" if stop else "--keep-going")
    for line in commands:
        arguments += ("-c", line)
    if complete is not None:
        arguments += ("--complete", complete)
    is_session = not (commands or words or complete is not None)
    sys.exit(_converse(run_dir, [os.fsencode(word) for word in (*arguments, "--", *words)], is_session=is_session))


@click.command()
@_RUN_DIR
@click.option("--state-dir", default="/var/lib/utmcli", show_default=True,
              help="clusterd's: the SSH host key is there.")
@click.option("--ssh-port", default=0, type=click.IntRange(0, 65535), show_default=True,
              help="Let administrators in over SSH on this port; 0: do not.")
def serve(run_dir: str, state_dir: str, ssh_port: int) -> None:
    """Run the resident shell host in the foreground."""
    from utmcli import host  # noqa: PLC0415 - imports all that sessions need; the other entry points do not

    try:
        host.serve(Path(run_dir), Path(state_dir), ssh_port)
    except OSError as error:
        click.echo(f"utmcli: the shell host cannot run: {error}", err=True)
        sys.exit(1)


def _lab(arguments: list[str]) -> None:
    # A program of its own: this package sees nothing of the cluster but its public face.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "cluster.lab", *arguments])  # noqa: S606


def _read_from(script: str) -> None:
    """Make a file our standard input."""
    try:
        opened = os.open(script, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise click.UsageError(f"cannot read {script}: {error.strerror}") from None
    os.dup2(opened, 0)
    os.close(opened)


def _converse(run_dir: str, words: list[bytes], *, is_session: bool) -> int:
    console = _connected(f"{run_dir}/{SOCKET_FILE}")
    if console is None:
        clusterd = _connected(f"{run_dir}/{CLUSTERD_SOCKET}")
        if clusterd is None and is_session:
            click.echo(f"% Error: neither the shell host nor clusterd runs: nothing listens in {run_dir}", err=True)
            return client.UNREACHABLE
        if clusterd is not None:
            clusterd.close()
        console = _own_host(Path(run_dir))
    client.greet(console, words)
    return terminal.converse(console, *client.frame(console))


def _connected(path: str) -> socket.socket | None:
    """A connection to a unix socket, if somebody listens there."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def _own_host(run_dir: Path) -> socket.socket:
    """A shell host for this one command, in a thread of this process; our end of its connection."""
    from utmcli import host, logs  # noqa: PLC0415 - as above

    logs.to_syslog()
    ours, theirs = socket.socketpair()
    threading.Thread(target=lambda: asyncio.run(host.serve_one(run_dir, theirs)), daemon=True).start()
    return ours


def main() -> None:
    """The command line of `utmcli`, as far as the thin client does not serve it itself."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["lab"]:
        _lab(arguments[1:])
    if arguments[:1] == ["serve"]:
        serve.main(arguments[1:], prog_name="utmcli serve")
    if arguments[:1] == ["completion"]:
        from utmcli.shells import completion  # noqa: PLC0415 - importlib.resources, which nothing else needs

        completion.main(arguments[1:], prog_name="utmcli completion")
    if arguments[:1] == ["service"]:
        from utmcli.service import service  # noqa: PLC0415 - as above

        service.main(arguments[1:], prog_name="utmcli service")
    command.main(arguments, prog_name="utmcli")
