"""Keys that mean nothing do nothing: the session goes on, whatever a terminal or a paste sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.shell import Shell

PROMPT = "master.cluster.local> "


@pytest.mark.parametrize(
    "keys",
    [
        "\x1a",  # Ctrl-Z
        "\x00",  # Ctrl-Space
        "\x1c",  # Ctrl-\\
        "\x1b[31m",  # a colour, of a log that was pasted: reads like a broken mouse event
        "\x1b[<0;1;1M",  # a mouse
        "\x1b[24;80R",  # where the cursor is
    ],
)
def test_a_key_without_a_meaning_leaves_line_and_session_alone(shell: Shell, keys: str) -> None:
    person = shell.person()
    person.sees_prompt()
    person.types("clus\t")  # the editor is up from here on
    person.sees_line(f"{PROMPT}cluster ")
    person.types(keys)
    person.types("info")
    person.sees_line(f"{PROMPT}cluster info")
    person.types("\r")
    person.sees("cluster_state|master")
    person.sees_prompt()
    person.gone()
