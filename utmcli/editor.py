"""The line editor: prompt_toolkit over a console's frames, once somebody needs it.

Programs write whole lines and look for a prompt; people press keys. So a line begins plainly: the prompt as it is,
every character echoed, nothing else. The first key that is more than a character (Tab, an arrow, ``?``) brings
the editor up, with what is typed already. A program never sees one of its escape sequences.

prompt_toolkit never sees a file descriptor: keys come from a `Keyboard`, which is fed what the client sends, and
what it draws goes to `_Paper`. So any number of editors run in one process, each in its session's task.
"""

from __future__ import annotations

import asyncio
import codecs
import time
from collections import deque
from contextvars import copy_context
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from prompt_toolkit.application import in_terminal
from prompt_toolkit.filters import Condition, completion_is_selected
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.utils import get_cwidth

from utmcli.answering import NEXT_LINE, Answering, InterruptError
from utmcli.commands import GRAMMAR
from utmcli.completion import help_at, which_live
from utmcli.console import BY_HAND
from utmcli.keyboard import Keyboard
from utmcli.line_prompt import line_prompt
from utmcli.live import fetch
from utmcli.paper import paper
from utmcli.render import render
from utmcli.tokens import in_quotation

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output
    from prompt_toolkit.shortcuts import PromptSession

    from utmcli.console import Console
    from utmcli.questions import Question
    from utmcli.session import Session

MAX_LINE = 16 * 1024
"""Characters of a line that may be typed; the editor's work grows with every one."""
MAX_AHEAD = 256 * 1024
"""Characters that may wait for the command that runs now to end: a pasted configuration. More is not taken."""
MAX_NOTICES = 100
"""Messages that wait for the command that runs now to end; the oldest go first."""
MENU = 17
"""Rows of the terminal for the line and the menu below it: every word of the longest module fits."""
_SLICE = 256
"""Characters of a paste that are edited in before other sessions get their turn."""
MORE = "--More--"
"""The question while output pauses: blank goes on, Enter shows a line, q ends it."""
_INTERRUPT = "\x03"
_END = "\x04"
_ENTER = "\r\n"
_MAY_END = _ENTER + _INTERRUPT + _END


class _State(Enum):
    IDLE = "no line is read; what is typed waits"
    PLAIN = "characters are echoed"
    STARTING = "the editor comes up; what is typed waits"
    EDITING = "keys go to the editor"


class Editor:
    """Reads lines from a terminal that knows cursor movement.

    Args:
        console: the terminal.
        session: whose completion and help it shows.
        history: of its user.
        interrupted: called at Ctrl-C while no line is being read.

    Attributes:
        touched: when something was typed last, monotonic seconds.
    """

    interrupt_mark = "^C\n"
    listens = False
    by_hand = False
    """Somebody pressed keys one by one, or one that no program presses; from then on it is a person's session."""

    def __init__(
        self, console: Console, session: Session, history: History, interrupted: Callable[[], None]
    ) -> None:
        self._console = console
        self._session = session
        self._history = history
        self._interrupted = interrupted
        self._state = _State.IDLE
        self._ahead = ""
        self._text = ""
        self._shown = ""
        self._strokes = 0
        self._notices: deque[str] = deque(maxlen=MAX_NOTICES)
        self._context: Context | None = None
        self.touched = time.monotonic()
        self._whole: asyncio.Future[bool] | None = None
        self._key: asyncio.Future[str] | None = None
        self._gone = False
        self._keyboard = Keyboard()
        self._answering: Answering | None = None

    async def read_line(self, prompt: str) -> str:
        """One line; possibly several, when they were pasted into the editor at once.

        Args:
            prompt: stands before it.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: Ctrl-D, or the terminal is gone.
        """
        try:
            if await self._begin(prompt):
                if self._answering is None:
                    self._history.append_string(self._text)
                return self._text
            self._state = _State.STARTING
            self.by_hand = True
            self._console.draw(self._erasure(prompt + self._visible(self._text)))
            self._fit_menu()
            self._console.resized = self._resized
            return await self._prompt.prompt_async(
                prompt,
                default=self._text,
                pre_run=self._ready,
                set_exception_handler=False,
                handle_sigint=False,
            )
        finally:
            self._console.resized = None
            self._state = _State.IDLE

    async def read_answer(self, question: Question | None) -> str:
        """One answer to a command's question; it never enters the history.

        Args:
            question: asked; None for one more line of an answer that goes over several.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: Ctrl-D, or the terminal is gone.
        """
        self._answering = Answering(question or NEXT_LINE, self._console.draw)
        try:
            return await self.read_line(self._answering.prompt)
        finally:
            self._answering = None

    def skip_blank_lines(self) -> None:
        """Forget empty lines that are typed ahead, such as the end of a paste."""
        self._ahead = self._ahead.lstrip(_ENTER)

    async def read_key(self) -> str:
        """One key while output pauses; what was typed ahead is for later."""
        self._console.draw(MORE)
        try:
            return await self.next_key()
        finally:
            self._console.draw("\r\x1b[K")

    async def next_key(self) -> str:
        """One key for a command that runs."""
        self._key = asyncio.get_running_loop().create_future()
        try:
            return await self._key
        finally:
            self._key = None

    async def listen(self) -> None:
        """Take in what is typed, until the terminal is gone."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := await self._console.read():
            text = decoder.decode(data)
            self.touched = time.monotonic()
            self._strokes += len(text) == 1 and text.isprintable()
            self.by_hand = self.by_hand or self._strokes >= BY_HAND
            for start in range(0, len(text), _SLICE):
                self._type(text[start : start + _SLICE])
                await asyncio.sleep(0)
        self._gone = True
        self._keyboard.close()
        if self._whole is not None and not self._whole.done():
            self._whole.set_exception(EOFError())

    def close(self) -> None:
        """Forget what was typed ahead."""
        self._ahead = ""

    def announce(self, text: str) -> None:
        """Show a message above the line that is typed, and leave that line as it is.

        While a command runs it waits for the next prompt. A program is told nothing: it would take it for output.

        Args:
            text: one or more whole lines.
        """
        if not self.by_hand:
            return
        if self._state is _State.PLAIN:
            line = self._shown + self._visible(self._text)
            self._console.draw(f"{self._erasure(line)}{text}{line}")
        elif self._state is _State.EDITING and self._context is not None:
            # prompt_toolkit finds its application by the context, and whoever announces runs in another.
            self._context.run(self._prompt.app.create_background_task, self._above(text))
        else:
            self._notices.append(text)

    # --- what is typed ------------------------------------------------------------------------------

    def _type(self, text: str) -> None:
        if self._state is _State.IDLE and _INTERRUPT in text:
            self._ahead = text = text[text.rindex(_INTERRUPT) + 1 :]
            self._interrupted()
            return
        if self._key is not None and not self._key.done() and text:
            self._key.set_result(text[0])
            text = text[1:]
        if len(self._ahead) < MAX_AHEAD:
            self._ahead += text
        self._work()

    def _work(self) -> None:
        """Give what is typed to whoever reads the line now; what belongs to the next line waits."""
        while self._ahead:
            if self._state is _State.PLAIN:
                self._echo()
            elif self._state is _State.EDITING:
                self._edit()
            else:
                return

    def _echo(self) -> None:
        """Echo characters up to the first key that is more than one."""
        before = len(self._text)
        for key in self._ahead:
            if not self._is_plain(key):
                break
            self._text += key
        self._console.draw(self._visible(self._text[before:]))
        self._ahead = self._ahead[len(self._text) - before :]
        if not self._ahead:
            return
        key = self._ahead[0]
        self._state = _State.IDLE
        if key in _ENTER:
            self._skip_enter()
            self._console.draw("\n")
            self._settle(whole=True)
        elif key == _INTERRUPT:
            self._ahead = self._ahead[1:]
            self._console.draw("^C\n")
            self._settle(error=InterruptError())
        elif key == _END and not self._text:
            self._ahead = self._ahead[1:]
            self._console.draw("\n")
            self._settle(error=EOFError())
        else:
            self._settle(whole=False)

    def _edit(self) -> None:
        """Feed the editor up to a key that may end the line: what follows may be meant for the command."""
        end = next((at + 1 for at, key in enumerate(self._ahead) if key in _MAY_END), len(self._ahead))
        keys, self._ahead = self._ahead[:end], self._ahead[end:]
        if len(self._prompt.default_buffer.text) > MAX_LINE:
            keys = "".join(key for key in keys if key < " ")
        self._keyboard.feed(keys)
        if self._prompt.app.is_done:
            self._state = _State.IDLE

    def _is_plain(self, key: str) -> bool:
        quoted = bool(self._text) if self._answering is not None else in_quotation(self._text)
        return key.isprintable() and (key != "?" or quoted) and len(self._text) < MAX_LINE

    def _visible(self, typed: str) -> str:
        """What is echoed of what is typed."""
        return typed if self._answering is None else self._answering.shown(typed)

    def _skip_enter(self) -> None:
        """Enter is one key, also from a program that writes both characters."""
        self._ahead = self._ahead[2:] if self._ahead.startswith("\r\n") else self._ahead[1:]

    @property
    def _prompt(self) -> PromptSession[str]:
        """prompt_toolkit, once it is needed: even its construction writes to the terminal."""
        if self._answering is None:
            return self._line_prompt
        return self._answering.session(self._keyboard, self._output)

    @cached_property
    def _output(self) -> Output:
        return paper(self._console, lambda: self._columns)

    @cached_property
    def _line_prompt(self) -> PromptSession[str]:
        return line_prompt(
            self._session, self._history, self._keys(), self._room, input=self._keyboard, output=self._output
        )

    # --- from plain to edited -------------------------------------------------------------------------

    async def _begin(self, prompt: str) -> bool:
        """Echo plainly; whether the line is whole, else the editor has to go on with it."""
        if self._gone:
            raise EOFError
        self._text = ""
        self._strokes = 0
        self._shown = prompt
        while self._notices:
            self._console.draw(self._notices.popleft())
        self._console.draw(prompt)
        self._whole = asyncio.get_running_loop().create_future()
        self._state = _State.PLAIN
        self._work()
        return await self._whole

    def _settle(self, *, whole: bool = False, error: Exception | None = None) -> None:
        if self._whole is None or self._whole.done():
            return
        if error is not None:
            self._whole.set_exception(error)
        else:
            self._whole.set_result(whole)

    def _ready(self) -> None:
        """The editor is about to attach to its keyboard and to load the history: one round of the loop each."""
        self._context = copy_context()
        loop = asyncio.get_running_loop()
        loop.call_soon(loop.call_soon, self._start_editing)

    def _start_editing(self) -> None:
        if self._state is _State.STARTING:
            self._state = _State.EDITING
            while self._notices:
                self.announce(self._notices.popleft())
            self._work()

    @property
    def _columns(self) -> int:
        return self._session.width or self._console.columns or 80

    def _room(self) -> int:
        """Columns behind the cursor in its row; none once the line is carried out."""
        if self._prompt.app.is_done:
            return 0
        used = get_cwidth(self._shown + self._prompt.default_buffer.text) % self._columns
        return self._columns - used - 1

    def _erasure(self, shown: str) -> str:
        """Takes away what was echoed, so that the editor can draw it itself."""
        rows = max(0, get_cwidth(shown) - 1) // self._columns
        return "\r" + (f"\x1b[{rows}A" if rows else "") + "\x1b[J"

    def _fit_menu(self) -> None:
        """Room below the line for the menu; more than the terminal has, and prompt_toolkit would draw nothing."""
        self._prompt.reserve_space_for_menu = min(MENU, (self._console.rows or MENU) - 1)

    def _resized(self) -> None:
        self._fit_menu()
        self._prompt.app._on_resize()  # noqa: SLF001 - prompt_toolkit knows only the window of its own process

    # --- keys of our own -----------------------------------------------------------------------------

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("?", filter=Condition(lambda: not in_quotation(self._before_cursor())))
        def _(event: KeyPressEvent) -> None:
            event.app.create_background_task(self._help(self._before_cursor()))

        @keys.add("enter", filter=completion_is_selected)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.complete_state = None  # takes the candidate; another Enter carries the line out

        return keys

    def _before_cursor(self) -> str:
        return self._prompt.default_buffer.document.text_before_cursor

    async def _help(self, line: str) -> None:
        live = await fetch(self._session.ask, which_live(GRAMMAR, line))
        text = render(help_at(GRAMMAR, line, live))
        async with in_terminal(render_cli_done=True):
            self._console.draw(text)

    async def _above(self, text: str) -> None:
        async with in_terminal():
            self._console.draw(text)
