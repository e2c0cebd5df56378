"""The command line of clusterd.

By argparse and not click as `utmcli` has it: the engine waits for it (cluster/daemon.py), and click takes
twice as long to import as everything else until then.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Options(NamedTuple):
    """What clusterd was told.

    Attributes:
        state_dir: configurations and events.
        run_dir: sockets and what ends with the boot.
        factory: configuration file for an empty store.
        shell: whether there shall be a shell host.
        applications_dir: applications of a machine without systemd.
    """

    state_dir: Path
    run_dir: Path
    factory: Path | None
    shell: bool
    applications_dir: Path


def read(arguments: Sequence[str]) -> Options:
    """The options in a command line.

    Args:
        arguments: without the program.

    Raises:
        SystemExit: help was asked for (status 0), or they are wrong (status 2); it was said.
    """
    reader = argparse.ArgumentParser(
        prog="clusterd",
        description="The cluster's daemon: configuration, VRRP engine, and the socket the shell speaks to.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, width=100),  # else it imports shutil, always
    )
    reader.add_argument(
        "--state-dir", type=_directory, default=Path("/var/lib/utmcli"), metavar="DIR",
        help="configurations and events (%(default)s)",
    )  # fmt: skip
    reader.add_argument(
        "--run-dir", type=_directory, default=Path("/run/utmcli"), metavar="DIR",
        help="sockets and what ends with the boot; best a tmpfs (%(default)s)",
    )  # fmt: skip
    reader.add_argument(
        "--factory", type=_file, metavar="FILE", help="configuration file (JSON) for an empty store"
    )
    reader.add_argument("--no-shell", dest="shell", action="store_false", help="do not start the shell host")
    reader.add_argument(
        "--applications-dir", type=_directory, default=Path("/etc/utmcli/applications.d"), metavar="DIR",
        help="applications of a machine without systemd, one file each (%(default)s)",
    )  # fmt: skip
    return Options(**vars(reader.parse_args(arguments)))


def _directory(text: str) -> Path:
    return Path(text).absolute()


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text} is no file")
    return path
