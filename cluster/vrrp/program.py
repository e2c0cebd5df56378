"""The engine's program behind its imports: arguments, exit codes, and what is said when it cannot run."""

from __future__ import annotations

import sys

from cluster.errors import ClusterError, LockedError
from cluster.vrrp.control import ANOTHER_RUNS, MAX_HANDLES, SOCKETS_OPTION
from cluster.vrrp.log import Log
from cluster.vrrp.runtime import Engine

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
