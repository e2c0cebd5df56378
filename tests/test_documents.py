"""Documents show only commands that work: every ``console`` block is run here, in the order it is read."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.lab.factory import blank
from tests.support.lab import Lab, eventually, lab_name
from utmcli.wizard import master
from utmcli.wizard.dialogue import WELCOME
from utmcli.wizard.machine import Machine
from utmcli.wizard.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def commands(document: str) -> list[list[str]]:
    """The lines after ``$`` in the document's console blocks, as words; a backslash goes on in the next line."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    lines = (line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines())
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab(lab_name("documents"))
    yield lab
    lab.down()


def on_the_lab(words: list[str], name: str) -> str:
    """A documented command or pipeline for a shell, with this virtual environment's utmcli and this test's lab."""
    pipeline = [list(part) for is_pipe, part in groupby(words, lambda word: word == "|") if not is_pipe]
    return " | ".join(shlex.join(_on_the_lab(part, name)) for part in pipeline)


def _on_the_lab(words: list[str], name: str) -> list[str]:
    words = [str(BIN / "utmcli") if word == ".venv/bin/utmcli" else word for word in words]
    return [*words[:3], "--name", name, *words[3:]] if words[1] == "lab" else words


ROLES_AFTER = {
    "lab kill master": ("", "master"),
    "lab start master": ("master", "backup"),
    "lab link master LAN2 down": ("backup", "master"),
    "lab link master LAN2 up": ("master", "backup"),
}
"""What a person sees before they type the next line."""
TOLD_BOTH = shlex.split('lab exec spare -- utmcli -c "system update interface" -c "system config save"')
"""After this the appliances know each other, and a person sees that before they go on."""


@pytest.mark.netns
def test_a_newcomer_can_type_what_the_readme_says(lab: Lab) -> None:
    for words in (line for line in commands("README.md") if line[0] != "make"):
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", on_the_lab(words, lab.name)],
            capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

        assert done.returncode == 0, (words, done.stdout, done.stderr)
        if (roles := ROLES_AFTER.get(" ".join(words[1:]))) is not None:
            lab.await_roles(*roles)
        if words[1:] == TOLD_BOTH:
            eventually(lambda: lab.info("master")["sync_state"] == "pending")


def test_the_assistant_asks_what_the_readme_shows() -> None:
    """The questions of the readme, with the answers there, are those that a blank lab's master is asked."""
    seen = Situation(blank(2, "master"), key="")
    machine = Machine(lambda: master.questions(seen, "a-new-passphrase"))
    shown = re.search(r"```text\n[^`]*cluster wizard role master\n([^`]*)```", (ROOT / "README.md").read_text())
    assert shown is not None
    assert shown[1].startswith(WELCOME)

    for line in shown[1].removeprefix(WELCOME).splitlines():
        question = machine.look()
        assert question is not None
        assert f"{line} ".startswith(question.prompt)
        machine = machine.answer(line[len(question.prompt) :])


@pytest.mark.netns
def test_an_operator_can_type_what_the_operations_guide_says(lab: Lab) -> None:
    lab.up()

    for words in commands("docs/OPERATIONS.md"):
        lab.exec("master", *words)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_documented_make_target_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    asked = {words[1] for words in commands(document) if words[0] == "make"}

    assert asked <= targets
