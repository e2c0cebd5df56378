"""What all tests share: tests of real networks are left out, with the reason, where there can be none."""

from __future__ import annotations

import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.netns import Network, why_not

if TYPE_CHECKING:
    from collections.abc import Iterator

# How fast examples come depends on what else the machine does, and says nothing about the product.
settings.register_profile("utmcli", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("utmcli")

# A background job of a script is started deaf to Ctrl-C, and so would be whatever a test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TOOLS = ("ip", "unshare", "setpriv", "nsenter")


@pytest.fixture
def network() -> Iterator[Network]:
    """A network of a test's own, without any node yet."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    made = Network()
    yield made
    made.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not any(item.get_closest_marker("netns") for item in items):
        return
    reason = why_no_namespaces()
    if reason is None:
        return
    skip = pytest.mark.skip(reason=reason)
    for item in items:
        if item.get_closest_marker("netns"):
            item.add_marker(skip)


def why_no_namespaces() -> str | None:
    """The reason why this machine cannot run a lab, or None."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"no network namespaces without {', '.join(missing)} (make setup installs them as root)"
    for user in ([], ["--user", "--map-root-user"]):
        command = ["unshare", *user, "--net", "--pid", "--fork", "true"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0:
            return None
    return f"this machine allows no network namespaces: {done.stderr.decode().strip()}"
