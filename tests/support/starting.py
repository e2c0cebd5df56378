"""clusterd up to the first thing that tells its start apart: `python starting.py REPORT -m cluster.daemon ...`.

The product knows nothing of it: the interpreter itself tells (PEP 578) that a process is about to be started, or
something about to be imported. Nothing is started; REPORT says which came first, and what was imported by then.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from typing import Any

ENGINE, THE_REST = "engine", "the rest"


def watch(report: str) -> None:
    """End this process at the engine's start, or at the import of what serves everything else."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.posix_spawn" and "cluster.vrrp" in arguments[1]:
            end(ENGINE)
        elif event == "import" and arguments[0] == "cluster.wiring":
            end(THE_REST)

    def end(first: str) -> None:
        with open(report, "w") as file:  # noqa: PTH123 - imports nothing that is looked for
            json.dump({"first": first, "imported": sorted(sys.modules)}, file)
        os._exit(0)

    sys.addaudithook(hook)


def main() -> None:
    report, _, module, *arguments = sys.argv[1:]
    watch(report)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
