"""`cluster monitor` on real appliances: every advert that passes is a mark, and every one that does not."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.lab import eventually
from tests.support.shell import Person

if TYPE_CHECKING:
    from tests.support.lab import Lab

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("lab")]
PATIENCE = 40.0


def looks_at_the_monitor(lab: Lab, node: str) -> Person:
    command = lab.command("exec", node, "--", "utmcli", "cluster", "monitor")
    return Person(Path(command[0]), command[1:], {**os.environ, "TERM": "xterm"}, (24, 130), tells_size=True)


def sees_traces(person: Person, pattern: str) -> None:
    """Wait until the traces of both interfaces end like this."""
    rows = re.compile(rf"^LAN[12] .*{pattern}$", re.MULTILINE)
    eventually(lambda: len(rows.findall(person.look())) == 2, PATIENCE, person.look)


def test_the_traces_show_who_sends_and_that_nobody_does_and_who_takes_over(lab: Lab) -> None:
    master, spare = looks_at_the_monitor(lab, "master"), looks_at_the_monitor(lab, "spare")
    sees_traces(master, ">{4}")
    sees_traces(spare, "<{4}")
    lab.kill("master")
    sees_traces(spare, "<_+>[>_]{3,}")
    spare.types("q")
    assert spare.leaves() == 0
