"""Who sees adverts, what is shown of them, and that nobody who looks can hold anything up."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.errors import NotFoundError, ProtocolError
from cluster.units import Nanoseconds
from cluster.vrrp.capture import Captures, Seen
from cluster.vrrp.reject import Reject

SEEN = Seen(Nanoseconds(1_795_000_000_500_000_000), False, b"\x01\x00\x5e", "valid")


class Server:
    """Keeps what was shown; a manager in `full` has no room."""

    def __init__(self) -> None:
        self.quiet: set[int] = set()
        self.full: set[int] = set()
        self.shown: list[tuple[int, dict[str, Any]]] = []

    def show(self, manager: int, packet: bytes) -> bool:
        if manager not in self.full:
            self.shown.append((manager, json.loads(packet)["capture"]))
        return manager not in self.full


def port(name: str) -> Any:
    return SimpleNamespace(settings=SimpleNamespace(name=name), seen=None)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def ports() -> list[Any]:
    return [port("LAN1"), port("LAN2")]


@pytest.fixture
def captures(ports: list[Any], server: Server) -> Captures:
    return Captures(ports, server)  # type: ignore[arg-type]


def look(captures: Captures, manager: int, name: str = "LAN2") -> None:
    captures.ask(manager, {"interface": name, "on": True})


def test_an_interface_shows_nothing_unless_somebody_looks_at_it(captures: Captures, ports: list[Any]) -> None:
    assert [each.seen for each in ports] == [None, None]
    look(captures, 7)
    assert ports[0].seen is None
    assert ports[1].seen is not None


def test_everybody_who_looks_at_an_interface_sees_its_adverts(
    captures: Captures, ports: list[Any], server: Server
) -> None:
    for manager, name in ((7, "LAN2"), (8, "LAN2"), (9, "LAN1")):
        look(captures, manager, name)
    ports[1].seen("LAN2", SEEN)
    ports[1].seen("LAN2", SEEN._replace(verdict="", reason=Reject.BAD_TAG))

    assert [manager for manager, _ in server.shown] == [7, 8, 7, 8]
    assert server.shown[0][1] == {
        "at": 1_795_000_000.5, "interface": "LAN2", "sent": False, "frame": "01005e",
        "accepted": True, "verdict": "valid", "explained": "", "missed": 0,
    }  # fmt: skip
    rejected = server.shown[2][1]
    assert (rejected["accepted"], rejected["verdict"]) == (False, "bad-tag")
    assert rejected["explained"].startswith("the signature is wrong")


def test_who_does_not_read_misses_adverts_and_is_told_how_many(
    captures: Captures, ports: list[Any], server: Server
) -> None:
    look(captures, 7)
    look(captures, 8)
    server.full = {7}
    for _ in range(3):
        ports[1].seen("LAN2", SEEN)
    server.full = set()
    ports[1].seen("LAN2", SEEN)
    ports[1].seen("LAN2", SEEN)

    assert [content["missed"] for manager, content in server.shown if manager == 7] == [3, 0]
    assert [content["missed"] for manager, content in server.shown if manager == 8] == [0] * 5


@pytest.mark.parametrize("how", ["off", "gone"])
def test_the_interface_shows_nothing_any_more_when_the_last_one_looks_away(
    captures: Captures, ports: list[Any], server: Server, how: str
) -> None:
    look(captures, 7)
    look(captures, 8)
    assert server.quiet == {7, 8}
    for manager in (7, 8):
        assert ports[1].seen is not None
        if how == "off":
            captures.ask(manager, {"interface": "LAN2", "on": False})
        else:
            captures.forget(manager)
    assert ports[1].seen is None
    assert server.quiet == set()


def test_looking_at_another_interface_is_looking_away_from_the_first(captures: Captures, ports: list[Any]) -> None:
    look(captures, 7, "LAN2")
    look(captures, 7, "LAN1")
    assert ports[0].seen is not None
    assert ports[1].seen is None


def test_an_interface_made_anew_shows_its_adverts_again(captures: Captures, ports: list[Any]) -> None:
    look(captures, 7)
    ports[1] = port("LAN2")
    captures.renew()
    assert ports[1].seen is not None


def test_a_manager_that_never_looked_is_forgotten_without_consequence(captures: Captures, ports: list[Any]) -> None:
    look(captures, 7)
    captures.forget(99)
    assert ports[1].seen is not None


def test_what_is_no_ha_interface_is_refused_with_those_there_are(captures: Captures) -> None:
    with pytest.raises(NotFoundError, match=r"LAN3 is no HA interface .*; those in force are LAN1, LAN2$"):
        look(captures, 7, "LAN3")
    with pytest.raises(NotFoundError, match="none is in force"):
        look(Captures([], Server()), 7, "LAN3")  # type: ignore[arg-type]


@pytest.mark.parametrize("request_", [{}, {"interface": 3, "on": True}, {"interface": "LAN2", "on": 1}])
def test_a_malformed_request_is_refused(captures: Captures, request_: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        captures.ask(7, request_)
