"""`cluster check` in the documented network: everything passes, and a pulled hotwire is found on both nodes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.lab import APPLIANCES, Lab, eventually, lab_name

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.netns, pytest.mark.xdist_group("check-lab")]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    made = Lab(lab_name("check"))
    made.up()
    made.await_roles("master", "backup", patience=40.0)
    yield made
    made.down()


def checked(lab: Lab, node: str) -> tuple[int, dict[str, str]]:
    """The exit code, and the result of every point."""
    done = lab.run("exec", node, "--", "utmcli", "--json", "cluster", "check", check=False)
    return done.returncode, {row["check"]: row["result"] for row in json.loads(done.stdout)}


def problems(lab: Lab, node: str) -> dict[str, str]:
    return {check: result for check, result in checked(lab, node)[1].items() if result in {"failed", "unknown"}}


def test_a_lab_as_documented_passes_on_both_nodes(lab: Lab) -> None:
    for node in APPLIANCES:
        eventually(lambda node=node: problems(lab, node) == {}, 40.0, lambda node=node: str(problems(lab, node)))
        assert checked(lab, node)[0] == 0


def test_a_virtual_address_put_by_hand_fails_on_the_backup_until_it_is_gone(lab: Lab) -> None:
    by_hand = ("192.168.200.1/32", "dev", "LAN2")
    lab.run("exec", "spare", "--", "ip", "address", "add", *by_hand)
    try:
        assert problems(lab, "spare") == {"duplicate-addresses": "failed"}
    finally:
        lab.run("exec", "spare", "--", "ip", "address", "delete", *by_hand)
    assert checked(lab, "spare")[1]["duplicate-addresses"] == "passed"


def test_a_pulled_hotwire_fails_on_both_nodes_and_what_depends_on_it_is_not_known(lab: Lab) -> None:
    # clusterd may see the link first and the end of the connection a moment later.
    pulled = {"hotwire-link": "failed", "hotwire": "failed"}.items()
    lab.link("master", "LAN3", "down")
    try:
        for node in APPLIANCES:
            eventually(lambda node=node: pulled <= problems(lab, node).items(), 20.0)
            code, results = checked(lab, node)
            assert code == 1
            assert (results["hotwire"], results["version"], results["keys"]) == ("failed", "unknown", "unknown")
            assert results["passphrase"] == results["packet-filter"] == "passed"
    finally:
        lab.link("master", "LAN3", "up")
