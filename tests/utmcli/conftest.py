"""A shell to talk to, with a fake clusterd behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.fake_clusterd import FakeClusterd
from tests.support.shell import Shell, ShellHost, install_client, short_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers


@pytest.fixture(scope="module")
def _installed() -> Iterator[Shell]:
    with short_directory() as directory:
        yield Shell(directory, install_client(directory))


@pytest.fixture
def alone(_installed: Shell) -> Iterator[Shell]:
    """A client without a shell host and without a clusterd."""
    with short_directory() as run_dir:
        yield Shell(run_dir, _installed.client)


@pytest.fixture
def clusterd(alone: Shell) -> Iterator[FakeClusterd]:
    """A fake clusterd that runs."""
    with FakeClusterd(alone.run_dir) as fake:
        yield fake


@pytest.fixture
def answers(clusterd: FakeClusterd) -> Answers:
    """What the fake clusterd answers and was asked."""
    return clusterd.answers


@pytest.fixture
def host(alone: Shell, clusterd: FakeClusterd) -> Iterator[ShellHost]:
    """A shell host that runs, with a clusterd behind it."""
    assert clusterd
    with ShellHost(alone.run_dir) as running:
        yield running


@pytest.fixture
def shell(alone: Shell, host: ShellHost) -> Shell:
    """A client with everything behind it."""
    assert host
    return alone
