"""The questions for a spare, in the documented order; most are answered by the block of the master."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from utmcli.questions import Question
from utmcli.values import MalformedError
from utmcli.wizard import reading
from utmcli.wizard.keys import found
from utmcli.wizard.master import block_question, hotwire_question, local_question, own_address, remote_question
from utmcli.wizard.situation import host

if TYPE_CHECKING:
    from utmcli.wizard.block import Block
    from utmcli.wizard.machine import Script
    from utmcli.wizard.situation import Situation


@dataclass(frozen=True, slots=True)
class Spare:
    """What makes an appliance the spare of a cluster.

    Attributes:
        hotwire: interface.
        local: our address on it, with prefix length.
        remote: the master's.
        passphrase: of the cluster.
        key: of the master.
    """

    hotwire: str
    local: str
    remote: str
    passphrase: str
    key: str


def questions(situation: Situation) -> Script[Spare]:
    """Everything up to the block for the master."""
    block: Block = yield _block_question(situation)
    hotwire = yield hotwire_question(situation, _named(situation, block.interface))
    own = own_address(situation, hotwire)
    local = yield local_question(
        situation,
        hotwire,
        _expected(situation, block, hotwire),
        known=bool(block.remote),
        settled=bool(own) and block.remote in ("", host(own)),
    )
    remote = yield remote_question(local, host(block.local) or None, known=bool(block.local))
    passphrase = yield _passphrase_question(block)
    key = yield _key_question(situation, block)
    return Spare(hotwire, local, remote, passphrase, key)


def _block_question(situation: Situation) -> Question:
    question = block_question("master", "Block of the master", situation)

    def read(pasted: str) -> Block:
        block: Block = question.read(pasted)
        if block.interface:
            _require_hotwire(situation, block.interface)
        return block

    return replace(question, read=read)


def _require_hotwire(situation: Situation, name: str) -> None:
    try:
        reading.hotwire(situation, name)
    except MalformedError as problem:
        raise MalformedError(f"the hotwire of the master is {name}, and here {problem}") from None


def _named(situation: Situation, name: str) -> str:
    return reading.hotwire(situation, name) if name else ""


def _expected(situation: Situation, block: Block, hotwire: str) -> str | None:
    """The address that the master expects here, or the one that is there."""
    present = own_address(situation, hotwire)
    _, _, length = block.local.partition("/")
    if not block.remote or not length:
        return present or None
    try:
        return reading.local(situation, f"{host(block.remote)}/{length}", hotwire)
    except MalformedError:
        return present or None


def _passphrase_question(block: Block) -> Question:
    given = bool(block.passphrase)
    return Question(
        key="passphrase",
        text="Passphrase",
        about="The passphrase of the cluster, the same as on the master.",
        read=reading.passphrase,
        default=block.passphrase or None,
        shown="from the block" if given else "",
        known=given,
        secret=True,
    )


def _key_question(situation: Situation, block: Block) -> Question:
    def read(text: str) -> str:
        key = found(text)
        if key is None:
            raise MalformedError("this is no key; ssh-ed25519 or ssh-rsa with the whole key is allowed")
        if key == situation.key:
            raise MalformedError("this is the key of this appliance itself; the master's is expected")
        return key

    return Question(
        key="master_key",
        text="SSH key of the master",
        about="The public key by which the master proves who it is on the hotwire.",
        read=read,
        default=block.key,
        shown="from the block",
        known=True,
    )
