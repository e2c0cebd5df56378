"""One appliance for all tests of SSH; those that change it put it back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.netns import why_not
from tests.support.ssh import Site

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("ssh"))
            item.add_marker(pytest.mark.skipif(why_not() is not None, reason=str(why_not())))


@pytest.fixture(autouse=True)
def _nobody_edits(request: pytest.FixtureRequest) -> None:
    """No test begins while another one's administrator is still said to edit."""
    if "site" in request.fixturenames:
        request.getfixturevalue("site").utmcli("system config save force 1")


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="ssh") as directory:
        Path(directory).chmod(0o755)  # the shell host gets as far as the sockets
        made = Site(Path(directory))
        try:
            made.start()
            yield made
        finally:
            made.close()
