"""One lab for all scenarios of the second example network, calm before each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lab import APPLIANCES, Lab, eventually, lab_name

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def standing_lab() -> Iterator[Lab]:
    lab = Lab(lab_name("scenario"))
    lab.up()
    yield lab
    lab.down()


@pytest.fixture
def lab(standing_lab: Lab) -> Lab:
    """Given two healthy appliances: `master` is master and `spare` is backup, and both hear each other."""
    lab = standing_lab
    record = lab.home.running()
    for node in APPLIANCES:
        if node not in record.nodes:
            lab.start(node)
    for cable in record.pulled:
        lab.link(*cable.split("-"), "up")
    lab.exec("switch", "nft", "flush", "ruleset")
    for node in APPLIANCES:
        eventually(lambda node=node: lab.role(node) != "", otherwise=lambda: "clusterd does not answer")
        if lab.role(node) == "offline" or lab.info(node)["maintainance"]:
            lab.cli(node, "cluster set enabled 1")
            lab.cli(node, "cluster maintainance set value 0")
            lab.cli(node, "system update interface")
    lab.await_roles("master", "backup", patience=40.0)
    return lab
