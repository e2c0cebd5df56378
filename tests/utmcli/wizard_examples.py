"""Appliances to ask, and a person who answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.model import Address, ClusterOptions, Config, Interface
from utmcli.questions import AbandonedError, Question, explanation
from utmcli.wizard.block import Block
from utmcli.wizard.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Iterable

OWN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
PARTNER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
FRESH = "a-random-passphrase"
PASSPHRASE = "correct horse battery"

INTERFACES = {
    "LAN1": Interface(id=1, zones=("external",)),
    "LAN2": Interface(id=2, zones=("internal",)),
    "LAN3": Interface(id=3),
}
BLANK = Config(
    hostname="master.cluster.local",
    interfaces={**INTERFACES, "wan0": Interface(id=4, type="WAN"), "A1.10": Interface(id=5, type="BRIDGE")},
    addresses={
        "1": Address(device="LAN1", address="192.168.175.102/24"),
        "2": Address(device="LAN2", address="192.168.12.141/24"),
    },
)
SPARE_BLANK = Config(
    hostname="spare.cluster.local",
    cluster=ClusterOptions(priority="high"),
    interfaces=INTERFACES,
    addresses={
        "1": Address(device="LAN1", address="192.168.175.103/24"),
        "2": Address(device="LAN2", address="192.168.12.142/24"),
    },
)
MASTER_BLOCK = Block("master", "LAN3", "192.168.180.2/24", "192.168.180.3", PASSPHRASE, PARTNER)
SPARE_BLOCK = Block("spare", "LAN3", "192.168.180.3/24", "192.168.180.2", "", PARTNER)


def situation(config: Config = BLANK) -> Situation:
    return Situation(config, OWN)


class Typist:
    """Somebody who types these lines, one after the other, and then walks away."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)
        self.seen = ""
        self.asked: list[Question] = []

    async def tell(self, text: str) -> None:
        self.seen += text

    async def ask(self, question: Question) -> str:
        self.asked.append(question)
        while True:
            self.seen += question.prompt
            line = await self.more()
            if line != "?":
                return line
            self.seen += explanation(question)

    async def more(self) -> str:
        if not self.lines:
            raise AbandonedError
        self.seen += "\n"
        return self.lines.pop(0)

    def skip_blank_lines(self) -> None:
        while self.lines and not self.lines[0].strip():
            self.lines.pop(0)
