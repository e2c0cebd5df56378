"""A terminal's keyboard for prompt_toolkit that is no file descriptor of this process."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from prompt_toolkit.input import Input
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prompt_toolkit.key_binding import KeyPress


_LOG = logging.getLogger("utmcli")

_UNHEARD = (Keys.Vt100MouseEvent, Keys.CPRResponse, Keys.ControlAt, Keys.ControlZ)
"""Keys that do nothing. Nobody asks the terminal for the mouse or the cursor's place; text that looks like such an
answer, a colour in a pasted log for instance, is a broken one. Ctrl-Space would begin a selection, in which letters
and Ctrl-C are ignored, and Ctrl-Z would put an invisible character into the line."""


class Keyboard(Input):
    """Keys as prompt_toolkit wants them, from bytes as a client sends them."""

    def __init__(self) -> None:
        self._keys: list[KeyPress] = []
        self._parser = Vt100Parser(self._take)
        self._ready: Callable[[], None] | None = None
        self._closed = False

    def feed(self, text: str) -> None:
        """Take what was typed; a key that prompt_toolkit stumbles over does nothing, and those behind it count."""
        self._parser.feed(text)
        if self._ready is None:
            return
        try:
            self._ready()
        except Exception:  # noqa: BLE001 - its handlers are many, and whoever types could never type again
            _LOG.exception("a key was not understood")

    def _take(self, key: KeyPress) -> None:
        if key.key not in _UNHEARD:
            self._keys.append(key)

    def close(self) -> None:
        """The terminal is gone."""
        self._closed = True
        if self._ready is not None:
            self._ready()

    def read_keys(self) -> list[KeyPress]:
        """Keys typed since the last call."""
        keys = self._keys.copy()
        self._keys.clear()
        return keys

    def flush_keys(self) -> list[KeyPress]:
        """The same, when no more bytes can be expected to belong to a key begun (Escape)."""
        self._parser.flush()
        return self.read_keys()

    @property
    def closed(self) -> bool:
        """Whether the terminal is gone."""
        return self._closed

    def fileno(self) -> int:
        """There is none."""
        raise NotImplementedError

    def typeahead_hash(self) -> str:
        """Names this keyboard among all."""
        return f"keyboard-{id(self)}"

    def raw_mode(self) -> AbstractContextManager[None]:
        """The client's terminal is raw for as long as the session lasts."""
        return nullcontext()

    def cooked_mode(self) -> AbstractContextManager[None]:
        """Nobody but the editor reads from this terminal."""
        return nullcontext()

    @contextmanager
    def attach(self, input_ready_callback: Callable[[], None]) -> Iterator[None]:
        """Call back whenever keys come; those typed ahead count."""
        before, self._ready = self._ready, input_ready_callback
        if self._keys or self._closed:
            asyncio.get_running_loop().call_soon(input_ready_callback)
        try:
            yield
        finally:
            self._ready = before

    @contextmanager
    def detach(self) -> Iterator[None]:
        """Call nobody for a while."""
        before, self._ready = self._ready, None
        try:
            yield
        finally:
            self._ready = before
            if before is not None and (self._keys or self._closed):
                before()
