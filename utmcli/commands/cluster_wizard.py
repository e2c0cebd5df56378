"""`cluster wizard`: the assistant, step by step with a person, or with all answers as keys for a script."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from cluster.errors import InvalidConfigurationError, NotAuthorisedError
from cluster.rpc.messages import ConfigReply, GetConfig, GetHotwireKeys, HotwireKeys
from utmcli import live
from utmcli.commands._asking import answered, revise
from utmcli.commands.cluster_auth import FORCE
from utmcli.grammar import Call, Command, Key
from utmcli.results import Done, Report, Text
from utmcli.values import Choice, IpAddress, ListOf, Name, ValueType
from utmcli.wizard import at_once, master, plan, spare
from utmcli.wizard.block import LONGEST, render
from utmcli.wizard.dialogue import ROLES, Conversation
from utmcli.wizard.keys import found
from utmcli.wizard.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from utmcli.results import Result
    from utmcli.wizard.dialogue import Changes

_FRESH_BYTES = 24
"""Of a random passphrase: 192 bits, 32 characters."""
_MANNER = ("role", FORCE.name)


async def wizard(call: Call) -> Result:
    """`cluster wizard`: with a person where there is one and nothing but the role is given, else all at once."""
    if call.session.role == "readonly":
        raise NotAuthorisedError("the assistant changes the configuration, and this account may only look")
    role = call.values.get("role")
    answers = {name: value for name, value in call.values.items() if name not in _MANNER and value != ""}
    situation = await _situation(call)
    if not answers and call.session.dialogue is not None:
        person = Conversation(call.session.dialogue, situation, _fresh(), lambda changes: _write(call, changes))
        return Text(await person.hold(role))
    if role is None:
        raise InvalidConfigurationError("nothing was written, answers are missing: role")
    if role == "spare":
        return await _spare(call, situation, answers)
    return await (_joining if "spare_block" in answers else _master)(call, situation, answers)


def _fresh() -> str:
    return secrets.token_urlsafe(_FRESH_BYTES)


async def _situation(call: Call) -> Situation:
    reply = await answered(call, GetConfig(secrets=True), ConfigReply)
    return Situation(reply.config, await _own_key(call))


async def _own_key(call: Call) -> str:
    keys = await answered(call, GetHotwireKeys(), HotwireKeys)
    return found(keys.own.line) or keys.own.line


async def _write(call: Call, changes: Changes) -> Done:
    return await revise(call, changes, force=call.values.get(FORCE.name, False))


async def _master(call: Call, situation: Situation, answers: Mapping[str, Any]) -> Report:
    required = () if situation.config.cluster.passphrase else ("passphrase",)
    given = at_once.master_answers(answers)
    chosen = at_once.answered(lambda: master.questions(situation, _fresh()), given, required)
    await _write(call, lambda config: plan.master_changes(config, chosen))
    return _report(render(plan.master_block(situation, chosen)), plan.BEFORE_THE_SPARE)


async def _spare(call: Call, situation: Situation, answers: Mapping[str, Any]) -> Report:
    chosen = at_once.answered(lambda: spare.questions(situation), at_once.spare_answers(answers))
    await _write(call, lambda config: plan.spare_changes(config, chosen))
    return _report(render(plan.spare_block(situation, chosen)), plan.BEFORE_THE_KEY)


async def _joining(call: Call, situation: Situation, answers: Mapping[str, Any]) -> Done:
    joined = at_once.answered(lambda: master.joining(situation), dict(answers))
    return await _write(call, lambda config: plan.joined_changes(config, joined))


def _report(block: str, further: tuple[tuple[str, str], ...]) -> Report:
    """The block, which another appliance can read with everything around it, and what to type next."""
    return Report((("block", Text(block)), ("next", Text(plan.steps(further)))))


def _block_key(values: Mapping[str, Any]) -> str:
    """The block that is read from standard input: a spare's always, a master's where nothing else is said."""
    if values.get("role") == "spare":
        return "" if "master_block" in values else "master_block"
    return "spare_block" if not set(values) - set(_MANNER) and "role" in values else ""


BLOCK = ValueType(metavar="TEXT", secret=True, longest=LONGEST)
COMMANDS = (
    Command(
        ("cluster", "wizard"),
        "make two appliances a cluster, step by step",
        wizard,
        (
            Key("role", Choice(options=ROLES), "what this appliance becomes"),
            Key("hotwire_interface", Name(live=live.INTERFACES, metavar="INTERFACE"), "the exclusive cable"),
            Key("local_addr", ValueType(metavar="ADDRESS/LENGTH"), "our address on it, where it has none"),
            Key("remote_addr", IpAddress(), "the partner's address on it"),
            Key(
                "ha_interface",
                ListOf(item=Name(), live=live.INTERFACES, metavar="INTERFACE"),
                "interfaces that carry virtual addresses",
            ),
            Key(
                "virtual_addresses",
                ListOf(item=ValueType(longest=100), metavar="ADDRESS/LENGTH"),
                "of the master alone; of several interfaces LAN1=192.0.2.1/24",
            ),
            Key(
                "backup_disable_interfaces",
                ListOf(item=Name(), live=live.INTERFACES, metavar="INTERFACE"),
                "interfaces that stay down while backup",
                clears=True,
            ),
            Key(
                "backup_disable_applications",
                ListOf(item=ValueType(), metavar="APPLICATION"),
                "applications that stay down while backup",
                clears=True,
            ),
            Key("passphrase", ValueType(metavar="PASSPHRASE", secret=True), "signs what both nodes say"),
            Key("master_block", BLOCK, "text that the master showed, for a spare; or standard input"),
            Key("spare_block", BLOCK, "text that the spare showed, for a master; or standard input"),
            FORCE,
        ),
        may_read=_block_key,
        note="At a prompt, with nothing but the role, it asks question by question. All is written at once or "
        "not at all, to the running configuration: system update interface and system config save follow.",
    ),
)
