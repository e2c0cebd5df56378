"""`utmcli service`: clusterd as a service of a real machine, by systemd.

What is installed are files below /etc, where the administrator's own are: the unit clusterd.service, a second one
that has the role handed over before anything else ends at a shutdown, and the account `utmcli` of the shell host,
for systemd-sysusers. The shell host has no unit of its own: clusterd starts it, tells it the port, and knows it by
its process id.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import click

UNITS = ("clusterd.service", "clusterd-handover.service")
"""In the order in which they start."""
ACCOUNT = Path("/etc/sysusers.d/utmcli.conf")
SYSTEMD = Path("/run/systemd/system")
"""There when systemd is process 1: sd_booted(3)."""
TOOLS = ("systemctl", "systemd-sysusers")
MARK = "# Written by `utmcli service install`"
"""How files of ours begin; others are left alone."""
_HOMES = tuple(map(Path, ("/home", "/root", "/run/user")))
"""What ProtectHome= hides (systemd.exec(5))."""
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-")


class Program(NamedTuple):
    """Where this installation is.

    Attributes:
        python: its interpreter.
        clusterd: its daemon.
        directories: all that a service must be able to read.
    """

    python: Path
    clusterd: Path
    directories: tuple[Path, ...]

    @property
    def is_in_a_home(self) -> bool:
        """Whether a part of it is where services usually see nothing."""
        return any(path.is_relative_to(home) for path in self.directories for home in _HOMES)


class Problem(click.ClickException):
    """Something stands in the way: one sentence, exit code 1."""

    def show(self, file: object = None) -> None:
        """Print it as every other error of utmcli."""
        del file
        click.echo(f"% Error: {self.message}", err=True)


def here() -> Program:
    """This installation.

    Raises:
        Problem: it has no clusterd.
    """
    python = Path(sys.executable)
    clusterd = python.with_name("clusterd")
    if not clusterd.exists():
        raise Problem(f"{clusterd} does not exist: install utmcli with pip into the environment of {python}")
    packages = Path(__file__).resolve().parent
    parts = (python, python.resolve(), Path(sys.prefix), Path(sys.base_prefix), packages)
    return Program(python, clusterd, parts)


def files(program: Program) -> dict[Path, str]:
    """What is installed, by place."""
    values = {
        "@python@": word(program.python),
        "@clusterd@": word(program.clusterd),
        "@home@": "read-only" if program.is_in_a_home else "yes",
    }
    texts = {Path("/etc/systemd/system", unit): _template(unit) for unit in UNITS}
    texts[ACCOUNT] = _template("sysusers.conf")
    return {path: _filled(text, values) for path, text in texts.items()}


def word(path: Path) -> str:
    """A path as one word of ExecStart= (systemd.service(5), command lines; systemd.unit(5), specifiers)."""
    text = str(path).replace("%", "%%").replace("$", "$$")
    if set(str(path)) <= _PLAIN:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _template(name: str) -> str:
    return resources.files("utmcli").joinpath("units", name).read_text("utf-8")


@click.group()
def service() -> None:
    """The cluster as a service of this machine, under systemd."""


@service.command()
def show() -> None:
    """Print what `install` would write, and where; write nothing."""
    for path, text in files(here()).items():
        click.echo(f"# {path}\n{text}")


_ROOT = click.option(
    "--root", type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True), default=Path("/"),
    help="Below this directory, such as that of an image; nothing is started or stopped.",
)


@service.command()
@click.option("--now", is_flag=True, help="Start it at once, not only with the next boot.")
@_ROOT
def install(root: Path, now: bool) -> None:
    """Install the service, for every boot from the next one on: units, and account of the shell host.

    Again after an upgrade: what is there is replaced, a running service goes on.
    """
    _need(root, *TOOLS)
    texts = files(program := here())
    for path in texts:
        _refuse_foreign(below(root, path))
    for path, text in texts.items():
        _write(below(root, path), text)
    if program.is_in_a_home:
        click.echo("note: this installation is in a home directory, which the service may therefore read", err=True)
    _run("systemd-sysusers", *_at(root), ACCOUNT.name)
    if _lives(root):
        _run("systemctl", "daemon-reload")
    _run("systemctl", "--quiet", *_at(root), "enable", *UNITS)
    if now and _lives(root):
        _run("systemctl", "start", *UNITS)
        click.echo("clusterd runs, and will with every boot")
    else:
        click.echo("clusterd starts with the next boot; at once: systemctl start clusterd")


@service.command()
@_ROOT
def uninstall(root: Path) -> None:
    """End the service, which hands the role over, and remove it; configuration and account stay."""
    _need(root, "systemctl")
    ours = [below(root, path) for path in files(here())]
    for path in ours:
        _refuse_foreign(path)
    if not any(path.exists() for path in ours):
        raise Problem(f"the service is not installed: there is no {ours[0]}")
    if _lives(root):
        _run("systemctl", "stop", *UNITS)
    _run("systemctl", "--quiet", *_at(root), "disable", *UNITS)
    for path in ours:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise Problem(f"{path} cannot be removed: {error.strerror}") from error
        click.echo(f"removed {path}")
    if _lives(root):
        _run("systemctl", "daemon-reload")
    click.echo("the configuration (/var/lib/utmcli) and the account utmcli stay")


def below(root: Path, path: Path) -> Path:
    """A path of the machine, in the directory of an image."""
    return root / path.relative_to("/")


def _at(root: Path) -> tuple[str, ...]:
    return () if root == Path("/") else (f"--root={root}",)


def _lives(root: Path) -> bool:
    """Whether it is this machine, and systemd runs it."""
    return root == Path("/") and SYSTEMD.is_dir()


def _need(root: Path, *tools: str) -> None:
    if root == Path("/") and os.geteuid() != 0:
        raise Problem("only root may install and remove services; `utmcli service show` prints this one")
    for tool in tools:
        if shutil.which(tool) is None:
            raise Problem(f"{tool} is not installed: the service needs systemd")


def _refuse_foreign(path: Path) -> None:
    try:
        is_ours = path.read_text("utf-8", "replace").startswith(MARK)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror}") from error
    if not is_ours:
        raise Problem(f"{path} was not written by utmcli: move it away, or keep your own service")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text, "utf-8")
        fresh.chmod(0o644)
        fresh.replace(path)
    except OSError as error:
        raise Problem(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"installed {path}")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().replace("\n", "; ")
        raise Problem(f"{' '.join(command)} failed: {said or f'exit status {done.returncode}'}")
