"""Tab in somebody else's shell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.shell import Person
from utmcli.shells import PLACES, target_of, text_of

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
    bash.sees("LAN1  (ETHERNET HA)", "LAN2  (ETHERNET HA)", "LAN3  (ETHERNET HOTWIRE)")


def test_bash_is_not_confused_by_colons(bash: Person, answers: Answers) -> None:
    assert answers
    bash.types("utmcli interface set name LAN2 options [ vrid=\t\t")
    bash.types("2 ping_ch\t")
    bash.sees("vrid=2 ping_check_host=")


def test_bash_is_given_a_pipe_that_is_not_its_own(bash: Person) -> None:
    bash.types("utmcli cluster info \t")
    bash.sees_line("$ utmcli cluster info '|' ")
    bash.types("count\r")  # behind a |, quoted or not, bash asks nobody
    bash.sees("value\n-----\n4\n")


def test_zsh_completes_filters_behind_a_pipe_that_is_not_its_own(zsh: Person) -> None:
    zsh.types("utmcli cluster info \t")
    zsh.sees_line("$ utmcli cluster info '|' ")
    zsh.types("cou\t")
    zsh.sees_line("$ utmcli cluster info '|' count ")


def test_fish_completes_filters_behind_a_pipe_that_is_not_its_own(fish: Person) -> None:
    fish.types("utmcli cluster info \t")
    fish.sees_line("$ utmcli cluster info \\| ", "$ utmcli cluster info '|' ")  # fish 3, fish 4
    fish.types("cou\t")
    fish.sees_line("$ utmcli cluster info \\| count ", "$ utmcli cluster info '|' count ")


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


def test_bash_describes_the_words_that_a_second_tab_lists(bash: Person) -> None:
    bash.types("utmcli cluster maintainance \t\t")
    bash.sees("get  (", "set  (")
    bash.types("g\t")
    bash.sees_line("$ utmcli cluster maintainance get ")


def test_bash_keeps_what_stands_before_a_colon(bash: Person) -> None:
    bash.types("utmcli interface set name LAN2 options [ ping_check_host=fe80::1 vri\t")
    bash.sees("ping_check_host=fe80::1 vrid=")


def test_zsh_keeps_what_stands_before_a_colon(zsh: Person) -> None:
    zsh.types("utmcli interface set name LAN2 options [ ping_check_host=fe80::1 vri\t")
    zsh.sees("ping_check_host=fe80::1 vrid=")


def test_fish_keeps_what_stands_before_a_colon(fish: Person) -> None:
    fish.types("utmcli interface set name LAN2 options [ ping_check_host=fe80::1 vri\t")
    fish.sees("ping_check_host=fe80::1 vrid=")


def completed(shell: Shell, home: Path, name: str, script: str) -> str:
    """What a shell that was started anew, as a program, says to a script."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    path = f"{shell.client.parent}:{shell.environment['PATH']}"
    environment = {**shell.environment, "PATH": path, "HOME": str(home), "SHELL": f"/bin/{name}"}
    installed = subprocess.run(
        [shell.client, "completion", "install", "--user"], env=environment, capture_output=True, text=True,
        check=True,
    )
    assert installed.stdout.startswith("installed ")
    done = subprocess.run(
        [name, "-c", script], env=environment, capture_output=True, text=True, check=False, timeout=20
    )
    return done.stdout + done.stderr


def test_fish_finds_what_was_installed(shell: Shell, tmp_path: Path) -> None:
    said = completed(shell, tmp_path, "fish", "complete -C 'utmcli interface delete name LAN'")
    assert "LAN2\tETHERNET HA" in said
    assert "install" in completed(shell, tmp_path, "fish", "complete -C 'utmcli completion in'")


@pytest.mark.skipif(
    not Path("/usr/share/bash-completion/bash_completion").exists(), reason="bash-completion is not installed"
)
def test_bash_completion_finds_what_was_installed(shell: Shell, tmp_path: Path) -> None:
    script = (
        ". /usr/share/bash-completion/bash_completion; _completion_loader utmcli || __load_completion utmcli; "
        "COMP_LINE='utmcli interface delete name LAN'; COMP_POINT=${#COMP_LINE}; "
        "COMP_WORDS=($COMP_LINE); COMP_CWORD=4; _utmcli; echo ${COMPREPLY[@]}"
    )
    assert "LAN1 LAN2 LAN3" in completed(shell, tmp_path, "bash", script)


def test_zsh_finds_what_was_installed(shell: Shell, tmp_path: Path) -> None:
    script = "fpath=(~/.zsh/completions $fpath); autoload -Uz compinit; compinit -u -D; echo $_comps[utmcli]"
    assert "_utmcli" in completed(shell, tmp_path, "zsh", script)


@pytest.mark.parametrize("name", PLACES)
def test_the_completion_of_every_shell_can_be_shown(shell: Shell, name: str) -> None:
    assert shell.run("completion", "show", name).stdout == text_of(name)
    assert text_of(name).startswith(("#", "#compdef"))


def test_root_installs_for_everybody_and_others_for_themselves(tmp_path: Path) -> None:
    assert str(target_of("fish", tmp_path, everybody=True)).startswith("/usr/share/fish/")
    assert target_of("fish", tmp_path, everybody=False).is_relative_to(tmp_path)


def test_a_shell_that_is_none_of_ours_is_a_usage_error(shell: Shell) -> None:
    shell.environment["SHELL"] = "/bin/false"
    ended = shell.run("completion", "install")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "say for which shell: bash, zsh, fish" in ended.stderr
