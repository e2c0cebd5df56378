"""Documents show only commands that work: every ``console`` block is run here, in the order it is read."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.lab import Lab, lab_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


def commands(document: str) -> list[list[str]]:
    """The lines after ``$`` in the document's console blocks, as words."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    lines = (line for block in blocks for line in block.splitlines())
    return [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab(lab_name("documents"))
    yield lab
    lab.down()


def on_the_lab(words: list[str], name: str) -> list[str]:
    """A documented command, with this virtual environment's utmcli and this test's lab."""
    words = [str(BIN / "utmcli") if word == ".venv/bin/utmcli" else word for word in words]
    return [*words[:3], "--name", name, *words[3:]] if words[1] == "lab" else words


ROLES_AFTER = {
    "lab kill master": ("", "master"),
    "lab start master": ("master", "backup"),
    "lab link master LAN2 down": ("backup", "master"),
    "lab link master LAN2 up": ("master", "backup"),
}
"""What a person sees before they type the next line."""


@pytest.mark.netns
def test_a_newcomer_can_type_what_the_readme_says(lab: Lab) -> None:
    for words in (line for line in commands("README.md") if line[0] != "make"):
        done = subprocess.run(
            on_the_lab(words, lab.name), capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL,
        )

        assert done.returncode == 0, (words, done.stdout, done.stderr)
        if (roles := ROLES_AFTER.get(" ".join(words[1:]))) is not None:
            lab.await_roles(*roles)


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
