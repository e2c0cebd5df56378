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

from cluster.vrrp.program import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
