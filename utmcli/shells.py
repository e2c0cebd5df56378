"""`utmcli completion`: completion for bash, zsh and fish, put where these shells look for it.

For root it goes where every user's shell looks, for anybody else into their home directory. The files ask the thin
client, so they never grow old.
"""

from __future__ import annotations

import os
import sys
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import click


class Place(NamedTuple):
    """Where one shell looks.

    Attributes:
        file: name of ours in the package.
        everybody: for all users of the machine.
        own: below the home directory.
        hint: what the user has to do in addition, for their own installation.
    """

    file: str
    everybody: str
    own: str
    hint: str = ""


PLACES = {
    "bash": Place(
        "utmcli.bash",
        "/usr/share/bash-completion/completions/utmcli",
        ".local/share/bash-completion/completions/utmcli",
        "it is found by bash-completion; without that package, source the file in ~/.bashrc",
    ),
    "zsh": Place(
        "_utmcli",
        "/usr/share/zsh/vendor-completions/_utmcli",
        ".zsh/completions/_utmcli",
        "add to ~/.zshrc, before compinit: fpath=(~/.zsh/completions $fpath)",
    ),
    "fish": Place(
        "utmcli.fish", "/usr/share/fish/vendor_completions.d/utmcli.fish", ".config/fish/completions/utmcli.fish"
    ),
}
_SHELL = click.argument("shell", type=click.Choice(tuple(PLACES)), required=False)


def text_of(shell: str) -> str:
    """The completion of one shell."""
    return resources.files("utmcli").joinpath("completions", PLACES[shell].file).read_text("utf-8")


def target_of(shell: str, home: Path, *, everybody: bool) -> Path:
    """Where it goes."""
    place = PLACES[shell]
    return Path(place.everybody) if everybody else home / place.own


def login_shell() -> str:
    """The shell that the user works in, as far as it is one of ours.

    Raises:
        click.UsageError: it is none.
    """
    name = Path(os.environ.get("SHELL", "")).name
    if name not in PLACES:
        raise click.UsageError(f"say for which shell: {', '.join(PLACES)}")
    return name


@click.group()
def completion() -> None:
    """Completion of utmcli in bash, zsh and fish."""


@completion.command()
@_SHELL
def show(shell: str | None) -> None:
    """Print the completion of SHELL, by default of the one in $SHELL."""
    click.echo(text_of(shell or login_shell()), nl=False)


@completion.command()
@click.option("--user", "own", is_flag=True, help="Into the home directory, also for root.")
@_SHELL
def install(shell: str | None, own: bool) -> None:
    """Install the completion of SHELL, by default of the one in $SHELL: for root, for all users."""
    name = shell or login_shell()
    everybody = os.geteuid() == 0 and not own
    target = target_of(name, Path.home(), everybody=everybody)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text_of(name), "utf-8")
    except OSError as error:
        click.echo(f"% Error: {target} cannot be written: {error.strerror}", err=True)
        sys.exit(1)
    click.echo(f"installed {target}")
    if not everybody and PLACES[name].hint:
        click.echo(PLACES[name].hint)
