"""`cluster`: what this node is, and the words that change it."""

from __future__ import annotations

from cluster.rpc.messages import GetInfo, Info
from utmcli.commands._asking import answered
from utmcli.grammar import Call, Command
from utmcli.results import Record


async def info(call: Call) -> Record:
    """`cluster info`: the four documented attributes, always of this node."""
    seen = await answered(call, GetInfo(), Info)
    return Record((
        ("cluster_state", seen.cluster_state),
        ("sync_state", seen.sync_state),
        ("hotwire_dev", seen.hotwire_dev),
        ("maintainance", seen.maintainance),
    ))


COMMANDS = (
    Command(("cluster", "info"), "state of this node in four lines", info, documented=True),
)

GROUPS = {("cluster",): "the hot-standby cluster"}

ALIASES = {"maintenance": "maintainance"}
