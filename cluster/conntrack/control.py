"""One command to the running conntrackd, through its own program: `conntrackd -C FILE -s`."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from cluster.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePath

PATIENCE = 20.0
"""Seconds for one command: filling the cache with a full table holds the daemon up for some."""
BRIEFLY = 1.0
"""Seconds where somebody waits for the answer, and for much else besides."""


class Control:
    """Speaks to the daemon of one configuration.

    Args:
        program: conntrackd, with its path.
        config: the configuration it runs with.
        environment: of the command.
    """

    def __init__(self, program: str, config: PurePath, environment: Mapping[str, str]) -> None:
        self._argv = (program, "-C", str(config))
        self._environment = environment

    async def command(self, *words: str, patience: float = PATIENCE) -> str:
        """Give one command.

        Args:
            words: such as ``-f internal``.
            patience: seconds to wait for its end.

        Returns:
            What it printed.

        Raises:
            UnreachableError: the daemon does not run, or does not answer in time.
        """
        process = await asyncio.create_subprocess_exec(
            *self._argv,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment,
        )
        try:
            async with asyncio.timeout(patience):
                out, err = await process.communicate()
        except TimeoutError:
            raise UnreachableError(f"conntrackd did not answer {' '.join(words)} within {patience:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):  # ended this very moment
                    process.kill()
                await process.wait()
        if process.returncode:
            raise UnreachableError(f"conntrackd refused {' '.join(words)}: {' '.join(err.decode().split())}")
        return out.decode(errors="replace")
