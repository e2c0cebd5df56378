"""Who may be here: initial passwords, accounts that are deleted, connections that nobody uses; and who is shown."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.support.ssh import PATIENCE, PROMPT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.ssh import Site

pytestmark = pytest.mark.netns
INITIAL, OWN = "initial password", "a password of her own"


@pytest.fixture
def anna(site: Site) -> Iterator[str]:
    """An administrator who still has her initial password, and a key."""
    key = site.key.with_suffix(".pub").read_text().strip()
    site.utmcli(f'user new name anna role admin password "{INITIAL}"')
    site.utmcli(f'user key new name anna key "{key}"')
    try:
        yield "anna"
    finally:
        if "anna" in site.utmcli("user get"):
            site.utmcli("user delete name anna force 1")


def test_a_key_gets_in_with_an_initial_password_but_changes_nothing_before_it_is_changed(
    site: Site, anna: str
) -> None:
    assert site.ssh(anna, "cluster maintainance get").returncode == 0, "looking is free"
    for line in ("cluster set advert_interval 40", "system config save", "user set name anna must_change 0"):
        refused = site.ssh(anna, line)
        assert (refused.stdout, refused.returncode) == ("", 4), line
        assert "the initial password of the account anna has to be changed first: user password " in refused.stderr
    assert site.ssh(anna, f'user password old "{INITIAL}" new "{OWN}"').stdout == "OK\n"
    allowed = site.ssh(anna, "cluster set advert_interval 25 force 1")
    assert (allowed.stdout, allowed.returncode) == ("OK\n", 0), allowed.stderr
    assert site.ssh(anna, "system config save").returncode == 0


def test_sessions_and_streams_of_an_account_that_is_deleted_end_by_themselves(site: Site, anna: str) -> None:
    person = site.person(anna)
    person.expect_exact(PROMPT)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    following = subprocess.Popen([*site.words(anna), "cluster events follow 1"], **pipes)
    assert following.stdout is not None
    assert following.stdout.readline().startswith(b"id ")
    site.utmcli("user delete name anna force 1")
    person.expect_exact("% Error: the account anna was deleted")
    person.expect(pexpect.EOF)
    _, error = following.communicate(timeout=PATIENCE)
    assert following.returncode == 4
    assert b"the account anna was deleted" in error or b"there is no account anna" in error


def test_a_connection_without_a_session_ends_when_it_is_idle(site: Site) -> None:
    site.utmcli("system ssh set idle_timeout 1 force 1")
    try:
        waiting = subprocess.Popen(site.words("admin", "-N"), stderr=subprocess.PIPE)
        _, error = waiting.communicate(timeout=PATIENCE)
    finally:
        site.utmcli("system ssh set idle_timeout 1800 force 1")
        site.utmcli("system config save")
    assert waiting.returncode == 255
    assert b"no session for 1 s" in error


def test_the_monitor_names_the_sessions_of_programs(site: Site) -> None:
    following = subprocess.Popen([*site.words("viewer"), "cluster events follow 1"], stdout=subprocess.PIPE)
    assert following.stdout is not None
    assert following.stdout.readline().startswith(b"id ")
    person = site.person(columns=130)
    person.expect_exact(PROMPT)
    person.send("cluster monitor\x1b[A\r")
    person.expect_exact("besides viewer (ssh 192.168.12.10)")
    person.send("q")
    person.expect_exact(PROMPT)
    person.close(force=True)
    following.terminate()
    following.communicate(timeout=PATIENCE)
