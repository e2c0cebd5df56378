"""Documents in, configurations out: the only gate through which anything becomes a configuration.

Reading goes through the version of the schema (migrations.py), the shape (shape.py) and the rules (rules.py);
all problems are said at once. The rules need the right shape: where a part of a document has not, they are asked
about the rest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cluster.config import canonical, secrets
from cluster.config.edit import edited
from cluster.config.migrations import migrate
from cluster.config.rules import check, warnings
from cluster.config.shape import Problem, convert, sound_part
from cluster.errors import InvalidConfigurationError
from cluster.model import Change, Config

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "Problem", "apply", "check", "checked", "new_warnings", "parse", "parse_import", "parse_text", "require_valid",
    "shaped", "warnings",
]  # fmt: skip

_LONGEST_INTEGER = 20
"""Digits; more fit no field, and Python refuses to read very many."""


def parse(document: Any) -> Config:
    """A configuration from decoded JSON, such as an import, the factory file or the partner's.

    Args:
        document: JSON's own types; with or without ``schema``, the version of its schema.

    Raises:
        InvalidConfigurationError: `details` names every problem as ``path: what was wrong; what is allowed``.
    """
    return _checked(migrate(document))


def parse_text(text: str) -> Config:
    """A configuration from the text of a file, see `parse`.

    Raises:
        InvalidConfigurationError: as `parse`; a fault of the JSON itself with its line and column.
    """
    return parse(_read(text))


def parse_import(text: str, running: Config) -> tuple[Config, tuple[str, ...]]:
    """A configuration from a text that may have left its secrets out, as exports do.

    Args:
        text: of a file.
        running: where secrets come from that the text does not mention.

    Returns:
        The configuration, and the paths of the secrets that were taken over.

    Raises:
        InvalidConfigurationError: as `parse_text`.
    """
    whole, taken = secrets.completed(migrate(_read(text)), canonical.document(running))
    return _checked(whole), taken


def _read(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise InvalidConfigurationError(
            "the configuration is not JSON", (f"line {error.lineno}, column {error.colno}: {error.msg}",)
        ) from error
    except RecursionError as error:
        raise InvalidConfigurationError("the configuration is not JSON", ("it is nested too deeply",)) from error
    except ValueError as error:
        raise InvalidConfigurationError("the configuration is not JSON", (str(error),)) from error


def apply(config: Config, changes: Sequence[Change]) -> Config:
    """The configuration with all changes made, in their order; nothing but the end result must be valid.

    Args:
        config: what to start from; stays as it is.
        changes: values in JSON's own types; a list replaces a list.

    Raises:
        NotFoundError: a path leads nowhere, or nothing is there to remove.
        InvalidConfigurationError: the result breaks the schema; `details` names every problem.
    """
    document = canonical.document(config)
    for change in changes:
        document = edited(document, change)
    return _checked(document)


def new_warnings(before: Config, after: Config) -> tuple[str, ...]:
    """The warnings that a configuration deserves and the one before it did not."""
    known = warnings(before)
    return tuple(warning for warning in warnings(after) if warning not in known)


def shaped(document: Any) -> Config:
    """A configuration of the right shape whose rules nobody looked at yet: `checked` has to follow.

    Raises:
        InvalidConfigurationError: it has another shape; everything else that is wrong is named as well.
    """
    present = migrate(document)
    config = convert(present)
    return config if isinstance(config, Config) else _checked(present)


def checked(config: Config) -> Config:
    """The configuration itself, if it keeps the rules.

    Raises:
        InvalidConfigurationError: it breaks some; `details` names every problem.
    """
    problems = tuple(check(config))
    if problems:
        raise _invalid(problems)
    return config


def require_valid(config: Config, what: str) -> None:
    """Go on only if a former configuration keeps today's rules, which may be stricter than those of its time.

    Args:
        config: from the store.
        what: it is, for the message.

    Raises:
        InvalidConfigurationError: it breaks some; `details` names every problem.
    """
    problems = check(config)
    if problems:
        raise InvalidConfigurationError(f"{what} is not valid any more", tuple(map(str, problems)))


def _checked(document: Any) -> Config:
    config = convert(document)
    if isinstance(config, Config):
        return checked(config)
    raise _invalid((*config, *_beside(document, config)))


def _invalid(problems: tuple[Problem, ...]) -> InvalidConfigurationError:
    noun = "problem" if len(problems) == 1 else "problems"
    return InvalidConfigurationError(
        f"the configuration is invalid: {len(problems)} {noun}", tuple(str(problem) for problem in problems)
    )


def _beside(document: Any, shape: tuple[Problem, ...]) -> Iterator[Problem]:
    """The rules broken by what has the right shape, as far as they do not speak of what has not."""
    sound = sound_part(document, shape)
    if sound is None:
        return
    config, left_out = sound
    for problem in check(config):
        if not any(name in str(problem) for name in left_out):
            yield problem


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON allows a key twice and forgets the first one; an administrator did not mean that."""
    whole = dict(pairs)
    if len(whole) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"given twice in one object: {', '.join(twice)}")
    return whole


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_INTEGER:
        raise ValueError(f"a number is too long: {digits[:_LONGEST_INTEGER]}...")
    return int(digits)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")
