"""The assistant at a prompt: on a terminal with cursor movement, on one without, and in a transcript."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cluster.rpc import messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_clusterd import Answers
    from tests.support.shell import Person, Shell

PROMPT = "master.cluster.local> "
UP, TAB, ENTER, CTRL_C = "\x1b[A", "\t", "\r", "\x03"
QUESTION = "Hotwire interface [LAN3]: "
LINES = (
    "cluster wizard role master",
    "", "192.168.180.2/24", "", "LAN1", "192.168.175.101/24", "no", "none", "IPSEC",
    "correct horse battery", "yes", "",
)  # fmt: skip
"""What somebody types who makes a master, and leaves when the block of the spare is asked for."""
BLOCK = """\
[Master]
Hotwire Interface: LAN3
Local IP adress: 192.168.180.2/24
Remote IP adress: 192.168.180.3
Passphrase: correct horse battery
Local SSH Key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP8BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"""


@pytest.fixture
def person(shell: Shell) -> Iterator[Person]:
    """Somebody at the first question of the assistant."""
    sitting = shell.person(rows=40)
    sitting.sees_prompt()
    sitting.types(f"cluster wizard role master{ENTER}")
    sitting.sees_line(QUESTION)
    yield sitting
    sitting.gone()


def edits(answers: Answers) -> list[messages.AnyAsk]:
    return [ask for ask, _ in answers.asked if isinstance(ask, messages.EditConfig)]


def test_tab_offers_what_can_be_answered(person: Person) -> None:
    person.types(TAB)
    person.sees("LAN1   ETHERNET", "LAN2   ETHERNET")
    person.types("3" + ENTER)
    person.sees_line("Local address on LAN3, with prefix length [192.168.180.2/24]: ")


def test_a_question_mark_explains_without_enter(person: Person) -> None:
    person.types("?")
    person.sees("The Ethernet interface that is cabled to the partner", "cancel or Ctrl-C leaves")
    person.sees_line(QUESTION)


def test_ctrl_c_leaves_with_nothing_written(person: Person, answers: Answers) -> None:
    person.types(f"LAN3{ENTER}")
    person.sees_line("Local address on LAN3, with prefix length [192.168.180.2/24]: ")
    person.types("10" + CTRL_C)
    person.sees("Nothing was written.")
    person.sees_prompt()
    assert edits(answers) == []


def test_answers_are_no_lines_to_recall_and_a_passphrase_is_not_shown(person: Person, answers: Answers) -> None:
    for line in LINES[1:-2]:
        person.types(line + ENTER)
    person.sees_line("Write this, yes or no: ")
    assert "correct horse" not in person.look()
    person.types(f"no{ENTER}")
    person.sees_prompt()
    person.types(UP)
    person.sees_line(PROMPT + "cluster wizard role master")
    assert edits(answers) == []


def test_a_passphrase_is_not_shown_in_the_editor_either(person: Person) -> None:
    for line in LINES[1:-3]:
        person.types(line + ENTER)
    person.sees_line("Passphrase [a new random one]: ")
    person.types("correct" + "\x1b[D" + "s")
    person.sees_line("Passphrase [a new random one]: " + "*" * 7)
    assert b"correc" not in person.raw


def test_the_up_key_brings_the_default_into_the_line(person: Person) -> None:
    person.types(f"{ENTER}{UP}")
    person.sees_line("Local address on LAN3, with prefix length [192.168.180.2/24]: 192.168.180.2/24")


@pytest.mark.parametrize("before", ["", "\x1b[D"], ids=["echoed plainly", "in the editor"])
def test_a_paste_that_a_terminal_marks_as_one_is_an_answer(shell: Shell, before: str, answers: Answers) -> None:
    sitting = shell.person(rows=40)
    sitting.sees_prompt()
    sitting.types(f"cluster wizard role spare{ENTER}")
    sitting.sees_line("Block of the master: ")
    sitting.types(f"{before}\x1b[200~{BLOCK.replace(chr(10), ENTER)}\x1b[201~{ENTER}")
    sitting.sees_line("Local address on LAN3, with prefix length [192.168.180.3/24]: ")
    sitting.types(CTRL_C)
    sitting.sees_prompt()
    sitting.gone()
    assert edits(answers) == []


def test_a_terminal_without_cursor_movement_will_do(shell: Shell, answers: Answers) -> None:
    sitting = shell.person(term="dumb", rows=60)
    sitting.sees_prompt()
    sitting.types("\n".join((LINES[0], "?", *LINES[1:-1], "cancel")) + "\n")
    sitting.sees("The Ethernet interface that is cabled", "Local SSH Key: ssh-ed25519", "The master is configured.")
    sitting.sees_prompt()
    sitting.gone()
    assert b"\x1b" not in sitting.raw
    assert len(edits(answers)) == 1


def test_ctrl_d_at_a_question_of_such_a_terminal_writes_nothing_and_ends_the_session(
    shell: Shell, answers: Answers
) -> None:
    sitting = shell.person(term="dumb", rows=60)
    sitting.sees_prompt()
    sitting.types("cluster wizard role master\n")
    sitting.sees_line("Hotwire interface [LAN3]: ")
    sitting.types("\x04")
    sitting.sees("Nothing was written.")
    assert sitting.leaves() == 0
    assert edits(answers) == []


def test_a_transcript_shows_questions_and_answers_but_no_passphrase(shell: Shell, answers: Answers) -> None:
    done = shell.run("--interactive", stdin="\n".join((*LINES[:-1], "cancel", "cluster info")))

    assert done.returncode == 0
    assert "Virtual addresses of LAN1, with prefix length: 192.168.175.101/24\n" in done.stdout
    assert "Passphrase [a new random one]: (secret)\n" in done.stdout
    assert done.stdout.count("correct horse battery") == 1, "in the block alone"
    assert "cluster_state|master" in done.stdout
    assert len(edits(answers)) == 1


def test_a_program_is_told_which_answers_are_missing(shell: Shell, answers: Answers) -> None:
    done = shell.run("cluster", "wizard", "role", "master", "hotwire_interface", "LAN3")

    assert (done.returncode, done.stdout) == (1, "")
    missing = "local_addr, remote_addr, virtual_addresses, passphrase"
    assert done.stderr == f"% Error: nothing was written, answers are missing: {missing}\n"
    assert edits(answers) == []


def test_a_block_comes_from_standard_input_too(shell: Shell, answers: Answers) -> None:
    block = "[Master]\nHotwire Interface: LAN3\nPassphrase: correct horse battery\n"

    done = shell.run("cluster", "wizard", "role", "spare", stdin=block)

    assert done.stderr.startswith('% Error: nothing was written, master_block: "Local SSH Key" is missing')
    assert "correct" not in done.stderr
    assert edits(answers) == []


def test_a_block_in_a_line_is_a_secret(shell: Shell) -> None:
    sitting = shell.person()
    sitting.sees_prompt()
    sitting.types(f'cluster wizard role spare master_block "Passphrase: correct horse battery"{ENTER}')
    sitting.sees("% Error: nothing was written")
    sitting.sees_prompt()
    sitting.types(f"history{ENTER}")
    sitting.sees("id|command")
    sitting.sees_prompt()
    sitting.gone()
    assert sitting.raw.count(b"horse") == 1, "as typed, and never again"
