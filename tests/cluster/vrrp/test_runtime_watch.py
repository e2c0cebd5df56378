"""Watched hosts: an interface without an answering host counts as lost."""

from __future__ import annotations

import json
import signal
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support.engine import PATIENCE, configuration, eventually, interface

if TYPE_CHECKING:
    from tests.cluster.vrrp.conftest import MakeEngine
    from tests.support.netns import Namespace

pytestmark = pytest.mark.netns
HERE, ELSEWHERE = "192.168.12.142", "192.168.12.7"


def test_one_answering_host_is_enough(engine: MakeEngine, first: Namespace, second: Namespace) -> None:
    watching = engine(first, trigger_delay=0, interfaces=(interface(watch=(ELSEWHERE, HERE)),))
    watching.becomes("master")

    eventually(lambda: watching.status()["interfaces"][0]["watch"] == {ELSEWHERE: False, HERE: True})

    assert watching.status()["interfaces"][0]["usable"] is True
    assert second.addresses("LAN2")


def test_hosts_that_fall_silent_make_the_interface_unusable_until_one_answers(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    watching = engine(first, trigger_delay=0, interfaces=(interface(watch=(HERE,)),))
    watching.becomes("master")

    second.run("ip", "address", "flush", "dev", "LAN2")
    eventually(lambda: watching.status()["interfaces"][0]["usable"] is False)
    assert watching.status()["interfaces"][0]["link"] is True

    second.run("ip", "address", "add", f"{HERE}/24", "dev", "LAN2")
    eventually(lambda: watching.status()["interfaces"][0]["usable"] is True)


def test_an_interface_without_an_own_address_is_not_watched(engine: MakeEngine, first: Namespace) -> None:
    first.run("ip", "address", "flush", "dev", "LAN2")
    watching = engine(first, trigger_delay=0, interfaces=(interface(watch=(ELSEWHERE,)),))
    watching.becomes("master")

    with pytest.raises(AssertionError, match="not within"):
        eventually(lambda: watching.status()["interfaces"][0]["usable"] is False, within=4.5)


def test_an_answer_that_arrives_just_when_its_watch_ends_does_no_harm(
    engine: MakeEngine, first: Namespace, second: Namespace
) -> None:
    watching = engine(first, interfaces=(interface(watch=(HERE,)),))
    watching.becomes("master")
    with second.inside():
        pinger = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with pinger, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as manager:
        manager.settimeout(PATIENCE)
        manager.connect(str(watching.run_dir / "engine.sock"))
        manager.send(b'{"do": "status"}')
        while "re" not in json.loads(manager.recv(200_000)):
            pass

        watching.running.send_signal(signal.SIGSTOP)
        watching.configure(configuration(interface()))
        manager.send(b'{"do": "reload"}')
        pinger.sendto(b"\0\0\xff\xff\0\0\0\0", ("192.168.12.141", 0))
        watching.running.send_signal(signal.SIGCONT)

        assert json.loads(manager.recv(200_000)) == {"re": "reload"}
    assert watching.status()["interfaces"][0]["watch"] == {}
    assert watching.running.poll() is None
