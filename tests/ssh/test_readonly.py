"""A readonly account can change nothing: over every command of the grammar, and at clusterd's socket itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
from msgspec import structs

from cluster.errors import NotAuthorisedError
from cluster.rpc import messages
from cluster.rpc.client import Client
from cluster.rpc.messages import OF_THE_SHELL, READ_ONLY, Actor, AnyAsk
from tests.support.grammar import sample
from utmcli.commands import GRAMMAR

if TYPE_CHECKING:
    from tests.support.ssh import Site

VIEWER = Actor(user="viewer", source="ssh 192.168.12.10", role="readonly")
LIAR = Actor(user="viewer", source="ssh 192.168.12.10", role="admin")
STRANGER = Actor(user="stranger", source="ssh 192.168.12.10", role="admin")
MAY = {"exit", "help", "history", "terminal length", "terminal width", "terminal timeout", "message"}
"""Words of the session itself: clusterd has nothing to do with them."""
ENDLESS = {"cluster capture", "cluster events", "cluster monitor"}


def state(site: Site) -> tuple[Any, ...]:
    """All that an administrator could have changed."""
    reply = site.appliance.ask(messages.GetConfig(secrets=True), messages.ConfigReply)
    configs = site.appliance.ask(messages.ListConfigs(), messages.Configs)
    return reply, configs, site.appliance.info, site.appliance.process and site.appliance.process.poll()


def test_no_command_of_the_grammar_changes_anything(site: Site) -> None:
    before = state(site)
    lines = [sample(command) for command in GRAMMAR.commands if command.name not in ENDLESS]
    for line in lines:
        done = site.ssh("viewer", line, options=site.shared)
        assert "Traceback" not in done.stderr, line
        assert "should not have happened" not in done.stderr, line
        assert state(site) == before, line


def test_every_command_that_changes_something_is_refused_as_such(site: Site) -> None:
    """Not because its values are wrong: an administrator gets further with the very same line."""
    lines = [sample(command) for command in GRAMMAR.commands if command.edits]
    codes = {line: site.ssh("viewer", line, options=site.shared).returncode for line in lines}
    assert set(codes.values()) <= {1, 4}, "1: what it speaks of is not there, which looking tells"
    refused = [line for line, code in codes.items() if code == 4]
    assert {"system config save", "interface new name 1 type ETHERNET", "user new name 1"} <= set(refused)


async def ask(site: Site, wish: AnyAsk, actor: Actor) -> object:
    async with await Client.connect(site.appliance.run / "clusterd.sock") as client:
        return await client.ask(wish, actor, 5.0)


def _value(kind: Any) -> Any:
    if isinstance(kind, type):
        return {int: 1, bool: True, str: "x"}[kind]
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    return ()  # all others are lists


def wishes() -> list[Any]:
    """One of every request there is, with values of the right types."""
    return [
        kind(**{field.name: _value(field.type) for field in structs.fields(kind) if field.required})
        for kind in messages.AnyAsk.__args__
        if kind not in (*READ_ONLY, *OF_THE_SHELL)
    ]


@pytest.mark.parametrize("wish", wishes(), ids=lambda wish: type(wish).__name__)
@pytest.mark.parametrize("actor", [VIEWER, LIAR, STRANGER], ids=["viewer", "liar", "stranger"])
def test_clusterd_refuses_every_change_whatever_role_the_shell_host_claims(
    site: Site, wish: AnyAsk, actor: Actor
) -> None:
    before = state(site)
    with pytest.raises(NotAuthorisedError):
        asyncio.run(ask(site, wish, actor))
    assert state(site) == before


def test_clusterd_shows_secrets_to_no_readonly_account(site: Site) -> None:
    with pytest.raises(NotAuthorisedError):
        asyncio.run(ask(site, messages.GetConfig(secrets=True), LIAR))


def test_what_was_refused_is_in_the_audit(site: Site) -> None:
    assert site.ssh("viewer", "cluster maintainance set value 1").returncode == 4
    with pytest.raises(NotAuthorisedError):
        asyncio.run(ask(site, messages.SetMaintenance(value=True), LIAR))
    audit = site.utmcli("system audit get user viewer failed 1").splitlines()
    assert any("|cluster maintainance set value 1" in line and "|4 " in line for line in audit)
    own = [line for line in audit if "|clusterd|" in line]
    assert len(own) >= 2, "clusterd's own word on it, also on what no shell host told it"
    assert own[-1].endswith("(refused SetMaintenance)")
