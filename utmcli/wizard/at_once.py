"""All answers given with the command: the same questions, asked of the values instead of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from cluster.errors import InvalidConfigurationError
from utmcli.values import MalformedError
from utmcli.wizard.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from utmcli.questions import Question
    from utmcli.wizard.machine import Script

Outcome = TypeVar("Outcome")
Given = dict[str, str]
"""Texts by the key of their question."""

_LISTS = ("ha_interface", "virtual_addresses", "backup_disable_interfaces", "backup_disable_applications")


def answered(
    script: Callable[[], Script[Outcome]], given: Mapping[str, str], required: Sequence[str] = ()
) -> Outcome:
    """What the answers come to.

    Args:
        script: the questions.
        given: answers as texts, by the key of their question. What is not given is taken from the appliance or
            from the documentation where those know it.
        required: keys that are needed whatever the others are.

    Raises:
        InvalidConfigurationError: answers are missing, malformed, or answer what is not asked; says which.
    """
    machine = Machine(script, skips_settled=False)
    given = {key.casefold(): text for key, text in given.items()}  # names of interfaces may be spelled in any case
    missing: list[str] = []
    unused = {key for key in given if not key.startswith("another ")}
    while (question := machine.look()) is not None:
        unused.discard(question.key.casefold())
        text = given.get(question.key.casefold())
        if text is None and not (question.known or question.settled):
            missing.append(_word(question.key))
        # A suggestion stands in for what is missing, so that all that is missing can be named.
        if text is None and question.default is None:
            break
        machine = _given(machine, question, text or "")
    missing += [key for key in required if key not in given and key not in missing]
    if missing:
        raise InvalidConfigurationError(f"nothing was written, answers are missing: {', '.join(missing)}")
    if unused:
        words = ", ".join(sorted(set(map(_word, unused))))
        raise InvalidConfigurationError(f"nothing was written, not asked for here: {words}")
    return machine.outcome()


def _given(machine: Machine[Outcome], question: Question, text: str) -> Machine[Outcome]:
    try:
        return machine.answer(text)
    except MalformedError as problem:
        raise InvalidConfigurationError(f"nothing was written, {_word(question.key)}: {problem}") from None


def _word(key: str) -> str:
    """The key of the command that answers a question."""
    return key.partition(" ")[0]


def master_answers(values: Mapping[str, object]) -> Given:
    """The keys of `cluster wizard role master` as answers.

    Raises:
        InvalidConfigurationError: of several HA interfaces each needs to be told its virtual addresses.
    """
    given = _plain({name: value for name, value in values.items() if name not in _LISTS})
    for name, separator in (("backup_disable_interfaces", " "), ("backup_disable_applications", ", ")):
        if name in values:
            given[name] = separator.join(_list(values[name])) or "none"
    names = _list(values.get("ha_interface", ()))
    for place, name in enumerate(names):
        given["ha_interface" if not place else f"ha_interface {place + 1}"] = name
        given[f"another {place + 1}"] = "yes" if place + 1 < len(names) else "no"
    by_name = _by_name(names, _list(values.get("virtual_addresses", ())))
    return given | {f"virtual_addresses {name}": " ".join(found) for name, found in by_name.items()}


def spare_answers(values: Mapping[str, object]) -> Given:
    """The keys of `cluster wizard role spare` as answers."""
    return _plain(values)


def _by_name(names: tuple[str, ...], addresses: tuple[str, ...]) -> dict[str, list[str]]:
    """Virtual addresses by interface: ``LAN1=192.168.175.101/24``; of a single one its name may be left out."""
    found: dict[str, list[str]] = {}
    for text in addresses:
        name, equals, address = text.rpartition("=")
        if not equals and len(names) != 1:
            raise InvalidConfigurationError(
                f"nothing was written, virtual_addresses: whose is {address}? With several HA interfaces write "
                f'"{names[0] if names else "LAN1"}={address}"'
            )
        found.setdefault(name or names[0], []).append(address)
    return found


def _plain(values: Mapping[str, object]) -> Given:
    return {name: str(value) for name, value in values.items()}


def _list(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (tuple, list)) else (str(value),)
