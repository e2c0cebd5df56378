"""What the nodes say to each other while both change how adverts are authenticated. Pure.

::

    who changes it              partner
    RekeyBegin   ->                         from what; nothing changes
                 <-  RekeyReady             it is in force there, too, and nothing else waits there
    RekeyStep    ->                         one step (cluster/config/transition.py), taken here once it was answered
                 <-  RekeyTaken             ... and in force there
    RekeyStep    ->                         the last one (`final`), kept in running and start configuration
                 <-  RekeyTaken             ... with the digest of its start configuration
"""

from __future__ import annotations

from cluster.config.transition import Authentication
from cluster.hotwire.words import HotwireAnswer, HotwireAsk


class RekeyBegin(HotwireAsk, frozen=True, kw_only=True, tag="rekey-begin"):
    """May it begin -> RekeyReady.

    Attributes:
        before: what is in force at the asking node.
        after: where it leads; in force at the partner already where the answer to the last step was lost.
    """

    before: Authentication
    after: Authentication


class RekeyReady(HotwireAnswer, frozen=True, kw_only=True, tag="rekey-ready"):
    """It may; unless `takes_part`, the cluster is off there, and nothing of it concerns the partner."""

    takes_part: bool


class RekeyStep(HotwireAsk, frozen=True, kw_only=True, tag="rekey-step"):
    """One step -> RekeyTaken.

    Attributes:
        way: how adverts are authenticated from now on.
        final: it stays so: keep it.
        who: the account that asked for it, and where from.
        start_digest: of the asking node's start configuration once it has kept this.
        base: of what both had in common last, once that is changed alike; empty where that is not known.
    """

    way: Authentication
    final: bool = False
    who: str = ""
    start_digest: str = ""
    base: str = ""


class RekeyTaken(HotwireAnswer, frozen=True, kw_only=True, tag="rekey-taken"):
    """It is in force.

    Attributes:
        start_digest: of the start configuration there, with the final step.
        base: of what both have in common from now on, as the asking node said; empty: it was not so there.
    """

    start_digest: str = ""
    base: str = ""
