"""One lab for all scenarios of the second example network, calm before each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.lab import APPLIANCES, Lab, eventually, lab_name

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


_LOG_TAIL = 40


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A scenario that fails shows what the appliances said."""
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Lab):
                for node in APPLIANCES:
                    report.sections.append((f"log of {node}", last_words(value, node)))
    return report


def last_words(lab: Lab, node: str) -> str:
    log = lab.home.of(node) / "log"
    return "\n".join(log.read_text().splitlines()[-_LOG_TAIL:]) if log.exists() else "(none)"


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
