"""`user`, `user key`, `system ssh`, `system audit`, and taking over from another administrator."""

from __future__ import annotations

import pytest

from cluster import passwords
from cluster.errors import LockedError
from cluster.model import Config, Interface
from cluster.rpc import messages
from tests.support.node import Node
from utmcli.commands import GRAMMAR

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILzDi2Misass/h4aqyMCJV1h3CerDwc5IEYWz/euyUp3"


@pytest.fixture
def node() -> Node:
    return Node()


def refused(node: Node, line: str) -> str:
    """The line changes nothing; the sentence that says why."""
    before = node.config
    said = node.type(line)
    assert said.code == 1
    assert said.out == ""
    assert node.config == before
    return said.err


# --- accounts ---------------------------------------------------------------------------------------


def test_accounts_are_listed_and_their_passwords_are_not(node: Node) -> None:
    said = node.type("user get")
    assert said.out == """\
name  |role    |groups |flags   |keys
------+--------+-------+--------+----
admin |admin   |       |PASSWORD|0
viewer|readonly|lookers|        |0
"""


def test_a_new_account_may_only_look_and_has_to_change_its_password(node: Node) -> None:
    assert node.type('user new name anna password "correct horse"').out == "OK\n"
    anna = node.config.users["anna"]
    assert (anna.role, anna.must_change, anna.groups) == ("readonly", True, ())
    assert passwords.verify("correct horse", anna.password)


def test_an_account_for_a_program_keeps_its_password(node: Node) -> None:
    node.type('user new name robot role admin password "correct horse" must_change 0 groups [ lookers ]')
    robot = node.config.users["robot"]
    assert (robot.role, robot.must_change, robot.groups) == ("admin", False, ("lookers",))


def test_an_account_without_a_password_has_none_to_change(node: Node) -> None:
    node.type("user new name keyonly")
    assert (node.config.users["keyonly"].password, node.config.users["keyonly"].must_change) == ("", False)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("user new name admin", "there is an account admin already"),
        ("user new name Anna", "a name begins with a small letter"),
        ("user new name anna password short", "has 5 characters; 8 to 256 are allowed"),
        ("user new name anna password (secret)", "stands in for one that is not shown"),
        ("user new name anna groups [ nobodies ]", "there is no group nobodies; known are lookers"),
        ("user set name carl role admin", "there is no account carl; known are admin, viewer"),
        ("user set name admin role readonly", "admin is the last account that can log in as admin"),
        ('user set name admin password ""', "admin is the last account that can log in as admin"),
        ("user delete name admin", "admin is the last account that can log in as admin"),
        ("user delete name carl", "there is no account carl"),
    ],
)
def test_what_cannot_be_is_refused_and_said(node: Node, line: str, why: str) -> None:
    assert why in refused(node, line)


def test_what_is_set_changes_and_the_rest_stays(node: Node) -> None:
    before = node.config.users["admin"]
    node.type("user set name viewer groups [ ]")
    assert node.config.users["viewer"].groups == ()
    node.type('user set name admin password "battery staple"')
    after = node.config.users["admin"]
    assert passwords.verify("battery staple", after.password)
    assert (after.role, after.must_change) == (before.role, True)


def test_an_administrator_goes_when_another_one_is_there(node: Node) -> None:
    node.type('user new name anna role admin password "correct horse"')
    assert node.type("user delete name admin").out == "OK\n"
    assert set(node.config.users) == {"anna", "viewer"}


def test_ones_own_password_is_clusterds_affair(node: Node) -> None:
    assert node.type('user password old "correct horse" new "battery staple"').out == "OK\n"
    assert node.asked == [messages.ChangePassword("correct horse", "battery staple")]


def test_a_group_lends_its_role_and_leaves_its_accounts_behind(node: Node) -> None:
    node.type("user group new name night role admin")
    node.type("user set name viewer groups [ night lookers ]")
    assert node.type("user group get").out == """\
name   |role    |users
-------+--------+-----
lookers|readonly|viewer
night  |admin   |viewer
"""
    node.type("user group set name night role readonly")
    assert node.config.user_groups["night"].role == "readonly"
    node.type("user group delete name night")
    assert node.config.users["viewer"].groups == ("lookers",)


# --- keys -------------------------------------------------------------------------------------------


def test_a_key_of_an_account_lets_in_until_it_is_disabled(node: Node) -> None:
    node.type(f'user key new name viewer key "{KEY} anna@home"')
    assert node.type("user key get").out == f"""\
user  |id|flags  |key
------+--+-------+---
viewer|1 |ENABLED|{KEY} anna@home
"""
    node.type("user key disable name viewer id 1")
    assert not node.config.users["viewer"].keys["1"].enabled
    node.type("user key delete name viewer id 1")
    assert node.config.users["viewer"].keys == {}


def test_the_documented_keys_are_those_of_admin_and_let_in_once_enabled(node: Node) -> None:
    assert node.type(f'system ssh pubkey new key "{KEY}"').out == "OK\n"
    assert not node.config.users["admin"].keys["1"].enabled
    assert node.type("system ssh pubkey enable id 1").out == "OK\n"
    assert node.type("system ssh pubkey get").out == f"id|flags  |key\n--+-------+---\n1 |ENABLED|{KEY}\n"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("user key new name carl key x", "there is no account carl"),
        ("user key new name viewer key ssh-rsa", "damaged or cut short"),
        ('user key new name viewer key "ssh-dss AAAA"', "is not accepted"),
        ("user key enable name viewer id 7", "the account viewer has no key 7; known are none"),
        ("system ssh pubkey delete id 7", "the account admin has no key 7"),
    ],
)
def test_what_is_no_key_is_refused_and_said(node: Node, line: str, why: str) -> None:
    assert why in refused(node, line)


def test_a_key_is_there_once(node: Node) -> None:
    node.type(f'user key new name viewer key "{KEY}"')
    assert "is the same as the one with id 1" in refused(node, f'user key new name viewer key "{KEY} again"')


# --- the server and the audit -----------------------------------------------------------------------


def test_options_of_the_server_are_shown_and_set(node: Node) -> None:
    node.type("system ssh set port 2222 idle_timeout 60")
    assert node.type("system ssh get").out == """\
attribute   |value
------------+-----
enabled     |true
port        |2222
idle_timeout|60
"""


def test_the_audit_is_shown_as_asked_for(node: Node) -> None:
    line = messages.Audited(
        at=1_795_000_000.5, user="anna", source="ssh 192.0.2.1", session="7", code=4, duration=0.0421, number=12,
        line="user new name x password (secret)",
    )  # fmt: skip
    node.answers[messages.GetAudit] = messages.Audit((line,))
    said = node.type("system audit get limit 3 user anna failed 1")
    assert node.asked == [messages.GetAudit(3, "anna", failed=True)]
    header, _, row = said.out.splitlines()
    assert header.startswith("id|time")
    assert row.startswith("12|")
    assert row.endswith("|anna|ssh 192.0.2.1|7      |4   |0.042  |user new name x password (secret)")


# --- taking over ------------------------------------------------------------------------------------


def test_an_edit_that_is_locked_says_by_whom_and_is_forced_when_asked_to(node: Node) -> None:
    sentence = "bert (ssh 192.0.2.2) has been editing the configuration for 12 s; force 1 takes over"
    node.answers[messages.EditConfig] = LockedError(sentence)
    said = node.type("interface virtual delete id 1")
    assert (said.code, said.err) == (5, f"% Error: {sentence}\n")
    del node.answers[messages.EditConfig]
    assert node.type("interface virtual delete id 1 force 1").out == "OK\n"
    forced = [ask.force for ask in node.asked if isinstance(ask, messages.EditConfig)]
    assert forced == [False, True]


def test_force_is_how_it_is_done_and_never_what(node: Node) -> None:
    assert node.type("cluster backup_disable set force 1").code == 2, "nothing to set"
    node.config = Config(interfaces={"wan0": Interface(id=1, type="WAN")})
    assert node.type("cluster backup_disable set interfaces [ wan0 ] force 1").out == "OK\n"
    assert node.config.cluster.backup_disable_interfaces == ("wan0",)


def test_saving_and_loading_take_over_too(node: Node) -> None:
    node.type("system config save force 1")
    node.type("system config load name work force 1")
    assert node.asked == [messages.SaveConfig("", force=True), messages.LoadConfig("work", force=True)]


def test_every_command_that_edits_can_take_over() -> None:
    editing = [command for command in GRAMMAR.commands if command.edits]
    assert len(editing) > 20
    assert not [command.name for command in editing if command.key("force") is None]
