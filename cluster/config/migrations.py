"""Documents of older versions of the schema, brought up to this one step by step.

A document carries the number of its schema under ``schema``. When the model changes in a way that old documents
do not fit, append a function to `STEPS`: the first turns version 1 into 2, the next 2 into 3. A step gets and
returns a document without its number, never changes what it was given, and is never edited once released.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cluster.config.tree import Document
from cluster.errors import InvalidConfigurationError

VERSION_KEY = "schema"

Step = Callable[[Document], Document]

STEPS: tuple[Step, ...] = ()

VERSION = len(STEPS) + 1
"""The version of the schema that this software writes."""


def migrate(document: Any, steps: Sequence[Step] = STEPS) -> Any:
    """The document in the present version, without its version number.

    A document without a number was written by hand and is taken for the present version; what is no object
    at all is returned as it is, for the schema to name.

    Args:
        document: decoded JSON.
        steps: the migrations, oldest first.

    Raises:
        InvalidConfigurationError: the number is none, or newer than this software.
    """
    if not isinstance(document, dict):
        return document
    present = len(steps) + 1
    rest = {key: value for key, value in document.items() if key != VERSION_KEY}
    version = document.get(VERSION_KEY, present)
    if type(version) is not int or version < 1:
        raise _unfit(f"must be the version of the schema, a whole number from 1 to {present}")
    if version > present:
        raise _unfit(f"version {version} was written by newer software; this one reads up to {present}")
    for step in steps[version - 1 :]:
        rest = step(rest)
    return rest


def _unfit(problem: str) -> InvalidConfigurationError:
    return InvalidConfigurationError("the configuration cannot be read", (f"{VERSION_KEY}: {problem}",))
