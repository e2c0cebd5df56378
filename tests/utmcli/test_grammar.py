"""The tree of commands: one path, one command; abbreviations and other spellings on every word."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest

import utmcli.commands
from utmcli.commands import GRAMMAR
from utmcli.grammar import Call, Command, Grammar, Key, match_key
from utmcli.manual import manual
from utmcli.results import Done
from utmcli.values import ValueType


async def nothing(_call: Call) -> Done:
    return Done()


def command(*path: str) -> Command:
    return Command(path, f"help of {' '.join(path)}", nothing)


TREE = Grammar(
    (command("cluster", "info"), command("cluster", "maintainance", "get"), command("exit")),
    {("cluster",): "the cluster"},
    {"maintenance": "maintainance", "quit": "exit"},
)


def test_a_word_means_itself_its_abbreviations_and_its_other_spellings() -> None:
    cluster = TREE.node(("cluster",))
    assert cluster is not None
    for word in ("maintainance", "maint", "m", "maintenance", "maintenan"):
        assert TREE.match(cluster, word) == ("maintainance",), word
    assert TREE.match(cluster, "") == ()
    assert TREE.match(cluster, "x") == ()
    assert TREE.match(TREE.root, "qu") == ("exit",)
    assert TREE.match(cluster, "quit") == (), "other spellings stand for words that are there"


def test_a_word_that_abbreviates_several_means_all_of_them() -> None:
    tree = Grammar((command("set"), command("status")))
    assert tree.match(tree.root, "s") == ("set", "status")
    assert tree.match(tree.root, "set") == ("set",)


def test_a_key_is_found_by_name_or_abbreviation_but_not_where_only_its_value_is_typed() -> None:
    keys = tuple(Key(name, ValueType(), "") for name in ("interface", "interfaces", "value"))
    assert [key.name for key in match_key(keys, "interface")] == ["interface"]
    assert [key.name for key in match_key(keys, "inter")] == ["interface", "interfaces"]
    assert match_key(keys, "") == ()
    assert match_key((Key("lines", ValueType(), "", positional=True),), "lines") == ()


def test_commands_and_help_are_found_by_path() -> None:
    assert TREE.command("cluster", "info") is TREE.commands[0]
    assert TREE.command("cluster") is None
    assert TREE.command("cluster", "info", "more") is None
    node = TREE.node(("cluster",))
    assert node is not None
    assert node.help == "the cluster"


@pytest.mark.parametrize(
    "paths",
    [[("a", "b"), ("a", "b")], [("a",), ("a", "b")], [("a", "b"), ("a",)]],
    ids=["twice", "longer", "shorter"],
)
def test_no_two_commands_share_a_path_and_none_continues_another(paths: list[tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match=r"continue|twice"):
        Grammar(command(*path) for path in paths)


# --- our commands -----------------------------------------------------------------------------------


def test_every_word_and_key_of_ours_is_explained() -> None:
    for each in GRAMMAR.commands:
        for length in range(1, len(each.path) + 1):
            node = GRAMMAR.node(each.path[:length])
            assert node is not None
            assert node.help, each.path[:length]
        assert all(key.help for key in each.keys), each.name


def test_help_is_a_clause_and_not_a_sentence() -> None:
    for each in GRAMMAR.commands:
        for text in (each.help, *(key.help for key in each.keys)):
            assert not text.endswith("."), text


def test_only_a_key_that_is_there_is_read_from_standard_input() -> None:
    reading = {each.name: each.reads_input for each in GRAMMAR.commands if each.reads_input}
    assert reading == {"system config import": "text"}
    assert all(each.key(each.reads_input) for each in GRAMMAR.commands if each.reads_input)


def test_a_file_in_commands_is_found_by_itself() -> None:
    declaring = {
        name for _, name, _ in pkgutil.iter_modules(utmcli.commands.__path__) if not name.startswith("_")
    }
    sources = Path(utmcli.commands.__file__).read_text("utf-8")
    assert declaring
    assert not [name for name in declaring if re.search(rf"\b{name}\b", sources)], "no file has to be named"
    assert {each.run.__module__.rpartition(".")[2] for each in GRAMMAR.commands} == declaring


def test_the_manual_is_what_the_grammar_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "CLI.md"
    assert page.read_text("utf-8") == manual(GRAMMAR), "python -m utmcli.manual > docs/CLI.md"


def test_what_help_and_menu_say_of_a_word_fits_beside_it_on_80_columns() -> None:
    texts = [(entry.name, entry.help) for command in GRAMMAR.commands for entry in (command, *command.keys)]
    assert [(name, text) for name, text in texts if len(text) > 62] == []
