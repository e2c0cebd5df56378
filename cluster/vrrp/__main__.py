"""``python -S -P -m cluster.vrrp --run-dir DIR [--state-dir DIR] [--sockets N]``: the engine as a process.

No argparse: importing it costs as much as the engine's whole start.

Exit codes: 0 after an orderly stop, 1 when the engine cannot run, 2 for wrong arguments, 3 when another engine
runs in this network namespace.
"""

from __future__ import annotations

import gc
import sys

from cluster.vrrp import realtime

# Collecting garbage while importing costs a millisecond and finds none. On a busy machine it is waiting for a turn
# on the processor that costs most, so a restart runs in real time from here on.
gc.disable()
realtime.schedule()

from cluster.errors import ClusterError, LockedError  # noqa: E402
from cluster.vrrp.control import ANOTHER_RUNS, MAX_HANDLES, SOCKETS_OPTION  # noqa: E402
from cluster.vrrp.log import Log  # noqa: E402
from cluster.vrrp.runtime import Engine  # noqa: E402

USAGE = "usage: python -m cluster.vrrp --run-dir DIR [--state-dir DIR] [--sockets N]"


def main(arguments: list[str]) -> int:
    """Run the engine.

    Args:
        arguments: of the command line, without the program.

    Returns:
        The exit code.
    """
    options = dict(zip(arguments[::2], arguments[1::2], strict=False))
    given = options.pop(SOCKETS_OPTION, "0")
    wrong = len(arguments) % 2 or "--run-dir" not in options or options.keys() - {"--run-dir", "--state-dir"}
    if wrong or not given.isdecimal() or int(given) > MAX_HANDLES:
        sys.stderr.write(f"{USAGE}\n")
        return 2
    stderr = Log()
    try:
        Engine(options["--run-dir"], options.get("--state-dir"), stderr, int(given)).run()
    except ClusterError as problem:
        stderr.error("; ".join((problem.message, *problem.details)))
        return ANOTHER_RUNS if isinstance(problem, LockedError) else 1
    except OSError as problem:
        stderr.error(f"the engine cannot run: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
