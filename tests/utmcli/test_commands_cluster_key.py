"""The keys of the hotwire, as an administrator shows, enters and changes them."""

from __future__ import annotations

import msgspec
import pytest

from cluster import publickey
from cluster.config import schema
from cluster.model import Config, SetValue
from cluster.rpc import messages
from tests.support.node import CONFIG, Node

OWN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMl7lFoTYfxV9MAmFq2yKQ3ECxGgyMFlQ8yV4sYVO4n7 master"
SPARE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIINrNblDeJbN9d8ELG4lnTQ9ChVrDPIq5J8BcjTyTb5a spare"
NEXT = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAQ9z93+UnSntxyqcDQqAr0p51qfSZ2JdzF0G+jzJS3f spare"


def shown(line: str) -> messages.SshKey:
    return messages.SshKey(line=line, fingerprint=publickey.parse(line).fingerprint)


KEYS = messages.HotwireKeys(own=shown(OWN), partner=(shown(SPARE),))


def node(*partner: str) -> Node:
    options = msgspec.structs.replace(CONFIG.cluster, hotwire_partner_keys=partner)
    answers = {messages.GetHotwireKeys: KEYS, messages.RenewHotwireKey: KEYS}
    return Node(config=msgspec.structs.replace(CONFIG, cluster=options), answers=answers)


def keys_after(changed: Node) -> tuple[str, ...]:
    edits = [ask for ask in changed.asked if isinstance(ask, messages.EditConfig)]
    config: Config = changed.config
    (edit,) = edits
    (change,) = edit.changes
    assert isinstance(change, SetValue)
    return schema.apply(config, edit.changes).cluster.hotwire_partner_keys


def test_both_keys_are_shown_with_the_line_to_paste_at_the_other_node() -> None:
    assert node(SPARE).type("cluster key get").out == (
        "node  |fingerprint                                       |key\n"
        "------+--------------------------------------------------+---\n"
        f"local |{KEYS.own.fingerprint}|{OWN}\n"
        f"remote|{KEYS.partner[0].fingerprint}|{SPARE}\n"
    )


def test_the_partners_keys_are_shown_alone() -> None:
    assert node(SPARE).type("cluster key remote get").out.splitlines()[2:] == [
        f"{KEYS.partner[0].fingerprint}|{SPARE}"
    ]


def test_a_new_key_is_shown_for_the_partner() -> None:
    asked = node(SPARE)
    assert OWN in asked.type("cluster key new").out
    assert messages.RenewHotwireKey() in asked.asked


def test_the_partners_key_is_entered_in_place_of_the_one_before() -> None:
    changed = node(SPARE)
    assert changed.type(f'cluster key remote set key "  {NEXT}  "').out == "OK\n"
    assert keys_after(changed) == (NEXT,)


def test_two_keys_may_be_entered_and_none() -> None:
    changed = node()
    changed.type(f'cluster key remote set key [ "{SPARE}" "{NEXT}" ]')
    assert keys_after(changed) == (SPARE, NEXT)
    changed = node(SPARE)
    changed.type('cluster key remote set key ""')
    assert keys_after(changed) == ()


def test_a_second_key_is_added_and_the_first_one_deleted() -> None:
    changed = node(SPARE)
    assert changed.type(f'cluster key remote add key "{NEXT}"').out == "OK\n"
    assert keys_after(changed) == (SPARE, NEXT)
    changed = node(SPARE, NEXT)
    assert changed.type(f"cluster key remote delete fingerprint {shown(SPARE).fingerprint}").out == "OK\n"
    assert keys_after(changed) == (NEXT,)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('cluster key remote set key "ecdsa-sha2-nistp256 AAAA"', "is not accepted: a public key is one line"),
        ('cluster key remote set key "ssh-ed25519 AAAA"', "the ssh-ed25519 key is damaged or cut short"),
        (f'cluster key remote add key "{SPARE}"', "is there already"),
        ("cluster key remote delete fingerprint SHA256:abc", "there is no key SHA256:abc of the partner"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(line: str, problem: str) -> None:
    changed = node(SPARE)
    said = changed.type(line)
    assert said.err.startswith("% Error: ")
    assert problem in said.err
    assert said.err.count("\n") == 1
    assert not any(isinstance(ask, messages.EditConfig) for ask in changed.asked)
