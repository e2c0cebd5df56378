"""`cluster capture`: rows as adverts pass, decoded by a helper process that ends with the command."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import ClusterError, RefusedError
from cluster.rpc import messages
from tests.support import vectors
from tests.support.node import Node
from utmcli.dissect import dissect
from utmcli.dissector import dissector

NOTHING = dict.fromkeys(
    ("source", "destination", "version", "vrid", "priority", "interval", "addresses", "key"), None
)


def advert(name: str) -> bytes:
    """The first VRRP packet of a capture."""
    return next(frame for frame in vectors.frames(name) if frame[12:14] == b"\x08\x00" and frame[23] == 112)


SIGNED, PLAIN = advert("ka243_v3_hmac_ipv4"), advert("ka_v3_ipv4")


def seen(frame: bytes = SIGNED, verdict: str = "valid", **more: Any) -> messages.Capture:
    usual = {"at": 1_795_000_000.25, "interface": "LAN2", "sent": False, "accepted": True}
    return messages.Capture(**usual | {"frame": frame.hex(), "verdict": verdict} | more)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


def test_an_advert_is_a_row_that_says_everything() -> None:
    node = Node(passing=(seen(),))
    said = node.type("cluster capture interface LAN2")
    header, _, row = said.out.splitlines()
    assert (said.code, said.err) == (0, "")
    assert node.asked == [messages.FollowAdverts("LAN2")]
    assert cells(header) == [
        "time", "direction", "source", "destination", "version", "vrid", "priority", "interval", "addresses",
        "authentication",
    ]  # fmt: skip
    assert cells(row)[1:] == [
        "received", "10.77.0.11", "224.0.0.18", "3", "51", "200", "100", "10.77.0.1", "valid, key 1",
    ]  # fmt: skip
    assert cells(row)[0].startswith("20")


@pytest.mark.parametrize(
    ("captured", "words"),
    [
        (seen(SIGNED, "signed", sent=True), "signed with key 1"),
        (seen(PLAIN, "unsigned", sent=True), "not signed"),
        (seen(PLAIN, "unsigned"), "not signed, believed all the same"),
        (seen(PLAIN, "unchecked"), "not checked"),
        (seen(PLAIN, "no-trailer", accepted=False, explained="not signed"), "rejected no-trailer: not signed"),
    ],
)
def test_the_authentication_is_told_in_words(captured: messages.Capture, words: str) -> None:
    row = Node(passing=(captured,)).type("cluster capture interface LAN2").out.splitlines()[-1]
    assert cells(row)[-1] == words
    assert cells(row)[1] == ("sent" if captured.sent else "received")


def test_a_count_ends_it_and_rows_that_were_missed_are_said_and_not_counted() -> None:
    node = Node(passing=(seen(), seen(missed=3), seen()))
    rows = node.type("cluster capture interface LAN2 count 2").out.splitlines()[2:]
    assert [cells(row)[1] for row in rows] == ["received", "missed", "received"]
    assert cells(rows[1])[-1] == "3 adverts came faster than they were read"


def test_the_rows_of_the_stream_line_up() -> None:
    out = Node(passing=(seen(), seen(PLAIN, sent=True))).type("cluster capture interface LAN2").out
    header, _, *rows = [[at for at, c in enumerate(line) if c == "|"] for line in out.splitlines()]
    assert rows == [header, header]


def test_as_json_every_row_is_a_document_as_with_events() -> None:
    out = Node(passing=(seen(), seen())).type("cluster capture interface LAN2 count 2 | json").out
    first, *rows = [json.loads(line) for line in out.splitlines()]
    assert first == []
    assert [row["priority"] for (row,) in rows] == [200, 200]
    assert rows[0][0]["addresses"] == ["10.77.0.1"]


def test_a_refusal_is_said_and_nothing_else() -> None:
    class Refusing(Node):
        async def follow(self, ask: messages.Ask, _actor: messages.Actor) -> Any:
            raise RefusedError("LAN9 is no HA interface")
            yield

    said = Refusing().type("cluster capture interface LAN9")
    assert (said.code, said.out) == (1, "")
    assert "LAN9 is no HA interface" in said.err


def test_an_answer_of_another_kind_is_left_out() -> None:
    node = Node(passing=(messages.Events(()), seen()))  # type: ignore[arg-type]
    assert len(node.type("cluster capture interface LAN2").out.splitlines()) == 3


# --- the helper -------------------------------------------------------------------------------------


def test_the_shell_does_not_import_scapy() -> None:
    program = "import sys, utmcli.host; sys.exit('scapy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)


@pytest.mark.parametrize("name", [name for name in vectors.names() if "ipv6" not in name and "ah" not in name])
def test_it_reads_what_real_daemons_sent(name: str) -> None:
    read = dissect(advert(name))
    assert (read["vrid"], read["version"]) == (51, 2 if "v2" in name else 3)
    assert read["key"] == (1 if "hmac" in name else None)


def test_seconds_of_version_2_are_told_in_centiseconds() -> None:
    assert dissect(advert("ka_v2_pass"))["interval"] == 100


def test_it_says_of_garbage_that_there_is_nothing_in_it() -> None:
    assert dissect(b"") == NOTHING
    assert dissect(b"\xff" * 14) == NOTHING
    cut = dissect(SIGNED[:36])
    assert (cut["source"], cut["destination"]) == ("10.77.0.11", "224.0.0.18")


def test_no_cut_and_no_flipped_byte_makes_it_fail() -> None:
    for length in range(len(SIGNED)):
        json.dumps(dissect(SIGNED[:length]))
    for at in range(len(SIGNED)):
        json.dumps(dissect(SIGNED[:at] + bytes((SIGNED[at] ^ 0xFF,)) + SIGNED[at + 1 :]))


def test_it_ends_with_its_block_also_when_that_is_left_by_an_error() -> None:
    running: list[Path] = []

    async def use() -> None:
        async with dissector() as helper:
            running.append(Path(f"/proc/{helper._process.pid}"))
            assert (await helper.dissect(SIGNED.hex())).vrid == 51
            raise ValueError("enough")

    with pytest.raises(ValueError, match="enough"):
        asyncio.run(use())
    assert not running[0].exists()


def test_it_leaves_nothing_in_a_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use() -> None:
        async with dissector() as helper:
            assert (await helper.dissect(SIGNED.hex())).vrid == 51

    monkeypatch.setenv("HOME", str(tmp_path))
    asyncio.run(use())
    assert not list(tmp_path.iterdir())


def test_its_own_end_is_an_error_that_is_said() -> None:
    async def use() -> None:
        async with dissector() as helper:
            os.kill(helper._process.pid, 9)
            await helper._process.wait()
            await helper.dissect(SIGNED.hex())

    with pytest.raises(ClusterError, match="the decoder of adverts ended"):
        asyncio.run(use())
