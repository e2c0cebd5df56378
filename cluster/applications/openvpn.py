"""Where the instances of OpenVPN listen, brought into force over the administrator's own files.

clusterd writes one file an instance, RUN/openvpn/NAME.conf, and OpenVPN reads it last: `--config` of that file is
appended to the command line, and of an option that is there twice OpenVPN takes the last one (openvpn(8)). So the
administrator's own file stays as it is, and clusterd need not understand it.

What an instance gets is what the running configuration says at the moment of its start: `appmgmt restart`, or a
node that becomes master.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster import files
from cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from cluster.model import Config, OpenvpnInstance

APPLICATION = "openvpn"
PLACEHOLDER = "%i"
"""Stands for the name of an instance in a command line, as in units of systemd."""
_PROTO = {"udp": "udp", "tcp": "tcp-server"}
_HEAD = "# Written by clusterd when openvpn starts; openvpn set changes it, an editor does in vain.\n"


def settings(instance: OpenvpnInstance) -> str:
    """The file of an instance, in OpenVPN's words; what is not set is left to the administrator's own file."""
    lines = []
    if instance.local_addr:
        lines.append(f"local {instance.local_addr}")
    if instance.local_port is not None:
        lines.append(f"lport {instance.local_port}")
    if instance.proto is not None:
        lines.append(f"proto {_PROTO[instance.proto]}")
    return _HEAD + "".join(f"{line}\n" for line in lines)


class Instances:
    """The instances as they are configured, and their files.

    Args:
        directory: of the files, in the run directory.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._config: Callable[[], Config] | None = None

    def begin(self, running: Callable[[], Config]) -> None:
        """The configuration is known from now on.

        Args:
            running: tells the running configuration.
        """
        self._config = running

    @property
    def files(self) -> Mapping[str, Path]:
        """The file of each instance by its name, in the order of ids; none before the configuration is known."""
        return {name: self._directory / f"{name}.conf" for name in self._all()}

    def write(self, names: Iterable[str]) -> None:
        """Write the files of these instances, as the configuration is now.

        Raises:
            ClusterError: the disk refuses.
        """
        there = self._all()
        for name in there.keys() & set(names):  # one may be deleted meanwhile
            self._make_directory()
            # OpenVPN reads it again after it gave its privileges up, and no secret is in it.
            files.replace(self.files[name], settings(there[name]).encode(), mode=0o644)

    def _make_directory(self) -> None:
        try:
            self._directory.mkdir(mode=0o755, exist_ok=True)
        except OSError as error:
            raise ClusterError(f"{self._directory} cannot be made: {error.strerror}") from error

    def _all(self) -> dict[str, OpenvpnInstance]:
        if self._config is None:
            return {}
        ordered = sorted(self._config().openvpn.items(), key=lambda item: int(item[0]))
        return {instance.name: instance for _, instance in ordered}


def instance(program: str) -> str:
    """The instance that a program is of, such as office of ``openvpn@office``; empty of any other one."""
    application, _, name = program.partition("@")
    return name if application == APPLICATION else ""


def commands(line: tuple[str, ...], settled: Mapping[str, Path]) -> dict[str, tuple[str, ...]]:
    """The command line of each program that openvpn consists of, from the one of its drop-in file.

    Args:
        line: where `%i` may stand for the name of an instance.
        settled: the file of each instance by its name.

    Raises:
        ClusterError: it speaks of an instance and there is none, or of none and there are several.
    """
    for_each = any(PLACEHOLDER in word for word in line)
    if for_each and not settled:
        raise ClusterError(f"its command speaks of {PLACEHOLDER}, and there is no instance; openvpn new makes one")
    if len(settled) > 1 and not for_each:
        raise ClusterError(
            f"its command must hold {PLACEHOLDER} for the name of an instance, since there are {len(settled)}: "
            + ", ".join(settled)
        )
    if not settled:
        return {APPLICATION: line}
    return {
        f"{APPLICATION}@{name}": (*(word.replace(PLACEHOLDER, name) for word in line), "--config", str(path))
        for name, path in settled.items()
    }
