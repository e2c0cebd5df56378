"""The conversation: what a person types, what they see, and what is written when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from cluster.config import schema
from cluster.errors import LockedError
from tests.utmcli.wizard_examples import (
    BLANK,
    FRESH,
    MASTER_BLOCK,
    PARTNER,
    PASSPHRASE,
    SPARE_BLANK,
    SPARE_BLOCK,
    Typist,
    situation,
)
from utmcli.results import Done
from utmcli.wizard.block import LONGEST, parse, render
from utmcli.wizard.dialogue import UNCHANGED, Conversation

if TYPE_CHECKING:
    from cluster.model import Config
    from utmcli.wizard.dialogue import Changes

ANSWERS = ("", "", "", "LAN2", "192.168.200.1/24", "", "", "", PASSPHRASE)


class Appliance:
    """A running configuration, and how often it was written."""

    def __init__(self, config: Config = BLANK) -> None:
        self.config = config
        self.edits = 0
        self.refusals = 0

    async def write(self, changes: Changes) -> Done:
        if self.refusals:
            self.refusals -= 1
            raise LockedError("kim (ssh 192.0.2.7) has been editing the configuration for 5 s")
        self.config = schema.apply(self.config, changes(self.config))
        self.edits += 1
        return Done()

    def asks(self, typist: Typist, role: str | None = "master") -> str:
        conversation = Conversation(typist, situation(self.config), FRESH, self.write)
        return asyncio.run(conversation.hold(role))


def test_a_master_is_written_once_after_the_summary_and_the_yes() -> None:
    appliance, typist = Appliance(), Typist([*ANSWERS, "yes"])

    appliance.asks(typist)

    assert appliance.edits == 1
    assert appliance.config.cluster.passphrase == PASSPHRASE
    summary = typist.seen.index("HA interface LAN2")
    assert summary < typist.seen.index("Write this, yes or no") < typist.seen.index("[Master]")
    assert parse(typist.seen, "master").passphrase == PASSPHRASE


@pytest.mark.parametrize("ending", [["no"], ["cancel"], ["CANCEL"], []])
def test_whatever_else_is_said_to_the_summary_nothing_is_written(ending: list[str]) -> None:
    appliance, typist = Appliance(), Typist([*ANSWERS, *ending])

    assert appliance.asks(typist) == UNCHANGED
    assert appliance.edits == 0
    assert PASSPHRASE not in typist.seen


@pytest.mark.parametrize("count", range(len(ANSWERS)))
def test_whoever_leaves_at_any_step_leaves_nothing_behind(count: int) -> None:
    for leave in (["cancel"], []):
        appliance = Appliance()

        assert appliance.asks(Typist([*ANSWERS[:count], *leave])) == UNCHANGED
        assert appliance.edits == 0


@pytest.mark.parametrize("word", ["back", "<", " Back "])
def test_a_step_back_asks_again_with_the_answer_as_default(word: str) -> None:
    typist = Typist(["LAN3", "10.1.1.1/24", word, "", "10.1.1.2", "cancel"])

    Appliance().asks(typist)

    assert [question.key for question in typist.asked] == [
        "hotwire_interface", "local_addr", "remote_addr", "local_addr", "remote_addr", "ha_interface",
    ]  # fmt: skip
    assert "with prefix length [10.1.1.1/24]" in typist.seen


def test_back_at_the_summary_goes_to_the_last_question() -> None:
    appliance, typist = Appliance(), Typist([*ANSWERS, "back", "another passphrase", "yes"])

    appliance.asks(typist)

    assert appliance.config.cluster.passphrase == "another passphrase"


def test_back_at_the_first_question_asks_for_the_role_again() -> None:
    appliance, typist = Appliance(SPARE_BLANK), Typist(["master", "back", "spare", "cancel"])

    appliance.asks(typist, role=None)

    assert [question.key for question in typist.asked] == ["role", "hotwire_interface", "role", "master_block"]


def test_a_wrong_answer_is_one_sentence_and_the_question_again() -> None:
    typist = Typist(["LAN9", "LAN3", "cancel"])

    Appliance().asks(typist)

    assert "\n% there is no interface 'LAN9'; there are LAN1, LAN2, LAN3, wan0, A1.10\nHotwire int" in typist.seen


def test_a_question_mark_explains_the_step() -> None:
    typist = Typist(["?", "cancel"])

    Appliance().asks(typist)

    assert "The Ethernet interface that is cabled to the partner and to nothing else.\n" in typist.seen
    assert "  LAN2  ETHERNET internal 192.168.12.141/24\n" in typist.seen


def test_a_paste_that_never_ends_is_not_collected_for_ever() -> None:
    appliance = Appliance(SPARE_BLANK)
    typist = Typist(["x" * 1000] * (LONGEST // 1000 + 2))

    assert appliance.asks(typist, "spare") == UNCHANGED
    assert "this is no block of a master" in typist.seen


def test_a_block_is_pasted_line_by_line_and_ends_by_itself() -> None:
    appliance = Appliance(SPARE_BLANK)
    typist = Typist([*render(MASTER_BLOCK).split("\n"), "", "", "192.168.180.9/24", "", "", "", "yes"])

    appliance.asks(typist, role="spare")

    assert appliance.edits == 1
    assert appliance.config.cluster.hotwire_partner_keys == (PARTNER,)
    assert appliance.config.cluster.hotwire_local == "192.168.180.9", "empty lines behind a paste are no answers"
    assert "[Spare]" in typist.seen
    assert parse(typist.seen[typist.seen.rindex("[Spare]") :], "spare").local == "192.168.180.9/24"


def test_an_incomplete_block_ends_with_an_empty_line_and_is_asked_for_again() -> None:
    typist = Typist(["[Master]", "Hotwire Interface: LAN3", "", "cancel"])

    assert Appliance(SPARE_BLANK).asks(typist, role="spare") == UNCHANGED
    assert '% "Local SSH Key" is missing' in typist.seen


def test_the_master_takes_the_block_of_the_spare_in_a_second_edit() -> None:
    appliance = Appliance()

    told = appliance.asks(Typist([*ANSWERS, "yes", *render(SPARE_BLOCK).split("\n")]))

    assert appliance.edits == 2
    assert appliance.config.cluster.hotwire_partner_keys == (PARTNER,)
    assert "on the master  system config synchronize\n" in told


def test_without_the_block_of_the_spare_the_master_stays_configured() -> None:
    appliance = Appliance()

    told = appliance.asks(Typist([*ANSWERS, "yes", "cancel"]))

    assert appliance.edits == 1
    assert "The master is configured" in told


def test_a_refused_edit_keeps_the_answers_for_another_try() -> None:
    appliance, typist = Appliance(), Typist([*ANSWERS, "yes", "yes"])
    appliance.refusals = 1

    appliance.asks(typist)

    assert "kim (ssh 192.0.2.7) has been editing the configuration for 5 s\nNothing was written." in typist.seen
    assert appliance.edits == 1
