"""Lines typed before, one file for each user and way in, readable by nobody but the shell host.

The user root of this machine and an account root of the configuration are two persons.

A line with a secret in it is not kept at all: one that was kept with the secret masked could be recalled, and would
set the mask.
"""

from __future__ import annotations

import logging
import os
import re
from typing import TYPE_CHECKING

from prompt_toolkit.history import History

from utmcli.commands import GRAMMAR
from utmcli.parser import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cluster.rpc.messages import Actor

_LOG = logging.getLogger("utmcli")

KEPT = 1000
"""Lines that a new session remembers; the file is cut to as many when it has twice that."""


class LineHistory(History):
    """The history of one user in one session; what other sessions add meanwhile shows in the next one.

    Args:
        directory: of the files. One that is missing or somebody else's is left alone: a command that runs in a
            process of its own, as root, would leave files there which the shell host cannot read.
        actor: whose; the first word of the source is the way in: ``console`` or ``ssh``.
    """

    def __init__(self, directory: Path, actor: Actor) -> None:
        super().__init__()
        self._directory = directory
        way_in = actor.source.split(" ", 1)[0]
        self._path = directory / "-".join(("history", _plain(way_in), _plain(actor.user)))
        self._loaded_strings = list(self.load_history_strings())
        self._loaded = True  # else prompt_toolkit would load again, and forget what was appended before

    def append_string(self, string: str) -> None:
        """Remember a line, unless it says nothing or holds a secret; of a pasted block every line by itself."""
        for line in map(str.strip, string.splitlines()):
            if line and without_secrets(GRAMMAR, line) == line:
                super().append_string(line)

    def load_history_strings(self) -> Iterable[str]:
        """The lines of the file, newest first."""
        if not self._is_ours():
            return []
        try:
            lines = self._path.read_text("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:
            _LOG.warning("cannot read %s: %s", self._path, error.strerror)
            return []
        if len(lines) > 2 * KEPT:
            self._write(lines[-KEPT:], os.O_TRUNC)
        return lines[: -KEPT - 1 : -1]

    def store_string(self, string: str) -> None:
        """Append a line to the file."""
        if self._is_ours():
            self._write([string.replace("\n", " ")], os.O_APPEND)

    def _is_ours(self) -> bool:
        try:
            return self._directory.stat().st_uid == os.geteuid()
        except FileNotFoundError:
            return False

    def _write(self, lines: list[str], how: int) -> None:
        text = "".join(f"{line}\n" for line in lines)
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | how, 0o600)
            with open(file, "w", encoding="utf-8", errors="replace") as opened:  # noqa: PTH123 - a descriptor
                opened.write(text)
        except OSError as error:
            _LOG.warning("cannot keep the history in %s: %s", self._path, error.strerror)


def _plain(text: str) -> str:
    """A part of a file name; accounts have such names anyway (`cluster.accounts.NAME`)."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)
