"""``python -S -P -m cluster.heir --run-dir DIR [--state-dir DIR]``: the next engine, which waits for its turn.

It has imported everything and done nothing: it holds no lock, no socket of the network and no key, has read no file
of ours, and is not in real time. At descriptor 3 it waits for the word of the clusterd that started it. The word is
one byte, with the packet sockets of the engine that ended (SCM_RIGHTS); from then on this process is the engine, by
its command line as well. When clusterd ends, in whatever way, the descriptor says so, and the heir ends, too.
"""

from __future__ import annotations

import gc
import os
import sys
from _socket import CMSG_SPACE, SCM_RIGHTS, SOL_SOCKET, socket
from array import array

gc.disable()  # as in cluster/vrrp/__main__.py

from cluster.vrrp import realtime  # noqa: E402
from cluster.vrrp.control import MAX_HANDLES, SOCKETS_OPTION  # noqa: E402
from cluster.vrrp.program import main  # noqa: E402
from cluster.vrrp.sockets import FIRST_GIVEN  # noqa: E402

OURS, THE_ENGINES = b"cluster.heir", b"cluster.vrrp"
_START_OF_ARGUMENTS = 48 - 3
"""Field of /proc/self/stat (proc(5)), counted from the one behind the name."""


def wait() -> int | None:
    """Wait for the word.

    Returns:
        How many packet sockets came with it: descriptors 3, 4 and so on; None when nobody is left to say it.
    """
    waiting = socket(fileno=FIRST_GIVEN)
    handles = array("i")
    word, ancillary, _flags, _from = waiting.recvmsg(1, CMSG_SPACE(MAX_HANDLES * handles.itemsize))
    waiting.close()
    if not word:
        return None
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
            handles.frombytes(data[: len(data) - len(data) % handles.itemsize])
    for number, handle in enumerate(sorted(handles), FIRST_GIVEN):  # each moves down, to where nothing is any more
        os.dup2(handle, number)
        os.close(handle)
    return len(handles)


def be_called_the_engine() -> None:
    """Say in the command line what this process is now: whoever looks for the engine there shall find it."""
    start = int(_read("/proc/self/stat").rpartition(b")")[2].split()[_START_OF_ARGUMENTS])
    memory = os.open("/proc/self/mem", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(memory, THE_ENGINES, start + _read("/proc/self/cmdline").index(OURS))
    finally:
        os.close(memory)


def _read(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, 8192)
    finally:
        os.close(handle)


if __name__ == "__main__":
    given = wait()
    if given is None:
        sys.exit(0)
    realtime.schedule()
    be_called_the_engine()
    sys.exit(main([*sys.argv[1:], SOCKETS_OPTION, str(given)]))
