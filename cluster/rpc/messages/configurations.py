"""Configurations: edited, saved, loaded, compared, sent to the partner."""

from __future__ import annotations

from msgspec import Struct

from cluster.model import Change, Difference
from cluster.observed import NamedConfig
from cluster.rpc.messages.base import Ask


class EditConfig(Ask, frozen=True, tag="edit"):
    """Change the running configuration: all changes or none -> Done.

    Refused unless `force`: while somebody else edits, and what would part the nodes of a live cluster, such as
    another passphrase. Changes that follow from what was read (the next free id) name its revision as `base`: a
    ConflictError tells that somebody else changed the configuration meanwhile.
    """

    changes: tuple[Change, ...]
    force: bool = False
    base: int | None = None


class SaveConfig(Ask, frozen=True, tag="save"):
    """`system config save`: keep the running configuration under its current name or a new one -> Done."""

    name: str = ""
    force: bool = False


class SetStartConfig(Ask, frozen=True, tag="set-start"):
    """`system config set name X`: X is loaded at boot -> Done."""

    name: str


class LoadConfig(Ask, frozen=True, tag="load"):
    """`system config load name X`: X becomes the running configuration -> Done."""

    name: str
    force: bool = False


class DeleteConfig(Ask, frozen=True, tag="delete"):
    """`system config delete name X` -> Done."""

    name: str


class ImportConfig(Ask, frozen=True, tag="import"):
    """`system config import name X`: keep a configuration file's text under a name -> Done."""

    name: str
    text: str


class ExportConfig(Ask, frozen=True, tag="export"):
    """`system config export name X` -> Text (secrets left out)."""

    name: str


class Text(Struct, frozen=True, tag="text"):
    """Answer to ExportConfig."""

    text: str


class DiffConfig(Ask, frozen=True, tag="diff"):
    """What turns `left` into `right`; an empty name is the running configuration -> Differences."""

    left: str
    right: str


class Differences(Struct, frozen=True, tag="differences"):
    """Answer to DiffConfig and to a dry run; `warnings` are sentences for standard error."""

    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()


class ListConfigs(Ask, frozen=True, tag="configs"):
    """`system config get` -> Configs."""


class Configs(Struct, frozen=True, tag="configs"):
    """Answer to ListConfigs."""

    configs: tuple[NamedConfig, ...]


class Synchronize(Ask, frozen=True, tag="synchronize"):
    """`system config synchronize` -> Done; with `dry_run` -> Differences, of what runs at the partner.

    `force` overrides what stands in the way there: edits since the common base, unsaved ones, an administrator.
    """

    dry_run: bool = False
    force: bool = False
