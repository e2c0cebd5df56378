"""What prompt_toolkit draws on: the frames of a console instead of a file descriptor of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO, cast

from prompt_toolkit.data_structures import Size
from prompt_toolkit.output.vt100 import Vt100_Output

from utmcli.dressing import color_depth

if TYPE_CHECKING:
    from collections.abc import Callable

    from utmcli.console import Console


class _Paper:
    """What the editor draws on."""

    encoding = "utf-8"

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, text: str) -> None:
        self._console.draw(text)

    def flush(self) -> None:
        """Frames leave at once."""


def paper(console: Console, columns: Callable[[], int]) -> Vt100_Output:
    """The output of one console.

    Args:
        console: the terminal.
        columns: its width now.
    """
    output = Vt100_Output(
        cast("TextIO", _Paper(console)),
        lambda: Size(rows=console.rows or 24, columns=columns()),
        term=console.hello.term,
        enable_cpr=False,  # a program at the other end would not answer, and read the question as output
    )
    output.default_color_depth = color_depth(console.hello.term)
    return output
