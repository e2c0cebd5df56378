"""clusterd of a version with another schema of configurations: `python other_schema.py -m cluster.daemon ...`."""

from __future__ import annotations

import runpy
import sys

import cluster.partnership
from cluster.hotwire import exchange_receiver

OTHER = 7


def main() -> None:
    cluster.partnership.VERSION = exchange_receiver.VERSION = OTHER
    _, module, *arguments = sys.argv[1:]
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
