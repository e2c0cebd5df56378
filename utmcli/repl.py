"""The conversation: prompt, line, answer, until somebody leaves.

Ctrl-C stops the command that runs, or drops the line that is typed, and never ends the session; Ctrl-D on an empty
line and `exit` do. Hints stand above the prompt when they are new, never inside it.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from itertools import dropwhile
from typing import TYPE_CHECKING, Protocol

from prompt_toolkit.application import create_app_session

from utmcli.answering import InterruptError
from utmcli.asking import LinesDialogue, PromptDialogue
from utmcli.commands import GRAMMAR
from utmcli.completion import help_at, which_live
from utmcli.editor import MORE, Editor
from utmcli.hints import Surroundings
from utmcli.live import fetch
from utmcli.oneshot import commands_in, lines_of, run_transcript
from utmcli.questions import explanation
from utmcli.render import EXIT_INTERRUPTED, EXIT_OK, render
from utmcli.stage import Stage, is_capable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from utmcli.bulletin import Bulletin
    from utmcli.console import Console
    from utmcli.history import LineHistory
    from utmcli.questions import Question
    from utmcli.session import Session

WELCOME = "Tab completes, ? explains, exit leaves.\n"
CONSOLE = "console"
"""The source of whoever is at this machine."""
_NOTICES = 100
"""Messages that wait for the next prompt; the oldest go first."""
_GLANCE = 0.5
"""Seconds that asking for host name and hints may keep the prompt waiting."""


class LineReader(Protocol):
    """Where lines come from: the editor, or a terminal that knows no cursor movement.

    Attributes:
        interrupt_mark: what to write when Ctrl-C stopped a command.
        by_hand: a person sits there, as far as that can be told.
        listens: messages are for it though nobody was seen to type.
        touched: when something was typed last, monotonic seconds.
    """

    interrupt_mark: str
    touched: float

    @property
    def by_hand(self) -> bool:
        """See above."""

    @property
    def listens(self) -> bool:
        """See above."""

    def announce(self, text: str) -> None:
        """Show a message above the line that is typed, or the next one, where a person types it."""

    async def read_line(self, prompt: str) -> str:
        """One line, without its end.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: there will be no more.
        """

    async def read_answer(self, question: Question | None) -> str:
        """One answer to a command's question, or one more line of it; never kept.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: there will be no more.
        """

    def skip_blank_lines(self) -> None:
        """Forget empty lines that are typed ahead."""

    async def read_key(self) -> str:
        """One key while output pauses; the question is shown, and taken away again."""

    async def next_key(self) -> str:
        """One key for a command that draws on the whole screen."""

    async def listen(self) -> None:
        """Take in what is typed, until the terminal is gone."""

    def close(self) -> None:
        """Forget what was typed ahead."""


class PlainReader:
    """A terminal without cursor movement (TERM=dumb, or of unknown size): the kernel's own line editing.

    Messages of others are plain lines above the next prompt, as hints are. Over SSH a program at such a terminal
    gets none, and output pauses for people only: keys that are pressed one by one tell them apart. A local terminal
    hands over whole lines; somebody at a serial line gets messages, and pauses with `terminal length`.

    Args:
        console: the terminal.
        session: whose help it shows.
        interrupted: called at Ctrl-C while no line is being read.
    """

    interrupt_mark = "\n"  # the terminal shows ^C by itself

    def __init__(self, console: Console, session: Session, interrupted: Callable[[], None]) -> None:
        self._console = console
        self._session = session
        self._interrupted = interrupted
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._reading: asyncio.Future[None] | None = None
        self._gone = False
        self._notices: deque[str] = deque(maxlen=_NOTICES)
        self.touched = time.monotonic()
        console.interrupted = self._stop

    @property
    def by_hand(self) -> bool:
        """A person sits there, where that can be told."""
        return self._console.by_hand

    @property
    def listens(self) -> bool:
        """At a local terminal of this kind, a serial line for instance, there is a person as a rule."""
        return self._session.actor.source == CONSOLE

    def announce(self, text: str) -> None:
        """Keep a message for the next prompt: now it would tear the line that is typed, or the output."""
        self._notices.append(text)

    async def read_line(self, prompt: str) -> str:
        """One line; a line that ends with ``?`` is answered with help instead.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: Ctrl-D, or the terminal is gone.
        """
        while True:
            while self._notices:
                await self._console.write(self._notices.popleft())
            await self._console.write(prompt)
            line = await self._next()
            if not line.rstrip().endswith("?"):
                return line
            asked = line.rstrip()[:-1]
            live = await fetch(self._session.ask, which_live(GRAMMAR, asked))
            await self._console.write(render(help_at(GRAMMAR, asked, live)))

    async def read_answer(self, question: Question | None) -> str:
        """One answer; ``?`` alone explains the question.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: Ctrl-D, or the terminal is gone.
        """
        while True:
            self._console.set_echo(shown=question is None or not question.secret)
            try:
                await self._console.write(question.prompt if question is not None else "")
                line = await self._next()
            finally:
                self._console.set_echo(shown=True)
            if question is None or line.strip() != "?":
                return line
            await self._console.write(explanation(question))

    def skip_blank_lines(self) -> None:
        """Forget empty lines that are typed ahead."""
        ahead = [self._lines.get_nowait() for _ in range(self._lines.qsize())]
        for line in dropwhile(lambda line: line is not None and not line.strip(), ahead):
            self._lines.put_nowait(line)

    async def read_key(self) -> str:
        """The first character of a line; Enter for an empty one."""
        await self._console.write(MORE)
        line = None if self._gone and self._lines.empty() else await self._lines.get()
        return "q" if line is None else line[:1] or "\n"

    async def next_key(self) -> str:
        """There is no screen to draw on that a key could be pressed at."""
        return await self.read_key()

    async def listen(self) -> None:
        """Take in lines, until the terminal is gone."""
        async for line in lines_of(self._console.read):
            self.touched = time.monotonic()
            self._lines.put_nowait(line)
        self._gone = True  # a question may take the end of the input before the next prompt does
        self._lines.put_nowait(None)

    def close(self) -> None:
        """Listen to Ctrl-C no longer."""
        self._console.interrupted = None

    async def _next(self) -> str:
        if self._gone and self._lines.empty():
            raise EOFError
        self._reading = asyncio.get_running_loop().create_future()
        line = asyncio.ensure_future(self._lines.get())
        try:
            await asyncio.wait((line, self._reading), return_when=asyncio.FIRST_COMPLETED)
            if not line.done():
                await self._console.write("\n")
                raise InterruptError
            read = line.result()
        finally:
            line.cancel()
            self._reading = None
        if read is None:
            raise EOFError
        return read

    def _stop(self) -> None:
        while not self._lines.empty():
            self._lines.get_nowait()
        self._console.set_mode("2")  # nothing new: it tells the client that the key was taken
        if self._reading is None:
            self._interrupted()
        elif not self._reading.done():
            self._reading.set_result(None)


class Conversation:
    """One interactive session on a console.

    Args:
        session: whose.
        console: where.
        history: of lines typed before.
        bulletin: what its user is told meanwhile.
    """

    def __init__(self, session: Session, console: Console, history: LineHistory, bulletin: Bulletin) -> None:
        self._session = session
        self._console = console
        self._history = history
        self._bulletin = bulletin
        self._hostname = socket.gethostname()
        self._shown: tuple[str, ...] = ()
        self._running: asyncio.Task[int] | None = None
        session.lines = history.get_strings

    async def hold(self) -> int:
        """Talk with a person at a terminal until they leave; the exit code."""
        # What prompt_toolkit takes for the current application is kept in its session: one for each of ours.
        with create_app_session():
            return await self._hold()

    async def _hold(self) -> int:
        hello = self._console.hello
        reader: LineReader
        if hello.term in ("", "dumb") or not hello.columns or not hello.rows:
            self._console.set_mode("2")
            reader = PlainReader(self._console, self._session, self._interrupt)
        else:
            self._console.set_mode("1")
            reader = Editor(self._console, self._session, self._history, self._interrupt)
        self._session.more = reader.read_key
        self._session.stage = lambda: self._stage(reader)
        self._session.attended = lambda: reader.by_hand
        self._session.fits = lambda: (self._console.rows * reader.by_hand, self._columns)
        self._session.dialogue = PromptDialogue(reader, self._console)
        listening = asyncio.create_task(reader.listen())
        try:
            await self._console.write(WELCOME)
            await self._talk(reader)
        finally:
            self._bulletin.leave(self._session)
            listening.cancel()
            reader.close()
            self._console.set_mode("0")
        return EXIT_OK

    async def transcribe(self, *, stop: bool = False) -> int:
        """Let lines that come without a terminal be typed in, and show it; the exit code of the last one.

        Args:
            stop: end with the first line that fails.
        """
        lines = lines_of(self._console.read)
        self._session.dialogue = LinesDialogue(lines, self._console, shows_answers=True)
        return await run_transcript(self._session, lines, self._console, self._prompt_with_hints, stop=stop)

    async def _prompt_with_hints(self) -> str:
        for hint in await self._look():
            await self._console.write_error(hint)
        return self._prompt

    async def _talk(self, reader: LineReader) -> None:
        while not self._session.closed:
            for hint in await self._look():
                await self._console.write(hint)
            try:
                text = await self._line(reader)
            except InterruptError:
                continue
            except EOFError:
                return
            if reader.by_hand or reader.listens:
                self._bulletin.listen(self._session, reader.announce)
            if await self._carry_out_all(commands_in(text)) == EXIT_INTERRUPTED:
                await self._console.write(reader.interrupt_mark)

    async def _line(self, reader: LineReader) -> str:
        """The next line.

        Raises:
            InterruptError: Ctrl-C.
            EOFError: there will be no more, also because nobody typed for too long.
        """
        began = time.monotonic()
        reading = asyncio.create_task(reader.read_line(self._prompt))
        try:
            while True:
                patience = self._session.timeout * 60.0 or None
                left = None if patience is None else max(began, reader.touched) + patience - time.monotonic()
                if left is not None and left <= 0:
                    await _ended(reading)
                    note = f"\n% Note: no key for {self._session.timeout} min, the session ends\n"
                    await self._console.write_error(note)
                    raise EOFError
                done, _ = await asyncio.wait((reading,), timeout=left)
                if done:
                    return reading.result()
        finally:
            await _ended(reading)

    async def _carry_out_all(self, lines: Sequence[str]) -> int:
        """Lines that were typed at once; of several each is shown above what comes of it. The last exit code."""
        code = EXIT_OK
        for line in lines:
            if len(lines) > 1:
                await self._console.write(f"{self._prompt}{line}\n")
            code = await self._carry_out(line)
            if self._session.closed or code == EXIT_INTERRUPTED:
                break
        return code

    async def _carry_out(self, line: str) -> int:
        self._running = asyncio.create_task(self._session.run(line, self._console))
        try:
            await asyncio.wait((self._running,))
            return EXIT_INTERRUPTED if self._running.cancelled() else self._running.result()
        finally:
            self._running.cancel()
            self._running = None

    def _interrupt(self) -> None:
        if self._running is not None:
            self._running.cancel()

    def _stage(self, reader: LineReader) -> Stage | None:
        return Stage(self._console, reader.next_key) if reader.by_hand and is_capable(self._console) else None

    @property
    def _columns(self) -> int:
        return self._session.width or self._console.columns

    @property
    def _prompt(self) -> str:
        return f"{self._hostname}> "

    async def _look(self) -> list[str]:
        """Refresh the host name; hints that were not shown before, one a line."""
        try:
            async with asyncio.timeout(_GLANCE):
                seen = await self._session.look()
        except TimeoutError:
            seen = Surroundings("", ("clusterd does not answer",))
        self._hostname = seen.hostname or self._hostname
        new = [f"% Note: {hint}\n" for hint in seen.hints if hint not in self._shown]
        self._shown = seen.hints
        return new


async def _ended(task: asyncio.Task[str]) -> None:
    """Cancel a task unless it is over, and wait until it is; what it raised stays in it."""
    task.cancel()
    await asyncio.wait((task,))
