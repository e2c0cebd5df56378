"""What the two nodes say to each other when the sender of a configuration wants it undone on both. Pure.

    sender                      receiver
    UndoLook     ->                          of which arrival; nothing changes
                 <-  UndoView                what would boot there afterwards
    UndoArrival  ->
                 <-  ArrivalUndone           it runs, boots, and is in force again

The sender goes back last, to the same shared part, and only if it ever had it: so both nodes end in step.
"""

from __future__ import annotations

from cluster.hotwire.words import HotwireAnswer, HotwireAsk


class UndoLook(HotwireAsk, frozen=True, tag="undo-look"):
    """What undoing the arrival of this shared part would lead to -> UndoView."""

    digest: str


class UndoView(HotwireAnswer, frozen=True, tag="undo-view"):
    """Digest of the shared part that would boot, and who says so."""

    digest: str
    hostname: str


class UndoArrival(HotwireAsk, frozen=True, kw_only=True, tag="undo-arrival"):
    """Undo it -> ArrivalUndone.

    Attributes:
        digest: of the shared part that arrived.
        expected: what `UndoView` said.
        user: the account that asks for it.
        source: where that account sits.
        hostname: of the node it sits at.
        force: also when the receiver was edited since, or is just now.
    """

    digest: str
    expected: str
    user: str
    source: str
    hostname: str
    force: bool


class ArrivalUndone(HotwireAnswer, frozen=True, tag="arrival-undone"):
    """It is undone and durable; `warnings` tell what could not be put into force."""

    warnings: tuple[str, ...] = ()


UndoAsk = UndoLook | UndoArrival
UndoAnswer = UndoView | ArrivalUndone
