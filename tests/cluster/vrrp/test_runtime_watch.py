"""Watched hosts: an interface without an answering host counts as lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.engine import eventually, interface

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace

pytestmark = pytest.mark.netns
HERE, ELSEWHERE = "192.168.12.142", "192.168.12.7"


def test_one_answering_host_is_enough(engine: MakeEngine, first: Namespace, second: Namespace) -> None:
    watching = engine(first, trigger_delay=0, interfaces=(interface(watch=(ELSEWHERE, HERE)),))
    watching.becomes("master")

    eventually(lambda: watching.status()["interfaces"][0]["watch"] == {ELSEWHERE: False, HERE: True}, within=6)

    assert watching.status()["interfaces"][0]["usable"] is True
    assert second.addresses("LAN2")


def test_hosts_that_fall_silent_make_the_interface_unusable_until_one_answers(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    watching = engine(first, trigger_delay=0, interfaces=(interface(watch=(HERE,)),))
    watching.becomes("master")

    second.run("ip", "address", "flush", "dev", "LAN2")
    eventually(lambda: watching.status()["interfaces"][0]["usable"] is False, within=6)
    assert watching.status()["interfaces"][0]["link"] is True

    second.run("ip", "address", "add", f"{HERE}/24", "dev", "LAN2")
    eventually(lambda: watching.status()["interfaces"][0]["usable"] is True, within=6)


def test_an_interface_without_an_own_address_is_not_watched(engine: MakeEngine, first: Namespace) -> None:
    first.run("ip", "address", "flush", "dev", "LAN2")
    watching = engine(first, trigger_delay=0, interfaces=(interface(watch=(ELSEWHERE,)),))
    watching.becomes("master")

    with pytest.raises(AssertionError, match="not within"):
        eventually(lambda: watching.status()["interfaces"][0]["usable"] is False, within=4.5)
