"""How the commands ask the warden of a lab, and start it in the first place."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from cluster.errors import ClusterError, UnreachableError
from cluster.lab.home import privileged

if TYPE_CHECKING:
    from cluster.lab.home import Home, Record
    from cluster.process.identity import Identity

_PATIENCE = 20.0
_LONGEST_ANSWER = 65536
_TOOLS = {
    "ip": "iproute2", "mount": "mount", "nsenter": "util-linux", "setpriv": "util-linux", "unshare": "util-linux",
}  # fmt: skip


def require_tools() -> None:
    """See that everything is there that building a lab calls.

    Raises:
        ClusterError: names what is missing, and the Debian package that has it.
    """
    missing = [f"{tool} (package {package})" for tool, package in _TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise ClusterError("a lab cannot be built without " + ", ".join(missing))


def ask(home: Home, request: dict[str, Any]) -> None:
    """Have the warden do something, and wait until it is done.

    Raises:
        NotFoundError: the lab is not up.
        UnreachableError: the warden does not answer.
        ClusterError: it says why it cannot be done.
    """
    home.running()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(_PATIENCE)
        try:
            line.connect(str(home.socket))
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = line.makefile("rb").readline(_LONGEST_ANSWER)
        except OSError as error:
            raise UnreachableError(f"the warden of the lab {home.name} does not answer: {error}") from error
    if not answer:
        raise UnreachableError(f"the warden of the lab {home.name} died over it")
    document = json.loads(answer)
    if "error" in document:
        raise ClusterError(document["error"])


def start(home: Home, example: int, owner: Identity | None) -> None:
    """Start a warden and wait until it has built its lab.

    Args:
        home: the lab's directory, locked and empty but for the appliances' directories.
        example: number of the example network.
        owner: process without which the lab shall not go on, or None.

    Raises:
        ClusterError: why there is no lab.
    """
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "cluster.lab", "warden", home.name, "--example", str(example)]
    # Inside a user namespace the warden could not tell by its uid where this user's labs are.
    command += ["--above", str(home.path.parent), "--report", str(writer)]
    if owner is not None:
        command += ["--owner", f"{owner.pid}:{owner.start}"]
    if not privileged():
        # Root in a user namespace of its own is all the root that a lab needs.
        command = ["unshare", "--user", "--map-root-user", *command]
    with home.log.open("ab") as log:
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True,
            pass_fds=(writer,),
        )  # fmt: skip
    os.close(writer)
    said = _hear(reader)
    if said != "up":
        trace = home.log.read_text(encoding="utf-8", errors="replace").strip()
        raise ClusterError(said or f"the lab could not be built: {trace.splitlines()[-1:] or 'no reason given'}")


def _hear(reader: int) -> str:
    with open(reader, "rb") as pipe:
        ready, _, _ = select.select([pipe], [], [], _PATIENCE)
        return pipe.read().decode() if ready else ""


def stop(home: Home, record: Record) -> None:
    """End a lab; nothing of it runs when this returns."""
    try:
        ask(home, {"do": "down"})
    except UnreachableError:
        record.warden.end(signal.SIGKILL, _PATIENCE)
    if not record.warden.ended(_PATIENCE):
        record.warden.end(signal.SIGKILL, _PATIENCE)
