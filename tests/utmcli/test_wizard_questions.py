"""The questions of the assistant, their order, defaults and rules."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster.config import schema
from cluster.model import Address, Config, Interface, SetValue
from tests.utmcli.wizard_examples import (
    BLANK,
    FRESH,
    INTERFACES,
    MASTER_BLOCK,
    OWN,
    PARTNER,
    PASSPHRASE,
    SPARE_BLANK,
    SPARE_BLOCK,
    situation,
)
from utmcli.questions import completions
from utmcli.values import MalformedError
from utmcli.wizard import master, plan, spare
from utmcli.wizard.block import Block, render
from utmcli.wizard.machine import Machine

if TYPE_CHECKING:
    from utmcli.wizard.master import Master
    from utmcli.wizard.situation import Situation
    from utmcli.wizard.spare import Spare

EXAMPLE_2 = (
    "LAN3", "192.168.180.2/24", "192.168.180.3", "LAN1", "192.168.175.101/24", "yes", "LAN2", "192.168.200.1/24",
    "no", "none", "IPSEC, HTTP Proxy", PASSPHRASE,
)  # fmt: skip


def for_master(seen: Situation | None = None) -> Machine[Master]:
    seen = seen or situation()
    return Machine(lambda: master.questions(seen, FRESH))


def for_spare(config: Config = SPARE_BLANK) -> Machine[Spare]:
    return Machine(lambda: spare.questions(situation(config)))


def answered(machine: Machine[Master], *answers: str) -> Machine[Master]:
    for text in answers:
        machine = machine.answer(text)
    return machine


def asked(machine: Machine[Master] | Machine[Spare]) -> str:
    question = machine.look()
    return question.key if question else "end"


def problem(machine: Machine[Master] | Machine[Spare], text: str) -> str:
    with pytest.raises(MalformedError) as refused:
        machine.answer(text)
    return str(refused.value)


# --- the master -------------------------------------------------------------------------------------


def test_a_master_is_asked_in_the_documented_order() -> None:
    machine, keys = for_master(), []
    for text in EXAMPLE_2:
        keys.append(asked(machine))
        machine = machine.answer(text)

    assert keys == [
        "hotwire_interface", "local_addr", "remote_addr", "ha_interface", "virtual_addresses LAN1", "another 1",
        "ha_interface 2", "virtual_addresses LAN2", "another 2", "backup_disable_interfaces",
        "backup_disable_applications", "passphrase",
    ]  # fmt: skip
    assert asked(machine) == "end"


def test_every_question_but_the_virtual_addresses_has_a_default() -> None:
    machine, defaults = for_master(), []
    while (question := machine.look()) is not None:
        defaults.append(question.default)
        machine = machine.answer("" if question.default else "192.168.200.1/24")

    assert defaults == [
        "LAN3", "192.168.180.2/24", "192.168.180.3", "LAN2", None, "no", "wan0",
        ", ".join(master.APPLICATIONS), FRESH,
    ]  # fmt: skip


def test_the_local_address_is_asked_only_where_there_is_none() -> None:
    address = Address(device="LAN3", address="10.9.9.9/30")
    config = msgspec.structs.replace(BLANK, addresses={**BLANK.addresses, "3": address})
    machine = for_master(situation(config)).answer("LAN3")

    assert asked(machine) == "remote_addr"
    assert machine.look().default == "10.9.9.10"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("answers", "text", "sentence"),
    [
        ((), "LAN9", "there is no interface 'LAN9'; there are LAN1, LAN2, LAN3, wan0, A1.10"),
        ((), "wan0", "wan0 is of type WAN; the hotwire is an Ethernet interface of its own"),
        (("LAN3",), "192.168.180.2", "an IP address with prefix length is allowed"),
        (("LAN3",), "192.168.12.1/24", "overlaps with 192.168.12.0/24, the network of LAN2"),
        (("LAN3",), "127.0.0.1/24", "127.0.0.1 is no address of a host in 127.0.0.0/24"),
        (("LAN3",), "192.168.180.0/24", "192.168.180.0 is no address of a host in 192.168.180.0/24"),
        (EXAMPLE_2[:2], "192.168.180.2", "192.168.180.2 is the address of this appliance"),
        (EXAMPLE_2[:2], "192.168.181.3", "192.168.181.3 is not in 192.168.180.0/24"),
        (EXAMPLE_2[:2], "spare", "an IP address without prefix length is allowed"),
        (EXAMPLE_2[:3], "LAN3", "LAN3 is the hotwire"),
        (EXAMPLE_2[:3], "wan0", "wan0 is of type WAN; an HA interface is one of ETHERNET, VLAN, BRIDGE"),
        (EXAMPLE_2[:4], "", "an answer is needed"),
        (EXAMPLE_2[:4], "192.168.175.102/24", "192.168.175.102 is an address of this appliance, on LAN1"),
        (EXAMPLE_2[:4], "2001:db8::1/64", "2001:db8::1 is IPv6"),
        (EXAMPLE_2[:4], "192.168.200.0/24", "192.168.200.0 is no address of a host in 192.168.200.0/24"),
        (EXAMPLE_2[:4], "192.168.200.255/24", "192.168.200.255 is no address of a host in 192.168.200.0/24"),
        (EXAMPLE_2[:4], "127.0.0.1/8", "127.0.0.1 is no address of a host"),
        (EXAMPLE_2[:4], "224.0.0.5/24", "224.0.0.5 is no address of a host"),
        (EXAMPLE_2[:4], "192.168.180.9/24", "192.168.180.9 is in 192.168.180.0/24, the network of the hotwire"),
        (EXAMPLE_2[:6], "LAN1", "LAN1 is chosen already"),
        (EXAMPLE_2[:7], "192.168.175.101/24", "192.168.175.101 is a virtual address of LAN1 already"),
        (EXAMPLE_2[:9], "LAN2", "LAN2 connects the appliances and has to stay up while backup"),
        (EXAMPLE_2[:11], "short", "a passphrase has 8 to 256 characters"),
        (EXAMPLE_2[:11], "hex:00", "hex: has to be followed by a key of 32 to 64 bytes"),
        (EXAMPLE_2[:5], "perhaps", "yes or no is allowed"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_answer_is_said_in_a_sentence(
    answers: tuple[str, ...], text: str, sentence: str
) -> None:
    assert sentence in problem(answered(for_master(), *answers), text)


@given(st.lists(st.one_of(st.sampled_from([*EXAMPLE_2, "", "yes", "LAN2", "back"]), st.text(max_size=20))))
def test_going_back_asks_what_was_asked_before_and_remembers_the_answer(texts: list[str]) -> None:
    machine = for_master()
    for text in texts:
        before = machine.look()
        if before is None:
            break
        with suppress(MalformedError):
            machine = machine.answer(text)
            again = machine.back()
            assert again.look().key == before.key  # type: ignore[union-attr]
            assert again.answer("").given == machine.given


def test_another_answer_after_going_back_changes_what_is_asked_next() -> None:
    machine = answered(for_master(), *EXAMPLE_2[:6]).back()

    assert asked(machine) == "another 1"
    assert asked(machine.answer("no")) == "backup_disable_interfaces"


def test_a_secret_that_was_typed_is_not_shown_as_a_default() -> None:
    question = answered(for_master(), *EXAMPLE_2).back().look()

    assert question is not None
    assert PASSPHRASE not in question.prompt + question.preface
    assert FRESH not in for_master(situation()).answer("LAN3").look().prompt  # type: ignore[union-attr]


def test_completion_offers_what_can_be_answered() -> None:
    first = for_master().look()
    assert first is not None
    assert [word for word, _, _ in completions(first, "")] == ["LAN1", "LAN2", "LAN3"]
    assert [word for word, _, _ in completions(first, "lan3")] == ["LAN3"]

    applications = answered(for_master(), *EXAMPLE_2[:10]).look()
    assert applications is not None
    assert list(completions(applications, "IPSEC, HTTP")) == [("HTTP Proxy", 7, "")]
    assert "IPSEC" not in [word for word, _, _ in completions(applications, "IPSEC, ")]


# --- from answers to a configuration ------------------------------------------------------------------


def test_the_answers_of_the_second_example_network_make_its_configuration() -> None:
    answers = answered(for_master(), *EXAMPLE_2).outcome()

    config = schema.apply(BLANK, plan.master_changes(BLANK, answers))

    assert config.cluster.priority == "high"
    assert not config.cluster.enabled
    assert (config.cluster.hotwire_local, config.cluster.hotwire_remote) == ("192.168.180.2", ("192.168.180.3",))
    assert config.cluster.passphrase == PASSPHRASE
    assert config.cluster.backup_disable_interfaces == ()
    assert config.cluster.backup_disable_applications == ("IPSEC", "HTTP Proxy")
    assert config.interfaces["LAN3"].flags == ("HOTWIRE",)
    vrids = {name: each.vrid for name, each in config.interfaces.items() if "HA" in each.flags}
    assert vrids == {"LAN1": 1, "LAN2": 2}
    assert {(each.device, each.address) for each in config.virtual_addresses.values()} == {
        ("LAN1", "192.168.175.101/24"), ("LAN2", "192.168.200.1/24"),
    }  # fmt: skip
    assert config.addresses["3"] == Address(device="LAN3", address="192.168.180.2/24")


def test_the_assistant_run_again_with_enter_changes_nothing() -> None:
    configured = schema.apply(BLANK, plan.master_changes(BLANK, answered(for_master(), *EXAMPLE_2).outcome()))
    machine = for_master(situation(configured))
    while machine.look() is not None:
        machine = machine.answer("")

    assert plan.master_changes(configured, machine.outcome()) == ()


def test_further_addresses_of_the_partner_stay() -> None:
    configured = schema.apply(BLANK, plan.master_changes(BLANK, answered(for_master(), *EXAMPLE_2).outcome()))
    both = ["192.168.180.3", "192.168.180.4"]
    configured = schema.apply(configured, [SetValue(("cluster", "hotwire_remote"), both)])
    machine = for_master(situation(configured))
    while machine.look() is not None:
        machine = machine.answer("")

    assert plan.master_changes(configured, machine.outcome()) == ()


def test_what_is_no_longer_ha_loses_its_virtual_addresses() -> None:
    configured = schema.apply(BLANK, plan.master_changes(BLANK, answered(for_master(), *EXAMPLE_2).outcome()))
    only_lan2 = answered(
        for_master(situation(configured)), "LAN3", "", "LAN2", "192.168.200.1/24 192.168.200.2/24", "no", "", "", ""
    ).outcome()

    config = schema.apply(configured, plan.master_changes(configured, only_lan2))

    assert config.interfaces["LAN1"].flags == ()
    assert [(each.device, each.address) for each in config.virtual_addresses.values()] == [
        ("LAN2", "192.168.200.1/24"), ("LAN2", "192.168.200.2/24"),
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 999_999), st.one_of(st.none(), st.integers(1, 255))), max_size=60))
def test_every_ha_interface_has_a_virtual_router_of_its_own(seen: list[tuple[int, int | None]]) -> None:
    interfaces = {f"eth{place}": Interface(id=each, vrid=vrid) for place, (each, vrid) in enumerate(seen)}

    vrids = plan.vrids_of(Config(interfaces=interfaces), tuple(interfaces))

    assert len(set(vrids.values())) == len(interfaces)
    assert all(1 <= vrid <= 255 for vrid in vrids.values())


# --- the spare --------------------------------------------------------------------------------------------


def test_the_block_answers_everything_a_spare_is_asked() -> None:
    machine = for_spare().answer(render(MASTER_BLOCK))
    keys = []
    while (question := machine.look()) is not None:
        keys.append(question.key)
        machine = machine.answer("")

    assert keys == ["local_addr", "remote_addr", "passphrase", "master_key"]
    config = schema.apply(SPARE_BLANK, plan.spare_changes(SPARE_BLANK, machine.outcome()))
    assert config.cluster.priority == "low"
    assert config.cluster.hotwire_local == "192.168.180.3"
    assert config.cluster.hotwire_remote == ("192.168.180.2",)
    assert config.cluster.passphrase == PASSPHRASE
    assert config.cluster.hotwire_partner_keys == (PARTNER,)
    assert config.addresses["3"] == Address(device="LAN3", address="192.168.180.3/24")
    assert config.interfaces["LAN3"].flags == ("HOTWIRE",)
    assert plan.spare_block(situation(SPARE_BLANK), machine.outcome()) == Block(
        "spare", "LAN3", "192.168.180.3/24", "192.168.180.2", "", OWN
    )


def test_a_block_without_addresses_leaves_them_to_be_asked() -> None:
    machine = for_spare().answer(f"[Master]\nHotwire Interface: LAN3\nLocal SSH Key: {PARTNER}")

    assert machine.look().default is None  # type: ignore[union-attr]
    machine = machine.answer("192.168.180.3/24")
    assert asked(machine) == "remote_addr"


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        (Block("master", "LAN9", "", "", "", PARTNER), "the hotwire of the master is LAN9, and here there is no"),
        (Block("master", "LAN3", "", "", "", OWN), "this block is of this appliance itself"),
        (SPARE_BLOCK, "this is the block under [Spare]"),
    ],
)
def test_a_block_that_does_not_fit_is_refused_at_once(block: Block, sentence: str) -> None:
    assert sentence in problem(for_spare(), render(block))


def test_a_spare_whose_hotwire_has_another_address_is_asked_about_it() -> None:
    other = Address(device="LAN3", address="192.168.180.77/24")
    config = Config(hostname="spare.cluster.local", interfaces=INTERFACES, addresses={"1": other})
    machine = for_spare(config).answer(render(MASTER_BLOCK))

    assert asked(machine) == "local_addr"
    assert machine.look().default == "192.168.180.3/24"  # type: ignore[union-attr]
    kept = machine.answer("192.168.180.77")
    while kept.look() is not None:
        kept = kept.answer("")
    assert kept.outcome().local == "192.168.180.77/24"


# --- the spare's block on the master ------------------------------------------------------------------------


def test_the_master_takes_the_key_of_the_spare_and_its_address_if_it_is_another_one() -> None:
    answers = answered(for_master(), *EXAMPLE_2).outcome()
    config = schema.apply(BLANK, plan.master_changes(BLANK, answers))
    other = Block("spare", "LAN3", "192.168.180.77/24", "192.168.180.2", "", PARTNER)
    joined = Machine(lambda: master.joining(situation(config))).answer(render(other)).outcome()

    config = schema.apply(config, plan.joined_changes(config, joined))

    assert config.cluster.hotwire_partner_keys == (PARTNER,)
    assert config.cluster.hotwire_remote == ("192.168.180.77",)
