"""The man page: what the grammar says, in macros that man understands."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from utmcli.commands import GRAMMAR
from utmcli.grammar import Command, Grammar
from utmcli.manual import man_page

PAGE = Path(__file__).parents[2] / "docs" / "utmcli.1"


def test_the_man_page_is_what_the_grammar_says() -> None:
    assert PAGE.read_text("utf-8") == man_page(GRAMMAR), "make docs"


def test_every_command_has_its_place_in_it() -> None:
    page = man_page(GRAMMAR).replace("\\-", "-")
    assert all(f".B {command.name}" in page for command in GRAMMAR.commands)


def test_no_text_of_a_command_is_taken_for_a_macro() -> None:
    async def run(_call: object) -> None: ...

    page = man_page(Grammar([Command(("a",), "b", run, note=".so /etc/passwd\n'x \\fB")]))  # type: ignore[arg-type]
    lines = page.split(".SH COMMANDS")[1].splitlines()
    assert not [line for line in lines if line.startswith((".so", "'"))]
    assert "\\fB" not in page.split(".SH COMMANDS")[1]


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_man_finds_nothing_to_complain_of() -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z", str(PAGE)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
