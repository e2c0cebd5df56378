"""What the menu of the editor offers, also where there are more names than anybody reads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from prompt_toolkit.completion import CompleteEvent, get_common_complete_suffix
from prompt_toolkit.document import Document

from cluster.model import Account
from tests.support.node import CONFIG, Node
from utmcli.dressing import MOST_OFFERED, GrammarCompleter

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completion

MANY = 10_000


def offered(line: str, names: list[str]) -> list[Completion]:
    node = Node(config=replace(CONFIG, users={name: Account(role="readonly") for name in names}))
    completer = GrammarCompleter(node.session)

    async def collect() -> list[Completion]:
        found = completer.get_completions_async(Document(line), CompleteEvent())
        return [completion async for completion in found]

    return asyncio.run(collect())


def test_a_menu_shows_no_more_names_than_somebody_walks_through_and_says_how_many_there_are() -> None:
    menu = offered("user delete name ", [f"person{number:05}" for number in range(MANY)])
    assert [each.text for each in menu[:2]] == ["person00000 ", "person00001 "]
    assert len(menu) == MOST_OFFERED + 1
    assert (menu[-1].display_text, menu[-1].display_meta_text) == (
        "..", f"{MANY - MOST_OFFERED} more; the first letters narrow them down",
    )  # fmt: skip


def test_a_menu_that_shows_all_says_nothing_of_more() -> None:
    menu = offered("user delete name ", [f"person{number:05}" for number in range(MOST_OFFERED)])
    assert [each.display_text for each in menu[-1:]] == [f"person{MOST_OFFERED - 1:05}"]


@pytest.mark.parametrize(
    ("line", "names", "added"),
    [
        ("user delete name ", [f"person{number:05}" for number in range(MANY)], "person0"),
        ("user delete name pe", [f"person{number:05}" for number in range(MANY)], "rson0"),
        ("user delete name ", [*(f"person{number:05}" for number in range(MANY)), "penny"], "pe"),
        ("user delete name ", [*(f"person{number:05}" for number in range(MANY)), "admin"], ""),
        ("user delete name PE", [f"person{number:05}" for number in range(MANY)], ""),
    ],
)
def test_tab_inserts_what_all_names_begin_with_also_those_that_are_not_shown(
    line: str, names: list[str], added: str
) -> None:
    assert get_common_complete_suffix(Document(line), offered(line, names)) == added
