"""systemctl(1), asked and waited for."""

from __future__ import annotations

import asyncio

from cluster.errors import ClusterError

SYSTEMCTL = "systemctl"
LOOK_PATIENCE = 10.0
"""Seconds for an answer."""


async def systemctl(*words: str, patience: float = LOOK_PATIENCE) -> str:
    """Its standard output.

    Args:
        words: of the command line.
        patience: seconds for it to end.

    Raises:
        ClusterError: it failed, and what it said; or it did not end.
    """
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(SYSTEMCTL, *words, stdout=pipe, stderr=pipe)
    except OSError as error:
        raise ClusterError(f"{SYSTEMCTL} cannot be started: {error.strerror}") from error
    try:
        async with asyncio.timeout(patience):
            out, err = await process.communicate()
    except TimeoutError as error:
        raise ClusterError(f"{SYSTEMCTL} {words[0]} does not end within {patience:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = err.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise ClusterError(f"{SYSTEMCTL} {words[0]} failed: {said[0]}")
    return out.decode(errors="replace")
