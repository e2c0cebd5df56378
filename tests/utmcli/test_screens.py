"""The screens that the documentation shows are the ones that people see."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.screens import SCREENS, page, take

TRACE = ".><x!"
DOCUMENT = Path(__file__).parents[2] / "docs" / "SCREENS.md"


def shape(document: str) -> list[tuple[str, list[str]]]:
    """Titles, and the prompts and headings below each: what stays when a command is added."""
    parts = re.findall(r"^## (.*?)\n\n```text\n(.*?)\n```", document, re.MULTILINE | re.DOTALL)
    stable = re.compile(r"^(master\.cluster\.local> .*|% .*|this node .*|LAN\d .*|.*priority.*|--More--)$")
    return [
        (title, [line.rstrip(TRACE) for line in text.splitlines() if stable.match(line)]) for title, text in parts
    ]


def test_the_documented_screens_can_be_taken_again() -> None:
    documented = shape(DOCUMENT.read_text("utf-8"))
    assert [title for title, _ in documented] == list(SCREENS)
    again = dict(shape(page(take())))
    for title, lines in documented:
        assert lines, f"{title} shows nothing"
        assert again[title] == lines, title
