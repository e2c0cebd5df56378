"""Tab in somebody else's shell."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import Person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Shell

SCRIPTS = Path(__file__).parents[2] / "completions"


def somebody_in(shell: Shell, name: str, options: list[str], prepare: str) -> Person:
    """At the prompt of another shell, with our completion."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed")
    path = f"{shell.client.parent}:{shell.environment['PATH']}"
    environment = {
        **shell.environment, "PATH": path, "PS1": "$ ", "PROMPT": "$ ", "HISTFILE": "", "INPUTRC": "/dev/null",
        "HOME": str(shell.run_dir),
    }
    person = Person(Path(program), options, environment, (24, 100), tells_size=True)
    person.sees_prompt("$ ")
    person.types(prepare + "\r")
    person.sees_prompt("$ ")
    return person


@pytest.fixture
def bash(shell: Shell) -> Iterator[Person]:
    """Somebody in bash."""
    person = somebody_in(shell, "bash", ["--norc", "--noprofile"], f". {SCRIPTS}/utmcli.bash")
    yield person
    person.gone()


@pytest.fixture
def zsh(shell: Shell) -> Iterator[Person]:
    """Somebody in zsh."""
    prepare = f"fpath=({SCRIPTS} $fpath); autoload -Uz compinit; compinit -u -D; clear"
    person = somebody_in(shell, "zsh", ["-f", "+o", "promptsp"], prepare)
    yield person
    person.gone()


@pytest.fixture
def fish(shell: Shell) -> Iterator[Person]:
    """Somebody in fish."""
    prepare = f"function fish_prompt; echo -n '$ '; end; source {SCRIPTS}/utmcli.fish; clear"
    begin = "function fish_prompt; echo -n '$ '; end; function fish_greeting; end"
    person = somebody_in(shell, "fish", ["--no-config", "--init-command", begin], prepare)
    yield person
    person.gone()


def test_bash_completes_a_word(bash: Person) -> None:
    bash.types("utmcli cluster mainten\t")
    bash.sees_line("$ utmcli cluster maintenance ")


def test_bash_completes_behind_options(bash: Person) -> None:
    bash.types("utmcli --json cluster inf\t")
    bash.sees_line("$ utmcli --json cluster info ")


def test_bash_lists_the_names_that_exist(bash: Person) -> None:
    bash.types("utmcli interface delete name LAN\t\t")
    bash.sees("LAN1  LAN2  LAN3")


def test_bash_is_not_confused_by_colons(bash: Person, answers: Answers) -> None:
    assert answers
    bash.types("utmcli interface set name LAN2 options [ vrid=\t\t")
    bash.types("2 ping_ch\t")
    bash.sees("vrid=2 ping_check_host=")


def test_bash_completes_options(bash: Person) -> None:
    bash.types("utmcli --js\t")
    bash.sees_line("$ utmcli --json ")


def test_zsh_completes_a_word(zsh: Person) -> None:
    zsh.types("utmcli cluster mainten\t")
    zsh.sees("$ utmcli cluster maintenance")


def test_zsh_shows_descriptions_and_live_names(zsh: Person) -> None:
    zsh.types("utmcli interface delete name LAN\t\t")
    zsh.sees("LAN1", "LAN2", "LAN3", "ETHERNET HOTWIRE")


def test_zsh_completes_behind_options(zsh: Person) -> None:
    zsh.types("utmcli --json cluster inf\t")
    zsh.sees("$ utmcli --json cluster info")


def test_fish_completes_a_word(fish: Person) -> None:
    fish.types("utmcli cluster mainten\t")
    fish.sees("$ utmcli cluster maintenance")


def test_fish_shows_descriptions_and_live_names(fish: Person) -> None:
    fish.types("utmcli interface delete name LAN\t\t")
    fish.sees("LAN1", "LAN2", "LAN3", "(ETHERNET HOTWIRE)")


def test_fish_completes_behind_options(fish: Person) -> None:
    fish.types("utmcli --json cluster inf\t")
    fish.sees("$ utmcli --json cluster info")
