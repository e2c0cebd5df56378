"""The text blocks survive what terminals, mails and people do to them."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utmcli.values import MalformedError
from utmcli.wizard.block import Block, is_whole, parse, render
from utmcli.wizard.keys import found

if TYPE_CHECKING:
    import random


def ssh_string(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def ed25519(seed: bytes) -> str:
    blob = ssh_string(b"ssh-ed25519") + ssh_string(seed)
    return "ssh-ed25519 " + base64.b64encode(blob).decode()


def rsa(modulus: bytes) -> str:
    blob = ssh_string(b"ssh-rsa") + ssh_string(b"\x01\x00\x01") + ssh_string(b"\0\xff" + modulus)
    return "ssh-rsa " + base64.b64encode(blob).decode()


MASTER = Block(
    "master", "LAN3", "192.168.180.2/24", "192.168.180.3", "correct horse battery", ed25519(bytes(range(32)))
)
SPARE = Block("spare", "LAN3", "192.168.180.3/24", "192.168.180.2", "", rsa(bytes(range(256))))
KEYS = st.one_of(
    st.binary(min_size=32, max_size=32).map(ed25519), st.binary(min_size=256, max_size=260).map(rsa)
)
PASSPHRASES = st.text(st.characters(exclude_categories=("Cs",)), min_size=8, max_size=80)
BLOCKS = st.builds(
    Block,
    st.just("master"),
    st.sampled_from(["LAN3", "eth0", "A1.10", "enp0s31f6"]),
    st.ip_addresses().map(lambda address: f"{address}/24"),
    st.ip_addresses().map(str),
    PASSPHRASES,
    KEYS,
)
DOCUMENTED = """\
[Master]
Hotwire Interface: LAN3
Local IP adress: 192.168.180.2/24
Remote IP adress: 192.168.180.3
Passphrase: correct horse battery
Local SSH Key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"""


def test_a_block_is_readable_text_in_the_documented_spelling() -> None:
    assert render(MASTER) == DOCUMENTED


def test_a_block_reads_as_what_it_was_made_of() -> None:
    assert parse(render(MASTER), "master") == MASTER
    assert parse(render(SPARE), "spare") == SPARE


@given(BLOCKS)
def test_every_block_reads_as_what_it_was_made_of(block: Block) -> None:
    assert parse(render(block), "master") == block


def mangled(text: str, chance: random.Random) -> str:
    """The text as it may arrive: each line changed in ways that a person would not notice."""
    header, *lines = text.split("\n")
    if chance.random() < 0.5:
        chance.shuffle(lines)
    arriving = [wrapped(line, chance) for line in (header, *lines)]
    prefix = chance.choice(["", "> ", "  ", "\t", ">> ", "\u00a0", "| "])
    around = chance.choice(["", '"', "'", "\u201c", "`"])
    end = chance.choice(["\n", "\r\n", " \r\n", "\n\n", "\n \t\n", "\n\u200b"])
    shown = [around + prefix + line + around for each in arriving for line in each]
    return end + end.join(shown) + chance.choice(["", end])


def wrapped(line: str, chance: random.Random) -> list[str]:
    label, colon, value = line.partition(": ")
    if not colon:
        return [chance.choice([line, line.upper(), f" {line} ", f"text above\n{line}"])]
    label = chance.choice([
        label, label.upper(), label.lower(), label.replace("adress", "address"), label.replace("IP", "UP"),
        label.replace(" ", "  "), label.replace(" ", "\t"),
    ])
    line = label + chance.choice([": ", ":", " :  ", ":\t", ": \u00a0"]) + value
    if "SSH" not in label.upper():
        return [line]
    line += chance.choice(["", " master.cluster.local"])
    width = chance.choice([40, 60, 72, 80, 1000])
    return [line[at : at + width] for at in range(0, len(line), width)]


@given(BLOCKS, st.randoms(use_true_random=False))
def test_a_block_survives_mails_terminals_and_people(block: Block, chance: random.Random) -> None:
    assert parse(mangled(render(block), chance), "master") == block


@given(BLOCKS)
def test_a_block_survives_becoming_one_line(block: Block) -> None:
    assert parse(" ".join(render(block).split()), "master") == block


@given(BLOCKS, st.integers(min_value=0))
def test_a_block_is_waited_for_until_its_last_character(block: Block, cut: int) -> None:
    text = render(block)
    assert is_whole(text, "master")
    assert not is_whole(text[: cut % len(text)], "master")


FRAGMENTS = st.sampled_from([
    "[Master]", "[Spare]", "Hotwire Interface:", "Local IP adress:", "Remote UP adress :", "Passphrase:",
    "Local SSH Key:", "ssh-ed25519", "ssh-rsa", MASTER.key, SPARE.key[:100], "\\u00ffff", "\\uffffff", "\n", " ",
    ">", '"',
])  # fmt: skip


@given(st.one_of(st.text(max_size=400), st.lists(st.one_of(FRAGMENTS, st.text(max_size=9))).map("".join)))
def test_any_text_is_a_block_or_a_sentence_that_says_why_not(text: str) -> None:
    for role in ("master", "spare"):
        with suppress(MalformedError):
            parse(text, role)
        is_whole(text, role)


@pytest.mark.parametrize(
    "line", ["Remote UP adress: 192.168.180.3", "remote ip address :192.168.180.3", "Remote IP: 192.168.180.3"]
)
def test_every_spelling_of_an_address_is_understood(line: str) -> None:
    text = render(MASTER).replace("Remote IP adress: 192.168.180.3", line)

    assert parse(text, "master") == MASTER


def test_a_block_may_leave_out_what_can_be_asked_for() -> None:
    block = parse(f"[Spare]\nLocal SSH Key: {SPARE.key}", "spare")

    assert (block.interface, block.local, block.remote, block.key) == ("", "", "", SPARE.key)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "this is no block of a master"),
        ("hello", "this is no block of a master"),
        (render(SPARE), "this is the block under [Spare]; the one under [Master] is expected"),
        (render(MASTER)[:-5], '"Local SSH Key" is cut off'),
        (render(MASTER).replace("ssh-ed25519", "ssh-dss"), "of a kind that is not accepted"),
        ("[Master]\nHotwire Interface: LAN3", '"Local SSH Key" is missing'),
        (render(MASTER) + "\nHotwire Interface: LAN2", '"Hotwire Interface" is there twice'),
        (render(MASTER).replace("horse", "horse\n"), '"Passphrase" goes on in another line'),
        (render(MASTER).replace("horse", "\\u00d800"), '"Passphrase" holds what is no character'),
    ],
)
def test_what_is_no_block_is_refused_with_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(MalformedError) as refused:
        parse(text, "master")
    assert problem in str(refused.value)
    assert "battery" not in str(refused.value)


def test_of_both_blocks_in_one_text_the_one_that_is_asked_for_counts() -> None:
    both = f"{render(MASTER)}\n\n{render(SPARE)}"

    assert parse(both, "spare") == SPARE
    assert parse(both, "master") == MASTER


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ssh-dss"])
@given(st.lists(st.text("AQgw=+/", max_size=8), max_size=6))
def test_pieces_that_are_no_key_are_none(kind: str, pieces: list[str]) -> None:
    assert found(" ".join([kind, *pieces])) is None
