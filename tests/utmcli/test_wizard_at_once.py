"""All answers given with the command."""

from __future__ import annotations

import pytest

from cluster.config import schema
from cluster.errors import InvalidConfigurationError
from tests.utmcli.wizard_examples import BLANK, FRESH, MASTER_BLOCK, PASSPHRASE, SPARE_BLANK, situation
from utmcli.wizard import at_once, master, plan, spare
from utmcli.wizard.block import Block, render

VIRTUAL = ("LAN1=192.168.175.101/24", "LAN2=192.168.200.1/24")
EXAMPLE_2 = {
    "hotwire_interface": "LAN3",
    "local_addr": "192.168.180.2/24",
    "remote_addr": "192.168.180.3",
    "ha_interface": ("LAN1", "LAN2"),
    "virtual_addresses": VIRTUAL,
    "backup_disable_interfaces": (),
    "backup_disable_applications": ("IPSEC",),
    "passphrase": PASSPHRASE,
}


def answer(values: dict[str, object], config: object = BLANK) -> master.Master:
    assert isinstance(config, type(BLANK))
    required = () if config.cluster.passphrase else ("passphrase",)
    given = at_once.master_answers(values)
    return at_once.answered(lambda: master.questions(situation(config), FRESH), given, required)


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in EXAMPLE_2.items() if name not in names}


def test_all_answers_of_the_second_example_network_make_a_master() -> None:
    chosen = answer(dict(EXAMPLE_2))

    assert chosen.virtual == {"LAN1": ("192.168.175.101/24",), "LAN2": ("192.168.200.1/24",)}
    assert chosen.disable_interfaces == ()
    assert chosen.disable_applications == ("IPSEC",)


def test_of_a_single_ha_interface_the_name_may_be_left_out() -> None:
    values = {**EXAMPLE_2, "ha_interface": ("LAN2",), "virtual_addresses": ("192.168.200.1/24", "192.168.200.2/24")}

    assert answer(values).virtual == {"LAN2": ("192.168.200.1/24", "192.168.200.2/24")}


def test_names_of_interfaces_may_be_spelled_in_any_case() -> None:
    virtual = ("lan1=192.168.175.101/24", "Lan2=192.168.200.1/24")

    assert answer({**EXAMPLE_2, "ha_interface": ("lan1", "lan2"), "virtual_addresses": virtual}) == answer(
        dict(EXAMPLE_2)
    )


def test_what_has_a_documented_default_may_be_left_out() -> None:
    chosen = answer(without("backup_disable_interfaces", "backup_disable_applications"))

    assert chosen.disable_interfaces == ("wan0",)
    assert chosen.disable_applications == master.APPLICATIONS


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (("passphrase",), "passphrase"),
        (("hotwire_interface", "remote_addr"), "hotwire_interface, remote_addr"),
        (("ha_interface", "virtual_addresses"), "ha_interface, virtual_addresses"),
        (("local_addr", "virtual_addresses", "passphrase"), "local_addr, virtual_addresses, passphrase"),
    ],
)
def test_missing_answers_are_named_in_one_sentence(names: tuple[str, ...], missing: str) -> None:
    with pytest.raises(InvalidConfigurationError) as refused:
        answer(without(*names))
    assert refused.value.message == f"nothing was written, answers are missing: {missing}"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("remote_addr", "192.168.181.3", "remote_addr: 192.168.181.3 is not in 192.168.180.0/24"),
        ("virtual_addresses", ("192.168.175.101/24",), "virtual_addresses: whose is 192.168.175.101/24?"),
        ("virtual_addresses", ("LAN1=192.168.175.101",), "virtual_addresses: an IP address with prefix length"),
        ("backup_disable_interfaces", ("LAN2",), "backup_disable_interfaces: LAN2 connects the appliances"),
        ("master_block", "x", "not asked for here: master_block"),
        ("virtual_addresses", (*VIRTUAL, "LAN9=10.0.0.1/8"), "not asked for here: virtual_addresses"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(name: str, value: object, sentence: str) -> None:
    with pytest.raises(InvalidConfigurationError) as refused:
        answer({**EXAMPLE_2, name: value})
    assert sentence in refused.value.message


def test_a_master_that_is_configured_needs_no_answers() -> None:
    configured = schema.apply(BLANK, plan.master_changes(BLANK, answer(dict(EXAMPLE_2))))

    chosen = answer({}, configured)

    assert plan.master_changes(configured, chosen) == ()


def test_an_address_that_the_hotwire_has_may_be_given_all_the_same() -> None:
    configured = schema.apply(BLANK, plan.master_changes(BLANK, answer(dict(EXAMPLE_2))))

    assert answer({"local_addr": "192.168.180.2"}, configured).local == "192.168.180.2/24"


def test_a_spare_needs_nothing_but_the_block() -> None:
    given = at_once.spare_answers({"master_block": render(MASTER_BLOCK)})

    chosen = at_once.answered(lambda: spare.questions(situation(SPARE_BLANK)), given)

    assert (chosen.local, chosen.remote, chosen.passphrase) == ("192.168.180.3/24", "192.168.180.2", PASSPHRASE)


def test_what_the_block_does_not_say_a_spare_has_to() -> None:
    block = render(Block("master", "LAN3", "", "", "", MASTER_BLOCK.key))

    with pytest.raises(InvalidConfigurationError) as refused:
        at_once.answered(
            lambda: spare.questions(situation(SPARE_BLANK)), at_once.spare_answers({"master_block": block})
        )
    assert refused.value.message == "nothing was written, answers are missing: local_addr"
