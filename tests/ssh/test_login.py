"""Who gets in, who does not, and what they have to do first."""

from __future__ import annotations

import subprocess
import sys
import time

import pexpect
import pytest

from tests.support.ssh import ADDRESS, GUESSER, PASSWORDS, PATIENCE, PROMPT, Site

WRONG = """
import asyncio, sys, asyncssh
address, source, user, tries = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])

class Guess(asyncssh.SSHClient):
    said = 0
    def password_auth_requested(self):
        Guess.said += 1
        return f"wrong {Guess.said}" if Guess.said <= tries else None

async def main():
    try:
        unknown = {"known_hosts": None, "client_keys": None, "config": None, "local_addr": (source, 0)}
        async with asyncssh.connect(address, username=user, client_factory=Guess, **unknown):
            print("in")
    except asyncssh.Error as error:
        print(Guess.said, type(error).__name__)

asyncio.run(main())
"""


@pytest.mark.parametrize("key", ["\x03", "\x04"])
def test_whoever_chooses_no_password_is_told_why_the_session_ends(site: Site, key: str) -> None:
    words = site.words("newcomer", "-tt", password=True)
    person = pexpect.spawn(
        words[0], words[1:], env=site.environment("newcomer"), timeout=PATIENCE, encoding="utf-8"
    )
    person.expect_exact("New password: ")
    person.send(key)
    person.expect_exact("% Note: the initial password was not changed, the session ends; log in again")
    person.expect(pexpect.EOF)
    person.wait()
    assert person.exitstatus == 4


def test_an_initial_password_that_is_replaced_meanwhile_changes_nothing(site: Site) -> None:
    site.utmcli('user new name late role readonly password "first of all"')
    PASSWORDS["late"] = "first of all"
    words = site.words("late", "-tt", password=True)
    person = pexpect.spawn(words[0], words[1:], env=site.environment("late"), timeout=PATIENCE, encoding="utf-8")
    person.expect_exact("New password: ")
    site.utmcli('user set name late password "second of all"')
    person.sendline("one of her own")
    person.expect_exact("again: ")
    person.sendline("one of her own")
    person.expect_exact("% Error: the password was changed meanwhile; log in with the new one")
    person.expect(pexpect.EOF)
    site.utmcli("user delete name late force 1")


def test_the_initial_password_has_to_be_changed_first(site: Site) -> None:
    refused = site.ssh("newcomer", "cluster info", password=True)
    assert (refused.stdout, refused.returncode) == ("", 4)
    assert refused.stderr.startswith("% Error: the initial password of this account has to be changed first")
    words = site.words("newcomer", "-tt", password=True)
    person = pexpect.spawn(
        words[0], words[1:], env=site.environment("newcomer"), timeout=PATIENCE, encoding="utf-8"
    )
    said = []
    questions = ("New password: ", "again: ") * 2
    answers = ("another one", "a third one", "another one", "another one")
    for question, answer in zip(questions, answers, strict=True):
        person.expect_exact(question)
        said.append(person.before)
        person.sendline(answer)
    person.expect_exact(PROMPT)
    said.append(person.before)
    person.sendline("exit")
    person.expect(pexpect.EOF)
    text = "".join(said)
    assert "Present password" not in text, "the login has just shown that it is known"
    assert "% Error: the two new passwords differ" in text
    assert "The password is changed." in text
    assert not any(secret in text for secret in ("another one", "a third one", PASSWORDS["newcomer"]))
    PASSWORDS["newcomer"] = "another one"
    assert site.ssh("newcomer", "cluster maintainance get", password=True).returncode == 0
    audit = site.utmcli("system audit get user newcomer")
    assert "another one" not in audit
    assert "another one" not in site.appliance.log


def test_a_connection_has_three_passwords(site: Site) -> None:
    said, _, why = site.python(WRONG, ADDRESS, GUESSER, "nobody-of-this-name", "10").partition(" ")
    assert why == "PermissionDenied\n"
    assert said in {"3", "4"}, "a fourth may be on its way when we hang up; nobody looks at it"


@pytest.mark.parametrize("user", ["admin", "root", "nobody-of-this-name", "x" * 1000])
def test_a_wrong_password_lets_nobody_in(site: Site, user: str) -> None:
    assert site.python(WRONG, ADDRESS, GUESSER, user, "1") == "2 PermissionDenied\n"


def test_a_key_lets_in_at_once_while_passwords_of_the_account_have_to_wait(site: Site) -> None:
    guesses = [
        subprocess.Popen(site.client.command(sys.executable, "-c", WRONG, ADDRESS, GUESSER, "admin", "3"))
        for _ in range(4)
    ]
    began = time.monotonic()
    assert site.ssh("admin", "cluster maintainance get").returncode == 0
    took = time.monotonic() - began
    assert any(guess.poll() is None for guess in guesses), f"the key got in after {took:g} s, they still wait"
    for guess in guesses:
        guess.wait(PATIENCE * 3)


def test_a_key_of_an_account_that_is_switched_off_lets_in_no_longer(site: Site) -> None:
    site.utmcli("user key disable name viewer id 1")
    assert site.ssh("viewer", "cluster info").returncode == 255
    site.utmcli("user key enable name viewer id 1")
    assert site.ssh("viewer", "cluster info").returncode == 0


def test_an_account_that_is_deleted_can_do_nothing_more_in_its_open_session(site: Site) -> None:
    key = site.key.with_suffix(".pub").read_text().strip()
    site.utmcli("user new name leaver role admin")
    site.utmcli(f'user key new name leaver key "{key}"')
    person = site.person("leaver")
    person.expect_exact(PROMPT)
    site.utmcli("user delete name leaver")
    person.sendline("cluster maintainance get")
    refused = ["% Error: there is no account leaver", "% Error: the account leaver was deleted"]
    assert person.expect_exact(refused) in (0, 1), "whichever is first: the answer, or the end of the session"
    person.close(force=True)


def test_an_idle_session_ends(site: Site) -> None:
    site.utmcli("system ssh set idle_timeout 1")
    try:
        person = site.person()
        person.expect_exact(PROMPT)
        person.expect_exact("% Note: nothing happened for 1 s, the session ends")
        person.expect(pexpect.EOF)
    finally:
        site.utmcli("system ssh set idle_timeout 1800")


def test_switched_off_nobody_gets_in(site: Site) -> None:
    site.utmcli("system ssh set enabled 0")
    try:
        assert site.ssh("admin", "cluster info").returncode == 255
    finally:
        site.utmcli("system ssh set enabled 1")
    assert site.ssh("admin", "cluster info").returncode == 0


def test_another_port_ends_no_session(site: Site) -> None:
    person = site.person()
    person.expect_exact(PROMPT)
    before = site.appliance.log.count("serving administrators over SSH")
    try:
        site.utmcli("system ssh set port 2222")
        site.utmcli("system update interface")
        site.await_ssh(before + 1)
        assert site.ssh("admin", "cluster info", options=["-p", "2222"]).returncode == 0
        person.sendline("cluster maintainance get")
        person.expect_exact("value\r\n-----\r\n0\r\n")
    finally:
        site.utmcli("system ssh set port 22")
        site.utmcli("system update interface")
        site.await_ssh(before + 2)
    person.sendline("exit")
    person.expect(pexpect.EOF)
    assert site.ssh("admin", "cluster info").returncode == 0
