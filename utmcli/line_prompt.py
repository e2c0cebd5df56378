"""prompt_toolkit, put together for command lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prompt_toolkit.application import create_app_session
from prompt_toolkit.shortcuts import PromptSession

from utmcli.answering import InterruptError
from utmcli.dressing import STYLE, GrammarCompleter, GrammarLexer, expected_behind

if TYPE_CHECKING:
    from collections.abc import Callable

    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings

    from utmcli.session import Session


def line_prompt(
    session: Session,
    history: History,
    keys: KeyBindings,
    room: Callable[[], int],
    **terminal: Any,
) -> PromptSession[str]:
    """The editor of command lines.

    Args:
        session: whose completion it offers.
        history: of its user.
        keys: besides prompt_toolkit's own.
        room: columns that are free behind the cursor.
        terminal: `input` and `output` of prompt_toolkit.
    """
    with create_app_session(**terminal):
        prompt: PromptSession[str] = PromptSession(
            history=history,
            completer=GrammarCompleter(session),
            lexer=GrammarLexer(),
            style=STYLE,
            input_processors=[expected_behind(lambda: prompt.default_buffer.document, room)],
            search_ignore_case=True,
            complete_while_typing=False,
            enable_history_search=True,
            key_bindings=keys,
            interrupt_exception=InterruptError,
            **terminal,
        )
    prompt.app.terminal_size_polling_interval = None  # the client tells
    return prompt
