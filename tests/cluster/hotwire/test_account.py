"""What the partner and the engine are told, and which changes become events."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cluster.health import PartnerHealth
from cluster.hotwire import account, state
from cluster.hotwire.account import Own, SyncNotes
from cluster.hotwire.state import SyncView

PARTNER = PartnerHealth(
    hostname="spare", software="1.0", schema=1, role="backup", usable=("LAN2",), hears=("LAN2",), sequence=100,
    sources=("192.168.12.142",), start_digest="d",
)  # fmt: skip


def own(*interfaces: dict[str, Any], **changes: Any) -> Own:
    engine = {"master_down_interval": 0.75, "interfaces": list(interfaces)}
    said = Own("master", "1.0", 1, "master", engine, 7, "d", False, (), "", False, 5.0)
    return said._replace(**changes)


def interface(name: str, *, usable: bool = True, heard: float | None = None) -> dict[str, Any]:
    return {"name": name, "usable": usable, "partner_heard_age": heard, "source": "192.168.12.141"}


def test_an_interface_hears_the_partner_when_its_last_advert_is_young() -> None:
    said = account.health(own(interface("LAN1", heard=0.2), interface("LAN2", heard=9.0), interface("LAN3")))
    assert said.hears == ("LAN1",)


def test_slow_adverts_may_be_older() -> None:
    engine = {"master_down_interval": 30.0, "interfaces": [interface("LAN1", heard=9.0)]}
    assert account.health(own(engine=engine)).hears == ("LAN1",)


def test_the_links_are_gone_when_no_interface_is_usable() -> None:
    assert account.health(own(interface("LAN1", usable=False), interface("LAN2", usable=False))).links_gone
    assert not account.health(own(interface("LAN1", usable=False), interface("LAN2"))).links_gone
    assert not account.health(own(engine=None)).links_gone, "nothing is known of them"


def test_the_engine_is_told_that_a_partner_is_silent() -> None:
    assert account.for_engine(None, PARTNER) == {"role": None}


def test_the_engine_is_told_the_sequence_when_the_partner_begins_to_speak() -> None:
    said = account.for_engine(PARTNER, None)
    assert (said["sequence"], said["sources"]) == (100, ["192.168.12.142"])
    assert (said["role"], said["hears"], said["links_gone"]) == ("backup", ["LAN2"], False)


def test_a_sequence_that_only_grows_is_not_told_again() -> None:
    assert "sequence" not in account.for_engine(replace(PARTNER, sequence=101), PARTNER)


def test_a_sequence_that_fell_is_told() -> None:
    assert account.for_engine(replace(PARTNER, sequence=5), PARTNER)["sequence"] == 5


# --- sync_state ---------------------------------------------------------------------------------------


def test_sync_state_is_as_documented() -> None:
    assert state.sync_view(state.CONNECTED, "d", 1, PARTNER) == ("synchronized", "")
    assert state.sync_view(state.CONNECTED, "other", 1, PARTNER).state == "pending"
    assert state.sync_view(state.no_link("LAN3"), "d", 1, None) == ("error", "the hotwire LAN3 has no link")


def test_another_schema_is_an_error_although_the_partner_is_heard() -> None:
    view = state.sync_view(state.CONNECTED, "d", 2, PARTNER)
    assert view.state == "error"
    assert view.reason == "the partner's configuration has schema version 1 (software 1.0), this node's 2"


# --- events -------------------------------------------------------------------------------------------

FIRST = SyncView("error", "nothing yet")
GOOD = SyncView("synchronized", "")


def test_a_change_of_state_is_told_at_once_and_once() -> None:
    notes = SyncNotes(FIRST)
    assert notes.text(FIRST, None, 0.0) is None
    assert notes.text(GOOD, PARTNER, 1.0) == "synchronized with spare"
    assert notes.text(GOOD, PARTNER, 1.1) is None
    pending = SyncView("pending", "they differ")
    assert notes.text(pending, PARTNER, 2.0) == "not synchronized (pending): they differ"


def test_another_reason_for_the_same_state_is_told_once_it_lasts() -> None:
    notes = SyncNotes(FIRST)
    other = SyncView("error", "unreachable")
    assert notes.text(other, None, 10.0) is None
    assert notes.text(other, None, 12.9) is None
    assert notes.text(other, None, 13.0) == "not synchronized (error): unreachable"


def test_a_cable_that_flickers_does_not_fill_the_events() -> None:
    notes = SyncNotes(FIRST)
    told = [notes.text((GOOD, FIRST)[beat % 2], PARTNER, beat / 10) for beat in range(100)]
    assert sum(text is not None for text in told) == account.NOTES
    assert notes.text(GOOD, PARTNER, 100.0) is not None, "how it ended is told"
