"""A revision: a configuration as it once was, with who, why and when, and how it is packed for the disk."""

from __future__ import annotations

import hashlib
import zlib
from typing import NamedTuple

import msgspec
from msgspec import Struct

from cluster.config import canonical
from cluster.config.migrations import migrate
from cluster.errors import InvalidConfigurationError, StoreError
from cluster.model import Config

MAX_NAME = 64

_FAST = 1
"""Level of zlib: a third of the default's time for a little more space; the administrator waits for a commit."""


class Revision(Struct, frozen=True, kw_only=True):
    """A configuration as it once was, for ever.

    Attributes:
        number: grows with every commit, never used twice.
        config: the configuration.
        who: the account that made it.
        why: what was asked for, in words.
        when: unix seconds.
        digest: SHA-256 of its canonical form, in hexadecimal; machine facts included.
    """

    number: int
    config: Config
    who: str
    why: str
    when: float
    digest: str


class Content(NamedTuple):
    """A configuration ready for the disk.

    Attributes:
        config: the configuration.
        body: its canonical form, compressed.
        digest: see `Revision.digest`.
    """

    config: Config
    body: bytes
    digest: str


class HistoryLine(Struct, frozen=True, kw_only=True):
    """A revision without its configuration, and the names it was ever saved under."""

    number: int
    who: str
    why: str
    when: float
    digest: str
    saved_as: tuple[str, ...]


def packed(config: Config) -> Content:
    """A configuration made ready for the disk."""
    content = content_of(config)
    return Content(config, pack(content), digest_of(content))


def content_of(config: Config) -> bytes:
    """What a revision keeps of a configuration: its canonical form."""
    return canonical.encode(canonical.document(config))


def digest_of(content: bytes) -> str:
    """SHA-256 in hexadecimal, see `Revision.digest`."""
    return hashlib.sha256(content).hexdigest()


def pack(content: bytes) -> bytes:
    """The body on disk of a content."""
    return zlib.compress(content, _FAST)


def verify(number: int, body: bytes, expected: str) -> bytes:
    """The canonical form in a body of the disk, if it is what was once written.

    Raises:
        StoreError: it is not.
    """
    try:
        content = zlib.decompress(body)
    except zlib.error as error:
        raise StoreError(f"the store is damaged: revision {number} cannot be unpacked: {error}") from error
    if digest_of(content) != expected:
        raise StoreError(f"the store is damaged: revision {number} is not what was written")
    return content


def unpack(number: int, body: bytes, expected: str) -> Config:
    """The configuration in a body of the disk. It was valid when written; only its version may be old.

    Raises:
        StoreError: it is not what was written, or does not fit this version.
    """
    content = verify(number, body, expected)
    try:
        return msgspec.convert(migrate(msgspec.json.decode(content)), Config)
    except (msgspec.ValidationError, InvalidConfigurationError) as error:
        raise StoreError(f"revision {number} of the store does not fit this version: {error}") from error


def checked_name(name: str) -> str:
    """The name itself, if a configuration can have it.

    Raises:
        InvalidConfigurationError: it cannot; says what is allowed.
    """
    ends = name[:1] + name[-1:]
    if not (ends.isalnum() and len(name) <= MAX_NAME and all(c.isalnum() or c in " ._+-" for c in name)):
        raise InvalidConfigurationError(
            f"{name!r} cannot name a configuration; 1 to {MAX_NAME} letters, digits, blanks, dots, hyphens, plus "
            "signs and underscores are allowed, with a letter or digit at both ends"
        )
    return name
